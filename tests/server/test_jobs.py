"""Uploads and jobs: what was promised is done, also by the next process; what became of every file is known."""

import hashlib
import json
import os
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pagesight import IndexConfig, SearchEngine
from pagesight.engine.server import journal
from pagesight.engine.server.errors import BadRequest, Busy, UnsupportedType
from pagesight.engine.server.jobs import Jobs
from pagesight.engine.server.journal import Journal
from pagesight.engine.server.named import remove_documents
from pagesight.engine.server.routes.mcp import _Writing
from pagesight.engine.server.service import Service
from pagesight.engine.server.uploads import Uploads, safe_name
from pagesight.indexer.running.warm import WarmReader
from pagesight.storage.errors import ConfigError, DiskFull, StorageError
from tests.helpers import damage_table, reading_processes
from tests.server.conftest import PAGES, opened, wait_for
from tests.server.test_search_api import error_of

GONE = {"type": "http.disconnect"}


@pytest.fixture
def writing(writing):
    """With an index that the toy encoder made: the default model takes its time."""
    place = writing.indexes["new"]
    with SearchEngine.open(place, model="hashing") as engine:
        engine.index([])
    return writing


def upload(client, name, content, **params):
    answer = client.put(f"/api/uploads/{name}", content=content, params=params)
    assert answer.status_code == 201, answer.text
    return answer.json()


def ended(client, job):
    found = wait_for(lambda: (now := client.get(f"/api/jobs/{job['id']}").json())["finished_at"] and now)
    outcomes = client.get(f"/api/jobs/{job['id']}/outcomes").json()["outcomes"]
    return found, {outcome["document"]: outcome for outcome in outcomes}


def events_of(client, job, **headers):
    """(event, data, id) of a stream, to its end."""
    found, current = [], {}
    with client.stream("GET", f"/api/jobs/{job['id']}/events", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        for line in stream.iter_lines():
            name, colon, value = line.partition(": ")
            if colon and name:
                current[name] = value
            elif current:
                found.append((current.get("event"), json.loads(current["data"]), current.get("id")))
                current = {}
    return found


@pytest.mark.thorough
def test_uploads_one_after_the_other_are_read_by_the_same_processes(writing, index, monkeypatch):
    monkeypatch.setattr(
        WarmReader.__init__, "__defaults__", (600.0,)
    )  # longer than a busy machine may take between two
    content = (index.parent / "docs/finance/report.pdf").read_bytes()
    before = set(reading_processes())
    with opened(writing) as client:
        ended(client, upload(client, "one.pdf", content)["job"])
        first = set(reading_processes()) - before
        ended(client, upload(client, "two.pdf", content + b"%")["job"])
        assert first
        assert set(reading_processes()) - before == first
    assert not set(reading_processes()) - before


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: os.truncate(path, 5000),
        lambda path: path.write_bytes(bytes(range(256)) * 400),
        lambda path: damage_table(path, "job"),
    ],
    ids=["cut", "overwritten", "a table"],
)
def test_a_damaged_journal_is_named(writing, tmp_path, damage):
    journal = Journal(tmp_path)
    journal.add("new", "path", ["a.pdf"], {})
    journal.close()
    damage(tmp_path / "jobs.db")
    with (
        pytest.raises(StorageError, match=r"jobs\.db is damaged .*; move it away"),
        opened(replace(writing, state=tmp_path)),
    ):
        pass


def test_an_upload_is_found_and_told_of(writing, index):
    content = (index.parent / "docs/finance/report.pdf").read_bytes()
    with opened(writing) as client:
        sent = upload(client, "a%20report.pdf", content)
        assert sent["document"] == "a report.pdf"
        events = events_of(client, sent["job"])
        assert [name for name, _, _ in events if name != "progress"] == ["file", "end"]
        file, end = (data for name, data, _ in events if name != "progress")
        assert (file["document"], file["status"], file["n_pages"]) == ("a report.pdf", "indexed", 2)
        assert (end["status"], end["counts"]) == ("done", {"indexed": 1})
        number = next(number for name, _, number in events if name == "file")
        assert [name for name, _, _ in events_of(client, sent["job"], **{"Last-Event-ID": number})] == ["end"]
        hit = client.post("/api/search", json={"query": "loans", "k": 1}).json()["results"][0]["hits"][0]
        assert (hit["document"], hit["page"]) == ("a report.pdf", 2)
        assert client.get("/api/documents/a%20report.pdf/file").content == content
        kept = writing.state / "uploads/new/a report.pdf"
        assert kept.exists()
        client.delete("/api/documents", params={"document": "a report.pdf"})
        assert not kept.exists()
        assert [path.name for path in (writing.state / "incoming").iterdir()] == []


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_an_outcome_also_after_a_restart(writing):
    with opened(writing) as client:
        sent = upload(client, "broken.pdf", b"%PDF-1.7 and nothing more")
        job, outcomes = ended(client, sent["job"])
        assert (job["status"], job["counts"]) == ("done", {"failed": 1})
        reason = outcomes["broken.pdf"]["reason"]
        assert reason
    with opened(writing) as client:
        assert ended(client, sent["job"])[1]["broken.pdf"]["reason"] == reason
        assert client.get("/api/jobs").json()["jobs"][0]["id"] == sent["job"]["id"]
        assert client.get("/api/failures").json()["failures"][0]["reason"] == reason
        error_of(client.get("/api/jobs/0123456789abcdef"), 404)
        error_of(client.get("/api/jobs/../../etc"), 404)


def test_only_paths_below_the_allowed_folders_are_indexed(writing, tmp_path):
    docs = tmp_path / "docs"
    (docs / "finance").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("a secret")
    (docs / "link").symlink_to(tmp_path / "outside")
    with opened(replace(writing, allowed_folders=(docs.resolve(),))) as client:
        for path in (
            str(tmp_path / "outside"),
            str(docs / "link"),
            str(docs / "link/secret.txt"),
            f"{docs}/../outside",
            str(docs) + "x",
            "docs",
            "",
            "/",
            f"{docs}/nothing.pdf",
            f"{docs}/finance\0",
            "a" * 5000,
        ):
            answer = client.post("/api/jobs", json={"paths": [path]})
            assert answer.status_code in (400, 403), path
        assert client.get("/api/jobs").json() == {"jobs": []}


def test_tags_that_cannot_be_stored_are_refused(writing):
    (folder,) = writing.allowed_folders
    with opened(writing) as client:
        for tags in (
            '{"": "x"}',
            '{"\\ud800": "x"}',
            '{"a": "\\ud800"}',
            '{"a": "\\u0000"}',
            f'{{"{"a" * 201}": "x"}}',
        ):
            body = f'{{"paths": ["{folder}"], "tags": {tags}}}'
            answer = client.post("/api/jobs", content=body, headers={"Content-Type": "application/json"})
            assert "tag" in error_of(answer, 400)["message"], tags


@pytest.mark.slow
def test_folders_are_indexed_by_their_path(writing):
    docs = writing.allowed_folders[0]
    with opened(writing) as client:
        sent = client.post("/api/jobs", json={"paths": [str(docs / "finance")], "tags": {"year": "2025"}})
        job, outcomes = ended(client, sent.json())
        assert (job["status"], job["kind"]) == ("done", "path")
        assert {name: found["status"] for name, found in outcomes.items()} == {
            "invoice.pdf": "indexed",
            "report.pdf": "indexed",
        }
        assert client.get("/api/documents/report.pdf").json()["tags"] == {"year": "2025"}


@pytest.mark.thorough
def test_links_below_an_allowed_folder_lead_nowhere(writing, tmp_path):
    """Indexing a folder follows links; over HTTP they would show what was not allowed."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text("a secret about lamps")
    (docs / "link.txt").symlink_to(tmp_path / "outside/secret.txt")
    (docs / "folder").symlink_to(tmp_path / "outside")
    (docs / "good.txt").write_text("a good file")
    with opened(replace(writing, allowed_folders=(docs.resolve(),))) as client:
        sent = client.post("/api/jobs", json={"paths": [str(docs)], "text": True})
        job, outcomes = ended(client, sent.json())
        assert job["status"] == "done"
        assert outcomes["good.txt"]["status"] == "indexed"
        assert {name for name, found in outcomes.items() if found["status"] == "indexed"} == {"good.txt"}
        assert client.get("/api/totals").json()["n_documents"] == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../report.pdf", "report.pdf"),
        ("C:\\files\\report.PDF", "report.PDF"),
        (".hidden.pdf", "hidden.pdf"),
        ("a\nb\x1b[31m.pdf", "a\\nb\\x1b[31m.pdf"),
        ("e\u0301.pdf", "\u00e9.pdf"),
        ("\u4e91" * 100 + ".pdf", "\u4e91" * 65 + ".pdf"),
        ("x" * 500 + ".jpeg", "x" * 195 + ".jpeg"),
    ],
)
def test_an_upload_is_kept_under_a_name_that_does_no_harm(given, kept):
    assert safe_name(given) == kept


@pytest.mark.parametrize("given", ["", ".", "..", "/", "report", ".pdf", "a/..", "   .pdf"])
def test_what_is_no_name_of_a_file_is_refused(given):
    with pytest.raises(BadRequest):
        safe_name(given)


@pytest.mark.parametrize("given", ["a.exe", "a.pdf.exe", "a.zip", "a.docx.lnk", "page."])
def test_files_that_are_not_read_are_refused(given):
    with pytest.raises((UnsupportedType, BadRequest)):
        safe_name(given)


def test_an_upload_that_ends_early_leaves_nothing(tmp_path):
    uploads = Uploads(tmp_path)
    file = uploads.begin(0)
    uploads.write(file, b"half")
    uploads.give_up(file)
    other = uploads.begin(0)
    uploads.write(other, b"half")
    other.close()
    uploads.clear()  # as the next start does
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_upload_for_which_there_is_no_room_is_refused_before_it_is_sent(tmp_path):
    with pytest.raises(DiskFull):
        Uploads(tmp_path).begin(1 << 60)


def test_the_same_content_is_kept_once_and_other_content_never_takes_its_place(tmp_path):
    uploads = Uploads(tmp_path)

    def send(content):
        file = uploads.begin(len(content))
        uploads.write(file, content)
        return uploads.finish(file, "docs", "a.pdf", lambda name: ())

    first, again, other, third = send(b"one"), send(b"one"), send(b"two"), send(b"three")
    assert first == again
    assert [path.name for path in (first, other, third)] == ["a.pdf", "a (2).pdf", "a (3).pdf"]
    assert [path.read_bytes() for path in (first, other, third)] == [b"one", b"two", b"three"]
    assert send(b"two") == other
    outside = tmp_path / "mine.pdf"
    outside.write_bytes(b"mine")
    for path in (first, outside):
        uploads.forget(path)
    assert (first.exists(), outside.exists()) == (False, True)


def test_an_upload_takes_no_name_that_a_document_with_other_content_has(tmp_path):
    uploads = Uploads(tmp_path)
    known = {"a.pdf": ["another"], "a (2).pdf": [hashlib.sha256(b"one").hexdigest(), "another"]}

    def send(content):
        file = uploads.begin(len(content))
        uploads.write(file, content)
        return uploads.finish(file, "docs", "a.pdf", lambda name: known.get(name, ())).name

    assert [send(b"one"), send(b"one"), send(b"two")] == ["a (3).pdf", "a (3).pdf", "a (4).pdf"]
    known["a.pdf"] = [hashlib.sha256(b"three").hexdigest()]
    assert send(b"three") == "a.pdf", "the same content may have its name"


@pytest.mark.thorough
@pytest.mark.parametrize("remove", ["over HTTP", "by an agent"])
def test_an_upload_is_another_document_than_the_one_that_had_its_name_and_goes_with_its_file(writing, tmp_path, remove):
    with SearchEngine.open(writing.indexes["new"]) as engine:
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "a.txt").write_text("apples and pears")
        engine.index([tmp_path / "own"], IndexConfig(text=True, n_processes=1))
    with opened(writing) as client:
        sent = upload(client, "a.txt", b"oranges and plums")
        ended(client, sent["job"])
        assert sent["document"] == "a (2).txt"
        kept = writing.state / "uploads/new/a (2).txt"
        assert kept.exists()
        if remove == "over HTTP":
            client.delete("/api/documents", params={"document": "a (2).txt"})
        else:
            _Writing(client.app.state.service, "new").remove(["a (2)*"])
        assert not kept.exists()
        assert [one["document"] for one in client.get("/api/documents").json()["documents"]] == ["a.txt"]


@pytest.mark.thorough
def test_what_is_removed_by_name_goes_with_all_files_of_that_name_that_were_uploaded(writing, tmp_path):
    """Also where another document came by the same name later."""
    service = Service(writing)
    try:
        with SearchEngine.open(writing.indexes["new"]) as engine:
            kept = writing.state / "uploads/new/a.txt"
            for path, text in ((tmp_path / "own" / "a.txt", "apples and pears"), (kept, "oranges and plums")):
                path.parent.mkdir(parents=True)
                path.write_text(text)
                engine.index([path.parent], IndexConfig(text=True, n_processes=1))
            service.own_engine = lambda name: engine
            assert remove_documents(service, "new", "a.txt") == ["a.txt", "a.txt"]
            assert ((tmp_path / "own" / "a.txt").exists(), kept.exists()) == (True, False)
    finally:
        service.close()


@pytest.mark.slow
def test_a_job_waits_for_another_program_that_writes_and_can_be_cancelled(writing, index):
    docs = str(writing.allowed_folders[0] / "finance")
    with opened(writing) as client, SearchEngine.open(writing.indexes["new"]) as engine:
        with engine.store.writer():
            first = client.post("/api/jobs", json={"paths": [docs]}).json()
            second = client.post("/api/jobs", json={"paths": [docs]}).json()
            wait_for(lambda: client.get(f"/api/jobs/{first['id']}").json()["status"] == "waiting")
            assert client.post(f"/api/jobs/{second['id']}/cancel").json()["status"] == "cancelled"
            third = client.post("/api/jobs", json={"paths": [docs]}).json()
            client.post(f"/api/jobs/{first['id']}/cancel")
            assert ended(client, first)[0]["status"] == "cancelled"
            error_of(client.delete("/api/documents", params={"document": "nothing.pdf"}), 404)
        assert ended(client, third)[0]["counts"] == {"indexed": 2}
        assert client.post(f"/api/jobs/{third['id']}/cancel").json()["status"] == "done"


@pytest.mark.thorough
def test_a_job_that_was_not_finished_begins_again_and_keeps_what_became_of_each_file(writing):
    """The process ends between two files; the second one knows of both what the first knew."""
    docs = writing.allowed_folders[0]
    jobs = Jobs(writing)
    jobs.start()
    seen, go_on = threading.Event(), threading.Event()
    add = jobs.journal.add_outcome

    def slowly(job_id, outcome):
        add(job_id, outcome)
        seen.set()
        go_on.wait(60)

    jobs.journal.add_outcome = slowly
    job = jobs.add("new", [docs / "finance", docs / "office"])
    assert seen.wait(60)
    closing = threading.Thread(target=jobs.close)
    closing.start()
    wait_for(lambda: jobs._closing)
    go_on.set()
    closing.join(60)
    with opened(writing) as client:
        found, outcomes = ended(client, {"id": job.id})
        assert found["status"] == "done"
        assert {name: outcome["status"] for name, outcome in outcomes.items()} == dict.fromkeys(
            ("invoice.pdf", "report.pdf", "rules & notes #1.pdf"), "indexed"
        )
        assert outcomes["rules & notes #1.pdf"]["n_pages"] == len(PAGES["office/rules & notes #1.pdf"])


def test_two_servers_do_not_share_a_state_folder(writing):
    with opened(writing):
        other = Jobs(writing)
        with pytest.raises(ConfigError, match="another server uses"):
            other.start()


@pytest.mark.slow
def test_uploads_that_wait_are_one_job(writing, index):
    with opened(writing) as client, SearchEngine.open(writing.indexes["new"]) as engine:
        with engine.store.writer():
            first = upload(client, "0.txt", b"page zero")["job"]
            wait_for(lambda: client.get(f"/api/jobs/{first['id']}").json()["status"] == "waiting")
            ids = {upload(client, f"{n}.txt", f"page {n}".encode())["job"]["id"] for n in range(1, 8)}
        assert len(ids) == 1
        (waiting,) = ids
        assert ended(client, {"id": waiting})[0]["counts"] == {"indexed": 7}
        assert client.get("/api/totals").json()["n_documents"] == 8


def test_a_server_that_only_reads_makes_no_folder(index, tmp_path):
    from pagesight.engine.server.settings import ServerSettings

    with opened(ServerSettings(indexes={"docs": str(index)}, state=tmp_path / "state")) as client:
        assert client.get("/api/jobs").json() == {"jobs": []}
        error_of(client.get("/api/jobs/0123456789abcdef/events"), 404)
    assert not (tmp_path / "state").exists()


def test_a_stream_ends_when_the_server_does(writing):
    with opened(writing) as client, SearchEngine.open(writing.indexes["new"]) as engine, engine.store.writer():
        job = upload(client, "a.txt", b"a page")["job"]
        threading.Timer(0.5, client.app.state.service.closing.set).start()
        began = time.monotonic()
        assert events_of(client, job)[-1][0] == "end"
        assert time.monotonic() - began < 60


def answered(client, method, path, *messages):
    """The status of an answer to a request that comes in these messages."""
    waiting, sent = iter(messages), []
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}

    async def receive():
        return next(waiting)

    async def send(message):
        sent.append(message)

    client.portal.call(client.app, scope, receive, send)
    return sent[0]["status"]


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/uploads/a.txt"), ("POST", "/api/search/picture")])
def test_a_client_that_leaves_while_it_sends_is_no_bug(writing, method, path):
    with opened(writing) as client:
        assert answered(client, method, path, {"type": "http.request", "body": b"a", "more_body": True}, GONE) == 499
        assert client.get("/api/jobs").json() == {"jobs": []}
    assert not [path for path in (writing.state / "uploads").rglob("*") if path.is_file()]


def test_a_stream_has_its_place_before_its_first_event(writing):
    """And gives it back if that is never sent."""
    from starlette.requests import ClientDisconnect

    from pagesight.engine.server.routes.jobs import events
    from pagesight.engine.server.security import Role

    async def nobody(_):
        raise OSError

    writing = replace(writing, limits=replace(writing.limits, streams=1))
    with opened(writing) as client:
        service = client.app.state.service
        job = service.jobs.journal.add("new", "path", [], {}).id  # nobody begins it
        first = client.portal.call(events, job, service, Role.ALL, "")
        with pytest.raises(Busy, match="streams of events"):
            client.portal.call(events, job, service, Role.ALL, "")
        with pytest.raises(ClientDisconnect):
            client.portal.call(first, {"type": "http", "asgi": {"spec_version": "2.4"}}, nobody, nobody)
        service.closing.set()
        assert events_of(client, {"id": job})[-1][0] == "end"


def test_a_job_takes_so_many_uploads_and_the_next_begins_another(writing, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "MOST_PATHS", 3)
    jobs = Jobs(writing)
    jobs._journal = Journal(tmp_path)
    for n in range(7):
        jobs.add("new", [Path(f"{n}.txt")], kind="upload")
        jobs.add("new", [Path("folder")])
    found = [job.paths for job in reversed(jobs.journal.jobs(20)) if job.kind == "upload"]
    assert found == [("0.txt", "1.txt", "2.txt"), ("3.txt", "4.txt", "5.txt"), ("6.txt",)]
    jobs.close()


def test_outcomes_are_read_in_order_without_sorting_them_all_also_in_a_journal_that_was_there(tmp_path):
    Journal(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        connection.executescript("DROP INDEX outcome_after; DROP INDEX outcome_counts")
    Journal(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        for query in (
            "SELECT * FROM outcome WHERE job_id = '1' AND number > 5 ORDER BY number LIMIT 100",
            "SELECT status, count(*) FROM outcome WHERE job_id = '1' GROUP BY status",
        ):
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
            assert "USING" in plan
            assert "TEMP B-TREE" not in plan

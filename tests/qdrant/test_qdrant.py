"""An index in Qdrant: what several who use it see, what is left by who dies, and its limits. The conformance suite does the rest."""

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from pagesight import IndexConfig, SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.retrieval import Question, search
from pagesight.storage import errors
from pagesight.storage.packed import pack_page
from pagesight.storage.qdrant import log
from pagesight.storage.qdrant import writer as writing
from pagesight.storage.qdrant.payload import SPACE, TIDIED, named
from pagesight.storage.qdrant.store import QdrantStore
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo
from pagesight.storage.vectors.codecs import Int8Codec
from tests.helpers import HASHING, ROOT, add_document, damage_table, new_page, run_cli, source_file, space

pytest.importorskip("qdrant_client", reason="needs the extra [qdrant]")
pytest.importorskip("qdrant_edge", reason="needs the extra [qdrant]")


@pytest.fixture
def opened(tmp_path):
    """Opens the same index on Edge; all are closed at the end."""
    stores, address = [], f"qdrant://{tmp_path}/points?cache={tmp_path}/cache"

    def open_(**options):
        if not stores:
            stores.append(QdrantStore.create(address, space()))
        stores.append(QdrantStore(address, **options))
        return stores[-1]

    open_.address = address
    yield open_
    for store in stores:
        store.close()


def texts(store):
    """By name, of each page."""
    with store.view() as view:
        ids = view.page_ids()
        known, details = view.describe(ids), view.details(ids)
        found = {}
        for i in ids.tolist():
            found.setdefault(known[i].document, []).append(" ".join(details[i].words.texts))
        return found


def point_ids(store, what=None):
    """Of all pages in Qdrant, whatever the index says of them."""
    kinds = (what,) if what else ("new", "page", "gone")
    return sorted(i for kind in kinds for i, _ in store._opened.points.scroll({"what": kind}, ["what"]))


def found_by_qdrant(store, text):
    (encoded,) = HASHING.encode_queries([text])
    return [page.documents for page in store.search(encoded.single, encoded.tokens, 100)]


# Several who write


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["edge", "memory"])
def test_writers_take_turns_and_none_loses_anything(tmp_path, kind):
    address = f"qdrant://{tmp_path}/points" if kind == "edge" else f"qdrant://:memory:/{tmp_path.name}"
    options, problems = f"?cache={tmp_path}/cache-", []
    with QdrantStore.create(address, space()) as store:

        def write(name):  # each as on a machine of its own, with its own cache
            try:
                with QdrantStore(f"{address}{options}{name}") as mine, mine.writer() as writer:
                    for i in range(6):
                        add_document(writer, f"{name}-{i}.pdf", [f"text {i} of {name}", "page two"])
                        writer.record_failure(source_file(f"{name}-{i}.bad"), "failed", "damaged", drop=True)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        expected = {f"{name}-{i}.pdf": [f"text {i} of {name}", "page two"] for name in "abc" for i in range(6)}
        assert texts(store) == expected
        with QdrantStore(f"{address}{options}new") as other, store.view() as ours, other.view() as theirs:
            assert theirs.generation == ours.generation == 36
            assert theirs.documents() == ours.documents()
            assert theirs.page_ids().tolist() == ours.page_ids().tolist() == list(range(1, 37))
            assert theirs.failures() == ours.failures()
        assert store.examine().findings == ()
        assert sorted(found_by_qdrant(store, "text two")) == sorted((name,) for name in expected for _ in range(2))


@pytest.mark.thorough
def test_a_writer_whose_pages_were_given_up_meanwhile_sends_them_again(opened):
    store, other = opened(), opened(grace_s=-10)
    slept = []

    def sleep(step):
        if step == "pages sent" and not slept:
            slept.append(point_ids(store))
            other.optimize()  # as another does after an hour

    with store.writer(sleep) as writer:
        add_document(writer, "a.pdf", ["green", "white"])
    assert len(slept[0]) == 2
    assert not set(point_ids(store)) & set(slept[0])
    assert texts(store) == {"a.pdf": ["green", "white"]}
    assert store.examine().findings == ()


@pytest.mark.thorough
def test_an_older_server_that_would_overwrite_is_refused(opened):
    store = opened()
    points = store._opened.points
    points.insert = points.upsert  # which is what servers do that do not know the way of inserting
    with store.writer() as writer, pytest.raises(errors.StorageError, match="cannot insert without overwriting"):
        add_document(writer, "a.pdf", ["green"])


# Views


@pytest.mark.thorough
def test_a_view_goes_on_until_the_points_are_deleted_and_then_says_so(opened):
    store = opened()
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["green"])
    with store.view() as view:
        ids = view.page_ids()
        with store.writer() as writer:
            writer.remove_names([b"/docs/a.pdf"])
        store.optimize()
        assert view.details(ids)[1].words.texts == ("green",)
        assert found_by_qdrant(store, "green") == []
        opened(grace_s=-10).optimize()
        (encoded,) = HASHING.encode_queries(["green"])
        for ask in (lambda: view.details(ids), lambda: view.tokens(ids), lambda: view.maxima(encoded.tokens, ids)):
            with pytest.raises(errors.StoreCorrupt, match="this view is too old"):
                ask()
    assert point_ids(store) == []


@pytest.mark.thorough
def test_who_only_lists_fetches_nothing_of_pages(opened, tmp_path):
    store = opened()
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["green", "white"])
    with store.view() as view:
        assert view.totals().n_pages == 2
        assert [document.document for document in view.documents()] == ["a.pdf"]
        assert not list(tmp_path.glob("cache/*/singles.f16"))
        assert len(view.page_ids()) == 2
        assert list(tmp_path.glob("cache/*/singles.f16"))


@pytest.mark.thorough
def test_what_was_asked_of_a_view_is_not_mixed_with_a_later_state(opened):
    store = opened()
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["green"])
        with store.view() as view:
            assert view.totals().n_pages == 1
            add_document(writer, "b.pdf", ["white"])
            with pytest.raises(errors.StorageError, match="has changed meanwhile; ask again"):
                view.page_ids()


@pytest.mark.thorough
def test_a_collection_that_went_back_in_time_is_noticed(opened):
    store = opened()
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["green"])
        add_document(writer, "b.pdf", ["white"])
    with store.view() as view:
        assert view.generation == 2
    store._opened.points.delete([2, named(TIDIED)])  # as a snapshot of before has it
    with pytest.raises(errors.StorageError, match=r"restoring a snapshot; delete .*cache/points-"):
        store.view()


# Who dies


@pytest.mark.thorough
@pytest.mark.parametrize("step", ["begun", "pages sent", "before commit", "committed", "tidied"])
def test_a_writer_that_is_killed_leaves_the_old_or_the_new_document(tmp_path, step):
    address = f"qdrant://{tmp_path}/points?cache={tmp_path}/cache"
    QdrantStore.create(address, space()).close()
    command = [sys.executable, "-m", "tests.qdrant.write_until_killed", address, step]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (killed.returncode, killed.stdout) == (-9, "committed\n")
    old, new = ["the first text", "of two pages"], ["another text", "of three", "pages"]
    with QdrantStore(address, grace_s=-10) as store:
        assert texts(store) == {"a.pdf": new if step in ("committed", "tidied") else old}
        assert store.examine().findings == ()
        n_sent = {"begun": 0, "pages sent": 3, "before commit": 3}.get(step, 0)
        assert len(point_ids(store, "new")) == (3 if step == "committed" else n_sent)
        with store.writer():  # the next one tidies, even if it has nothing to do
            pass
        assert store.examine().findings == ()
        with store.writer() as writer:
            writer.set_tags(add_document(writer, "b.pdf", ["more"]), {"colour": "dark"})
        assert len(point_ids(store, "new")) == 0
        assert len(point_ids(store)) == 1 + len(new if step in ("committed", "tidied") else old)
        assert sorted(found_by_qdrant(store, "text more")) == [("a.pdf",)] * (len(point_ids(store)) - 1) + [("b.pdf",)]


# What is damaged


@pytest.mark.thorough
def test_what_is_damaged_is_found_and_can_be_dropped(opened):
    store = opened()
    with store.writer() as writer:
        for name in "abcd":
            add_document(writer, f"{name}.pdf", [f"green {name}", "white"])
    ids, points = point_ids(store), store._opened.points
    by_name = {payload["document"][0]: i for i, payload in points.scroll({"what": "page"}, ["document"])}
    points.delete([by_name["a.pdf"]])
    packed = points.retrieve([by_name["b.pdf"]])[by_name["b.pdf"]]["packed"]
    points.set_payload({"packed": {**packed, "record": packed["record"][:-4] + "AAAA"}}, [by_name["b.pdf"]])
    points.set_payload({"recall": {}}, [by_name["c.pdf"]])
    assert len(ids) == 8
    with store.view() as view, pytest.raises(errors.StoreCorrupt, match="the point of page id"):
        view.page_ids()
    found = store.examine()
    assert sorted(found.damaged) == ["a.pdf", "b.pdf", "c.pdf"]
    assert len(found.findings) == 3
    assert not found.healthy
    assert store.examine(drop_damaged=True).healthy
    assert store.examine().findings == ()
    assert texts(store) == {"d.pdf": ["green d", "white"]}


# Answers


@pytest.mark.thorough
@pytest.mark.parametrize("codec", ["int8", "float16", "int4"])
def test_hits_are_those_of_a_folder_within_what_half_precision_rounds(tmp_path, codec):
    words = "red green blue white black grey apple pear fig plum".split()
    rng = np.random.default_rng(3)
    address = f"qdrant://{tmp_path}/points?cache={tmp_path}/cache"
    with Store.create(tmp_path / "index", space(codec)) as folder, QdrantStore.create(address, space(codec)) as store:
        for i in range(10):
            pages = [" ".join(rng.choice(words, 1 + int(rng.integers(12)))) for _ in range(4)]
            for each in (folder, store):
                with each.writer() as writer:
                    add_document(writer, f"{i % 3}/{i}.pdf", pages)
        with folder.view() as ours, store.view() as theirs:
            for text in ("red fig", "black pear plum", "grey"):
                (encoded,) = HASHING.encode_queries([text])
                near = 0.001 * np.linalg.norm(encoded.tokens, axis=1).sum()
                for config in (SearchConfig(k=40, exact=True), SearchConfig(k=10, n_candidates=15)):
                    question = Question(encoded=encoded, text=text, filters="folder != '2'", opening_weight=0.5)
                    expected = {hit.page_id: hit.score for hit in search(question, ours, config)}
                    found = search(question, theirs, config)
                    last = min(expected.values())
                    assert len(found) == len(expected)
                    for hit in found:  # others only where scores are as near to each other as rounding
                        assert abs(hit.score - expected.get(hit.page_id, last)) < near


# Limits


@pytest.mark.thorough
def test_a_page_that_is_too_large_is_left_out_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "MAX_VALUES", 16 * 40)
    (tmp_path / "a.txt").write_text("green white\n")
    (tmp_path / "b.txt").write_text(" ".join(f"word{i}" for i in range(50)))
    (tmp_path / "c.txt").write_text("blue\n")
    address = f"qdrant://{tmp_path}/points?cache={tmp_path}/cache"
    with SearchEngine.open(address, encoder=HASHING) as engine:
        done = {outcome.source.path: outcome for outcome in engine.index([tmp_path], IndexConfig(text=True))}
        assert [done[name].status for name in ("a.txt", "b.txt", "c.txt")] == ["indexed", "failed", "indexed"]
        assert "here 39 vectors; index with a pool factor" in done["b.txt"].reason
        assert engine.search("blue")[0].document == "c.txt"


@pytest.mark.thorough
def test_a_document_of_which_too_much_is_to_be_noted_is_named_and_the_others_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "MAX_BYTES", 3000)
    (tmp_path / "a.txt").write_text("green\n")
    (tmp_path / "b.txt").write_text("red\n" * 3000)
    (tmp_path / "c.txt").write_text("blue\n")
    with SearchEngine.open(f"qdrant://{tmp_path}/points?cache={tmp_path}/cache", encoder=HASHING) as engine:
        done = {outcome.source.path: outcome for outcome in engine.index([tmp_path], IndexConfig(text=True))}
        assert [done[name].status for name in ("a.txt", "b.txt", "c.txt")] == ["indexed", "failed", "indexed"]
        assert "Qdrant takes no more than 3,000; divide the file" in done["b.txt"].reason
        assert [failure.document for failure in engine.failures()] == ["b.txt"]


def test_the_largest_page_that_qdrant_takes(opened):
    dim = space().token_dim
    page = pack_page(new_page(1, "red"), space(), Int8Codec(dim))
    n = (1 << 20) // dim
    row = (len(page.record) - 8) * n
    large = replace(page, n_tokens=n, record=bytes(row + 8 * n))
    with opened().writer() as writer, writer.draft() as draft:
        with pytest.raises(errors.PageTooLarge, match=r"fewer than 1,048,576 values a point, here 65,535 vectors"):
            draft.add_packed(large)
        draft.add_packed(page)
        draft.commit(DocumentInfo(sha256="a", media_type="application/pdf", n_pages=1), source_file("a.pdf"))


@pytest.mark.thorough
def test_what_qdrant_cannot_do_is_said(opened, tmp_path):
    store = opened()
    with pytest.raises(errors.StorageError, match="snapshots of its own; for a file, copy it into a folder"):
        store.export(tmp_path / "file")
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["green"])
    (encoded,) = HASHING.encode_queries(["green"])
    with store.view() as view:
        with pytest.raises(errors.ConfigError, match="scores pages itself, and not on cuda"):
            view.maxima(encoded.tokens, view.page_ids(), device="cuda")
        with pytest.raises(errors.DimensionMismatch, match="query tokens"):
            view.maxima(encoded.tokens[:, :3], view.page_ids())
    command = [sys.executable, "-m", "pagesight", "--index", opened.address, "list"]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 2
    assert "is being written by another process (Qdrant Edge is for one at a time)" in second.stderr


@pytest.mark.thorough
def test_the_command_line_indexes_and_searches_in_it(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("alpha beta\n")
    (tmp_path / "docs" / "b.txt").write_text("gamma delta\n")
    index = ("--index", f"qdrant://{tmp_path}/points?cache={tmp_path}/cache")
    run_cli(*index, "index", tmp_path / "docs", "--text", "--model", "hashing", check=True)
    assert "b.txt" in run_cli(*index, "search", "delta", "--plain", check=True).stdout.splitlines()[1]
    info = run_cli(*index, "info", check=True).stdout
    assert f"qdrant://{tmp_path}/points" in info
    assert "scored by Qdrant, in half precision" in info
    run_cli(*index, "remove", "a.txt", "--yes", check=True)
    assert "a.txt" not in run_cli(*index, "list", check=True).stdout


# Addresses


def test_addresses_that_cannot_be_are_told_so(tmp_path):
    for wrong in ("qdrant://host", "qdrant://host/a/b", "qdrant://user:key@host/a", "qdrant://host:port/a"):
        with pytest.raises(errors.ConfigError, match="needs HOST:PORT/COLLECTION"):
            QdrantStore(wrong)
    with pytest.raises(errors.ConfigError, match="knows the option cache, not key"):
        QdrantStore("qdrant://host/pages?key=secret")
    with pytest.raises(errors.StoreNotFound):
        QdrantStore(f"qdrant://{tmp_path}/nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.thorough
def test_a_collection_of_another_format_is_refused(opened):
    points = opened()._opened.points
    points.set_payload({"format": 1}, [named(SPACE)])
    with pytest.raises(errors.FormatVersionMismatch, match="has format version 1, this pagesight reads 2"):
        opened()


@pytest.mark.thorough
def test_a_server_that_is_not_there_is_named():
    with pytest.raises(errors.StorageError, match=r"127\.0\.0\.1:1/pages does not answer as it should"):
        QdrantStore("qdrant://127.0.0.1:1/pages")


@pytest.mark.parametrize(
    ("package", "address"), [("qdrant_client", "qdrant://host/pages"), ("qdrant_edge", "qdrant:///pages")]
)
def test_without_the_extra_it_is_named(monkeypatch, package, address):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(errors.ExtraMissing, match=r"pip install 'pagesight\[qdrant\]'"):
        QdrantStore(address)


@pytest.mark.parametrize("damage", [b"", bytes(range(256)) * 40], ids=["emptied", "overwritten"])
def test_what_searches_keep_here_is_made_again_when_it_is_damaged(tmp_path, damage):
    address = f"qdrant://{tmp_path}/points?cache={tmp_path}/cache"
    with SearchEngine.open(address, encoder=HASHING) as engine, engine.made().writer() as writer:
        add_document(writer, "a.pdf", ["quinces in the garden", "pears"])
    (kept,) = tmp_path.glob("cache/*/metadata.db")
    for name in ("metadata.db-wal", "metadata.db-shm"):
        kept.with_name(name).unlink(missing_ok=True)
    kept.write_bytes(damage)
    with SearchEngine.open(address, encoder=HASHING) as engine:
        assert engine.search("quinces", k=1)[0].name == "a.pdf:1"
        assert [document.document for document in engine.documents()] == ["a.pdf"]


@pytest.mark.parametrize("table", ["document", "file"])
@pytest.mark.thorough
def test_a_statement_that_meets_damage_has_what_is_kept_here_made_again(tmp_path, table):
    address = f"qdrant://{tmp_path}/points?cache={tmp_path}/cache"
    with SearchEngine.open(address, encoder=HASHING) as engine, engine.made().writer() as writer:
        add_document(writer, "a.pdf", ["quinces in the garden", "pears"])

    def found(engine):
        return [hit.name for hit in engine.search("quinces", k=1)]

    with SearchEngine.open(address, encoder=HASHING) as engine:
        assert found(engine) == ["a.pdf:1"]
    (kept,) = tmp_path.glob("cache/*/metadata.db")
    damage_table(kept, table)
    with SearchEngine.open(address, encoder=HASHING) as engine:
        with pytest.raises(errors.KeptCorrupt, match=r"is damaged \(.*ask again, and it is made again"):
            found(engine)
        assert (kept.parent / "damaged").exists()
        assert found(engine) == ["a.pdf:1"]
        assert not (kept.parent / "damaged").exists()
    damage_table(kept, table)
    with SearchEngine.open(address, encoder=HASHING) as engine, pytest.raises(errors.KeptCorrupt):
        found(engine)
    with SearchEngine.open(address, encoder=HASHING) as engine:  # another process, some other day
        assert found(engine) == ["a.pdf:1"]
        assert engine.examine().healthy


def test_others_who_have_it_open_go_over_to_what_was_made_again(opened):
    one, other = opened(), opened()
    with one.writer() as writer:
        add_document(writer, "a.pdf", ["quinces"])
    for store in (one, other):
        with store.view() as view:
            assert view.nearest_by_words("quinces", 1, None).page_ids.tolist() == [1]
    old = other._copies.use(lambda cache: cache._kept)
    with contextlib.closing(sqlite3.connect(one.cache_folder / "metadata.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage_table(one.cache_folder / "metadata.db", "document")
    meets_it = opened()
    with meets_it.view() as view, pytest.raises(errors.KeptCorrupt):
        view.documents()
    with meets_it.writer() as writer:
        add_document(writer, "b.pdf", ["pears"])
    with pytest.raises(errors.KeptCorrupt, match="was damaged or deleted"), old.alone():
        pass  # what is new is never written to by who sees what is old
    for store in (other, one):
        assert texts(store) == {"a.pdf": ["quinces"], "b.pdf": ["pears"]}
        with store.view() as view:
            assert view.nearest_by_words("quinces", 1, None).page_ids.tolist() == [1]


def test_a_writer_goes_on_when_what_is_kept_is_deleted_or_made_again(opened):
    store = opened()
    with store.writer() as writer:
        sha256 = add_document(writer, "a.pdf", ["quinces"])
        shutil.rmtree(store.cache_folder)
        add_document(writer, "b.pdf", ["pears"])
        assert stat.S_IMODE(store.cache_folder.stat().st_mode) == 0o700, "it holds the words of all pages"
        make_again(opened())
        add_document(writer, "c.pdf", ["plums"])
        assert writer.has_document(sha256)
    assert texts(store) == {"a.pdf": ["quinces"], "b.pdf": ["pears"], "c.pdf": ["plums"]}


@pytest.mark.thorough
def test_threads_search_on_while_what_is_kept_is_made_again_under_them(opened, tmp_path):
    store, failed, n_searches = opened(), [], 0
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["quinces"])
    done = threading.Event()

    def search():
        nonlocal n_searches
        try:
            while not done.is_set():
                with store.view() as view:
                    assert view.nearest_by_words("quinces", 1, None).page_ids.tolist() == [1]
                n_searches += 1
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(12):
        if number % 3:
            make_again(opened())
        else:
            store.cache_folder.rename(tmp_path / f"deleted-{number}")
            time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert n_searches > 12


def make_again(store):
    """What searches keep of this index is found damaged, by this store."""
    store.cache_folder.mkdir(exist_ok=True, mode=0o700)
    (store.cache_folder / "damaged").touch()
    with store.view() as view:
        assert view.documents()


def test_means_that_were_cut_off_are_fetched_again(tmp_path):
    address = f"qdrant://{tmp_path}/points?cache={tmp_path}/cache"
    with SearchEngine.open(address, encoder=HASHING) as engine:
        with engine.made().writer() as writer:
            add_document(writer, "a.pdf", ["quinces in the garden", "pears"])
        engine.search("quinces")
    (means,) = tmp_path.glob("cache/*/means-32.i8")
    os.truncate(means, 100)
    with SearchEngine.open(address, encoder=HASHING) as engine:
        assert engine.search("quinces", k=1)[0].name == "a.pdf:1"

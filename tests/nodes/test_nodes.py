"""Nodes of a cluster as machines of their own: a database, workers, shards and a coordinator; one of them cut off, and healed.

Run by ``make test-nodes``, as root on Linux.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")
pytest.importorskip("psycopg", reason="a database needs the extra [postgres]")

from pagesight import Client, SearchEngine, copy_index, errors
from pagesight.storage.parts import Part
from pagesight.storage.postgres.store import PostgresStore
from tests.helpers import ROOT, run_cli
from tests.nodes.network import NETWORK, machines, why_not
from tests.postgres.server import Server
from tests.server.test_process import ask

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")]
PORT, KEY = 8000, "a key of some length"
AS_NOBODY = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups")
FOR_WORKERS = (  # born digital, and of few pages
    "engineering/safety-data-sheet-klarin-k7.pdf",
    "finance/invoice-2025-0417.pdf",
    "office/protokoll-eigentuemerversammlung.pdf",
    "office/travel-claim-form.pdf",
    "public/ferry-timetable-winter.pdf",
    "public/kite-festival-poster.pdf",
    "public/observatory-brochure.pdf",
)


@pytest.fixture(scope="module")
def expected(sample_index):
    """The questions of the sample documents, and what one machine finds for them."""
    lines = (ROOT / "sample_docs" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["query"] for line in lines]
    assert len(questions) == 60
    return answers_of(sample_index, questions)


def answers_of(index, questions):
    with SearchEngine.open(index) as engine:
        return {question: found(engine, question) for question in questions}


def found(searcher, question):
    return [(hit.name, round(hit.score, 6)) for hit in searcher.search(question)]


def begin(machine, *arguments, output, **environment):
    return subprocess.Popen(
        machine.command(sys.executable, "-m", "pagesight", *arguments),
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=output,
        stderr=subprocess.STDOUT,
    )


@contextmanager
def serving(machine, folder, *arguments, **environment):
    """A server on a machine, listening; its address. What it says is kept in a file of the folder."""
    said = folder / f"{machine.name}.log"
    with said.open("w") as output:
        process = begin(
            machine, "serve", "--host", machine.address, "--port", PORT, *arguments, output=output, **environment
        )
    try:
        until(lambda: re.search(r"at http://\S+", said.read_text()) or process.poll() is not None)
        assert process.poll() is None, said.read_text()
        yield f"http://{machine.address}:{PORT}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def cluster(shards, front, folder):
    """Shards on machines, each (machine, index), and a coordinator before them: (addresses of the shards, its address)."""
    with ExitStack() as stack:
        addresses = [
            stack.enter_context(
                serving(
                    *(machine, folder, "--index", index, "--shard", Part(number, len(shards))),
                    PAGESIGHT_READ_ONLY_API_KEY=KEY,
                )
            )
            for number, (machine, index) in enumerate(shards, start=1)
        ]
        named = ("--shards", ",".join(addresses), "--shard-seconds", "10", "--partial", "--no-auth")
        yield addresses, stack.enter_context(serving(front, folder, *named, PAGESIGHT_SHARD_KEY=KEY))


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except errors.SearchEngineError:
            pass
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.2)


def some_of(expected):
    """Enough to see that it answers as before."""
    return dict(list(expected.items())[::6])


def check_answers(client, expected):
    until(lambda: client.totals().n_documents == 18)
    for question, hits in expected.items():
        assert found(client, question) == hits, question


def check_one_cut_off(machine, shard, address, client, expected):
    """The second of two shards is cut off, and healed: answers say that it is missing, then are whole again."""
    machine.cut_off()
    for question in list(expected)[:5]:
        answer = ask(address, "/api/search", {"query": question})
        assert list(answer["missing"]) == [shard]
        hits = answer["results"][0]["hits"]
        assert hits
        assert all(Part(1, 2).owns(hit["sha256"]) for hit in hits)
    machine.heal()
    question, hits = next(iter(expected.items()))
    until(lambda: found(client, question) == hits)
    check_answers(client, some_of(expected))


def test_shards_in_folders_answer_as_one_machine(sample_index, expected, tmp_path):
    for number in (1, 2):  # each node has a disk of its own
        shutil.copytree(sample_index, tmp_path / str(number))
    with machines("one", "two", "front") as (one, two, front):
        shards = ((one, tmp_path / "1"), (two, tmp_path / "2"))
        with cluster(shards, front, tmp_path) as (addresses, address), Client(address, timeout_s=60) as client:
            check_answers(client, expected)
            check_one_cut_off(two, addresses[1], address, client, expected)


def test_a_database_workers_and_shards_answer_as_one_machine(sample_index, expected, tmp_path):
    """Two workers put into the database what the index lacks, one of them cut off over it; shards over the database answer."""
    with machines("db", "one", "two", "front") as (db, one, two, front), ExitStack() as stack:
        database = Server(host=db.address, within=[*db.command(), *AS_NOBODY])
        stack.callback(database.remove)
        database.let_in(f"{NETWORK}.0/24")
        database.start()
        address = f"{database.url()}?cache={tmp_path / 'here'}"
        copy_index(sample_index, address)
        run_cli("--index", address, "remove", "--yes", *FOR_WORKERS, check=True)
        work(address, one, two, tmp_path)
        copy_index(address, tmp_path / "whole")
        of_one_machine = answers_of(tmp_path / "whole", list(expected))
        for question, hits in expected.items():  # encoded anew, a page may differ a little
            assert of_one_machine[question][0][1] == pytest.approx(hits[0][1], rel=0.01), question
        shards = [(machine, f"{database.url()}?cache={tmp_path / machine.name}") for machine in (one, two)]
        with cluster(shards, front, tmp_path) as (addresses, answers), Client(answers, timeout_s=60) as client:
            check_answers(client, of_one_machine)
            check_one_cut_off(two, addresses[1], answers, client, of_one_machine)
            db.cut_off()
            with pytest.raises(errors.SearchEngineError):
                client.search("Is there anybody?")
            db.heal()
            check_answers(client, some_of(of_one_machine))


def work(address, one, two, folder):
    """The second worker is cut off in its work, the first one does what is left, and nothing is in the index twice."""
    for name in FOR_WORKERS:
        (folder / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "sample_docs" / name, folder / "docs" / name)
    run_cli("--index", address, "queue", folder / "docs", check=True)
    said = {machine: folder / f"{machine.name}-work.jsonl" for machine in (one, two)}
    with ExitStack() as stack:

        def begin_worker(machine):
            command = ("worker", "--index", address, "--until-empty", "--processes", 1, "--json")
            worker = begin(machine, *command, output=stack.enter_context(said[machine].open("w")))
            stack.callback(worker.wait)
            stack.callback(worker.kill)
            return worker

        second = begin_worker(two)
        until(lambda: indexed(said[two]) or second.poll() is not None)
        two.cut_off()
        assert second.poll() is None, said[two].read_text()
        assert 0 < len(indexed(said[two])) < len(FOR_WORKERS)
        assert begin_worker(one).wait(300) == 0, said[one].read_text()  # it waits until the leases of the other end
        assert indexed(said[one])
        two.heal()
        assert second.wait(120) == 0, said[two].read_text()
    done = indexed(said[one]) + indexed(said[two])
    assert len(done) == len(set(done)), "a file was indexed twice"
    with PostgresStore(address) as store, store.view() as view:
        counts = store.jobs().counts()
        assert (counts.n_done, counts.n_open, counts.n_failed) == (len(FOR_WORKERS), 0, 0)
        documents = view.documents()
        assert len(documents) == 18
        assert set(FOR_WORKERS) <= {document.document for document in documents}
        assert all(document.n_indexed_pages == document.n_pages for document in documents)
        assert store.examine().findings == ()


def indexed(said):
    """Names of the files that a worker says it has indexed."""
    rows = [json.loads(line) for line in said.read_text().splitlines() if line.startswith("{")]
    return [row["document"] for row in rows if row["status"] == "indexed"]

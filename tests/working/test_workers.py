"""Workers in processes of their own, which die in every way; what is in the index afterwards."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import psutil
import pytest

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig
from pagesight.engine.working import worker as working
from pagesight.engine.working.queue import queue_files
from pagesight.engine.working.worker import WorkConfig, Worker
from pagesight.storage.errors import StoreUnreachable
from pagesight.storage.jobs import MOST_TRIES
from pagesight.storage.postgres.store import PostgresStore
from tests.helpers import ROOT, make_pdf, run_cli
from tests.postgres.server import Server, new_index

pytestmark = pytest.mark.thorough
N_FILES = 6


@pytest.fixture
def folder(tmp_path):
    for i in range(N_FILES):
        make_pdf(tmp_path / f"docs/{i}.pdf", [f"page one of number{i}", f"second of number{i}"])
    return tmp_path / "docs"


def begin(address, *fate):
    command = [sys.executable, "-m", "tests.working.dying_worker", address, *map(str, fate)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def queued(address, folder):
    with SearchEngine.open(address, model="hashing") as engine:
        queue_files(engine.made(), [folder], IndexConfig(), again=False, passed_over=Counter(), unusable=[])


def stored(address):
    with SearchEngine.open(address) as engine:
        return {document.document: document.n_indexed_pages for document in engine.documents()}


def expected(n=N_FILES, without=()):
    return {f"{i}.pdf": 2 for i in range(n) if i not in without}


@pytest.mark.parametrize(
    "step",
    [
        *(
            pytest.param(step, marks=pytest.mark.slow)
            for step in ("transaction begun", "records written", "pages inserted", "before commit")
        ),
        "committed",
    ],
)
def test_a_worker_that_dies_at_any_step_of_a_commit_loses_and_doubles_nothing(folder, step):
    address = new_index()
    queued(address, folder)
    dead = begin(address, step, 3)
    said, _ = dead.communicate(timeout=120)
    assert dead.returncode == 9
    acknowledged = [line.split()[1] for line in said.splitlines() if line.startswith("indexed")]
    assert acknowledged == ["0.pdf", "1.pdf"]
    assert set(acknowledged) <= set(stored(address))
    rest, _ = begin(address, "never").communicate(timeout=120)
    again = [line.split()[1] for line in rest.splitlines() if line.startswith("indexed")]
    committed = ["2.pdf"] if step == "committed" else []
    assert sorted([*acknowledged, *committed, *again]) == sorted(expected()), "each file was indexed once"
    assert stored(address) == expected()
    with PostgresStore(address) as store:
        counts = store.jobs().counts()
        assert (counts.n_done, counts.n_open, counts.n_pages) == (N_FILES, 0, 2 * N_FILES)
        assert store.examine().findings == ()


def test_two_workers_share_the_files_and_a_copy_is_another_name(folder):
    (folder / "copy.pdf").write_bytes((folder / "0.pdf").read_bytes())
    address = new_index()
    queued(address, folder)
    workers = [begin(address, "never") for _ in range(2)]
    said = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    finished = [line.split()[1] for one in said for line in one.splitlines()[1:]]
    assert sorted(finished) == sorted([*expected(), "copy.pdf"])
    with SearchEngine.open(address) as engine:
        documents = engine.documents()
        assert len(documents) == N_FILES
        assert sorted(name for document in documents for name in document.names) == sorted([*expected(), "copy.pdf"])
        assert all(document.n_indexed_pages == 2 for document in documents)


def test_a_file_that_ends_its_workers_is_given_up_and_all_others_are_indexed(folder):
    make_pdf(folder / "3.pdf", ["this page is poison for the model"])
    address = new_index()
    queued(address, folder)
    n_dead = 0
    while begin_and_wait(address) == 9:
        n_dead += 1
        assert n_dead <= MOST_TRIES
    assert n_dead == MOST_TRIES
    assert stored(address) == expected(without=(3,))
    shown = run_cli("--index", address, "jobs", "--failed")
    assert shown.stdout.startswith("given up: 3.pdf: 3 workers ended while it was their turn")
    assert "3.pdf" in run_cli("--index", address, "failures").stdout


def begin_and_wait(address):
    worker = begin(address, "word", "poison")
    worker.communicate(timeout=120)
    return worker.returncode


def test_a_worker_that_slept_past_its_lease_commits_nothing_that_another_did(folder):
    address = new_index()
    queued(address, folder)
    sleeper = begin(address, "asleep")
    assert first_indexed(sleeper)
    while psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    try:
        time.sleep(2.0)  # longer than its lease
        other, _ = begin(address, "never").communicate(timeout=120)
    finally:
        sleeper.send_signal(signal.SIGCONT)
    rest, _ = sleeper.communicate(timeout=120)
    assert sleeper.returncode == 0
    assert other.count("indexed") >= 1
    assert stored(address) == expected()
    with PostgresStore(address) as store, store.view() as view:
        assert store.jobs().counts().n_done == N_FILES
        assert view.failures() == [], "what was taken over did not fail"
    taken_over = [line for line in rest.splitlines() if line.startswith("failed")]
    assert len(taken_over) <= 2  # those that it had


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_told_to_stop_gives_its_files_back_at_once(folder, how):
    address = new_index()
    queued(address, folder)
    command = [sys.executable, "-m", "pagesight", "--index", address, "worker", "--processes", "1"]
    worker = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        while not (line := worker.stderr.readline()).startswith("indexed"):
            assert line
        worker.send_signal(how)
        _, said = worker.communicate(timeout=60)
    finally:
        worker.kill()
    assert "Traceback" not in said
    assert worker.returncode == (130 if how == signal.SIGINT else 0)
    with PostgresStore(address) as store:
        counts = store.jobs().counts()
        assert (counts.n_leased, counts.n_failed) == (0, 0)
        assert counts.n_done >= 1
        assert counts.n_done + counts.n_waiting == N_FILES


def first_indexed(worker):
    for line in worker.stdout:
        if line.startswith("indexed"):
            return line
    return ""


def test_a_database_that_was_killed_is_waited_for(folder, tmp_path):
    server = Server(durable=True)
    server.start()
    try:
        address = f"{server.url()}?cache={tmp_path / 'cache'}"
        queued(address, folder)
        worker = begin(address, "never")
        line = first_indexed(worker)
        server.kill()
        time.sleep(0.5)
        server.start()
        rest, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0
        assert stored(address) == expected()
        done = [text.split()[1] for text in (line + rest).splitlines() if text.split()[0] in ("indexed", "unchanged")]
        assert set(done) == set(expected())
    finally:
        server.remove()


class Away:
    """Jobs of a database that goes away in the middle of a round, and is not back yet when it is asked next."""

    def __init__(self, jobs):
        self._jobs, self._failing = jobs, ["writer", "release"]

    def __getattr__(self, name):
        if name in self._failing:
            self._failing.remove(name)
            raise StoreUnreachable("postgresql://away", "nobody is there")
        return getattr(self._jobs, name)


def test_files_of_before_are_given_back_however_late_the_database_is_there_again(folder, monkeypatch):
    """Else their worker says for ever that it has them."""
    monkeypatch.setattr(working, "WAITS_S", (0.0,))
    address, stop = new_index(), threading.Event()
    queued(address, folder)
    at_last = threading.Timer(60, stop.set)
    with SearchEngine.open(address) as engine:
        worker = Worker(
            engine.store, engine.encoder, IndexConfig(n_processes=1), WorkConfig(until_empty=True, poll_s=0.1)
        )
        worker._jobs = Away(worker._jobs)
        at_last.start()
        assert worker.run(stop) == {"indexed": N_FILES}
    at_last.cancel()


def test_from_the_command_line(folder, tmp_path):
    address = new_index()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    queued(address, folder)
    again = run_cli("--index", address, "queue", folder)
    assert again.stdout == f"0 files queued, {N_FILES + 1} files there already\n"
    worked = run_cli("--index", address, "worker", "--until-empty", "--processes", "1")
    assert worked.returncode == 1
    assert "failed: broken.pdf" in worked.stderr
    shown = run_cli("--index", address, "jobs").stdout
    assert shown.startswith(f"0 waiting, 0 worked on, {N_FILES} done, 1 failed ({2 * N_FILES} pages)")
    assert "pagesight jobs --failed" in shown
    found = run_cli("--index", address, "search", "number5")
    assert "5.pdf" in found.stdout.splitlines()[1]
    (folder / "5.pdf").unlink()
    refused = run_cli("--index", tmp_path / "here", "queue", folder, "--model", "hashing")
    assert refused.returncode == 2
    assert "has no place for jobs" in refused.stderr


def test_files_that_this_machine_does_not_see_are_left_to_others(folder):
    address = new_index()
    queued(address, folder)
    folder.rename(folder.parent / "elsewhere")
    worked = run_cli("--index", address, "worker", "--until-empty")
    assert worked.returncode == 2
    assert f"this machine does not see {folder}" in worked.stderr
    with PostgresStore(address) as store:
        assert store.jobs().counts().n_waiting == N_FILES

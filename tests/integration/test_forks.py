"""Processes that are forked while an index is open: each sees the present state, as any other process does."""

import os
import select
import signal
import subprocess
import sys
import threading

import pytest

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig
from pagesight.engine.models.words.multilingual_e5 import load as load_e5
from pagesight.storage.postgres.store import PostgresStore
from pagesight.storage.store import Store
from tests.helpers import ROOT, add_document, make_pdf, space
from tests.postgres.server import new_index

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]
ADDING = """
import sys
from pagesight.storage.store import Store
from tests.helpers import add_document

with Store(sys.argv[1]) as store, store.writer() as writer:
    for i in range(4):
        add_document(writer, f"{sys.argv[2]}-{i}.pdf", [f"{sys.argv[2]} page {i}"])
"""


class Child:
    """A process that is forked here, does ``work`` when it is told to, and says what came of it."""

    def __init__(self, work):
        (asked, self._ask), (self._answer, answer) = os.pipe(), os.pipe()
        self._pid = os.fork()
        if not self._pid:
            try:
                while os.read(asked, 1):
                    try:
                        said = str(work())
                    except Exception as error:
                        said = f"{type(error).__name__}: {error}"
                    os.write(answer, said.encode() + b"\n")
            finally:
                os._exit(0)
        os.close(asked)
        os.close(answer)

    def __call__(self):
        os.write(self._ask, b"?")
        assert select.select([self._answer], [], [], 120)[0], "the child waits for ever"
        with os.fdopen(os.dup(self._answer)) as lines:
            return lines.readline().rstrip("\n")

    def end(self):
        os.close(self._ask)
        os.close(self._answer)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


@pytest.fixture
def forked():
    children = []

    def fork(work):
        children.append(Child(work))
        return children[-1]

    yield fork
    for child in children:
        child.end()


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "index", space()) as made:
        with made.writer() as writer:
            add_document(writer, "first.pdf", ["a first page"])
        assert n_documents(made) == n_pages(made) == 1
        yield made


def n_pages(store):
    with store.view() as view:
        return len(view.page_ids())


def n_documents(store):
    """By SQLAlchemy."""
    with store.view() as view:
        return len(view.documents())


def add_elsewhere(store, name):
    subprocess.run([sys.executable, "-c", ADDING, store.address, name], cwd=ROOT, check=True)


@pytest.mark.thorough
@pytest.mark.parametrize("count", [n_pages, n_documents])
def test_a_forked_process_sees_what_others_write(store, forked, count):
    child = forked(lambda: count(store))
    store.close()  # the last connection of this process goes, and the WAL with it
    add_elsewhere(store, "second")
    assert child() == "5"
    add_elsewhere(store, "third")
    assert child() == "9"


def test_child_and_parent_write_in_turn(store, forked):
    def write():
        with store.writer() as writer:
            add_document(writer, "child.pdf", ["written by the child"])
        return n_pages(store)

    child = forked(write)
    assert child() == "2"
    with store.writer() as writer:
        add_document(writer, "parent.pdf", ["written by the parent"])
    assert n_pages(store) == 3
    assert store.examine().findings == ()


@pytest.mark.parametrize("connected", [False, True], ids=["by sqlite3", "by SQLAlchemy"])
def test_an_index_that_was_being_read_is_refused_in_the_child(store, forked, connected):
    def work():
        with Store(store.address) as again:
            return n_pages(again)

    with store.engine.connect() if connected else store.view() as reading:
        if connected:
            reading.exec_driver_sql("SELECT 1")
        children = forked(lambda: n_pages(store)), forked(work)
        for child in children:
            assert "was being read or written when this process was forked" in child()
    assert forked(lambda: n_pages(store))() == "1"
    assert n_pages(store) == 1


def test_a_view_that_the_child_closes_stays_open_in_the_parent(store, forked):
    with store.view() as view:
        assert forked(lambda: view.close() or view.close())() == "None"
        with store.writer() as writer:
            add_document(writer, "second.pdf", ["a second page"])
        assert len(view.page_ids()) == 1
    assert n_pages(store) == 2


def test_a_lock_that_another_thread_held_is_free_in_the_child(store, forked):
    begun, ended = threading.Event(), threading.Event()
    state = store._state

    def hold():
        with store._state_lock, state._lock, state.rows._lock:
            begun.set()
            ended.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    begun.wait()
    try:
        child = forked(lambda: n_pages(store))
    finally:
        ended.set()
        holder.join()
    assert child() == "1"
    with store.writer() as writer:
        add_document(writer, "second.pdf", ["a second page"])
    assert child() == "2"


@pytest.mark.thorough
def test_a_forked_process_has_connections_of_its_own_to_postgresql(forked):
    with PostgresStore.create(new_index(), space()) as store:

        def session():
            with store.engine.connect() as connection:
                return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()

        with store.writer() as writer:
            add_document(writer, "first.pdf", ["a first page"])
        assert n_pages(store) == 1
        mine, child = session(), forked(lambda: (n_pages(store), session()))
        pages, its = map(int, child().strip("()").split(","))
        assert pages == 1
        assert its != mine
        assert session() == mine


@pytest.mark.thorough
def test_a_model_that_has_encoded_encodes_in_a_forked_process(forked):
    encoder = load_e5(threads=2)

    def first_number():
        return sum(float(query.single[0]) for query in encoder.encode_queries(["one question", "and another"]))

    expected = first_number()
    assert float(forked(first_number)()) == expected


@pytest.mark.thorough
def test_child_and_parent_read_files_with_processes_of_their_own(forked, tmp_path):
    """An engine that has read files keeps its reading processes for a while, whose answers a thread waits for."""
    one = IndexConfig(n_processes=1)
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:

        def read(name):
            return engine.index([make_pdf(tmp_path / name, [f"words of {name}"])], one).n_pages

        assert read("first.pdf") == 1
        child = forked(lambda: read("child.pdf"))
        assert child() == "1"
        assert read("parent.pdf") == 1
        assert len(engine.documents()) == 3

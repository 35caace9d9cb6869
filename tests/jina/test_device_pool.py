"""A process a device: two on the CPU stand for two GPUs."""

import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress

import numpy as np
import psutil
import pytest

from pagesight.engine import IndexConfig, ModelConfig, SearchEngine
from pagesight.engine.embedding import EncodesPassages, HasTask
from pagesight.engine.models import device_pool, load_model
from pagesight.engine.models.device_pool import DevicePool
from pagesight.indexer.content import PageContent
from pagesight.indexer.frames import receive
from pagesight.storage.errors import ModelError, QueryError, UnreadableDocument
from tests.helpers import HASHING, make_pdf, words
from tests.jina.checkpoints import make_checkpoint
from tests.jina.test_engine import page

pytestmark = pytest.mark.thorough

slow = pytest.mark.slow  # starting processes with torch in them
SMALL = {"image_pixels": 40_000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("tiny") / "m")


@pytest.fixture(scope="module")
def pool(folder):
    found = load_model(str(folder), ModelConfig(device="cpu, cpu", **SMALL))
    assert isinstance(found, DevicePool)
    yield found
    found.close()


@slow
def test_the_vectors_are_those_of_one_device_in_order(folder, pool):
    alone = load_model(str(folder), ModelConfig(**SMALL))
    assert (pool.name, pool.fingerprint, pool.single_dim) == (alone.name, alone.fingerprint, alone.single_dim)
    assert pool.pages_at_once == 2 * alone.pages_at_once
    pages = [page(300, 400 + 30 * number, number) for number in range(5)]
    for one, other in zip(pool.encode_pages(pages), alone.encode_pages(pages), strict=True):
        np.testing.assert_allclose(one.tokens, other.tokens, atol=1e-5)
        assert np.array_equal(one.boxes, other.boxes)
    (query,), (expected,) = pool.encode_queries(["which page"]), alone.encode_queries(["which page"])
    np.testing.assert_allclose(query.tokens, expected.tokens, atol=1e-5)
    assert pool.encode_pages([]) == []


@slow
def test_what_the_model_offers_beyond_pages_and_questions_is_offered(folder, pool):
    alone = load_model(str(folder), ModelConfig(**SMALL))
    assert isinstance(pool, EncodesPassages)
    assert isinstance(pool, HasTask)
    assert pool.task == "retrieval"
    (one,), (other,) = pool.encode_passages(["a page"]), alone.encode_passages(["a page"])
    np.testing.assert_allclose(one.tokens, other.tokens, atol=1e-5)


@slow
def test_an_index_may_be_made_by_two_devices_and_searched_by_one(folder, pool, tmp_path):
    make_pdf(tmp_path / "a.pdf", [f"page number {number}" for number in range(20)])
    settings = ModelConfig(device="cpu, cpu", **SMALL)
    with SearchEngine.open(tmp_path / "index", model=str(folder), settings=settings) as engine:
        assert engine.encoder is pool
        (outcome,) = engine.index([tmp_path / "a.pdf"], IndexConfig(n_processes=1))
        assert outcome.n_pages == 20
    with SearchEngine.open(tmp_path / "index") as engine:
        assert len(engine.search("number", k=30)) == 20


@slow
def test_what_goes_wrong_in_a_process_is_said_here(folder, pool):
    with pytest.raises(UnreadableDocument, match="page 3: a picture of 2 x 900 pixels is too thin"):
        pool.encode_pages([page(number=1), page(number=2), page(2, 900, 3)])
    with pytest.raises(QueryError, match="has no words"):
        pool.encode_queries(["?"])
    assert len(pool.encode_pages([page()])) == 1  # and it goes on


@slow
def test_a_device_that_is_not_there_is_named(folder):
    with pytest.raises(ModelError, match="device cuda:7: the device 'cuda:7' cannot be used here; there are cpu"):
        DevicePool(str(folder), ModelConfig(device="cuda:7,cuda:8"))


@pytest.fixture
def toys():
    """The toy model on two devices: processes of their own, and nothing to load."""
    found = DevicePool("hashing", ModelConfig(device="cpu,cpu"))
    yield found
    found.close()


def kill(pool, which=0):
    process = pool._workers[which]._process
    process.kill()
    process.wait()


def asked(pool, text):
    (query,) = pool.encode_queries([text])
    return query.token_texts


def read(pool, *texts):
    """Encode pages of a word each; compare with what is to come out."""
    pages = [PageContent(number=1, width_pt=1, height_pt=1, words=words(text), text_source="text") for text in texts]
    for one, other in zip(pool.encode_pages(pages), HASHING.encode_pages(pages), strict=True):
        np.testing.assert_array_equal(one.tokens, other.tokens)


def test_a_process_found_dead_is_replaced(toys, caplog):
    pids = {worker._process.pid for worker in toys._workers}
    kill(toys, 0)
    kill(toys, 1)
    assert asked(toys, "alpha") == ("alpha",)
    read(toys, "beta", "gamma", "delta")
    assert pids.isdisjoint(worker._process.pid for worker in toys._workers)
    assert not isinstance(toys, EncodesPassages | HasTask), "the toy model has neither"


def test_a_process_that_dies_in_the_middle_is_replaced_once(toys, monkeypatch, caplog):
    deaths = 1

    def deadly(stream):
        nonlocal deaths
        if deaths:
            deaths -= 1
            kill(toys)
        return receive(stream)

    monkeypatch.setattr(device_pool, "receive", deadly)
    assert asked(toys, "alpha") == ("alpha",)
    assert "the process of device cpu died (signal 9); it is started again" in caplog.text
    assert asked(toys, "beta") == ("beta",)


@pytest.mark.parametrize("found_dead", [False, True])
def test_a_process_that_dies_again_is_an_error_and_the_next_request_tries_anew(toys, monkeypatch, caplog, found_dead):
    def deadly(stream):
        frame = receive(stream)
        if frame is not None and b"ready" not in frame:
            kill(toys)
            return None
        return frame

    if found_dead:
        kill(toys)
    with monkeypatch.context() as patched:
        patched.setattr(device_pool, "receive", deadly)
        with pytest.raises(ModelError, match=r"device cpu died \(signal 9\); finished documents are safe, try again"):
            asked(toys, "alpha")
    assert asked(toys, "beta") == ("beta",)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_interrupted_conversation_ends_its_process(toys, monkeypatch, interrupt):
    before = toys._workers[0]._process

    def interrupted(stream):
        raise interrupt

    with monkeypatch.context() as patched:
        patched.setattr(device_pool, "receive", interrupted)
        with pytest.raises(interrupt):
            asked(toys, "alpha")
    assert before.returncode is not None
    assert asked(toys, "beta") == ("beta",)


def test_who_is_interrupted_while_waiting_leaves_the_answer_behind(toys, monkeypatch):
    """Ctrl-C reaches the main thread only, which waits; the conversation goes on and the process lives."""
    before = [worker._process.pid for worker in toys._workers]
    to_come, noticed = threading.Semaphore(0), threading.Event()

    def interrupting(stream):
        if to_come.acquire(blocking=False):
            time.sleep(0.1)  # until it waits
            os.kill(os.getpid(), signal.SIGINT)
            noticed.wait(60)
        return receive(stream)

    monkeypatch.setattr(device_pool, "receive", interrupting)
    for call in (lambda: asked(toys, "alpha"), lambda: read(toys, "alpha", "gamma")):
        noticed.clear()
        with pytest.raises(KeyboardInterrupt):
            to_come.release()
            call()
        noticed.set()
        assert asked(toys, "beta") == ("beta",)
    read(toys, "delta", "epsilon", "zeta")
    assert [worker._process.pid for worker in toys._workers] == before


@pytest.mark.slow
def test_each_answer_belongs_to_its_question_whatever_happens(toys, monkeypatch, caplog):
    """Three threads ask while processes are killed and conversations broken off at random."""
    draw = random.Random(11)
    lock = threading.Lock()

    def unlucky(stream):
        with lock:
            luck = draw.random()
        if luck < 0.03:
            raise KeyboardInterrupt
        return receive(stream)

    monkeypatch.setattr(device_pool, "receive", unlucky)
    right, refused = [], []

    def ask(name):
        for number in range(60):
            try:
                if number % 3:
                    assert asked(toys, f"{name}{number}") == (f"{name}{number}",)
                else:
                    read(toys, f"{name}{number}", f"{name}{number}x", f"{name}{number}y")
                right.append(number)
            except (KeyboardInterrupt, ModelError):
                refused.append(number)

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("alpha", "beta", "gamma")]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        process = draw.choice(toys._workers)._process
        process.kill()
        time.sleep(0.3)
    for thread in threads:
        thread.join()
    assert len(right) + len(refused) == 180  # no assertion ended a thread
    assert len(right) > 120
    monkeypatch.undo()
    read(toys, "one", "two", "three")


def test_a_fresh_process_must_have_the_same_model(toys):
    toys._workers[0]._fingerprint = "of other files"
    kill(toys)
    with pytest.raises(ModelError, match="the files of hashing are not what they were when the model was loaded"):
        asked(toys, "alpha")
    assert toys._workers[0]._process.returncode is not None
    assert toys.closed  # so that load_model loads anew


def test_an_interrupt_while_loading_leaves_no_process_behind(monkeypatch):
    to_come, noticed = threading.Semaphore(1), threading.Event()

    def interrupting(stream):
        if to_come.acquire(blocking=False):
            time.sleep(0.1)  # until it waits
            os.kill(os.getpid(), signal.SIGINT)
        noticed.wait(60)
        return receive(stream)

    monkeypatch.setattr(device_pool, "receive", interrupting)
    before = set(psutil.Process().children())
    with pytest.raises(KeyboardInterrupt):
        DevicePool("hashing", ModelConfig(device="cpu,cpu"))
    noticed.set()
    soon = time.monotonic() + 60  # the threads see it a moment later
    while not (left := set(psutil.Process().children())) <= before and time.monotonic() < soon:
        time.sleep(0.01)
    assert left <= before


def test_close_may_be_called_twice_and_ends_waiting_too(toys, monkeypatch):
    processes = [worker._process for worker in toys._workers]
    reading, closed = threading.Event(), threading.Event()

    def waiting(stream):
        reading.set()
        closed.wait(60)
        return receive(stream)

    monkeypatch.setattr(device_pool, "receive", waiting)
    shares = [toys._workers[0].ask("encode_queries", ["alpha"]) for _ in range(2)]  # the second one waits in line
    assert reading.wait(60)
    toys.close()
    closed.set()
    for share in shares:
        with pytest.raises(ModelError, match=r"a process of hashing has been ended by close\(\); load the model again"):
            share.result(timeout=60)
    toys.close()
    assert toys.closed
    assert all(process.returncode is not None for process in processes)
    with pytest.raises(ModelError, match="ended by close"):
        asked(toys, "alpha")


def test_a_closed_pool_is_not_handed_out_again():
    config = ModelConfig(device="cpu,cpu")
    pool = load_model("hashing", config)
    assert load_model("hashing", config) is pool
    pool.close()
    other = load_model("hashing", config)
    assert other is not pool
    assert asked(other, "alpha") == ("alpha",)


@pytest.mark.parametrize("after_an_error", [False, True])
def test_processes_and_threads_end_with_the_last_holder(after_an_error):
    gc.collect()
    gc.disable()
    try:
        pool = DevicePool("hashing", ModelConfig(device="cpu,cpu"))
        if after_an_error:
            with suppress(QueryError):
                asked(pool, "?")
            with suppress(QueryError):
                read(pool, "alpha", "?", "beta")
                asked(pool, "??")
        pids = [worker._process.pid for worker in pool._workers]
        watched = weakref.ref(pool)
        del pool
        soon = time.monotonic() + 60  # the thread that passed on an error lets go a moment later
        while (watched() is not None or any(map(psutil.pid_exists, pids))) and time.monotonic() < soon:
            time.sleep(0.01)
        assert watched() is None
        assert not any(map(psutil.pid_exists, pids))
    finally:
        gc.enable()


def test_the_program_ends_while_an_answer_is_awaited():
    """And takes the processes with it: neither exit nor Ctrl-C waits for a slow device."""
    program = """
import os, time
from pagesight.engine.config import ModelConfig
from pagesight.engine.models import load_model
pool = load_model("hashing", ModelConfig(device="cpu,cpu"))
os.kill(pool._workers[0]._process.pid, 19)  # SIGSTOP: it never answers
print(*(worker._process.pid for worker in pool._workers), flush=True)
pool._workers[0].ask("encode_queries", ["alpha"])
time.sleep(0.2)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stderr == ""
    assert not any(psutil.pid_exists(int(pid)) for pid in done.stdout.split())

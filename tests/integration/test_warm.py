"""Reading processes between two runs of one engine: which are kept, for how long, and what they hold."""

import gc
import os
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.running.reader import PageReader
from pagesight.indexer.running.warm import WarmReader
from tests.helpers import make_pdf, reading_processes

ONE = IndexConfig(n_processes=1)


@pytest.fixture(autouse=True)
def _long_enough(monkeypatch):
    """Kept for longer than a busy machine may take between two runs."""
    monkeypatch.setattr(WarmReader.__init__, "__defaults__", (600.0,))


def end_of(pids):
    deadline = time.monotonic() + 60
    while pids & set(reading_processes()):
        assert time.monotonic() < deadline, "a reading process goes on"
        time.sleep(0.02)


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    make_pdf(folder / "a.pdf", ["apples and pears in a basket"])
    return folder


@pytest.fixture
def engine(tmp_path, docs):
    others = set(reading_processes())
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        engine.index([docs], ONE)
        engine.others = others
        yield engine


def ours(engine):
    return {pid: process for pid, process in reading_processes().items() if pid not in engine.others}


def test_the_next_run_is_read_by_the_same_process_until_the_engine_is_closed(engine, docs):
    first = set(ours(engine))
    assert len(first) == 1
    make_pdf(docs / "b.pdf", ["bicycles for the whole family"])
    assert engine.index([docs], ONE).counts["indexed"] == 1
    assert set(ours(engine)) == first
    assert engine.search("bicycles", k=1)[0].name == "b.pdf:1"
    assert engine.estimate([docs], IndexConfig(n_processes=1, reindex=True)).n_pages == 2
    assert set(ours(engine)) == first
    engine.close()
    assert not ours(engine)


def test_other_settings_have_another_process(engine, docs):
    first = set(ours(engine))
    engine.index([docs], IndexConfig(n_processes=1, ocr="off", reindex=True))
    assert len(ours(engine)) == 1
    assert not first & set(ours(engine))


def test_a_run_that_is_stopped_leaves_none(engine, docs):
    for name in "bcd":
        make_pdf(docs / f"{name}.pdf", [name] * 3)
    run = engine.iter_index([docs], ONE)
    next(run)
    run.close()
    assert not ours(engine)


def test_one_that_was_killed_meanwhile_is_replaced(engine, docs):
    (first,) = ours(engine)
    os.kill(first, signal.SIGKILL)
    make_pdf(docs / "b.pdf", ["bicycles for the whole family"])
    assert engine.index([docs], ONE).counts["indexed"] == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at the descriptors of another process")
def test_it_lets_go_of_the_last_file(engine, docs):
    (process,) = ours(engine).values()
    deadline = time.monotonic() + 60
    while any(file.path.startswith(str(docs)) for file in process.open_files()):
        assert time.monotonic() < deadline, "the file stays open"
        time.sleep(0.02)


@pytest.mark.thorough
def test_an_engine_that_is_dropped_without_closing_ends_it(tmp_path, docs):
    before = set(reading_processes())
    engine = SearchEngine.open(tmp_path / "index", model="hashing")
    engine.index([docs], ONE)
    pids = set(reading_processes()) - before
    del engine
    gc.collect()
    end_of(pids)


@pytest.mark.thorough
def test_it_ends_when_nothing_comes(docs):
    before = set(reading_processes())
    with closing(WarmReader(idle_seconds=0.2)) as warm:
        with warm.lent(PageReader(ReadOptions(ocr="off"), n_processes=1, seconds_per_page=20)) as reader:
            assert reader.open(docs / "a.pdf").result().n_pages == 1
        end_of(set(reading_processes()) - before)
        with warm.lent(PageReader(ReadOptions(ocr="off"), n_processes=1, seconds_per_page=20)) as reader:
            assert reader.open(docs / "a.pdf").result().n_pages == 1


def test_what_one_run_learnt_of_a_file_the_next_forgets(tmp_path):
    """A file is given up when too many of its pages killed their process; mended, it is read again."""
    path = tmp_path / "a.txt"
    with closing(WarmReader()) as warm:
        with warm.lent(PageReader(ReadOptions(ocr="off"), n_processes=1, seconds_per_page=20)) as first:
            first._deaths[path] = 99
        path.write_text("quinces")
        with warm.lent(PageReader(ReadOptions(ocr="off"), n_processes=1, seconds_per_page=20)) as second:
            assert second is first
            (page,) = second.read(path, 1, 1).result()
            assert page.words.texts == ("quinces",)

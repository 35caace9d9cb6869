"""What is closed, abandoned or over holds nothing: no memory, no descriptors, no connections, no locks."""

import gc
import json
import os
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path

import pytest

from pagesight import IndexConfig, ModelConfig, SearchConfig, SearchEngine, errors
from tests.helpers import ROOT

LIFE = """
import json, os, sys
from pathlib import Path
import psutil
from pagesight import IndexConfig, SearchEngine

docs, index, n_engines, read_every = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
config, process, sizes = IndexConfig(text=True, n_processes=1), psutil.Process(), []
for number in range(n_engines):
    if number % read_every == 0:
        (docs / "a.txt").write_text(f"quince {number} medlar")
    with SearchEngine.open(index, model="hashing") as engine:
        statuses = {outcome.status for outcome in engine.index([docs], config)}
        assert ("indexed" in statuses) == (number % read_every == 0), statuses
        assert engine.search("quince medlar")[0].document == "a.txt"
        assert engine.search("plum", filters="page = 1", k=1)[0].document == "b.txt"
    sizes.append((process.memory_info().rss, process.num_fds(), process.num_threads()))
print(json.dumps(sizes))
"""
MB = 1 << 20


def live(tmp_path, n_engines, read_every):
    """A process that opens so many engines, one after the other; (memory, descriptors, threads) after each."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "b.txt").write_text("plum cherry")
    arguments = [str(docs), str(tmp_path / "index"), str(n_engines), str(read_every)]
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIFE), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def check(sizes, room):
    after = sizes[len(sizes) // 5 :]
    assert {descriptors for _, descriptors, _ in after} == {after[0][1]}
    assert {threads for _, _, threads in after} == {after[0][2]}
    assert after[-1][0] - after[0][0] < room, f"memory grew by {(after[-1][0] - after[0][0]) / MB:.1f} MB"


@pytest.mark.thorough
def test_a_hundred_engines_one_after_the_other_take_no_more_than_one(tmp_path):
    check(live(tmp_path, 100, read_every=50), 4 * MB)


@pytest.mark.slow
def test_a_thousand_engines_one_after_the_other_take_no_more_than_one(tmp_path):
    check(live(tmp_path, 1000, read_every=5), 6 * MB)


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.txt").write_text(f"quince medlar word{number}")
    return folder


@pytest.fixture
def index(docs, tmp_path):
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        engine.index([docs], IndexConfig(text=True, n_processes=1))
    return tmp_path / "index"


def open_files(folder):
    """Descriptors and maps of this process that lie in a folder."""
    links = [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
    maps = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
    return [path for path in (*links, *maps) if path.startswith(f"{folder.resolve()}/")]


def test_closing_an_engine_lets_go_of_all_files(index):
    engine, other = SearchEngine.open(index), SearchEngine.open(index)
    for one in (engine, other):
        assert one.search("quince", config=SearchConfig(n_candidates=1))
    assert open_files(index)
    engine.close()
    assert other.search("medlar"), "another engine's files are its own"
    other.close()
    assert open_files(index) == []


def test_a_view_that_is_open_outlives_its_engine_and_then_lets_go_of_all_files(index):
    engine = SearchEngine.open(index)
    view = engine.view()
    n_open = len(open_files(index))
    engine.close()
    assert len(view.page_ids()) == len(view.tokens(view.page_ids())) == 4
    view.close()
    view.close()
    assert len(open_files(index)) < n_open
    del view
    assert open_files(index) == []


def test_an_engine_that_is_dropped_without_closing_lets_go_of_all_files(index):
    engine = SearchEngine.open(index)
    engine.search("quince")
    del engine
    gc.collect()
    assert open_files(index) == []


def test_a_model_is_freed_with_the_last_engine_that_uses_it(tmp_path):
    settings = ModelConfig(single_dim=4)  # a model of this test's own
    engines = [SearchEngine.open(tmp_path / f"{n}", model="hashing", settings=settings) for n in range(2)]
    model = weakref.ref(engines[0].encoder)
    assert engines[1].encoder is model()
    engines[0].close()
    assert engines[1].encoder is model()
    engines[1].close()
    assert model() is None


def test_a_closed_engine_says_so(index, docs):
    engine = SearchEngine.open(index)
    engine.close()
    engine.close()
    uses = [
        lambda: engine.encoder,
        lambda: engine.store,
        lambda: engine.index([docs]),
        lambda: engine.iter_index([docs]),
        lambda: engine.estimate([docs]),
        engine.view,
        lambda: engine.search("quince"),
        lambda: engine.search_many(["quince"]),
        lambda: engine.remove("0.txt"),
        engine.documents,
        engine.failures,
        engine.totals,
        engine.examine,
        engine.optimize,
        engine.measure,
        lambda: engine.look_up("0.txt", 1),
    ]
    for use in uses:
        with pytest.raises(errors.StoreClosed, match="was closed; open it again"):
            use()
    assert open_files(index) == []


def test_a_closed_engine_that_never_had_an_index_says_so(tmp_path, docs):
    engine = SearchEngine.open(tmp_path / "none", model="hashing")
    engine.close()
    for use in (lambda: engine.index([docs]), engine.view, lambda: engine.search("quince")):
        with pytest.raises(errors.StoreClosed, match="was closed; open it again"):
            use()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("begun", [True, False], ids=["after an outcome", "before the first"])
def test_indexing_that_is_abandoned_gives_the_right_to_write_back(index, docs, begun):
    (docs / "new.txt").write_text("entirely new")
    config = IndexConfig(text=True, n_processes=1, reindex=True)
    with SearchEngine.open(index) as engine, SearchEngine.open(index) as other:
        outcomes = engine.iter_index([docs], config)
        if begun:
            next(outcomes)
            with pytest.raises(errors.StoreLocked, match="is being written by"):
                other.remove("0.txt")
        outcomes.close()
        assert other.remove("0.txt") == ["0.txt"]
        assert engine.store.engine.pool.checkedout() == 0
        dropped = engine.iter_index([docs], config)
        if begun:
            next(dropped)
        del dropped
        assert other.remove("1.txt") == ["1.txt"]


def test_searches_hold_no_connection_however_they_end(index):
    def fail(_stage, _seconds):
        raise KeyboardInterrupt

    with SearchEngine.open(index) as engine:
        store = engine.store
        answers = engine.search_many(["quince", "medlar"])
        assert store.n_views == 0
        assert len(answers) == 2
        with pytest.raises(KeyboardInterrupt):
            engine.search("quince", on_stage=fail)
        with pytest.raises(errors.EmptyQuery, match="no words"):
            engine.search_many(["quince", " "])
        with pytest.raises(errors.BadFilter, match="no such field"):
            engine.search("quince", filters="colour = red")
        with pytest.raises(errors.UnknownHit, match="no page"):
            engine.look_up("nothing.txt", 1)
        engine.measure(n_queries=2)
        assert store.n_views == 0
        with engine.view():
            assert store.n_views == 1
        assert store.n_views == 0

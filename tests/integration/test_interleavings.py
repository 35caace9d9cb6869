"""Caches that threads share, with threads forced to change places at every few instructions."""

import random
import shutil
import sys
import threading

import numpy as np
import pytest

from pagesight import ModelConfig, SearchConfig, SearchEngine
from pagesight.engine.models import hashing
from pagesight.storage.remembered import ENTRY_BYTES, Remembered
from pagesight.storage.store import Store
from tests.helpers import add_document, space

N_THREADS, N_FILTERS = 8, 64


@pytest.fixture(autouse=True)
def _switching():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Not to be written to."""
    with Store.create(tmp_path_factory.mktemp("store") / "index", space()) as made:
        with made.writer() as writer:
            for number in range(40):
                pages = [f"word{number} word{number % 7} common", f"other{number % 5} common word{number % 11}"]
                add_document(writer, f"{number % 3}/{number}.pdf", pages)
        yield made


def together(work, n=N_THREADS):
    """What ``work(i)`` returns in each of n threads, which begin at once. The first error of any is raised."""
    barrier, results, errors = threading.Barrier(n), [None] * n, []

    def one(i):
        try:
            barrier.wait(timeout=30)
            results[i] = work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def test_remembered_filters_are_those_that_were_asked_for(store, monkeypatch):
    """More filters than are remembered, from all threads at once, each pushing out those of others."""
    with store.view() as view:
        state = view._state
    most = N_FILTERS * (ENTRY_BYTES + sys.getsizeof("page = 100") + 8)
    monkeypatch.setattr(state, "_filtered", Remembered(most, lambda pages: pages.nbytes))

    def ask(i):
        rng = random.Random(i)
        for _ in range(1500):
            number = 100 + rng.randrange(2 * N_FILTERS)
            found = state.allowed(f"page = {number}", lambda number=number: np.array([number], np.int64))
            assert found.tolist() == [number]

    together(ask)
    last = list(state._filtered._values)
    assert len(last) == N_FILTERS
    for expression in last:  # they are remembered under their own names
        assert f"page = {state.allowed(expression, lambda: pytest.fail('asked again'))[0]}" == expression


def test_filters_of_many_threads_find_their_own_pages(store, monkeypatch):
    """The same through views: as one thread finds them."""
    filters = [f"page = {1 + n // 40} and document ~ '*/{n % 40}.pdf'" for n in range(N_FILTERS + 10)]
    with store.view() as view:
        monkeypatch.setattr(view._state, "_filtered", Remembered(20_000, lambda pages: pages.nbytes))
        right = {one: view._find(one).tolist() for one in filters}
    assert len(set(map(tuple, right.values()))) == len(filters)

    def ask(i):
        mine = random.Random(i).sample(filters, len(filters))
        with store.view() as view:
            return all(view.page_ids(one).tolist() == right[one] for one in mine)

    assert together(ask) == [True] * N_THREADS
    assert 0 < len(view._state._filtered._values) < len(filters)


def test_what_a_state_makes_at_its_first_use_is_made_once(store):
    for _ in range(25):
        with Store(store.folder) as fresh:

            def first_use(i, fresh=fresh):
                with fresh.view() as view:
                    snapshot = view._snapshot
                    if i % 2:
                        recall = view._state.recall_index(snapshot)
                        return view._state, view._state.places(snapshot), recall
                    places = view._state.places(snapshot)
                    return view._state, places, view._state.recall_index(snapshot)

            made = together(first_use)
        assert [len({id(one) for one in ones}) for ones in zip(*made, strict=True)] == [1, 1, 1]


@pytest.mark.thorough  # conformance/test_stores.py has the same with threads that change places less often
def test_views_opened_while_a_writer_commits_are_whole(store, tmp_path):
    """A view's transaction, its files and what is remembered of it are of one generation."""
    store = Store(shutil.copytree(store.folder, tmp_path / "index"))
    done, n_writes = threading.Event(), 15

    def work(i):
        if i == 0:
            with store.writer() as writer:
                for number in range(n_writes):
                    if number % 3 == 2:
                        writer.remove_names([f"/docs/new/{number - 1}.pdf".encode()])
                    else:
                        add_document(
                            writer, f"new/{number}.pdf", [f"new{number} page{page}" for page in range(1 + number % 3)]
                        )
            done.set()
            return 0
        seen, last = 0, False
        while not last:
            last = done.is_set()  # one view more than that: all have seen the end
            with store.view() as view:
                assert view._snapshot.generation() == view.generation >= seen
                seen = view.generation
                ids = view.page_ids().tolist()
                assert len(view.tokens(np.array(ids))) == len(ids)
                assert [page.page_id for page in view.describe(np.array(ids)).values()] == ids
                assert view._state.recall_index(view._snapshot).page_ids.tolist() == ids
                new = sum(document.n_indexed_pages for document in view.documents("folder = new"))
                assert len(view.page_ids("folder = new")) == new == len(ids) - 80
        return seen

    with store:
        generations = together(work)[1:]
    assert set(generations) == {40 + n_writes}


@pytest.mark.parametrize("n_engines", [1, N_THREADS])
def test_a_model_is_loaded_once_for_all_threads(tmp_path, n_engines):
    """By one engine that all use, and by one for each thread."""
    loads = []

    def count(frame, event, _):
        if event == "call" and frame.f_code is hashing.load.__code__:
            loads.append(threading.get_ident())

    settings = ModelConfig(single_dim=8)
    engines = [SearchEngine.open(tmp_path / "index", model="hashing", settings=settings) for _ in range(n_engines)]
    threading.setprofile(count)
    try:
        encoders = together(lambda i: engines[i % n_engines].encoder)
    finally:
        threading.setprofile(None)
    assert len({id(encoder) for encoder in encoders}) == len(loads) == 1
    for engine in engines:
        engine.close()


@pytest.mark.thorough
def test_many_threads_find_what_one_finds(store):
    configs = (SearchConfig(k=7), SearchConfig(k=7, n_candidates=12), SearchConfig(k=50, exact=True))
    asked = [
        (f"word{number} common other{number % 5}", filters, config)
        for number in range(2)
        for filters in (None, "folder = '1'", "page = 2")
        for config in configs
    ]
    with SearchEngine.open(store.folder) as engine:
        right = [engine.search(text, filters=filters, config=config) for text, filters, config in asked]
    assert all(right)
    with SearchEngine.open(store.folder) as engine:

        def ask(i):
            order = random.Random(i).sample(range(len(asked)), len(asked) // 3)
            return [
                asked[n]
                for n in order
                if engine.search(asked[n][0], filters=asked[n][1], config=asked[n][2]) != right[n]
            ]

        assert together(ask) == [[] for _ in range(N_THREADS)]
        assert engine.store.n_views == 0

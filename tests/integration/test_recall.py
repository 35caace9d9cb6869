"""Finding candidates in small and large indexes: with inverted lists, deletions, additions, filters and damage."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pagesight.engine.config import SearchConfig
from pagesight.engine.measure import made_up_questions, measure
from pagesight.engine.retrieval import search
from pagesight.storage.recall.index import Sieve, _where_best, fits_flat
from pagesight.storage.recall.vector_index import flat, load, save
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo, EncodedPage, NewPage, PageWords
from tests.helpers import source_file, space

DIM = 16


@pytest.fixture
def large(monkeypatch):
    """Let a few hundred pages be a large index."""
    monkeypatch.setattr("pagesight.storage.recall.index.FLAT_COMPONENTS", 100 * DIM)
    monkeypatch.setattr("pagesight.storage.recall.index.TAIL_PAGES", 20)
    monkeypatch.setattr("pagesight.storage.recall.growth.TAIL_PAGES", 20)
    monkeypatch.setattr("pagesight.storage.recall.vector_index.ROWS_A_LIST", 50)
    monkeypatch.setattr("pagesight.storage.recall.growth.ROWS_A_LIST", 50)
    monkeypatch.setattr("pagesight.storage.recall.index.SIEVES", (Sieve(1, 8, 100, 200), Sieve(8, 32, 64, 100)))


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def add(writer, name, n_pages, seed):
    rng = np.random.default_rng(seed)
    with writer.draft() as draft:
        for number in range(1, n_pages + 1):
            tokens = unit(rng.standard_normal((12, DIM)))
            encoded = EncodedPage(unit(tokens.mean(axis=0)), tokens, np.zeros((12, 4), np.float32))
            page = NewPage(
                number=number, width_pt=1, height_pt=1, text_source="none", words=PageWords.none(), encoded=encoded
            )
            draft.add_page(page)
        info = DocumentInfo(sha256=f"{seed:064x}", media_type="application/pdf", n_pages=n_pages)
        draft.commit(info, source_file(name))


def fill(store, n_documents, n_pages=20, first=0):
    with store.writer() as writer:
        for i in range(first, first + n_documents):
            add(writer, f"{i}.pdf", n_pages, i + 1)


def found_by_single(store, k=10):
    """Share of the exact nearest pages that the recall index finds, over some queries; never a page that is not there."""
    shares = []
    with store.view() as view:
        singles = np.stack([view.single(page_id) for page_id in view.page_ids().tolist()])
        for vector in singles[::17]:
            scores = singles @ vector
            expected = set(view.page_ids()[np.argsort(-scores)[:k]].tolist())
            page_ids = view.nearest(vector, k, None)
            assert set(page_ids.tolist()) <= set(view.page_ids().tolist())
            assert len(page_ids) == k
            shares.append(len(expected & set(page_ids.tolist())) / k)
    return np.mean(shares)


@pytest.mark.usefixtures("large")
@pytest.mark.thorough
def test_a_large_index_keeps_inverted_lists_and_finds_what_was_added_since(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        (lists,) = tmp_path.glob("recall-*.faiss")
        written = lists.stat().st_mtime_ns
        assert found_by_single(store) > 0.9
        fill(store, 1, first=15)
        assert lists.stat().st_mtime_ns == written  # one document does not rewrite what is there
        assert found_by_single(store) > 0.9
        with store.view() as view:
            newest = int(view.page_ids()[-1])
            assert view.nearest(view.single(newest), 1, None).tolist() == [newest]
        fill(store, 3, first=16)
        (grown,) = tmp_path.glob("recall-*.faiss")
        assert grown != lists
        fill(store, 60, n_pages=20, first=19)  # four times as many: trained anew
        assert found_by_single(store) > 0.9


@pytest.mark.usefixtures("large")
def test_deleted_pages_are_never_found_and_leave_the_lists_when_they_are_optimized(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        with store.writer() as writer:
            writer.remove_names([f"/docs/{i}.pdf".encode() for i in range(0, 15, 2)])
        assert found_by_single(store) > 0.9
        store.optimize()
        assert found_by_single(store) > 0.9
        assert store.examine().findings == ()


@pytest.mark.usefixtures("large")
def test_damaged_lists_cost_time_and_nothing_else(tmp_path, caplog):
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
    (lists,) = tmp_path.glob("recall-*.faiss")
    lists.write_bytes(lists.read_bytes()[:1000])
    with Store(tmp_path) as store:
        assert found_by_single(store) == 1  # all are compared
        assert "cannot be used" in caplog.text
        found = store.examine()
        assert [finding.repaired for finding in found.findings] == [True]
        fill(store, 1, first=15)
        assert len(list(tmp_path.glob("recall-*.faiss"))) == 1


@pytest.mark.usefixtures("large")
def test_a_very_selective_filter_returns_its_pages(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        with store.view() as view:
            (question,) = made_up_questions(view, 1)
            some = 'document = "7.pdf" and page <= 3'
            hits = search(replace(question, filters=some), view, SearchConfig())
            assert {hit.page_id for hit in hits} == set(view.page_ids(some).tolist())
            assert len(hits) == 3
            half = "page <= 10"
            config = SearchConfig(k=5, n_candidates=40)
            hits = search(replace(question, filters=half), view, config)
            assert len(hits) == 5
            assert {hit.page_id for hit in hits} <= set(view.page_ids(half).tolist())
            assert search(replace(question, filters='document = "none"'), view, config) == []


@pytest.mark.usefixtures("large")
def test_as_many_candidates_are_found_as_are_asked_for_and_the_best_are_among_them(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 20)
        with store.view() as view:
            for question in made_up_questions(view, 5):
                (best,) = search(question, view, SearchConfig(k=1, exact=True))
                for k in (1, 60, 200):
                    found = view.nearest_by_means(question.encoded.tokens, k, None)
                    assert len(set(found.tolist())) == k
                    assert best.page_id in found


def test_two_stages_with_everything_kept_are_the_exact_search(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 10)
        with store.view() as view:
            for question in made_up_questions(view, 10):
                kept = search(question, view, SearchConfig(n_candidates=len(view.page_ids())))
                assert kept == search(question, view, SearchConfig(exact=True))


@pytest.mark.usefixtures("large")
def test_the_measured_agreement_grows_with_the_candidates(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        with store.view() as view:
            questions = list(made_up_questions(view, 20))
            few = measure(questions, view, SearchConfig(k=5, n_candidates=10))
            many = measure(questions, view, SearchConfig(k=5, n_candidates=300))
    assert few.agreement <= many.agreement == many.first == 1
    assert few.n_pages == 300
    assert few.n_queries == 20


def test_means_that_were_lost_are_made_again(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 2)
        means = [tmp_path / f"means-{n}.i8" for n in (32, 8, 1)]
        sizes = [path.stat().st_size for path in means]
        means[1].unlink()
        found = store.examine()
        assert [finding.problem for finding in found.findings] == ["40 pages could not be found by their tokens"]
        assert store.examine().findings == ()
        assert [path.stat().st_size for path in means] == sizes


@pytest.mark.usefixtures("large")
def test_lists_that_are_all_visited_find_what_comparing_everything_finds(tmp_path, monkeypatch):
    monkeypatch.setattr("pagesight.storage.recall.vector_index.VISITED_SHARE", 1)
    rng = np.random.default_rng(2)
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        with store.writer() as writer:
            writer.remove_names([f"/docs/{i}.pdf".encode() for i in (0, 4, 9)])
        fill(store, 1, first=15)
        assert list(tmp_path.glob("recall-*.faiss"))
        with store.view() as view:
            everything = view.page_ids()
            for n_allowed in (1, 19, 21, 150, len(everything)):
                allowed = np.sort(rng.choice(everything, n_allowed, replace=False))
                singles = np.stack([view.single(page_id) for page_id in allowed.tolist()])
                for vector in singles[:5]:
                    found = view.nearest(vector, 12, allowed)
                    least = np.sort(singles @ vector)[::-1][: len(found)][-1]
                    assert len(found) == min(12, n_allowed)
                    assert set(found.tolist()) <= set(allowed.tolist())
                    assert (singles[np.searchsorted(allowed, found)] @ vector >= least - 0.02).all()  # codes of a byte


def test_sieves_let_a_share_through_within_bounds():
    sieve = Sieve(n_means=1, one_of=10, at_least=50, at_most=200)
    assert [sieve.kept(n, 3) for n in (100, 1_000, 10_000)] == [50, 100, 200]
    assert sieve.kept(10_000, 150) == 300  # twice what is asked for


@pytest.mark.parametrize("n_pages_each", [1, 2, 3, 4, 8])
@pytest.mark.parametrize(("n_pages", "k"), [(9_000, 8_192), (20_000, 8_192), (100_000, 10_000), (100_000, 1)])
def test_a_sieve_keeps_the_best_however_long_documents_are(n_pages, k, n_pages_each):
    scores = np.random.default_rng(1).standard_normal(n_pages).astype(np.float32)
    scores[::n_pages_each] += 3  # first pages are better
    assert _where_best(scores, k).tolist() == np.sort(np.argsort(-scores, kind="stable")[:k]).tolist()


@pytest.mark.parametrize("n_better", [0, 3, 500, 5_000])
def test_of_pages_that_score_the_same_a_sieve_keeps_the_first(n_better):
    scores = np.zeros(20_000, np.float32)
    scores[len(scores) - n_better :] = 1
    expected = np.sort(np.argsort(-scores, kind="stable")[:2_000])
    assert _where_best(scores, 2_000).tolist() == expected.tolist()


def test_a_sieve_keeps_as_many_as_it_should_where_its_sample_misleads(monkeypatch):
    scores = np.arange(20_000, dtype=np.float32)
    monkeypatch.setattr(
        "pagesight.storage.recall.index._sampled_at", lambda: np.linspace(0.9, 1, 8_192, endpoint=False)
    )
    assert _where_best(scores, 5_000).tolist() == list(range(15_000, 20_000))


def lists_in(folder):
    return sorted(path.name for path in folder.glob("recall-*.faiss"))


def remove(store, numbers):
    with store.writer() as writer:
        writer.remove_names([f"/docs/{i}.pdf".encode() for i in numbers])


@pytest.mark.usefixtures("large")
@pytest.mark.thorough
def test_pages_that_were_replaced_leave_the_lists_when_they_are_most_of_them(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        for first in range(0, 30, 5):  # a third of the pages in each round
            remove(store, range(first, first + 5))
            fill(store, 5, first=first + 15)
            assert load(tmp_path).n_rows <= 2 * 300
        assert found_by_single(store) > 0.9


@pytest.mark.usefixtures("large")
def test_an_older_view_finds_only_its_own_pages_in_newer_lists(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        with store.view() as old:
            page_ids = old.page_ids()
            vectors = [old.single(page_id) for page_id in page_ids[::30].tolist()]
            remove(store, range(5))
            fill(store, 5, first=15)
            store.optimize()
            for vector in vectors:
                found = old.nearest(vector, 50, None)
                assert 0 < len(found) <= 50
                assert set(found.tolist()) <= set(page_ids.tolist())


@pytest.mark.usefixtures("large")
def test_an_older_view_finds_only_allowed_pages_in_lists_with_as_many(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        with store.view() as old:
            page_ids = old.page_ids()
            remove(store, range(5, 10))
            store.optimize()
            allowed = page_ids[100:]
            assert load(tmp_path).n_rows == len(allowed)
            found = old.nearest(old.single(1), 50, allowed)
            assert set(found.tolist()) <= set(allowed.tolist())


@pytest.mark.usefixtures("large")
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="mapped files are listed on Linux")
def test_an_open_index_lets_go_of_lists_that_were_replaced(tmp_path):
    def held():
        mapped = {line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
        return {name for name in mapped if name.startswith(f"{tmp_path}/recall-")}

    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        assert found_by_single(store) > 0.9
        assert held() == {str(tmp_path / name) for name in lists_in(tmp_path)} != set()
        remove(store, range(5))
        assert found_by_single(store) > 0.9
        store.optimize()  # makes lists of the same name
        assert found_by_single(store) > 0.9
        assert held() == {str(tmp_path / name) for name in lists_in(tmp_path)} != set()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("by", ["removing", "optimizing"])
def test_an_index_that_has_shrunk_has_no_lists(tmp_path, monkeypatch, by):
    with Store.create(tmp_path, space()) as store:
        fill(store, 3, n_pages=100)
        assert found_by_single(store) > 0.9
        if by == "optimizing":  # as after a version that left them
            monkeypatch.setattr("pagesight.storage.recall.growth.fits_flat", lambda *_: False)
        remove(store, range(2))
        assert bool(lists_in(tmp_path)) == (by == "optimizing")
        monkeypatch.setattr("pagesight.storage.recall.growth.fits_flat", fits_flat)
        store.optimize()
        assert lists_in(tmp_path) == []
        assert found_by_single(store) == 1


@pytest.mark.usefixtures("large")
def test_pages_of_newer_lists_that_were_damaged_are_put_into_the_next(tmp_path):
    with Store.create(tmp_path, space()) as store:
        fill(store, 3, n_pages=100)
        (older,) = tmp_path.glob("recall-*.faiss")
        kept = older.read_bytes()
        fill(store, 1, n_pages=60, first=3)
        (newer,) = tmp_path.glob("recall-*.faiss")
        assert newer != older
        older.write_bytes(kept)
        newer.write_bytes(newer.read_bytes()[:1000])
        fill(store, 1, n_pages=60, first=4)
        assert len(lists_in(tmp_path)) == 1
        assert load(tmp_path).n_rows == 420
        with store.view() as view:
            for page_id in range(301, 361, 5):  # of the damaged ones
                assert page_id in view.nearest(view.single(page_id), 5, None)


def test_lists_are_on_the_disk_before_they_take_the_place_of_others(tmp_path, monkeypatch):
    done = []
    lists = flat(np.eye(2, dtype=np.float32), np.array([1, 2]), 3)
    save(lists, tmp_path)

    def note(module, name):
        real = getattr(module, name)

        def call(what, *others, **options):
            which = os.fstat(what) if isinstance(what, int) else os.stat(what)
            done.append((name, "folder" if os.path.samestat(which, tmp_path.stat()) else "file"))
            return real(what, *others, **options)

        monkeypatch.setattr(module, name, call)

    note(os, "fsync")
    note(os, "replace")
    note(Path, "unlink")
    save(replace(lists, below=4), tmp_path)
    assert done == [("fsync", "file"), ("replace", "file"), ("fsync", "folder"), ("unlink", "file")]
    assert load(tmp_path).below == 4


@pytest.mark.usefixtures("large")
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed on Linux")
@pytest.mark.thorough
def test_files_of_earlier_states_are_closed_without_the_collector(tmp_path):
    counts = []
    with Store.create(tmp_path, space()) as store:
        fill(store, 15)
        gc.collect()
        gc.disable()
        try:
            for number in range(30):
                fill(store, 1, n_pages=2, first=15 + number)
                with store.view() as view:
                    assert view.nearest(view.single(1), 3, None)[0] == 1
                    assert len(view.nearest_by_means(view.tokens(np.array([1]))[0], 3, None)) == 3
                links = (os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd"))
                counts.append(sum(link.startswith(f"{tmp_path.resolve()}/") for link in links))
        finally:
            gc.enable()
    assert max(counts) == min(counts)

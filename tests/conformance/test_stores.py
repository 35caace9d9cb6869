"""What every store must do, whichever it is."""

import contextlib
import threading
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from pagesight import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.retrieval import Question, search
from pagesight.storage import errors
from pagesight.storage.bm25 import WordStatistics, best_by_words, counting
from pagesight.storage.values import DocumentInfo, EncodedPage
from tests.conformance.answers import assert_same, everything
from tests.conformance.stores import PLACES, SLOW
from tests.helpers import HASHING, add_document, new_page, source_file, space


@pytest.fixture(
    params=[
        pytest.param(place, id=name, marks=[pytest.mark.thorough] if name in SLOW else [])
        for name, place in PLACES.items()
    ]
)
def place(request):
    made = request.param()
    yield made
    made.remove()


@pytest.fixture
def store(place):
    made = place.create(space())
    yield made
    made.close()


def question(text, **options):
    (encoded,) = HASHING.encode_queries([text])
    return Question(encoded=encoded, text=text, **options)


def names(store):
    with store.view() as view:
        return [name for document in view.documents() for name in document.names]


def test_there_is_nothing_to_open_before_it_is_created(place):
    with pytest.raises(errors.StoreNotFound, match="there is no index in"):
        place.open()


def test_creating_again_opens_what_is_there(place, store):
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["some words"])
    again = place.create(space("float16"))
    assert again.space == space()
    assert names(again) == ["a.pdf"]


def test_an_empty_store_answers_nothing(store):
    with store.view() as view:
        assert search(question("anything"), view, SearchConfig()) == []
        assert search(question("anything"), view, SearchConfig(exact=True)) == []
        assert view.documents() == view.failures() == []
        assert view.totals().n_pages == 0
        assert view.page_ids().dtype == np.int64


def test_ties_are_broken_by_page_id(store):
    with store.writer() as writer:
        for number in range(20):
            add_document(writer, f"{number:02}.pdf", ["the very same words"], content=str(number))
    with store.view() as view:
        for config in (SearchConfig(k=7), SearchConfig(k=7, n_candidates=9), SearchConfig(k=7, exact=True)):
            found = search(question("same words"), view, config)
            assert [scored.page_id for scored in found] == view.page_ids()[:7].tolist()
        assert view.nearest(question("same").encoded.single, 5, None).tolist() == view.page_ids()[:5].tolist()
        assert view.nearest_by_words("same", 5, None).page_ids.tolist() == view.page_ids()[:5].tolist()


def test_a_page_with_words_and_no_token_vectors_is_not_found(store):
    """Nearly all that match, and the best of them."""
    page = new_page(1, "quince quince quince")
    bare = EncodedPage(page.encoded.single, page.encoded.tokens[:0], page.encoded.boxes[:0])
    with store.writer() as writer:
        for number in range(20):
            with writer.draft() as draft:
                draft.add_page(replace(page, encoded=bare))
                info = DocumentInfo(sha256=f"{number:064x}", media_type="application/pdf", kind="pdf", n_pages=1)
                draft.commit(info, source_file(f"{number:02}.pdf"))
        for number in range(6):
            add_document(writer, f"found{number}.pdf", [f"quince medlar other{number} words here"])
        for number in range(40):
            add_document(writer, f"other{number}.pdf", [f"nothing{number} of it"])
    with store.view() as view:
        findable, quinces = view.page_ids(), view.page_ids('document ~ "found*"')
        assert len(findable) == 46
        for allowed in (None, findable):
            for k in (1, 3, 50):
                found = view.nearest_by_words("quince", k, allowed).page_ids.tolist()
                assert len(found) == min(k, 6)
                assert set(found) <= set(quinces.tolist())
        for weight in (0.0, 0.5):
            found = search(question("quince", opening_weight=weight), view, SearchConfig(k=4, n_candidates=4))
            assert {scored.page_id for scored in found} <= set(findable.tolist())
            assert len(found) == 4
        by_numbers, _ = best_by_words(counting(view), WordStatistics.of(counting(view), "quince", 46), 50, findable)
        assert sorted(by_numbers.page_ids.tolist()) == quinces.tolist()


def test_no_filter_is_everything_and_a_filter_without_a_match_is_nothing(store):
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["one two", "three"])
    nothing = np.empty(0, np.int64)
    with store.view() as view:
        (encoded,) = HASHING.encode_queries(["one"])
        assert len(view.nearest(encoded.single, 9, None)) == len(view.nearest_by_means(encoded.tokens, 9, None)) == 2
        assert len(view.nearest(encoded.single, 9, nothing)) == 0
        assert len(view.nearest_by_words("one", 9, nothing).page_ids) == 0
        assert view.page_ids("page = 77").tolist() == []
        assert search(question("one", filters="page = 77"), view, SearchConfig()) == []
        with pytest.raises(errors.BadFilter, match="no such field"):
            view.page_ids("colour = red")


def test_candidates_are_among_what_a_filter_allows(store):
    with store.writer() as writer:
        for number in range(30):
            add_document(writer, f"{number % 3}/{number}.pdf", [f"word{number} common", f"other{number} common"])
    with store.view() as view:
        allowed = view.page_ids("folder = '1'")
        (encoded,) = HASHING.encode_queries(["common word7"])
        for found in (
            view.nearest(encoded.single, 5, allowed),
            view.nearest_by_means(encoded.tokens, 5, allowed),
            view.nearest_by_words("common", 5, allowed).page_ids,
        ):
            assert len(found) == 5
            assert set(found.tolist()) <= set(allowed.tolist())


def test_scores_are_maxsim_of_the_stored_tokens_in_any_order(store):
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["apple pear", "pear quince plum", "", "fig"])
    with store.view() as view:
        ids = view.page_ids()[::-1].copy()
        (encoded,) = HASHING.encode_queries(["pear fig apple"])
        expected = np.stack([(encoded.tokens @ tokens.T).max(axis=1) for tokens in view.tokens(ids)], axis=1)
        np.testing.assert_allclose(view.maxima(encoded.tokens, ids), expected, atol=1e-3)
        np.testing.assert_allclose(view.maxima(encoded.tokens, ids, precise=False), expected, atol=1e-2)
        assert view.maxima(encoded.tokens, ids[:0]).shape == (3, 0)
        assert view.means_maxima(encoded.tokens, ids[:0]).shape == (3, 0)


def test_pages_of_another_width_are_refused_and_leave_nothing(store):
    page = new_page(1, "word")
    wrong = type(page.encoded)(page.encoded.single, np.ones((1, 3), np.float32), page.encoded.boxes)
    with store.writer() as writer, writer.draft() as draft, pytest.raises(errors.DimensionMismatch, match="16 dim"):
        draft.add_page(type(page)(**{**{f: getattr(page, f) for f in page.__slots__}, "encoded": wrong}))
    assert names(store) == []


def test_pages_are_handed_on_as_they_are(place, store):
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["green white", "", "red"])
        add_document(writer, "b.pdf", ["black"])
        add_document(writer, "a.pdf", ["green again", "red"])
        last = add_document(writer, "c.pdf", ["grey grey", "blue"])
        writer.add_name(last, source_file("d.pdf"))
    other_place = type(place)()
    other = other_place.create(space())
    with store.view() as view, other.writer() as writer:
        for content in view.contents():
            with writer.draft() as draft:
                for page in view.packed_pages(content.sha256):
                    draft.add_packed(page)
                info = DocumentInfo(sha256=content.sha256, media_type="application/pdf", n_pages=content.n_pages)
                draft.commit(replace(info, added_at="2020-02-02T02:02:02+00:00"), source_file(content.sha256))
        with other.view() as copied:
            assert [content.sha256 for content in view.contents()][-1] == last
            assert copied.contents() == view.contents()
            ids, others = view.page_ids(), copied.page_ids()
            assert copied.tokens(others).data.tobytes() == view.tokens(ids).data.tobytes()
            (encoded,) = HASHING.encode_queries(["green grey"])
            assert copied.maxima(encoded.tokens, others).tobytes() == view.maxima(encoded.tokens, ids).tobytes()
            for content in view.contents():
                pairs = zip(view.packed_pages(content.sha256), copied.packed_pages(content.sha256), strict=True)
                assert all(asdict(ours) == asdict(theirs) for ours, theirs in pairs)
            assert {document.added_at for document in copied.documents()} == {"2020-02-02T02:02:02+00:00"}
    other.close()
    other_place.remove()


def test_a_packed_page_of_another_space_is_refused(place, store):
    with store.writer() as writer:
        sha256 = add_document(writer, "a.pdf", ["green white"])
    with store.view() as view:
        (page,) = view.packed_pages(sha256)
    for wrong in (replace(page, record=page.record[1:]), replace(page, single=b""), replace(page, n_tokens=1)):
        with store.writer() as writer, writer.draft() as draft, pytest.raises(errors.StoreCorrupt, match="page 1 has"):
            draft.add_packed(wrong)
    assert names(store) == ["a.pdf"]


def test_writers_exclude_each_other_or_take_turns(place, store):
    other = place.open()
    if place.writers_wait:
        with store.writer() as one, other.writer() as two:
            add_document(one, "a.pdf", ["of one writer"])
            add_document(two, "b.pdf", ["of another"])
            add_document(one, "c.pdf", ["of the first again"])
        assert names(store) == names(other) == ["a.pdf", "b.pdf", "c.pdf"]
        return
    with store.writer(), pytest.raises(errors.StoreLocked, match="is being written by"):
        other.writer().__enter__()
    with other.writer() as writer:
        add_document(writer, "a.pdf", ["now it is free"])
    assert names(store) == ["a.pdf"]


def test_a_view_stays_as_it_was_opened(place, store):
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["green words", "more"])
        add_document(writer, "b.pdf", ["other words"])
    view = place.open().view()
    before, found = everything(view), search(question("green"), view, SearchConfig())
    with store.writer() as writer:
        writer.remove_names([b"/docs/a.pdf"])
        add_document(writer, "b.pdf", ["entirely new"])
        add_document(writer, "c.pdf", ["green too"])
    store.optimize()
    store.examine(drop_damaged=True)
    with view:
        assert_same(everything(view), before)
        assert search(question("green"), view, SearchConfig()) == found


def test_readers_see_whole_documents_while_another_writes(store):
    problems, done = [], threading.Event()

    def read():
        while not done.is_set():
            with store.view() as view:
                ids = view.page_ids()
                if len(view.tokens(ids)) != len(ids) or len(view.describe(ids)) != len(ids):
                    problems.append("pages and vectors differ")
                problems.extend(
                    f"{document.document} has {document.n_indexed_pages} of {document.n_pages} pages"
                    for document in view.documents()
                    if document.n_indexed_pages != document.n_pages
                )

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    with store.writer() as writer:
        for round_ in range(12):
            pages = [f"page {i} of round {round_}" for i in range(1 + round_ % 4)]
            add_document(writer, f"{round_ % 7}.pdf", pages)
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []


class Crash(Exception):
    pass


def crash_at(step):
    """A fault point that fails at its step-th call; says in ``reached`` whether there was one."""
    calls = iter(range(1000))

    def reach(_name):
        if next(calls) == step:
            reach.reached = True
            raise Crash

    reach.reached = False
    return reach


def test_a_crash_at_any_step_leaves_the_old_or_the_new_state(place, store):
    def change(writer):
        add_document(writer, "a.pdf", ["the new text", "of two pages"])

    with store.writer() as writer:
        add_document(writer, "a.pdf", ["the old text"])
    reached, step = True, 0
    while reached:
        fault = crash_at(step)
        with contextlib.suppress(Crash), store.writer(fault) as writer:
            change(writer)
        reached, step = fault.reached, step + 1
        store.close()
        store = place.open()
        with store.view() as view:
            texts = [" ".join(detail.words.texts) for _, detail in sorted(view.details(view.page_ids()).items())]
        assert texts in (
            (["the old text"], ["the new text", "of two pages"]) if reached else (["the new text", "of two pages"],)
        )
        assert store.examine().findings == ()
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["the old text"])
    assert step > 1, "no step was ever reached"


def test_many_names_are_removed_at_once(store):
    with store.writer() as writer:
        for number in range(3):
            add_document(writer, f"{number}.pdf", [f"words {number}"])
        missing = [b"/nowhere/%d" % number for number in range(40_000)]
        assert writer.remove_names([*missing, b"/docs/1.pdf"]) == 1
    assert names(store) == ["0.pdf", "2.pdf"]


def test_a_filter_takes_a_list_of_any_length_and_refuses_what_is_too_deep(store):
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["one", "two"])
    many = ", ".join(map(str, range(2, 50_000)))
    with store.view() as view:
        assert len(view.page_ids(f"page in ({many})")) == 1
        assert len(view.page_ids(" or ".join(["page = 2"] * 400))) == 1
        with pytest.raises(errors.BadFilter, match="more than 400 comparisons"):
            view.page_ids(" or ".join(["page = 2"] * 5000))
        with pytest.raises(errors.BadFilter, match="within each other"):
            view.page_ids("(" * 5000 + "page = 1" + ")" * 5000)
        with pytest.raises(errors.BadFilter, match="within each other"):
            view.page_ids("not " * 5000 + "page = 1")


def test_a_closed_store_says_so(store):
    store.close()
    for use in (store.view, lambda: store.writer().__enter__(), store.optimize, store.examine):
        with pytest.raises(errors.StoreClosed, match="was closed; open it again"):
            use()


def test_names_are_found_however_their_accents_are_spelt(store):
    with store.writer() as writer:
        add_document(writer, "Übersicht.pdf", ["one"])
    with store.view() as view:
        assert view.find_page("U\u0308bersicht.pdf", 1) is not None
        assert len(view.page_ids("document = 'U\u0308bersicht.pdf'")) == 1


def test_documents_of_one_name_are_told_apart_by_their_content(store):
    with store.writer() as writer:
        first, second = (
            add_document(writer, "report.pdf", [text], root=Path(root))
            for root, text in (("/d1", "apples"), ("/d2", "zebras"))
        )
    with store.view() as view:
        found = [view.find_page("report.pdf", 1, sha256=sha256) for sha256 in (first, second)]
        assert [page.sha256 for page in map(view.describe(np.array(found)).get, found)] == [first, second]
        assert view.find_page("report.pdf", 1) == found[0]
        assert view.find_page("other.pdf", 1, sha256=first) is view.find_page("report.pdf", 1, sha256="0" * 64) is None


@pytest.mark.parametrize("number", [-(10**20), 0, 2, 2**63, 10**20])
def test_no_page_has_a_number_beyond_those_of_its_document(store, number):
    with store.writer() as writer:
        add_document(writer, "a.pdf", ["one"])
    with store.view() as view:
        assert view.find_page("a.pdf", number) is None


def test_failures_are_kept_until_the_file_is_read(store):
    with store.writer() as writer:
        writer.record_failure(source_file("bad.pdf"), "failed", "damaged", drop=True)
    with store.view() as view:
        assert [(f.document, f.page, f.reason) for f in view.failures()] == [("bad.pdf", 0, "damaged")]
        assert set(view.known_failures()) == {b"/docs/bad.pdf"}
    with store.writer() as writer:
        add_document(writer, "bad.pdf", ["it is whole again"])
    with store.view() as view:
        assert view.failures() == []


def test_the_engine_runs_on_it(tmp_path):
    (tmp_path / "a.txt").write_text("alpha beta\n")
    for address in (tmp_path / "index", f"memory://{tmp_path.name}"):
        with SearchEngine.open(address, encoder=HASHING) as engine:
            assert len(engine.index([tmp_path / "a.txt"])) == 1
            (hit,) = engine.search("beta")
            assert (hit.document, hit.kind, hit.lines) == ("a.txt", "text", (1, 1))
        with SearchEngine.open(address, model="hashing") as engine:
            assert engine.remove("a.*") == ["a.txt"]

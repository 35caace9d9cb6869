"""Two stages against brute force, on stores of random words."""

import random

import numpy as np
import pytest

from pagesight import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.retrieval import Question, fuse, recall, rerank, search
from pagesight.storage.errors import ConfigError
from pagesight.storage.store import Store
from pagesight.storage.view import StoreView
from tests.helpers import HASHING, add_document, space

ROUNDING = 1e-3  # of a query to 15 bits, times its tokens
WORDS = "apple pear quince plum cherry grape melon fig date lemon lime orange peach apricot mango kiwi".split()


@pytest.fixture(params=range(5), scope="module")
def store(tmp_path_factory, request):
    """Not to be written to: documents of one to five pages of two to eight words; some pages are the same, some are empty."""
    draw = random.Random(request.param)
    with Store.create(tmp_path_factory.mktemp("store"), space("float16" if request.param % 2 else "int8")) as store:
        with store.writer() as writer:
            for number in range(12):
                texts = [" ".join(draw.choices(WORDS, k=draw.randint(2, 8))) for _ in range(draw.randint(1, 5))]
                if number % 4 == 0:
                    texts[draw.randrange(len(texts))] = ""
                add_document(writer, f"{number % 3}/{number}.pdf", texts, content=str(number))
        yield store


def brute_force(view, query, weight=0.0, filters=None):
    """(page id, score), best first: the definition, page by page."""
    pages = view.page_ids()
    described = view.describe(pages)
    tokens = {page_id: view.tokens(np.array([page_id]))[0] for page_id in pages.tolist()}
    first = {}
    for page_id in sorted(tokens, key=lambda page_id: described[page_id].number):
        first.setdefault(described[page_id].document, page_id)
    scores = {}
    for page_id in (view.page_ids(filters) if filters else pages).tolist():
        own = query.tokens @ tokens[page_id].T
        both = np.concatenate([own, query.tokens @ tokens[first[described[page_id].document]].T], axis=1)
        scores[page_id] = (1 - weight) * own.max(axis=1).sum() + weight * both.max(axis=1).sum()
    return sorted(scores.items(), key=lambda item: (-round(float(item[1]), 5), item[0]))


def as_pairs(found):
    return [(scored.page_id, scored.score) for scored in found]


def assert_same_ranking(found, expected):
    """Equal up to the order of pages whose scores are closer than rounding."""
    np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], atol=ROUNDING)
    by_page = dict(expected)
    for page_id, score in found:
        assert score == pytest.approx(by_page[page_id], abs=ROUNDING)


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("exact", [True, False])
def test_with_everything_kept_both_ways_are_brute_force(store, exact, weight):
    with store.view() as view:
        for text in ("quince lime", "apple", "mango mango peach kiwi"):
            (query,) = HASHING.encode_queries([text])
            config = SearchConfig(k=100, n_candidates=1000, exact=exact)
            found = search(Question(encoded=query, text=text, opening_weight=weight), view, config)
            assert_same_ranking(as_pairs(found), brute_force(view, query, weight))


def test_few_candidates_give_a_part_of_the_exact_ranking(store):
    with store.view() as view:
        (query,) = HASHING.encode_queries(["quince lime"])
        found = search(Question(encoded=query, text="quince lime"), view, SearchConfig(k=5, n_candidates=5))
        exact = dict(brute_force(view, query))
        assert len(found) == 5
        assert all(scored.score == pytest.approx(exact[scored.page_id], abs=ROUNDING) for scored in found)
        assert [s.score for s in found] == sorted((s.score for s in found), reverse=True)


@pytest.mark.parametrize("filters", ['folder = "1"', 'document = "2/5.pdf"', "page >= 4", 'document = "none.pdf"'])
def test_filters_act_before_scoring(store, filters):
    with store.view() as view:
        (query,) = HASHING.encode_queries(["fig date"])
        expected = brute_force(view, query, filters=filters)[:3]
        config = SearchConfig(k=3, n_candidates=3)
        found = search(Question(encoded=query, text="fig date", filters=filters), view, config)
        assert len(found) == len(expected)
        allowed = set(view.page_ids(filters).tolist())
        assert {scored.page_id for scored in found} <= allowed
        exact = search(
            Question(encoded=query, text="fig date", filters=filters),
            view,
            SearchConfig(k=3, n_candidates=3, exact=True),
        )
        assert_same_ranking(as_pairs(exact), expected)


def test_ties_are_broken_by_page_id(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            for number in range(20):
                add_document(writer, f"{number:02}.pdf", ["the very same words"], content=str(number))
        with store.view() as view:
            (query,) = HASHING.encode_queries(["same words"])
            found = search(Question(encoded=query, text="same words"), view, SearchConfig(k=7))
            assert [scored.page_id for scored in found] == view.page_ids()[:7].tolist()


def test_scoring_on_a_device_of_torch_finds_the_same(tmp_path):
    pytest.importorskip("torch")
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            for number in range(30):
                add_document(writer, f"{number}.pdf", [f"apple w{number} w{number + 1}", f"kiwi w{number}"])
        with store.view() as view:
            (query,) = HASHING.encode_queries(["apple w7 kiwi"])
            for exact in (True, False):
                usual = search(Question(encoded=query, text="apple w7 kiwi"), view, SearchConfig(k=60, exact=exact))
                on_torch = SearchConfig(k=60, exact=exact, score_on="cpu")
                assert_same_ranking(
                    as_pairs(search(Question(encoded=query, text="apple w7 kiwi"), view, on_torch)), as_pairs(usual)
                )


def test_a_page_is_helped_by_what_its_document_says_on_its_first_page(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "chip.pdf", ["apple kiwi", "mango peach"])
            add_document(writer, "other.pdf", ["mango melon", "lemon lime"])
        with store.view() as view:
            (query,) = HASHING.encode_queries(["apple kiwi mango peach"])
            pages = view.page_ids()
            chip_opening, chip_answer = pages[:2].tolist()
            scores = {
                s.page_id: s.score
                for s in rerank(Question(encoded=query, opening_weight=1.0), view, pages, SearchConfig(k=9))
            }
            assert scores[chip_answer] == pytest.approx(4, abs=0.1)
            assert scores[chip_answer] > scores[chip_opening] + 0.5
            assert view.opening_pages(pages).tolist() == [pages[0], pages[0], pages[2], pages[2]]


def test_the_opening_page_is_the_first_with_words(tmp_path):
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["", "title page words", "more words"])
        with store.view() as view:
            pages = view.page_ids()
            assert view.opening_pages(pages).tolist() == [pages[0], pages[0]]


def test_nothing_to_search_gives_nothing(tmp_path):
    with Store.create(tmp_path, space()) as store, store.view() as view:
        (query,) = HASHING.encode_queries(["anything"])
        assert search(Question(encoded=query, text="anything"), view, SearchConfig()) == []
        assert recall(Question(encoded=query, text="anything"), view, SearchConfig()).tolist() == []


def test_reciprocal_rank_fusion_is_its_formula():
    fused = fuse([np.array([5, 3, 9]), np.array([3, 7])])
    scores = {5: 1 / 61, 3: 1 / 62 + 1 / 61, 9: 1 / 63, 7: 1 / 62}
    assert fused.tolist() == sorted(scores, key=lambda page_id: (-scores[page_id], page_id))


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match="k must be from 1"):
        SearchConfig(k=0)
    with pytest.raises(ConfigError, match="n_candidates must be at least 1"):
        SearchConfig(n_candidates=0)
    assert SearchConfig(k=50, n_candidates=10).n_candidates == 50


@pytest.mark.parametrize("name", ["k", "n_candidates", "second_opinion"])
def test_numbers_of_things_are_whole(name):
    for wrong in ("5", 2.5, None):
        with pytest.raises(ConfigError, match=f"{name} must be a whole number, not {wrong!r}"):
            SearchConfig(**{name: wrong})
    assert type(getattr(SearchConfig(**{name: np.int64(7)}), name)) is int


def test_a_probability_is_a_number():
    with pytest.raises(ConfigError, match=r"min_confidence must be from 0 to 1, not '0\.5'"):
        SearchConfig(min_confidence="0.5")


@pytest.mark.parametrize("device", ["meta", "nonsense"])
def test_what_cannot_score_is_refused_by_the_call(tmp_path, device):
    pytest.importorskip("torch")
    with Store.create(tmp_path, space()) as store, SearchEngine.open(tmp_path, encoder=HASHING) as engine:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["apple kiwi"])
        with pytest.raises(ConfigError, match=f"the device '{device}' cannot be used here; there are cpu"):
            engine.search("apple", score_on=device)


@pytest.fixture
def fruit(tmp_path):
    """An engine over 14 pages."""
    with Store.create(tmp_path, space()) as store:
        with store.writer() as writer:
            for number in range(14):
                add_document(writer, f"{number}.pdf", [f"{WORDS[number]} {WORDS[number + 1]}"])
        with SearchEngine.open(tmp_path, encoder=HASHING) as engine:
            yield engine


def test_as_many_pages_are_like_one_as_may_be_asked_for(fruit, monkeypatch):
    assert len(fruit.similar("0.pdf", 1, k=SearchConfig.most_k)) == 13
    monkeypatch.setattr(SearchConfig, "most_k", 10)
    for exact in (True, False):
        found = fruit.similar("0.pdf", 1, k=10, exact=exact)
        assert found[0].document == "1.pdf"
        assert len(found) == 10
    with pytest.raises(ConfigError, match="k must be from 1 to 10, not 11"):
        fruit.similar("0.pdf", 1, k=11)


def test_more_pages_are_scored_by_name_than_a_search_returns(fruit, monkeypatch):
    (query,) = HASHING.encode_queries(["pear quince"])
    names = [(f"{number}.pdf", 1) for number in range(15)]
    expected = fruit.score_pages(names, query)
    assert expected[1] == max(expected[:14])
    assert expected[14] is None
    monkeypatch.setattr(SearchConfig, "most_k", 10)
    assert fruit.score_pages(names, query) == expected


def test_pages_like_one_are_found_without_token_vectors_if_so_asked(fruit, monkeypatch):
    def fail(*_):
        raise AssertionError("it was asked by token vectors")

    monkeypatch.setattr(StoreView, "nearest_by_means", fail)
    assert len(fruit.similar("0.pdf", 1, k=1, n_candidates=3, token_recall=False)) == 1
    with pytest.raises(AssertionError, match="by token vectors"):
        fruit.similar("0.pdf", 1, k=1, n_candidates=3)

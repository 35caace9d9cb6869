"""The terms that are added to MaxSim: what each says, that they stay small, that they are the same however pages are found."""

import json

import numpy as np
import pytest

from pagesight import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.describe import describe
from pagesight.engine.models.words.word_encoder import in_large_type
from pagesight.engine.ranking import terms
from pagesight.engine.ranking.score import MAXSIM_ALONE
from pagesight.engine.ranking.table import MULTILINGUAL_E5, RANKINGS, ranking_of
from pagesight.engine.ranking.terms import Asked
from pagesight.engine.retrieval import Question, search
from pagesight.storage.store import Store
from tests.helpers import HASHING, add_document, space

QUESTIONS = ("quince lime", "apple", "the valve AT-4711 of apple", "nothing of this 12,345")
PAGES = {
    "fruit.pdf": ["apple quince", "lime lime lime lime", "a long page about " + "apple and other fruit " * 40],
    "parts.pdf": ["parts of a pump", "valveAT4711seal 7 pieces", "the AT 4711 costs 12 345", "at 47 and 11"],
    "other.pdf": ["kiwi"],
}


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    with Store.create(tmp_path_factory.mktemp("index"), space()) as store:
        with store.writer() as writer:
            for name, pages in PAGES.items():
                add_document(writer, name, pages)
        with store.view() as view:
            yield view


def question(text, ranking=MULTILINGUAL_E5, weight=0.5):
    (encoded,) = HASHING.encode_queries([text])
    return Question(encoded=encoded, text=text, ranking=ranking, opening_weight=weight)


def by_name(view, page_ids, values):
    pages = view.describe(page_ids)
    return {
        f"{pages[i].document}:{pages[i].number}": v for i, v in zip(page_ids.tolist(), values.tolist(), strict=True)
    }


@pytest.mark.parametrize("text", QUESTIONS)
@pytest.mark.parametrize("term", MULTILINGUAL_E5.terms, ids=lambda term: term.name)
def test_every_value_lies_between_0_and_1(view, term, text):
    values = term.values(Asked(text, view), view.page_ids())
    assert values.shape == view.page_ids().shape
    assert (values >= 0).all()
    assert (values <= 1).all()


def test_all_terms_together_are_a_tenth_of_a_cosine_at_most():
    assert sum(abs(term.weight) for term in MULTILINGUAL_E5.terms) < 0.12
    assert all(term.reason and term.interval for term in MULTILINGUAL_E5.terms)


@pytest.mark.parametrize("text", QUESTIONS)
@pytest.mark.parametrize("exact", [True, False])
def test_scores_are_maxsim_and_the_terms_and_the_same_in_both_stages(view, text, exact):
    asked = question(text)
    plain = {p.page_id: p.score for p in search(asked, view, SearchConfig(k=50, terms=False))}
    found = search(asked, view, SearchConfig(k=50, exact=exact))
    pages = np.array([page.page_id for page in found])
    added = asked.ranking.added(Asked(text, view), asked.length, pages)
    for page, more in zip(found, added, strict=True):
        assert page.score == pytest.approx(plain[page.page_id] + more, abs=1e-3)
        assert sum(part for _, part in page.parts) == pytest.approx(page.score, abs=1e-4)
    assert [page.score for page in found] == sorted((page.score for page in found), reverse=True)


def test_few_candidates_are_scored_as_all_are(view):
    asked = question("quince lime")
    exact = {page.page_id: page.score for page in search(asked, view, SearchConfig(k=50, exact=True))}
    for page in search(asked, view, SearchConfig(k=3, n_candidates=3)):
        assert page.score == pytest.approx(exact[page.page_id], abs=1e-3)


def test_a_question_that_is_no_text_has_no_words_and_no_identifiers(view):
    values = [term.values(Asked("", view), view.page_ids()) for term in MULTILINGUAL_E5.terms[1:]]
    assert not np.any(values)


def test_a_longer_page_loses_more_up_to_a_full_page(view):
    lengths = by_name(view, view.page_ids(), terms.length(Asked("", view), view.page_ids()))
    assert lengths["other.pdf:1"] == 0  # one word
    assert 0 < lengths["fruit.pdf:1"] < lengths["fruit.pdf:3"] <= 1


def test_words_are_a_share_of_what_bm25_could_be(view):
    found = by_name(view, view.page_ids(), terms.words(Asked("lime", view), view.page_ids()))
    assert found.pop("fruit.pdf:2") > 0.7  # full of it
    assert set(found.values()) == {0}
    diluted = by_name(view, view.page_ids(), terms.words(Asked("lime grapefruit", view), view.page_ids()))
    assert diluted["fruit.pdf:2"] < 0.5  # one of two words


def test_filters_hold_for_words_too(view):
    asked = Asked("apple", view, 'document = "parts.pdf"')
    assert not terms.words(asked, view.page_ids()).any()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("valve AT-4711", {"parts.pdf:2", "parts.pdf:3"}),  # the seal's name has run into its neighbours
        ("at4711?", {"parts.pdf:2", "parts.pdf:3"}),
        ("12.345", {"parts.pdf:3"}),
        ("12345", {"parts.pdf:3"}),
        ("page 4711", set()),  # four characters are a year as often as a name
        ("apple", set()),
        ("X%' OR 1=1 --12345'\"", {"parts.pdf:3"}),
    ],
)
def test_identifiers_are_found_however_they_are_written(view, text, expected):
    found = by_name(view, view.page_ids(), terms.identifiers(Asked(text, view), view.page_ids()))
    assert {name for name, value in found.items() if value} == expected


def test_large_type_is_higher_than_most():
    boxes = np.array([[0, 0, 1, 0.05], *[[0, 0.1, 1, 0.12]] * 5, [0, 0.3, 1, 0.324], [0, 0.5, 1, 0.5]], np.float32)
    assert in_large_type(boxes).tolist() == [True, *[False] * 7]
    assert in_large_type(np.empty((0, 4), np.float32)).shape == (0,)


def test_only_models_that_were_measured_have_terms():
    assert RANKINGS.keys() == {"multilingual-e5-small"}
    assert ranking_of("multilingual-e5-small") is MULTILINGUAL_E5
    assert ranking_of("jina-embeddings-v4") is ranking_of("hashing") is ranking_of("anybody's") is MAXSIM_ALONE


def test_a_hit_says_what_its_score_is_made_of_and_what_each_token_found(view):
    asked = question("lime quince")
    hits = describe(search(asked, view, SearchConfig(k=2)), asked.encoded, view)
    for hit in hits:
        assert [part.name for part in hit.parts] == ["MaxSim", "first page", "length", "words", "identifiers"]
        assert sum(part.score for part in hit.parts) == pytest.approx(hit.score, abs=1e-4)
        assert hit.parts[0].score == pytest.approx(sum(match.score for match in hit.matches), abs=1e-2)
        assert json.loads(json.dumps(hit.to_dict()))["parts"][0]["name"] == "MaxSim"
    assert {match.word for match in hits[0].matches} <= {"lime", "apple", "quince"}
    assert all(match.word for match in hits[0].matches)


def test_an_index_of_another_model_is_scored_by_maxsim_alone(tmp_path):
    (tmp_path / "a.txt").write_text("lime quince\n")
    with SearchEngine.open("memory://ranking", model="hashing") as engine:
        engine.index([tmp_path / "a.txt"])
        (hit,) = engine.search("lime")
        assert [part.name for part in hit.parts] == ["MaxSim"]
        assert hit.score == pytest.approx(1, abs=0.01)

"""How sure answers are: what stands out is surer, what cannot be known is None, and nothing is found below what is asked for."""

import json

import numpy as np
import pytest

from pagesight import Confidence, SearchEngine
from pagesight.engine.cli.hits import print_hits
from pagesight.engine.config import SearchConfig
from pagesight.engine.describe import describe
from pagesight.engine.ranking.confidence import SIGNS, Calibration, Signs, calibration_of
from pagesight.engine.ranking.score import Ranking
from pagesight.engine.ranking.table import MULTILINGUAL_E5, RANKINGS
from pagesight.engine.retrieval import Question, answer, search
from pagesight.storage.errors import ConfigError
from pagesight.storage.store import Store
from tests.helpers import HASHING, add_document, space


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    """Forty pages with a word of their own each, and one document that has two rare ones."""
    with Store.create(tmp_path_factory.mktemp("index"), space()) as store:
        with store.writer() as writer:
            for number in range(20):
                add_document(writer, f"{number}.pdf", [f"common w{number} x", f"common v{number} y"])
            add_document(writer, "rare.pdf", ["common rare thing"])
        with store.view() as view:
            yield view


def ask(view, text, filters=None, **config):
    (encoded,) = HASHING.encode_queries([text])
    question = Question(encoded=encoded, text=text, ranking=MULTILINGUAL_E5, filters=filters)
    return answer(question, view, SearchConfig(**config))


def test_every_calibrated_model_has_its_numbers():
    for ranking in RANKINGS.values():
        calibration = calibration_of(ranking.calibration)
        assert len(calibration.answerable) == len(calibration.right) == len(SIGNS) + 1


def test_what_stands_out_is_surer_than_what_does_not(view):
    (found, sure), (_, vague) = ask(view, "rare thing"), ask(view, "common")
    assert view.describe(np.array([found[0].page_id]))[found[0].page_id].document == "rare.pdf"
    assert 0 <= vague.right <= vague.answerable < sure.answerable <= 1
    assert sure.right > vague.right


def test_it_does_not_depend_on_how_many_hits_are_asked_for(view):
    confidences = {ask(view, "rare thing", k=k)[1] for k in (1, 5, 30)}
    assert len({round(confidence.right, 3) for confidence in confidences}) == 1
    assert [len(ask(view, "rare thing", k=k)[0]) for k in (1, 5, 30)] == [1, 5, 30]


def test_answers_are_those_of_a_search(view):
    (encoded,) = HASHING.encode_queries(["rare common"])
    question = Question(encoded=encoded, text="rare common", ranking=MULTILINGUAL_E5)
    assert answer(question, view, SearchConfig(k=7))[0] == search(question, view, SearchConfig(k=7))


def test_below_the_confidence_that_is_asked_for_nothing_is_found(view):
    _, confidence = ask(view, "common")
    assert ask(view, "common", min_confidence=min(1, confidence.right + 0.01)) == ([], confidence)
    assert ask(view, "common", min_confidence=max(0, confidence.right - 0.01))[0]
    with pytest.raises(ConfigError, match="min_confidence must be from 0 to 1, not 2"):
        SearchConfig(min_confidence=2)


def test_it_is_not_known_of_other_scores_and_of_few_pages(view):
    assert ask(view, "rare", terms=False)[1] is None
    found, confidence = ask(view, "rare", filters='document = "rare.pdf"', min_confidence=1)
    assert (len(found), confidence) == (1, None)
    (encoded,) = HASHING.encode_queries(["rare"])
    assert answer(Question(encoded=encoded, ranking=Ranking()), view, SearchConfig())[1] is None


def test_a_probability_is_the_logistic_function_of_the_signs():
    signs = Signs(score=0.8, gap=0.02, document_gap=0.05, deviation=4.0)
    calibration = Calibration.of({"answerable": [0.0] * 5, "right": [-1.0, 0, 50.0, 0, 0]})
    assert calibration.confidence(signs) == Confidence(right=0.25, answerable=0.5)
    huge = Calibration.of({"answerable": [1e6] * 5, "right": [1e6] * 5}).confidence(signs)
    assert huge.right == pytest.approx(1)


@pytest.mark.parametrize(("answerable", "says"), [(0.12, True), (0.9, False)])
def test_people_are_told_that_nothing_answers(view, capsys, answerable, says):
    found, _ = ask(view, "rare", k=1)
    (encoded,) = HASHING.encode_queries(["rare"])
    hits = describe(found, encoded, view, Confidence(answerable / 2, answerable))
    print_hits(hits)
    shown = capsys.readouterr().out
    assert ("nothing here answers this (12% likely); the nearest pages:" in shown) == says
    assert "rare.pdf" in shown
    assert json.loads(json.dumps(hits[0].to_dict()))["confidence"]["answerable"] == answerable


def test_an_engine_says_so_too(tmp_path):
    (tmp_path / "a.txt").write_text("lime\n")
    with SearchEngine.open("memory://confidence", model="hashing") as engine:
        engine.index([tmp_path / "a.txt"])
        hits = engine.search("lime")
        assert hits.confidence is None  # the toy was never calibrated
        assert engine.search("lime", min_confidence=0.9) == hits

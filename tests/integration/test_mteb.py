"""mteb runs our engine and our encoders, and comes to the scores that we come to."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pagesight.engine.evaluation.mteb import EncoderModel, EngineSearch
from pagesight.storage.errors import ConfigError
from tests.helpers import HASHING, ROOT, text_image


@pytest.fixture(autouse=True)
def _one_reading_process(monkeypatch):
    """Starting a second one costs more than these few pages."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)


OURS_AND_THEIRS = {"nDCG@5": "ndcg_at_5", "MAP@10": "map_at_10", "recall@10": "recall_at_10", "hit@1": "hit_rate_at_1"}


class Document:
    value = "document"


@pytest.mark.parametrize("models", [["engine"], ["single", "tokens"]], ids=["engine", "encoders"])
@pytest.mark.slow  # importing mteb alone takes ten seconds
def test_mteb_scores_are_ours(tmp_path, models):
    command = [sys.executable, "-m", "tests.local_mteb", tmp_path, *models]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found) == models
    for what, scores in found.items():
        ours, theirs = scores["ours"], scores["theirs"]
        assert 0.1 < ours["nDCG@5"] < 0.9, what
        assert ours["nDCG@5"] == pytest.approx(theirs["exact_ndcg_at_5"], abs=1e-6), what
        for name, their_name in OURS_AND_THEIRS.items():
            assert round(ours[name], 5) == theirs[their_name], f"{what}, {name}: mteb rounds to five decimals"


def test_similarity_is_maxsim_without_padding():
    model = EncoderModel(HASHING, vectors="tokens")
    queries = model.encode([{"text": ["apples pears", "quinces"]}])
    documents = model.encode([{"text": ["apples and pears", ""]}, {"text": ["quinces"]}], prompt_type=Document)
    assert [document.shape for document in documents] == [(3, 16), (0, 16), (1, 16)]
    scores = model.similarity(queries, documents)
    assert scores[0, 0] == pytest.approx(2, abs=1e-5)
    assert scores[1, 2] == pytest.approx(1, abs=1e-5)
    assert (scores[:, 1] == -np.inf).all(), "nothing is found on an empty page"
    assert scores[1, 0] == pytest.approx(float((queries[1] @ documents[0].T).max()), abs=1e-5)
    np.testing.assert_allclose(model.similarity_pairwise(queries, [documents[0], documents[2]]), [2, 1], atol=1e-5)


def test_single_vectors_are_compared_by_cosine():
    model = EncoderModel(HASHING)
    vectors = model.encode([{"text": ["apples pears", "apples pears", "quinces"]}])
    assert vectors.shape == (3, 16)
    scores = model.similarity(vectors, vectors)
    assert scores[0, 1] == pytest.approx(1, abs=1e-6)
    assert scores[0, 2] < 0.9


@pytest.mark.slow
def test_pictures_are_read_by_encoders_of_words():
    (document,) = EncoderModel(HASHING, vectors="tokens").encode(
        [{"image": [text_image("marmalade")]}], prompt_type=Document
    )
    (query,) = EncoderModel(HASHING, vectors="tokens").encode([{"text": ["marmalade"]}])
    assert float((query @ document.T).max()) == pytest.approx(1, abs=1e-5)


def test_searching_before_indexing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="a corpus must be indexed before it is searched"):
        EngineSearch(tmp_path).search([], top_k=10)

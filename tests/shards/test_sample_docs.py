"""The sample documents by the embedded default, whose scores have every term: parts of their index answer as the whole does."""

from __future__ import annotations

import json

import pytest

from pagesight import SearchEngine
from pagesight.engine.shards.cluster import Cluster
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.engine.shards.part import PartStore
from pagesight.storage.parts import Part
from pagesight.storage.store import Store
from tests.helpers import ROOT
from tests.shards.local import LocalShard

ODD = (
    "turnovr of the storge plant",
    "When is the pool open? What does it cost?",
    "limits on 15.03.2025, 1.500 kg or 1500kg",
)


@pytest.fixture(scope="module")
def whole(sample_index):
    with SearchEngine.open(sample_index) as engine:
        yield engine


@pytest.mark.parametrize("n", [2, pytest.param(5, marks=pytest.mark.thorough)])
def test_parts_of_the_sample_documents_answer_as_the_whole(sample_index, whole, n):
    lines = (ROOT / "sample_docs" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [*(json.loads(line)["query"] for line in lines[:: 20 if n == 2 else 3]), *ODD]
    shards = [
        LocalShard(PartStore(Store(sample_index), Part(number, n)), f"{number}/{n}") for number in range(1, n + 1)
    ]
    with Coordinator(Cluster(shards), whole.encoder) as parts:
        for question, found in zip(questions, parts.search_many(questions), strict=True):
            expected = whole.search(question)
            assert [(hit.name, hit.score, hit.parts, hit.question, hit.snippet, hit.regions) for hit in found] == [
                (hit.name, hit.score, hit.parts, hit.question, hit.snippet, hit.regions) for hit in expected
            ]
            for mine, other in zip(found, expected, strict=True):  # a sample of all, in another order
                assert mine.confidence.right == pytest.approx(other.confidence.right, abs=1e-4)
                assert mine.confidence.answerable == pytest.approx(other.confidence.answerable, abs=1e-4)

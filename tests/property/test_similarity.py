"""Cosine and MaxSim: their definitions, the same in numpy and torch, nothing padded."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pagesight import engine
from pagesight.engine.similarity import cosine, maxsim
from pagesight.storage.errors import DimensionMismatch

DIM = 4
values = st.floats(-1, 1, width=32)


def rows(low, high):
    return st.integers(low, high).flatmap(lambda n: arrays(np.float32, (n, DIM), elements=values))


many = st.lists(rows(1, 6), min_size=1, max_size=5)


def tensors(arrays):
    return [torch.from_numpy(array) for array in arrays]


@settings(deadline=None)
@given(many, many)
def test_maxsim_is_its_definition_in_numpy_and_torch(queries, pages):
    expected = [[sum(max(float(q @ t) for t in page) for q in query) for page in pages] for query in queries]
    np.testing.assert_allclose(maxsim(queries, pages), expected, atol=1e-5)
    found = maxsim(tensors(queries), tensors(pages))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


@settings(deadline=None)
@given(many, many)
def test_a_page_scores_the_same_whatever_stands_beside_it(queries, pages):
    together = maxsim(tensors(queries), tensors(pages)).numpy()
    alone = [maxsim(tensors(queries), tensors([page])).numpy()[:, 0] for page in pages]
    np.testing.assert_allclose(together, np.stack(alone, axis=1), atol=1e-5)


def test_no_page_is_lifted_by_padding():
    query, against, longer = np.eye(1, DIM, dtype=np.float32), np.full((1, DIM), -0.6), np.full((5, DIM), -0.9)
    pages = [against.astype(np.float32), longer.astype(np.float32)]
    assert maxsim([query], pages)[0].tolist() == pytest.approx([-0.6, -0.9])
    assert maxsim(tensors([query]), tensors(pages))[0].tolist() == pytest.approx([-0.6, -0.9])


@settings(deadline=None)
@given(rows(1, 5), rows(1, 5))
def test_cosine_is_its_definition_in_numpy_and_torch(queries, pages):
    def definition(q, p):
        lengths = float(np.linalg.norm(q.astype(float)) * np.linalg.norm(p.astype(float)))
        return float(q.astype(float) @ p.astype(float)) / lengths if lengths else 0.0

    queries, pages = np.round(queries, 3), np.round(pages, 3)
    expected = [[definition(q, p) for p in pages] for q in queries]
    np.testing.assert_allclose(cosine(queries, pages), expected, atol=1e-4)
    np.testing.assert_allclose(cosine(*tensors([queries, pages])).numpy(), expected, atol=1e-4)


def test_bfloat16_is_scored_in_float32():
    query, page = torch.randn(3, DIM).bfloat16(), torch.randn(700, DIM).bfloat16()
    found = maxsim([query], [page])
    assert found.dtype == torch.float32
    assert float(found[0, 0]) == pytest.approx(float((query.float() @ page.float().T).amax(1).sum()), abs=1e-5)


@pytest.mark.parametrize("kind", [lambda array: array, torch.from_numpy], ids=["numpy", "torch"])
def test_what_does_not_fit_is_refused(kind):
    three, four = kind(np.ones((2, 3), np.float32)), kind(np.ones((2, 4), np.float32))
    with pytest.raises(DimensionMismatch, match="must have 4 dimensions, got 3"):
        maxsim([three], [four])
    with pytest.raises(DimensionMismatch, match="queries must have 4 dimensions, got 3"):
        cosine(three, four)
    with pytest.raises(ValueError, match="every page needs at least one token vector"):
        maxsim([four], [four[:0]])
    with pytest.raises(ValueError, match="at least one query"):
        maxsim([], [four])
    assert maxsim([four], []).shape == (1, 0)


def test_it_is_a_part_of_the_package():
    assert engine.similarity.maxsim is maxsim

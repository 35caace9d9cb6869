"""MaxSim is its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pagesight.engine.maxsim import maxsim
from pagesight.storage.errors import DimensionMismatch
from pagesight.storage.multivectors import MultiVectors

DIM = 4
values = st.floats(-1, 1, width=32)


def rows(low, high):
    return st.integers(low, high).flatmap(lambda n: arrays(np.float32, (n, DIM), elements=values))


queries, pages = rows(1, 6), st.lists(rows(1, 7), min_size=1, max_size=6)


def definition(query, page):
    """Sum over query tokens of the best dot product, written out."""
    return sum(max(sum(float(a) * float(b) for a, b in zip(q, t, strict=True)) for t in page) for q in query)


@given(queries, pages)
def test_maxsim_is_the_sum_of_best_dot_products(query, pages):
    expected = [definition(query, page) for page in pages]
    np.testing.assert_allclose(maxsim(query, MultiVectors.from_pages(pages)), expected, atol=1e-5)


@given(queries, pages)
def test_a_page_scores_the_same_alone_and_in_a_batch(query, pages):
    batch = maxsim(query, MultiVectors.from_pages(pages))
    alone = [maxsim(query, MultiVectors.from_pages([page]))[0] for page in pages]
    np.testing.assert_allclose(batch, alone, atol=1e-5)


@given(queries, rows(1, 7), st.randoms())
def test_the_order_of_tokens_does_not_matter(query, page, random):
    shuffled = page.copy()
    random.shuffle(order := list(range(len(page))))
    shuffled = page[order]
    np.testing.assert_allclose(
        maxsim(query, MultiVectors.from_pages([page])), maxsim(query, MultiVectors.from_pages([shuffled])), atol=1e-5
    )


def test_a_page_may_score_below_zero_beside_a_longer_one():
    """Padding with zeros would lift it to 0."""
    query = np.array([[1, 0, 0, 0]], np.float32)
    against, longer = np.array([[-0.6, 0, 0, 0]], np.float32), np.full((5, DIM), -0.9, np.float32)
    assert maxsim(query, MultiVectors.from_pages([against, longer]))[0] == pytest.approx(-0.6)


def test_maxsim_refuses_another_width():
    with pytest.raises(DimensionMismatch, match="query tokens must have 4 dimensions, got 3"):
        maxsim(np.ones((1, 3), np.float32), MultiVectors.from_pages([np.ones((2, DIM), np.float32)]))


def test_no_pages_have_no_scores():
    assert maxsim(np.ones((1, DIM), np.float32), MultiVectors.from_pages([], DIM)).shape == (0,)

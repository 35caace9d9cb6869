"""Pooling makes fewer token vectors of the ones that are there."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight.storage.store import Store
from pagesight.storage.values import EncodedPage
from pagesight.storage.vectors.pooling import pool, pooled_page
from tests.helpers import add_document, space


def tokens_of(n, dim, seed):
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(n=st.integers(1, 80), groups=st.integers(1, 40), seed=st.integers(0, 999))
@settings(deadline=None)
def test_every_token_is_in_a_group_and_means_have_unit_length(n, groups, seed):
    tokens = tokens_of(n, 8, seed)
    means, group = pool(tokens, groups)
    assert len(means) <= groups or len(means) == n <= groups
    assert set(group.tolist()) == set(range(len(means)))
    np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1, atol=1e-5)
    again, _ = pool(tokens, groups)
    assert np.array_equal(means, again)


def test_groups_that_are_there_are_found():
    centres = np.eye(4, 16, dtype=np.float32)
    tokens = np.repeat(centres, 5, axis=0) + 0.01 * tokens_of(20, 16, 1)
    means, group = pool(tokens / np.linalg.norm(tokens, axis=1, keepdims=True), 4)
    assert group.tolist() == np.repeat(np.arange(4), 5).tolist()
    np.testing.assert_allclose(means, centres, atol=0.02)


@given(n=st.integers(0, 50), factor=st.integers(1, 16), seed=st.integers(0, 99))
@settings(deadline=None)
def test_a_pooled_page_has_boxes_of_its_own_tokens(n, factor, seed):
    boxes = np.random.default_rng(seed).random((n, 4), np.float32)
    page = EncodedPage(np.ones(8, np.float32), tokens_of(n, 8, seed), boxes)
    pooled = pooled_page(page, factor)
    assert len(pooled.tokens) <= -(-n // factor)
    assert {tuple(box) for box in pooled.boxes.tolist()} <= {tuple(box) for box in boxes.tolist()}
    if factor == 1:
        assert pooled is page


def test_an_index_with_a_pool_factor_stores_fewer_vectors(tmp_path):
    from dataclasses import replace

    with Store.create(tmp_path, replace(space(), pool_factor=3)) as store:
        with store.writer() as writer:
            add_document(writer, "a.pdf", ["one two three four five six seven eight nine"])
        with store.view() as view:
            ids = view.page_ids()
            assert 1 <= len(view.tokens(ids)[0]) <= 3
            assert view.describe(ids)[1].n_tokens == len(view.details(ids)[1].boxes)

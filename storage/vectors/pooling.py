"""Fewer token vectors for a page: spherical k-means within the page.

Neighbouring patches of a page, and repeated words, have nearly the same vector; the mean of each group stands for them.
Ward's hierarchical clustering, which others use, took 40 to 140 ms a page where this took 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.values import EncodedPage

ITERATIONS = 3


def pool(tokens: NDArray[np.float32], n_groups: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Group token vectors by direction; begins with evenly spaced ones, so that the result is always the same.

    tokens: (n, dim) float32, n > 0. Returns the means of the groups, scaled to unit length, (m, dim) float32 with
    m <= n_groups, and the group of each token (n,).
    """
    n = len(tokens)
    if n <= n_groups:
        return tokens, np.arange(n)
    means = tokens[np.linspace(0, n - 1, n_groups).round().astype(np.int64)]
    for _ in range(ITERATIONS):
        similarities = means @ tokens.T  # (n_groups, n)
        members = (similarities == similarities.max(axis=0)).astype(np.float32)
        sums = members @ tokens
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        means = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), means)
    used, groups = np.unique(members.argmax(axis=0), return_inverse=True)
    return means[used].astype(np.float32), groups


def pooled_page(page: EncodedPage, factor: int) -> EncodedPage:
    """The page with about a ``factor``-th of its token vectors; each has the box of the token nearest to it."""
    if factor == 1 or len(page.tokens) == 0:
        return page
    means, groups = pool(page.tokens, -(-len(page.tokens) // factor))
    nearness = np.einsum("nd,nd->n", page.tokens, means[groups])
    order = np.lexsort((-nearness, groups))  # of each group the nearest comes first
    first = np.searchsorted(groups[order], np.arange(len(means)))
    return EncodedPage(page.single, means, page.boxes[order[first]])

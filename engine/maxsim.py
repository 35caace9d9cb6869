"""Late interaction: the score of a page for a question."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import DimensionMismatch
from pagesight.storage.multivectors import MultiVectors


def maxsim(query: NDArray[np.float32], pages: MultiVectors) -> NDArray[np.float32]:
    """Score one query against each page by late interaction.

    Each query token takes its best dot product over the page's tokens; the score is their sum.
    query: (n_query_tokens, dim) float32, rows of unit length. pages: same dim.
    Returns (n_pages,) float32 in [-n_query_tokens, n_query_tokens], higher is better.
    Raises DimensionMismatch. Source: Khattab & Zaharia 2020 (ColBERT), arXiv:2004.12832.
    """
    return np.asarray(token_maxima(query, pages).sum(axis=0), np.float32)


def token_maxima(query: NDArray[np.float32], pages: MultiVectors) -> NDArray[np.float32]:
    """What MaxSim adds up: the best dot product of each query token on each page, (n_query_tokens, n_pages) float32."""
    if len(pages) == 0:
        return np.empty((len(query), 0), np.float32)
    if query.shape[1] != pages.dim:
        raise DimensionMismatch("query tokens", pages.dim, query.shape[1])
    similarities = query @ pages.data.T  # (n_query_tokens, n_tokens)
    return np.asarray(np.maximum.reduceat(similarities, pages.offsets[:-1], axis=1), np.float32)


def summed(maxima: NDArray[np.float32]) -> NDArray[np.float32]:
    """MaxSim of pages from the best products of each query token: (n_query_tokens, n_pages) -> (n_pages,). So are sums of other rows.

    One row after the other, so that a page's score has the same bits among whatever other pages: numpy adds one column alone in
    another order than several.
    """
    total = np.zeros(maxima.shape[1], np.float32)
    for row in maxima:
        total += row
    return total

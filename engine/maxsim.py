"""Late interaction: the score of a page for a question."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import DimensionMismatch
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.scoring import torch_kernel
from pagesight.storage.scoring.kernel import KERNELS, ON_TORCH
from pagesight.storage.scoring.threads import spread
from pagesight.storage.vectors.records import PageRecords


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


def stored_maxima(
    query: NDArray[np.float32], records: PageRecords, *, precise: bool = True, device: str | None = None
) -> NDArray[np.float32]:
    """``token_maxima`` of pages as they lie on disk, without expanding them, in the order that was asked for.

    Equal to those of the decoded vectors up to rounding of the query (storage.scoring.kernel). Parts of the pages are read and
    scored by as many threads as there are processors. device: of torch, to score them there; None means the kernel.
    Raises DimensionMismatch, StoreCorrupt.
    """
    kernel = KERNELS[0] if device is None else ON_TORCH + device

    def score(part: slice) -> NDArray[np.float32]:
        return records.codec.maxima(query, records.read(part), precise=precise, kernel=kernel)

    records.prefetch()
    maxima = np.empty((len(query), len(records.order)), np.float32)
    parts = records.parts() if device is None else records.parts(torch_kernel.PART_BYTES)
    for part, best in zip(parts, spread(score, parts), strict=True):
        maxima[:, records.order[part]] = best
    return maxima

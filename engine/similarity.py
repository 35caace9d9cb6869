"""Similarity of vectors, whatever made them: cosine for single vectors, MaxSim for multi-vectors.

numpy arrays give numpy arrays, torch tensors give torch tensors on their device. Pages of different lengths are never padded:
a row of zeros would score 0, and beat every page whose best match is negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.maxsim import maxsim as numpy_maxsim
from pagesight.storage.errors import DimensionMismatch
from pagesight.storage.multivectors import MultiVectors

if TYPE_CHECKING:
    import torch

Vectors = TypeVar("Vectors", NDArray[np.float32], "torch.Tensor")


def cosine(queries: Vectors, pages: Vectors) -> Vectors:
    """Cosine of each query with each page: (n_queries, dim), (n_pages, dim) -> (n_queries, n_pages) in [-1, 1].

    Vectors need not have unit length; one of zeros has cosine 0 with all others. Raises DimensionMismatch.
    """
    if queries.ndim != 2 or pages.ndim != 2 or queries.shape[1] != pages.shape[1]:
        raise DimensionMismatch("queries", pages.shape[-1], queries.shape[-1])
    result: Any
    if isinstance(queries, np.ndarray):
        result = _unit(queries) @ _unit(np.asarray(pages)).T
    else:
        from torch.nn.functional import normalize

        result = normalize(queries.float(), dim=1) @ normalize(pages.float(), dim=1).T
    return cast("Vectors", result)


def maxsim(queries: Sequence[Vectors], pages: Sequence[Vectors]) -> Vectors:
    """MaxSim of each query with each page: lists of (n_tokens, dim) -> (n_queries, n_pages), higher is better.

    Each query token takes its best dot product over the page's tokens; the score is their sum. It is not divided by the
    length of the query, so only scores of one query compare. Raises DimensionMismatch, ValueError for no queries, and for a
    page without tokens. Source: Khattab & Zaharia 2020 (ColBERT), arXiv:2004.12832.
    """
    if not queries:
        raise ValueError("there must be at least one query")
    first: Any = queries[0]
    result: Any
    if isinstance(first, np.ndarray):
        joined = MultiVectors.from_pages([np.asarray(page) for page in pages], first.shape[1])
        result = np.stack([numpy_maxsim(np.asarray(query, np.float32), joined) for query in queries])
    else:
        result = _torch_maxsim(list(queries), list(pages))
    return cast("Vectors", result)


def _torch_maxsim(queries: list[Any], pages: list[Any]) -> torch.Tensor:
    import torch

    dim, device = queries[0].shape[1], queries[0].device
    if not pages:
        return torch.empty(len(queries), 0, device=device)
    if any(len(page) == 0 for page in pages):
        raise ValueError("every page needs at least one token vector")
    if any(page.shape[1] != dim for page in (*pages, *queries)):
        raise DimensionMismatch("query tokens", pages[0].shape[1], dim)
    tokens = torch.cat(pages).float()
    lengths = torch.tensor([len(page) for page in pages], device=device)
    scores = []
    for query in queries:
        similarities = tokens @ query.float().T  # (n_tokens, n_query_tokens)
        best = torch.segment_reduce(similarities, "max", lengths=lengths, axis=0)  # (n_pages, n_query_tokens)
        scores.append(best.sum(dim=1))
    return torch.stack(scores)


def _unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    rows = np.asarray(rows, np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)

"""Two-stage retrieval: the recall stage finds candidates, the rerank stage scores them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.config import SearchConfig
from engine.encoder import EncodedQuery
from engine.maxsim import token_maxima
from storage.recall_index import RecallIndex
from storage.snapshot import Snapshot

RRF_CONSTANT = 60  # Cormack, Clarke & Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR
PageIds = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """A page with its exact MaxSim score."""

    page_id: int
    score: float


def search(
    query: EncodedQuery,
    text: str,
    snapshot: Snapshot,
    index: RecallIndex,
    config: SearchConfig,
    *,
    filters: str | None = None,
    words: bool = True,
    opening_weight: float = 0.0,
) -> list[ScoredPage]:
    """The best pages, at most ``config.k``, higher scores first, ties by page id.

    filters: see storage.filters; None searches everything. words: fuse BM25 over the pages' words into the recall stage.
    opening_weight: see ``rerank``.
    """
    allowed = None if filters is None else snapshot.page_ids(filters)
    if config.exact:
        candidates = snapshot.page_ids() if allowed is None else allowed
    else:
        candidates = recall(query, text, snapshot, index, config.n_candidates, allowed=allowed, words=words)
    return rerank(query, snapshot, candidates, opening_weight)[: config.k]


def recall(
    query: EncodedQuery,
    text: str,
    snapshot: Snapshot,
    index: RecallIndex,
    n_candidates: int,
    *,
    allowed: PageIds | None,
    words: bool,
) -> PageIds:
    """Candidates by single vector and by BM25, fused by reciprocal rank: at most ``n_candidates``, best first."""
    if allowed is not None and len(allowed) <= n_candidates:
        return allowed  # nothing to choose from: all of them are scored
    rankings = [index.search(query.single, n_candidates, allowed)[0]]
    if words:
        rankings.append(snapshot.recall_words(text, n_candidates, allowed))
    return fuse(rankings)[:n_candidates]


def fuse(rankings: Sequence[PageIds]) -> PageIds:
    """Reciprocal rank fusion: a page's score is the sum of 1 / (60 + rank); ties by page id."""
    page_ids, position = np.unique(np.concatenate(rankings), return_inverse=True)
    ranks = np.concatenate([np.arange(1, len(ranking) + 1) for ranking in rankings])
    scores = np.bincount(position, 1 / (RRF_CONSTANT + ranks), minlength=len(page_ids))
    return np.asarray(page_ids[np.lexsort((page_ids, -scores))], np.int64)


def rerank(query: EncodedQuery, snapshot: Snapshot, page_ids: PageIds, opening_weight: float = 0.0) -> list[ScoredPage]:
    """Exact MaxSim of these pages over their stored token vectors, best first, ties by page id.

    A document says on its first page what it is about, and its other pages say it no more: "the OR3471's highest
    voltage" is answered by a table that does not name the chip. So with ``opening_weight`` w in [0, 1] a page's score is
    (1 - w) MaxSim(query, page) + w MaxSim(query, page and first page together).
    """
    if len(page_ids) == 0:
        return []
    openings = snapshot.opening_pages(page_ids) if opening_weight else page_ids
    read = np.union1d(page_ids, openings)
    best = np.concatenate([token_maxima(query.tokens, tokens) for _, tokens in snapshot.iter_tokens(read)], axis=1)
    own, opening = best[:, np.searchsorted(read, page_ids)], best[:, np.searchsorted(read, openings)]
    together = np.maximum(own, opening)
    scores = (1 - opening_weight) * own.sum(axis=0) + opening_weight * together.sum(axis=0)
    order = np.lexsort((page_ids, -scores))
    return [ScoredPage(int(page_ids[i]), float(scores[i])) for i in order]

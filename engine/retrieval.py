"""Two-stage retrieval: the recall stage finds candidates, the rerank stage scores them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.config import SearchConfig
from engine.encoder import EncodedQuery
from engine.maxsim import maxsim
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
) -> list[ScoredPage]:
    """The best pages, at most ``config.k``, higher scores first, ties by page id.

    filters: see storage.filters; None searches everything. words: fuse BM25 over the pages' words into the recall stage.
    """
    allowed = None if filters is None else snapshot.page_ids(filters)
    if config.exact:
        candidates = snapshot.page_ids() if allowed is None else allowed
    else:
        candidates = recall(query, text, snapshot, index, config.n_candidates, allowed=allowed, words=words)
    return rerank(query, snapshot, candidates)[: config.k]


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


def rerank(query: EncodedQuery, snapshot: Snapshot, page_ids: PageIds) -> list[ScoredPage]:
    """Exact MaxSim of these pages over their stored token vectors, best first, ties by page id."""
    ids, scores = [], []
    for batch, tokens in snapshot.iter_tokens(np.sort(page_ids)):
        ids.append(batch)
        scores.append(maxsim(query.tokens, tokens))
    if not ids:
        return []
    all_ids, all_scores = np.concatenate(ids), np.concatenate(scores)
    order = np.lexsort((all_ids, -all_scores))
    return [ScoredPage(int(all_ids[i]), float(all_scores[i])) for i in order]

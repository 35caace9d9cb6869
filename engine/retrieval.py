"""Two-stage retrieval: the recall stage finds candidates, the rerank stage scores them exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery, QueryEncoder
from pagesight.engine.index import View
from pagesight.engine.stages import OnStage, stage
from pagesight.storage.words import visible

RRF_CONSTANT = 60  # Cormack, Clarke & Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR
PAGES_AT_ONCE = 8192  # whose scores are held a query token each
FUSED_SHARE = 8
QUICK_ERROR = (
    0.0025  # of a score with the query in 8 bits, in lengths of the query; 0.0021 was the largest of 5,000 pages
)
OPENINGS_SEEN = 4  # times the candidates: pages whose first pages are looked at by the recall stage
PageIds = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, as a model reads it.

    text: for BM25 over the pages' words; "" leaves words out. filters: see storage.filters; None searches everything.
    opening_weight: see ``rerank``.
    """

    encoded: EncodedQuery
    text: str = ""
    filters: str | None = None
    opening_weight: float = 0.0

    @classmethod
    def of(cls, text: str, encoder: QueryEncoder, filters: str | None = None) -> Self:
        """A text as this model reads it. Raises EmptyQuery."""
        text = visible(text)
        (encoded,) = encoder.encode_queries([text])
        words = text if encoder.reads_words else ""
        return cls(encoded=encoded, text=words, filters=filters, opening_weight=encoder.opening_weight)


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """A page with its exact MaxSim score."""

    page_id: int
    score: float


def search(question: Question, view: View, config: SearchConfig, on_stage: OnStage | None = None) -> list[ScoredPage]:
    """The best pages, at most ``config.k``, higher scores first, ties by page id."""
    with stage("recall", on_stage):
        candidates = view.page_ids(question.filters) if config.exact else recall(question, view, config)
    with stage("rerank", on_stage):
        return rerank(question, view, candidates, config)


def recall(question: Question, view: View, config: SearchConfig) -> PageIds:
    """Candidates for the exact rerank: at most ``config.n_candidates``.

    Single vector and BM25 are fused by reciprocal rank. An eighth of the candidates is the best of these; the others
    are the best by means of their token vectors, which come closest to what the rerank will say.
    """
    n, query = config.n_candidates, question.encoded
    everything = view.page_ids(question.filters)
    allowed = None if question.filters is None else everything
    if len(everything) <= n:
        return everything  # nothing to choose from
    rankings = [view.nearest(query.single, n, allowed)]
    if question.text:
        rankings.append(view.nearest_by_words(question.text, n, allowed))
    fused = fuse(rankings)[:n]
    if not config.token_recall:
        return fused
    pages = view.nearest_by_means(query.tokens, OPENINGS_SEEN * n if question.opening_weight else n, allowed)
    if question.opening_weight:
        scored = _blend(pages, view, question.opening_weight, lambda some: view.means_maxima(query.tokens, some))
        pages = _best(pages, scored, n)[0]
    first = fused[: n // FUSED_SHARE]
    return np.concatenate([first, pages[~np.isin(pages, first)]])[:n]


def fuse(rankings: Sequence[PageIds]) -> PageIds:
    """Reciprocal rank fusion: a page's score is the sum of 1 / (60 + rank); ties by page id."""
    page_ids, position = np.unique(np.concatenate(rankings), return_inverse=True)
    ranks = np.concatenate([np.arange(1, len(ranking) + 1) for ranking in rankings])
    scores = np.bincount(position, 1 / (RRF_CONSTANT + ranks), minlength=len(page_ids))
    return np.asarray(page_ids[np.lexsort((page_ids, -scores))], np.int64)


def rerank(question: Question, view: View, page_ids: PageIds, config: SearchConfig) -> list[ScoredPage]:
    """The best ``config.k`` of these pages by exact MaxSim over their stored token vectors, best first, ties by page id.

    A document says on its first page what it is about, and its other pages say it no more: "the OR3471's highest
    voltage" is answered by a table that does not name the chip. So with ``opening_weight`` w in [0, 1] a page's score is
    (1 - w) MaxSim(query, page) + w MaxSim(query, page and first page together).

    Many pages are scored with the query in 8 bits a component first. Those that can be among the first k if that error is
    taken away are scored again with the query in 15 bits.
    """
    tokens, k = question.encoded.tokens, config.k

    def scores(pages: PageIds, *, precise: bool) -> Scores:
        def maxima(some: PageIds) -> Scores:
            return view.maxima(tokens, some, precise=precise, device=config.score_on)

        batches = [pages[i : i + PAGES_AT_ONCE] for i in range(0, len(pages), PAGES_AT_ONCE)]
        scored = [_blend(batch, view, question.opening_weight, maxima) for batch in batches]
        return np.concatenate([*scored, np.empty(0, np.float32)])

    if len(page_ids) > 4 * k and config.score_on is None:
        quick = scores(page_ids, precise=False)
        kth = np.partition(quick, len(quick) - k)[len(quick) - k]
        page_ids = page_ids[quick >= kth - 2 * QUICK_ERROR * np.linalg.norm(tokens)]
    ids, best = _best(page_ids, scores(page_ids, precise=True), k)
    return [ScoredPage(page_id, score) for page_id, score in zip(ids.tolist(), best.tolist(), strict=True)]


def _blend(page_ids: PageIds, view: View, opening_weight: float, maxima: Callable[[PageIds], Scores]) -> Scores:
    """Scores (n_pages,) from the maxima (n_query_tokens, n_pages) of pages and of the first pages of their documents."""
    if not opening_weight:
        return np.asarray(maxima(page_ids).sum(axis=0))
    openings = view.opening_pages(page_ids)
    read = np.union1d(page_ids, openings)
    best = maxima(read)
    own, opening = best[:, np.searchsorted(read, page_ids)], best[:, np.searchsorted(read, openings)]
    together = np.maximum(own, opening)
    return np.asarray((1 - opening_weight) * own.sum(axis=0) + opening_weight * together.sum(axis=0))


def _best(page_ids: PageIds, scores: Scores, k: int) -> tuple[PageIds, Scores]:
    order = np.lexsort((page_ids, -scores))[:k]
    return page_ids[order], scores[order]

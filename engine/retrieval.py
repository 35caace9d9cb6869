"""Two-stage retrieval: the recall stage finds candidates, the rerank stage scores them exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery, KnowsWords, QueryEncoder
from pagesight.engine.index import View
from pagesight.engine.maxsim import summed
from pagesight.engine.ranking.confidence import LOOKED_AT, Signs, calibration_of, signs_of
from pagesight.engine.ranking.score import MAXSIM_ALONE, Ranking
from pagesight.engine.ranking.table import ranking_of
from pagesight.engine.ranking.terms import Asked
from pagesight.engine.results import Confidence
from pagesight.engine.stages import OnStage, stage
from pagesight.engine.typed.spelling import Vocabulary, read
from pagesight.engine.typed.writings import Writing
from pagesight.engine.typed.writings import writings as find_writings
from pagesight.storage.words import visible

RRF_CONSTANT = 60  # Cormack, Clarke & Büttcher 2009, "Reciprocal Rank Fusion outperforms Condorcet", SIGIR
PAGES_AT_ONCE = 8192  # whose scores are held a query token each
FUSED_SHARE = 8
# Of a score with the query in 8 bits or 7, in lengths of the query: 0.0049 was the largest of 45,000 scores of random pages with 7 bits.
QUICK_ERROR = 0.005
SCREENED = 8  # times k pages: of fewer so many are likely that scoring them twice takes longer
OPENINGS_SEEN = 4  # times the candidates: pages whose first pages are looked at by the recall stage
MAXSIM, OPENING = "MaxSim", "first page"  # parts of a score, beside those of terms
PageIds = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, as a model reads it.

    text: for BM25 over the pages' words; "" leaves words out. filters: see storage.filters; None searches everything.
    opening_weight: see ``rerank``. ranking: what is added to MaxSim. wording: as the model reads it. read_as: what of that
    is not as it was typed, "" for nothing. writings: see engine.typed.
    """

    encoded: EncodedQuery
    text: str = ""
    filters: str | None = None
    opening_weight: float = 0.0
    ranking: Ranking = MAXSIM_ALONE
    wording: str = ""
    read_as: str = ""
    writings: tuple[Writing, ...] = ()

    def asked(self, view: View) -> Asked:
        """The question in one view."""
        return Asked(self.text, view, self.filters, self.writings)

    @property
    def length(self) -> float:
        """The sum of its vectors' lengths: the largest MaxSim there can be."""
        return float(np.linalg.norm(self.encoded.tokens, axis=1).sum())

    @classmethod
    def of(
        cls, text: str, encoder: QueryEncoder, filters: str | None = None, *, typed_for: Vocabulary | None = None
    ) -> Self:
        """A text as this model reads it. Raises EmptyQuery.

        typed_for: the index that somebody typed it for, to read it as it is meant (see engine.typed); None: as it stands.
        """
        text, ranking, read_as = visible(text), ranking_of(encoder.name), ""
        writings: tuple[Writing, ...] = ()
        if typed_for is not None and ranking.terms and isinstance(encoder, KnowsWords):
            reading = read(text, typed_for, encoder)
            text, read_as, writings = reading.text, reading.reason, find_writings(text)
        (encoded,) = encoder.encode_queries([text])
        return cls(
            encoded=encoded,
            text=text if encoder.reads_words else "",
            filters=filters,
            opening_weight=encoder.opening_weight,
            ranking=ranking,
            wording=text,
            read_as=read_as,
            writings=writings,
        )


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """A page with its exact score, and the parts it is the sum of: (name, score) each.

    opening: id of the first page of its document, its own where first pages do not count.
    """

    page_id: int
    score: float
    parts: tuple[tuple[str, float], ...] = ()
    opening: int = 0


def search(question: Question, view: View, config: SearchConfig, on_stage: OnStage | None = None) -> list[ScoredPage]:
    """The best pages, at most ``config.k``, higher scores first, ties by page id, however sure they are."""
    asked = question.asked(view)
    with stage("recall", on_stage):
        candidates = view.page_ids(question.filters) if config.exact else recall(question, view, config, asked)
    with stage("rerank", on_stage):
        return rerank(question, view, candidates, config, asked)


def answer(
    question: Question, view: View, config: SearchConfig, on_stage: OnStage | None = None
) -> tuple[list[ScoredPage], Confidence | None]:
    """``search``, and how sure it is: None where that was never learnt. Without pages if it is less than ``min_confidence``."""
    if not (question.ranking.calibration and config.terms):
        return search(question, view, config, on_stage), None
    found = search(question, view, replace(config, k=min(max(config.k, LOOKED_AT), config.n_candidates)), on_stage)
    with stage("confidence", on_stage):
        confidence = confidence_in(question, view, found)
    sure = confidence is None or confidence.right >= config.min_confidence
    return found[: config.k] if sure else [], confidence


def confidence_in(question: Question, view: View, found: Sequence[ScoredPage]) -> Confidence | None:
    """How sure an answer is. found: its best pages, LOOKED_AT if there are so many."""
    signs = signs_in(question, view, found) if question.ranking.calibration else None
    return None if signs is None else calibration_of(question.ranking.calibration).confidence(signs)


def signs_in(question: Question, view: View, found: Sequence[ScoredPage]) -> Signs | None:
    """What tells how sure an answer is; None if there is nothing to compare with. found: as for ``confidence_in``."""
    best = found[:LOOKED_AT]
    return signs_of(
        question.encoded.tokens,
        question.length,
        view,
        view.page_ids(question.filters),
        np.array([page.opening for page in best], np.int64),
        np.array([page.score for page in best], np.float32),
        best[0].parts[0][1] if best else 0.0,
    )


def recall(question: Question, view: View, config: SearchConfig, asked: Asked | None = None) -> PageIds:
    """Candidates for the exact rerank: at most ``config.n_candidates``.

    Single vector and BM25 are fused by reciprocal rank. An eighth of the candidates is the best of these; the others
    are the best by means of their token vectors, which come closest to what the rerank will say.
    asked: the question in this view, if it is there already.
    """
    n, query = config.n_candidates, question.encoded
    asked = asked or question.asked(view)
    ranking = question.ranking if config.terms else MAXSIM_ALONE
    everything = view.page_ids(question.filters)
    allowed = None if question.filters is None else everything
    if len(everything) <= n:
        return everything  # nothing to choose from
    rankings = [view.nearest(query.single, n, allowed)]
    if question.text:
        rankings.append(asked.words.page_ids[:n])
    if ranking.terms and len(asked.allowed_written):
        rankings.append(asked.allowed_written[:n])
    fused = fuse(rankings)[:n]
    if not config.token_recall:
        return fused
    more = bool(question.opening_weight or ranking.terms)
    pages = view.nearest_by_means(query.tokens, OPENINGS_SEEN * n if more else n, allowed)
    if more:
        openings = _openings(pages, view, question.opening_weight)
        own, opened = _blend(
            pages, openings, question.opening_weight, lambda some: view.means_maxima(query.tokens, some)
        )
        pages = pages[_best(pages, own + opened + ranking.added(asked, question.length, pages), n)]
    first = fused[: n // FUSED_SHARE]
    return np.concatenate([first, pages[~np.isin(pages, first)]])[:n]


def fuse(rankings: Sequence[PageIds]) -> PageIds:
    """Reciprocal rank fusion: a page's score is the sum of 1 / (60 + rank); ties by page id."""
    page_ids, position = np.unique(np.concatenate(rankings), return_inverse=True)
    ranks = np.concatenate([np.arange(1, len(ranking) + 1) for ranking in rankings])
    scores = np.bincount(position, 1 / (RRF_CONSTANT + ranks), minlength=len(page_ids))
    return np.asarray(page_ids[np.lexsort((page_ids, -scores))], np.int64)


def rerank(
    question: Question, view: View, page_ids: PageIds, config: SearchConfig, asked: Asked | None = None
) -> list[ScoredPage]:
    """The best ``config.k`` of these pages by exact MaxSim over their stored token vectors, best first, ties by page id.

    A document says on its first page what it is about, and its other pages say it no more: "the OR3471's highest
    voltage" is answered by a table that does not name the chip. So with ``opening_weight`` w in [0, 1] a page's score is
    (1 - w) MaxSim(query, page) + w MaxSim(query, page and first page together), and the terms of ``question.ranking``.

    Many pages are scored with the query in 8 bits a component first. Those that can be among the first k if that error is
    taken away are scored again with the query in 15 bits.
    """
    tokens, k = question.encoded.tokens, config.k
    asked = asked or question.asked(view)
    ranking = question.ranking if config.terms else MAXSIM_ALONE
    terms = ranking.parts(asked, question.length, page_ids)
    added = summed(terms)

    openings = _openings(page_ids, view, question.opening_weight)

    def scores(pages: PageIds, first: PageIds, *, precise: bool) -> tuple[Scores, Scores]:
        def maxima(some: PageIds) -> Scores:
            return view.maxima(tokens, some, precise=precise, device=config.score_on)

        parts = [slice(i, i + PAGES_AT_ONCE) for i in range(0, len(pages), PAGES_AT_ONCE)]
        scored = [_blend(pages[part], first[part], question.opening_weight, maxima) for part in parts]
        nothing = np.empty(0, np.float32)
        return np.concatenate([*(own for own, _ in scored), nothing]), np.concatenate(
            [*(o for _, o in scored), nothing]
        )

    if len(page_ids) > SCREENED * k and config.score_on is None:
        quick = np.add(*scores(page_ids, openings, precise=False)) + added
        kth = np.partition(quick, len(quick) - k)[len(quick) - k]
        likely = quick >= kth - 2 * quick_error(tokens)
        page_ids, openings, added, terms = page_ids[likely], openings[likely], added[likely], terms[:, likely]
    own, opened = scores(page_ids, openings, precise=True)
    total = own + opened + added
    at = _best(page_ids, total, k)
    ids, best = page_ids[at], total[at]
    parts = np.concatenate([own[None, at], opened[None, at], terms[:, at]])
    names = (MAXSIM, *([OPENING] if question.opening_weight else []), *(term.name for term in ranking.terms))
    if not question.opening_weight:
        parts = np.delete(parts, 1, axis=0)
    return [
        ScoredPage(page_id, score, tuple(zip(names, column, strict=True)), opening)
        for page_id, score, column, opening in zip(
            ids.tolist(), best.tolist(), parts.T.tolist(), openings[at].tolist(), strict=True
        )
    ]


def quick_error(tokens: Scores) -> float:
    """By how much a score is off at most when each of these vectors (n, dim) is rounded to few bits.

    Errors of different ones are as often above as below, and grow like a length; those of equal ones are the same, and add up.
    """
    copies = Counter(map(bytes, np.ascontiguousarray(tokens)))
    times = np.array([copies[bytes(row)] for row in np.ascontiguousarray(tokens)], np.float32)
    return QUICK_ERROR * float(np.sqrt((times * (tokens * tokens).sum(axis=1)).sum()))


def _openings(page_ids: PageIds, view: View, opening_weight: float) -> PageIds:
    """The first pages of these pages' documents; the pages themselves where those do not count."""
    if not opening_weight:
        return page_ids
    parts = [view.opening_pages(page_ids[i : i + PAGES_AT_ONCE]) for i in range(0, len(page_ids), PAGES_AT_ONCE)]
    return np.concatenate([*parts, np.empty(0, np.int64)])


def _blend(
    page_ids: PageIds, openings: PageIds, opening_weight: float, maxima: Callable[[PageIds], Scores]
) -> tuple[Scores, Scores]:
    """MaxSim of pages, and what the first pages of their documents add to it: two of (n_pages,).

    maxima: (n_query_tokens, n_pages) of some pages.
    """
    if not opening_weight:
        alone = summed(maxima(page_ids))
        return alone, np.zeros_like(alone)
    read = _distinct(np.concatenate([page_ids, openings]))
    best = maxima(read)
    own, opening = best[:, np.searchsorted(read, page_ids)], best[:, np.searchsorted(read, openings)]
    alone = summed(own)
    return alone, np.asarray(opening_weight * (summed(np.maximum(own, opening)) - alone))


def _distinct(page_ids: PageIds) -> PageIds:
    """Ascending, each once. numpy's own imports its masked arrays, which takes a new process half as long as the search itself."""
    ordered, first = np.sort(page_ids), np.ones(len(page_ids), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def _best(page_ids: PageIds, scores: Scores, k: int) -> NDArray[np.int64]:
    """Positions of the ``k`` best, best first, ties by page id."""
    return np.asarray(np.lexsort((page_ids, -scores))[:k])

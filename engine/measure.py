"""How much of what exact MaxSim would answer does an index answer with its usual settings, and how fast?"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.index import View
from pagesight.engine.retrieval import Question, search

QUERY_TOKENS = 12  # of a question that is made from a page
NOISE = (
    1.0  # length of the noise added to its tokens, which have length 1: about as far as a question is from its answer
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """agreement: mean share of the exact top k that the usual search finds; first: share of questions with the same first hit."""

    n_queries: int
    n_pages: int
    k: int
    agreement: float
    first: float
    search_ms: float  # median, without encoding the question
    exact_ms: float


def measure(questions: Sequence[Question], view: View, config: SearchConfig) -> Measurement:
    """Ask every question twice, as usual and exactly."""
    exactly = replace(config, exact=True)
    shares, firsts, usual_ms, exact_ms = [], [], [], []
    for question in questions:
        usual, taken = _timed(question, view, config)
        usual_ms.append(taken)
        exact, taken = _timed(question, view, exactly)
        exact_ms.append(taken)
        shares.append(len(set(usual) & set(exact)) / len(exact))
        firsts.append(usual[0] == exact[0])
    return Measurement(
        n_queries=len(questions),
        n_pages=len(view.page_ids()),
        k=config.k,
        agreement=statistics.fmean(shares),
        first=statistics.fmean(firsts),
        search_ms=statistics.median(usual_ms),
        exact_ms=statistics.median(exact_ms),
    )


def _timed(question: Question, view: View, config: SearchConfig) -> tuple[list[int], float]:
    """The pages that are found, and the milliseconds of all stages."""
    seconds: list[float] = []
    found = search(question, view, config, lambda _, taken: seconds.append(taken))
    return [page.page_id for page in found], sum(seconds) * 1e3


def made_up_questions(view: View, n: int) -> Iterator[Question]:
    """Questions made of some token vectors of some pages, moved by noise: always the same ones for the same index."""
    rng = np.random.default_rng(1)
    page_ids = view.page_ids()
    for page_id in np.sort(rng.choice(page_ids, min(n, len(page_ids)), replace=False)):
        tokens = view.tokens(np.array([page_id]))[0]
        chosen = tokens[rng.choice(len(tokens), min(QUERY_TOKENS, len(tokens)), replace=False)]
        noise = rng.standard_normal(chosen.shape, np.float32)
        moved = chosen + NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        single = view.single(int(page_id))
        yield Question(encoded=EncodedQuery(single, moved.astype(np.float32), ("",) * len(moved)))

"""How much of what exact MaxSim would answer does an index answer with its usual settings, and how fast?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.retrieval import ScoredPage
from pagesight.storage.snapshot import Snapshot

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


def measure(
    queries: Sequence[tuple[str, EncodedQuery]],
    ask: Callable[[str, EncodedQuery, SearchConfig], list[ScoredPage]],
    n_pages: int,
    config: SearchConfig,
) -> Measurement:
    """Ask every question twice, as usual and exactly. queries: (text, encoded)."""
    exactly = SearchConfig(k=config.k, exact=True)
    shares, firsts, usual_ms, exact_ms = [], [], [], []
    for text, query in queries:
        began = time.perf_counter()
        usual = [hit.page_id for hit in ask(text, query, config)]
        between = time.perf_counter()
        exact = [hit.page_id for hit in ask(text, query, exactly)]
        usual_ms.append((between - began) * 1e3)
        exact_ms.append((time.perf_counter() - between) * 1e3)
        shares.append(len(set(usual) & set(exact)) / len(exact))
        firsts.append(usual[0] == exact[0])
    return Measurement(
        n_queries=len(queries),
        n_pages=n_pages,
        k=config.k,
        agreement=statistics.fmean(shares),
        first=statistics.fmean(firsts),
        search_ms=statistics.median(usual_ms),
        exact_ms=statistics.median(exact_ms),
    )


def made_up_queries(snapshot: Snapshot, page_ids: NDArray[np.int64], n: int) -> Iterator[EncodedQuery]:
    """Questions made of some token vectors of some pages, moved by noise: always the same ones for the same index."""
    rng = np.random.default_rng(1)
    for page_id in np.sort(rng.choice(page_ids, min(n, len(page_ids)), replace=False)):
        tokens = snapshot.read_tokens(np.array([page_id]))[0]
        chosen = tokens[rng.choice(len(tokens), min(QUERY_TOKENS, len(tokens)), replace=False)]
        noise = rng.standard_normal(chosen.shape, np.float32)
        moved = chosen + NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        single = snapshot.read_single(int(page_id))
        yield EncodedQuery(single, moved.astype(np.float32), ("",) * len(moved))

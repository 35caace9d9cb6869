"""BM25 of pages by the numbers of a whole of which they are a part.

SQLite's ``bm25()`` knows the pages of its own table alone. Pages of several indexes compare only if a term counts the same in
all of them: by the number of pages that have it in all of them together. The sums here are those of SQLite, in its order, so
that one index scored this way by its own numbers has the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import ConfigError
from pagesight.storage.words import WordScores, largest_score, query_terms, telling, without_accents

PageIds = NDArray[np.int64]
K1, B = 1.2, 0.75
LEAST = 1e-6  # that a term counts


@runtime_checkable
class CountsWords(Protocol):
    """A view that says how often terms are on which pages."""

    def word_pages(self, terms: Sequence[str]) -> dict[str, int]:
        """For each term, without accents, on how many pages it is."""

    def word_counts(self, terms: Sequence[str]) -> dict[str, tuple[PageIds, PageIds]]:
        """For each term likewise the pages that have it, ascending, and how often each has it. Costs what the term is there."""

    def word_lengths(self) -> tuple[PageIds, PageIds]:
        """All pages, ascending, those without words included, and how many terms each has."""


def counting(view: object) -> CountsWords:
    """A view that does. Raises ConfigError for one of a store that does not."""
    if not isinstance(view, CountsWords):
        raise ConfigError("this kind of store does not count the words of pages, and cannot be a part of a whole")
    return view


@dataclass(frozen=True, slots=True)
class WordStatistics:
    """Of a whole, or of a part of it. n_findable: pages with token vectors. n_with: by term of a question, as ``query_terms`` has it."""

    n_pages: int
    n_terms: int
    n_findable: int
    n_with: Mapping[str, int]

    @classmethod
    def of(cls, view: CountsWords, question: str, n_findable: int) -> WordStatistics:
        """What one view has."""
        asked = query_terms(question)
        counts = view.word_pages([without_accents(term) for term in asked])
        _, lengths = view.word_lengths()
        n_with = {term: counts[without_accents(term)] for term in asked}
        return cls(len(lengths), int(lengths.sum()), n_findable, n_with)

    @classmethod
    def total(cls, parts: Sequence[WordStatistics]) -> WordStatistics:
        """What the parts have together."""
        n_with: dict[str, int] = {}
        for part in parts:
            for term, n in part.n_with.items():
                n_with[term] = n_with.get(term, 0) + n
        return cls(
            sum(part.n_pages for part in parts),
            sum(part.n_terms for part in parts),
            sum(part.n_findable for part in parts),
            n_with,
        )


def best_by_words(
    view: CountsWords, statistics: WordStatistics, k: int, allowed: PageIds
) -> tuple[WordScores, NDArray[np.float64]]:
    """The ``k`` best pages of a view, as ``View.nearest_by_words`` finds them in the whole; and the scores before they are shares.

    allowed: which may be found; pages with words may have no token vectors.
    Source: Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework"; fts5_aux.c of SQLite.
    """
    terms = telling(statistics.n_with, statistics.n_findable)
    pages, lengths = view.word_lengths()
    if not (terms and statistics.n_terms and len(pages)):
        return WordScores.none(), np.empty(0)
    usual = statistics.n_terms / statistics.n_pages
    counts = view.word_counts([without_accents(term) for term in terms])
    scores = np.zeros(len(pages))
    for term in terms:
        having, often = counts[without_accents(term)]
        n_with = statistics.n_with[term]
        weight = math.log((statistics.n_pages - n_with + 0.5) / (n_with + 0.5))
        at = np.searchsorted(pages, having)
        length = K1 * (1 - B + B * lengths[at] / usual)
        scores[at] += (weight if weight > 0 else LEAST) * ((often * (K1 + 1.0)) / (often + length))
    found = np.flatnonzero(scores > 0)
    found = found[np.isin(pages[found], allowed)]
    best = found[np.lexsort((pages[found], -scores[found]))[:k]]
    most = max(largest_score(statistics.n_findable, statistics.n_with.values()), 1e-9)
    shares = np.clip(scores[best] / most, 0, 1).astype(np.float32)
    return WordScores(pages[best], shares), scores[best]

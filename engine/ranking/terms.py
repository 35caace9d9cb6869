"""What a term is, and the terms there are.

A term looks at a question and a page and gives a value from 0 to 1. It counts by its weight, in cosines a unit of the
question's length, so that short and long questions are treated alike: two hundredths of a cosine decide between pages that
are nearly as good, and never put a page above one that is clearly better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.index import View
from pagesight.engine.typed.writings import Writing
from pagesight.storage.words import WordScores, squeezed

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]

FULL_PAGE = 300  # token vectors, beyond which a page is not held to be longer
BEST_BY_WORDS = 1_000  # pages that get a share of BM25; those below have too little to matter
SHORTEST_IDENTIFIER = 5  # letters and digits; a year is none
MAX_IDENTIFIERS = 8
# Share and number of pages that a date or number may be on and still tell them from others.
FEW, FEWEST_IS_FEW = 0.03, 5


class Asked:
    """A question, as terms look at it in one view. What costs a look into the index is looked up once.

    text: "" for a question that is none, such as a page. filters: as in ``Question``. writings: what of it may be written
    otherwise on pages.
    """

    def __init__(self, text: str, view: View, filters: str | None = None, writings: Sequence[Writing] = ()) -> None:
        self.text, self.view, self._filters, self._writings = text, view, filters, writings

    @cached_property
    def words(self) -> WordScores:
        """The best pages by BM25."""
        if not self.text:
            return WordScores.none()
        allowed = None if self._filters is None else self.view.page_ids(self._filters)
        return self.view.nearest_by_words(self.text, BEST_BY_WORDS, allowed)

    @cached_property
    def written(self) -> tuple[PageIds, ...]:
        """For each of ``writings`` that is on a few pages those that have it, in whatever writing; ascending."""
        most = max(FEWEST_IS_FEW, int(FEW * len(self.view.page_ids())))
        found = (self.view.pages_with_phrases(writing.phrases, most) for writing in self._writings)
        return tuple(pages for pages in found if len(pages))

    @cached_property
    def allowed_written(self) -> PageIds:
        """All of these pages that may be found, those with most of the question's writings first, ties by page id."""
        if not self.written:
            return np.empty(0, np.int64)
        pages, counts = np.unique(np.concatenate(self.written), return_counts=True)
        order = np.lexsort((pages, -counts))
        return np.asarray(pages[order][np.isin(pages[order], self.view.page_ids(self._filters))], np.int64)

    @cached_property
    def identifiers(self) -> tuple[str, ...]:
        """Squeezed words of the question that are a name and no word: some length, and a digit."""
        found = (squeezed(word) for word in self.text.split() if any(map(str.isdigit, word)))
        return tuple(dict.fromkeys(word for word in found if len(word) >= SHORTEST_IDENTIFIER))[:MAX_IDENTIFIERS]


Values = Callable[[Asked, PageIds], Float]  # (n_pages,) in [0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """name: as a hit shows it. weight: in cosines, below 0 for what speaks against a page. reason, interval: see ``table``."""

    name: str
    weight: float
    values: Values
    reason: str
    interval: str


def length(asked: Asked, page_ids: PageIds) -> Float:
    """ln of a page's token vectors, as a share of that of a full page: with more of them, the best of them is better by chance."""
    counts = np.clip(asked.view.n_tokens(page_ids), 1, FULL_PAGE)
    return np.asarray(np.log(counts) / np.log(FULL_PAGE), np.float32)


def words(asked: Asked, page_ids: PageIds) -> Float:
    """BM25 as a share of the largest possible: 1 would be a page full of every word of the question."""
    found = asked.words
    values = np.zeros(len(page_ids), np.float32)
    if len(found.page_ids):
        order = np.argsort(found.page_ids)
        by_id, shares = found.page_ids[order], found.shares[order]
        at = np.minimum(np.searchsorted(by_id, page_ids), len(by_id) - 1)
        values = np.where(by_id[at] == page_ids, shares[at], np.float32(0))
    return np.asarray(values, np.float32)


def identifiers(asked: Asked, page_ids: PageIds) -> Float:
    """The share of the question's identifiers that a page has letter by letter, also where words have run together.

    Where a page has all of a question's dates, numbers, quantities and part numbers in some writing, that is as good.
    """
    values = np.zeros(len(page_ids), np.float32)
    for identifier in asked.identifiers:
        values += np.isin(page_ids, asked.view.pages_with(identifier, page_ids)) / np.float32(len(asked.identifiers))
    written = np.zeros(len(page_ids), np.float32)
    for pages in asked.written:
        written += np.isin(page_ids, pages) / np.float32(len(asked.written))
    return np.asarray(np.maximum(values, written), np.float32)

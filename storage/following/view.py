"""A view of an index that lies elsewhere: what a search asks is answered by what is kept here."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.closing import Closing
from pagesight.storage.stored import StoredPage
from pagesight.storage.view import StoreView
from pagesight.storage.words import WordScores

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]


class SearchedHere(Closing):
    """The part of ``pagesight.engine.index.View`` that needs no token vectors and no words of pages."""

    @property
    @abstractmethod
    def _kept(self) -> StoreView:
        """What is kept here, in the state of this view; opened when it is first needed."""

    def page_ids(self, filters: str | None = None) -> PageIds:
        return self._kept.page_ids(filters)

    def nearest(self, single: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._kept.nearest(single, k, allowed)

    def nearest_by_means(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._kept.nearest_by_means(tokens, k, allowed)

    def nearest_by_words(self, query: str, k: int, allowed: PageIds | None) -> WordScores:
        return self._kept.nearest_by_words(query, k, allowed)

    def pages_with(self, string: str, page_ids: PageIds) -> PageIds:
        return self._kept.pages_with(string, page_ids)

    def pages_with_phrases(self, phrases: Sequence[str], most: int) -> PageIds:
        return self._kept.pages_with_phrases(phrases, most)

    def vocabulary(self, prefixes: Sequence[str], terms: Sequence[str] = ()) -> dict[str, int]:
        return self._kept.vocabulary(prefixes, terms)

    def word_pages(self, terms: Sequence[str]) -> dict[str, int]:
        return self._kept.word_pages(terms)

    def word_counts(self, terms: Sequence[str]) -> dict[str, tuple[PageIds, PageIds]]:
        return self._kept.word_counts(terms)

    def word_lengths(self) -> tuple[PageIds, PageIds]:
        return self._kept.word_lengths()

    def spelt(self, term: str) -> str:
        return self._kept.spelt(term)

    def n_tokens(self, page_ids: PageIds) -> PageIds:
        return self._kept.n_tokens(page_ids)

    def means_maxima(self, tokens: Float, page_ids: PageIds) -> Float:
        return self._kept.means_maxima(tokens, page_ids)

    def opening_pages(self, page_ids: PageIds) -> PageIds:
        return self._kept.opening_pages(page_ids)

    def describe(self, page_ids: PageIds) -> dict[int, StoredPage]:
        return self._kept.describe(page_ids)

    def find_page(self, name: str, number: int, *, sha256: str | None = None) -> int | None:
        return self._kept.find_page(name, number, sha256=sha256)

    def single(self, page_id: int) -> Float:
        return self._kept.single(page_id)

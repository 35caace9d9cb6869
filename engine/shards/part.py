"""An index that answers for one part of what is in it (storage.parts).

What is attached to a file goes with it, whatever its own content is. An index that was made for its part costs nothing more;
of one that holds other documents, too, these are left out as by a filter.
"""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.bm25 import counting
from pagesight.storage.codecs import codec_named
from pagesight.storage.filters import quoted
from pagesight.storage.names import nfc
from pagesight.storage.parts import Part
from pagesight.storage.stored import StoredDocument, Totals
from pagesight.storage.words import WordScores

if TYPE_CHECKING:
    from pagesight.engine.index import Store, View
    from pagesight.indexer.running.pipeline import IndexWriter
    from pagesight.storage.manifest import Space

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]
AT_ONCE = 200  # documents that a filter names


class PartStore:
    """A Store whose views answer for one part. What writes is the whole index's."""

    def __init__(self, store: Store, part: Part) -> None:
        self._store, self.part = store, part
        self._lock = threading.Lock()
        self._owned: tuple[int, _Owned | None] = -1, None

    @property
    def address(self) -> str:
        return self._store.address

    @property
    def space(self) -> Space:
        return self._store.space

    def view(self) -> View:
        with ExitStack() as closing:
            view = closing.enter_context(self._store.view())
            view.page_ids()  # first: a store may go on to a later state as long as nothing else was asked
            with self._lock:
                generation, owned = self._owned
                if generation != view.generation:
                    owned = _owned(view, self.part)
                    self._owned = view.generation, owned
            closing.pop_all()
        return view if owned is None else cast("View", PartView(view, owned))

    def writer(self) -> AbstractContextManager[IndexWriter]:
        return self._store.writer()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _Owned:
    """pages: ids of those that can be found, ascending. documents: their SHA-256."""

    def __init__(self, pages: PageIds, documents: frozenset[str]) -> None:
        self.pages, self.documents = pages, documents


def _owned(view: View, part: Part) -> _Owned | None:
    """What of a view belongs to a part; None for everything."""
    if len(view.page_ids(part.filters)) == len(view.page_ids()):
        return None
    documents = view.documents()
    at = {os.fspath(location): one.sha256 for one in documents for location in one.locations}

    def belongs(document: StoredDocument) -> bool:
        return any(part.owns(_outermost(location, at)) for location in document.locations)

    own = sorted(one.sha256 for one in documents if belongs(one))
    filters = (f"sha256 in ({', '.join(own[i : i + AT_ONCE])})" for i in range(0, len(own), AT_ONCE))
    found = np.sort(np.concatenate([np.empty(0, np.int64), *map(view.page_ids, filters)]))
    return None if len(found) == len(view.page_ids()) else _Owned(found, frozenset(own))


def _outermost(location: Path, at: dict[str, str]) -> str:
    """The SHA-256 of the file that a document is, or that it is attached to."""
    places = (os.fspath(place) for place in (location, *location.parents))
    return [at[place] for place in places if place in at][-1]


class PartView:
    """A View without the pages and documents of other parts."""

    def __init__(self, view: View, owned: _Owned) -> None:
        self._view, self._owned = view, owned

    def page_ids(self, filters: str | None = None) -> PageIds:
        if filters is None:
            return self._owned.pages
        return np.intersect1d(self._view.page_ids(filters), self._owned.pages, assume_unique=True)

    def nearest(self, single: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._view.nearest(single, k, self._among(allowed))

    def nearest_by_means(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._view.nearest_by_means(tokens, k, self._among(allowed))

    def nearest_by_words(self, query: str, k: int, allowed: PageIds | None) -> WordScores:
        return self._view.nearest_by_words(query, k, self._among(allowed))

    def pages_with_phrases(self, phrases: list[str], most: int) -> PageIds:
        found = np.intersect1d(self._view.pages_with_phrases(phrases, 2**31 - 1), self._owned.pages)
        return found if len(found) <= most else np.empty(0, np.int64)

    def word_pages(self, terms: list[str]) -> dict[str, int]:
        return {term: len(pages) for term, (pages, _) in self.word_counts(terms).items()}

    def word_counts(self, terms: list[str]) -> dict[str, tuple[PageIds, PageIds]]:
        counts = counting(self._view).word_counts(terms)
        return {term: tuple(self._own(*found)) for term, found in counts.items()}  # type: ignore[misc]

    def word_lengths(self) -> tuple[PageIds, PageIds]:
        return self._own(*counting(self._view).word_lengths())

    def find_page(self, name: str, number: int, *, sha256: str | None = None) -> int | None:
        found = self._view.find_page(name, number, sha256=sha256)
        if found is None or self._view.describe(np.array([found]))[found].sha256 in self._owned.documents:
            return found
        if sha256 is not None:  # it is another part's
            return None
        if '"' in name and "'" in name:  # a filter has no way to say both
            return None
        fits = self.page_ids(f"document = {quoted(nfc(name))} and page = {number}")
        return int(fits[0]) if len(fits) else None

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        return [one for one in self._view.documents(filters) if one.sha256 in self._owned.documents]

    def totals(self) -> Totals:
        whole, documents = self._view.totals(), self.documents()
        counts = self._view.n_tokens(self._owned.pages)
        codec = codec_named(self._view.space.codec, self._view.space.token_dim)
        n_pages = sum(one.n_indexed_pages for one in documents)
        return Totals(
            n_documents=len(documents),
            n_files=sum(len(one.names) for one in documents),
            n_pages=n_pages,
            n_pages_without_words=n_pages - len(self._owned.pages),
            n_pages_by_ocr=sum(len(one.ocr_pages) for one in documents),
            n_tokens=int(counts.sum()),
            token_bytes=int(sum(codec.n_bytes(n) + 8 * n for n in counts.tolist())),
            n_failed_files=whole.n_failed_files,
            n_failed_pages=whole.n_failed_pages,
            n_noted_pages=sum(len(one.notes) for one in documents),
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._view.__exit__(kind, error, trace)

    def _among(self, allowed: PageIds | None) -> PageIds:
        return self._owned.pages if allowed is None else allowed

    def _own(self, pages: PageIds, numbers: PageIds) -> tuple[PageIds, PageIds]:
        kept = np.isin(pages, self._owned.pages)
        return pages[kept], numbers[kept]

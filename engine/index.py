"""What the engine asks of an index, wherever it lies: a store, its views, its one writer.

The embedded store is ``pagesight.storage.store.Store``, a folder; ``pagesight.storage.memory.MemoryStore`` is the definition, exact
in everything. tests/conformance holds every store to the same behaviour. A store is named by an address (storage.addresses).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.manifest import Space
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.stored import (
    Examination,
    Exported,
    Optimized,
    PageDetail,
    StoredContent,
    StoredDocument,
    StoredFailure,
    StoredPage,
    Totals,
)
from pagesight.storage.values import KnownFailure, KnownFile, PackedPage, SourceFile
from pagesight.storage.words import WordScores

if TYPE_CHECKING:
    from pagesight.indexer.running.pipeline import IndexWriter

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]


class View(Protocol):
    """One consistent state of an index, for reading: nothing in it changes while it is open. For one thread at a time.

    Pages go by their ids, (n,) int64, which are never used again. Only pages that have token vectors can be found.
    ``allowed``: ids of pages that may be returned, ascending; None means all, an empty array none.
    """

    @property
    def space(self) -> Space: ...
    @property
    def generation(self) -> int:
        """Grows with every change of the index."""

    def page_ids(self, filters: str | None = None) -> PageIds:
        """Pages that can be found and fit a filter (storage.filters), ascending. Raises BadFilter."""

    def nearest(self, single: Float, k: int, allowed: PageIds | None) -> PageIds:
        """The ``k`` best pages by single vector (d_s,), best first, ties by page id. May be approximate."""

    def nearest_by_means(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        """The ``k`` best by MaxSim over a few means of each page's token vectors. tokens: (n_query_tokens, d_t)."""

    def nearest_by_words(self, query: str, k: int, allowed: PageIds | None) -> WordScores:
        """The ``k`` best by BM25 of their words; only pages with one of the query's words."""

    def pages_with(self, string: str, page_ids: PageIds) -> PageIds:
        """Those of these pages whose words, run together and ``squeezed`` (storage.words), contain this squeezed string; ascending."""

    def pages_with_phrases(self, phrases: Sequence[str], most: int) -> PageIds:
        """Pages whose words have one of these phrases, ascending; none if more than ``most`` pages do.

        A phrase is terms (storage.words) that follow each other, with blanks between; accents do not count.
        """

    def vocabulary(self, prefixes: Sequence[str], terms: Sequence[str] = ()) -> dict[str, int]:
        """On how many pages each term is, of those that begin with one of ``prefixes`` or are one of ``terms``; without accents."""

    def spelt(self, term: str) -> str:
        """A term of ``vocabulary`` with its accents, as the first page has it; as it is if no page has it."""

    def n_tokens(self, page_ids: PageIds) -> PageIds:
        """How many token vectors each of these pages has."""

    def means_maxima(self, tokens: Float, page_ids: PageIds) -> Float:
        """As ``maxima``, over means of the pages' token vectors."""

    def maxima(self, tokens: Float, page_ids: PageIds, *, precise: bool = True, device: str | None = None) -> Float:
        """What MaxSim adds up: the best dot product of each query token on each page, (n_query_tokens, n_pages).

        precise: False may round the query to 8 bits a component. device: of torch, to score there; None: the processor.
        Raises DimensionMismatch, StoreCorrupt.
        """

    def opening_pages(self, page_ids: PageIds) -> PageIds:
        """For each of these pages the first page of its document that can be found."""

    def describe(self, page_ids: PageIds) -> dict[int, StoredPage]:
        """What is known of these pages. A document with several names goes by the first in alphabetical order."""

    def details(self, page_ids: PageIds) -> dict[int, PageDetail]:
        """What explaining hits needs: token vectors, boxes and words of these pages. Raises StoreCorrupt."""

    def find_page(self, name: str, number: int, *, sha256: str | None = None) -> int | None:
        """Id of a page by a name of its document and its number from 1; sha256: of the document, where several have the name."""

    def tokens(self, page_ids: PageIds) -> MultiVectors:
        """Token vectors of these pages, in this order, expanded to float32."""

    def single(self, page_id: int) -> Float:
        """The single vector of a page: (d_s,) float32."""

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        """All documents with a page that fits the filter, in order of their names."""

    def failures(self) -> list[StoredFailure]:
        """Everything that could not be read, in order of its name."""

    def totals(self) -> Totals: ...
    def known_files(self) -> dict[bytes, KnownFile]:
        """All names in the index, by location."""

    def known_failures(self) -> dict[bytes, KnownFailure]:
        """All files that gave no document, by location."""

    def indexed_files(self) -> list[SourceFile]:
        """All names in the index, in order of location."""

    def contents(self) -> list[StoredContent]:
        """All documents by what is stored of them, in the order in which their pages have ids."""

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        """The pages of a document as they are stored, in order of their ids. Raises StoreCorrupt if one is damaged."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...


class Store(Protocol):
    """An index. Any number of threads may open views of it; one writer at a time, in whatever process."""

    @property
    def address(self) -> str: ...
    @property
    def space(self) -> Space: ...

    def view(self) -> View:
        """Open the present state; close it, or use it by ``with``."""

    def writer(self) -> AbstractContextManager[IndexWriter]:
        """The right to write. Raises StoreLocked."""

    def optimize(self) -> Optimized:
        """Give back the space of removed documents; views go on."""

    def examine(self, *, drop_damaged: bool = False) -> Examination:
        """Check everything that is stored; views go on."""

    def export(self, target: Path, *, overwrite: bool = False) -> Exported:
        """Write the present state into one file, from which it can be restored; views and the writer go on."""

    def bytes_on_disk(self) -> int: ...
    def close(self) -> None:
        """Let go of everything. Using the store afterwards raises StoreClosed."""

"""A document being written to Qdrant: its pages wait in a file of this machine until all of them are encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import PageTooLarge
from pagesight.storage.manifest import Space
from pagesight.storage.packed import check_packed, pack_page
from pagesight.storage.spool import Spool
from pagesight.storage.values import DocumentInfo, NewPage, PackedPage, SourceFile


class Commit(Protocol):
    def __call__(
        self, draft: QdrantDraft, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]], /
    ) -> None: ...


class QdrantDraft(Closing):
    """``pagesight.indexer.running.pipeline.DocumentDraft``. max_values: a page's token vectors have fewer numbers."""

    def __init__(self, space: Space, max_values: int, commit: Commit) -> None:
        self._space, self._max_values, self._commit = space, max_values, commit
        self._codec = codec_named(space.codec, space.token_dim)
        self._pages = Spool()

    @property
    def n_pages(self) -> int:
        return len(self._pages)

    def add_page(self, new: NewPage) -> None:
        """Keep a page. Raises DimensionMismatch, PageTooLarge, DiskFull."""
        self._append(pack_page(new, self._space, self._codec))

    def add_packed(self, new: PackedPage) -> None:
        """Keep a page of another store as it is. Raises StoreCorrupt if it is not of this space, PageTooLarge, DiskFull."""
        check_packed(new, self._space)
        self._append(new)

    def _append(self, new: PackedPage) -> None:
        dim = self._space.token_dim
        if new.n_tokens * dim >= self._max_values:
            raise PageTooLarge(
                f"page {new.number} has {new.n_tokens:,} token vectors of {dim} dimensions, and Qdrant takes fewer than "
                f"{self._max_values:,} values a point, here {(self._max_values - 1) // dim:,} vectors; index with a pool factor "
                "or fewer pixels a page"
            )
        self._pages.add(new)

    def pages(self) -> Iterator[PackedPage]:
        return iter(self._pages)

    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]] = ()) -> None:
        """Make the document visible under this name, in place of what the name stood for before.

        page_failures: (page number, reason) of pages that could not be read.
        """
        self._commit(self, info, source, page_failures)

    def close(self) -> None:
        self._pages.close()

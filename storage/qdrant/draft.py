"""A document being written to Qdrant: its pages wait in a file of this machine until all of them are encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

from pagesight.storage.errors import PageTooLarge
from pagesight.storage.manifest import Space
from pagesight.storage.spool import PageFailures, SpooledDraft
from pagesight.storage.values import DocumentInfo, PackedPage, SourceFile


class QdrantDraft(SpooledDraft):
    """max_values: a page's token vectors have fewer numbers."""

    def __init__(
        self, space: Space, max_values: int, commit: Callable[[Self, DocumentInfo, SourceFile, PageFailures], None]
    ) -> None:
        super().__init__(space, commit)
        self._max_values = max_values

    def _keep(self, new: PackedPage) -> None:
        dim = self._space.token_dim
        if new.n_tokens * dim >= self._max_values:
            raise PageTooLarge(
                f"page {new.number} has {new.n_tokens:,} token vectors of {dim} dimensions, and Qdrant takes fewer than "
                f"{self._max_values:,} values a point, here {(self._max_values - 1) // dim:,} vectors; index with a pool factor "
                "or fewer pixels a page"
            )
        self._spool.add(new)

    def pages(self) -> Iterator[PackedPage]:
        return iter(self._spool)

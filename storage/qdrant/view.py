"""Reading an index out of Qdrant."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.moving.catalogue import Catalogue, CatalogueView
from pagesight.storage.qdrant.payload import packed_page, page_id
from pagesight.storage.qdrant.points import AT_ONCE, Points, asking
from pagesight.storage.values import PackedPage


class QdrantView(CatalogueView):
    """``pagesight.storage.moving.ends.Held``."""

    def __init__(self, address: str, points: Points, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        self._address, self._points = address, points

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        """Raises StoreCorrupt for a page that is missing or not what was written."""
        rows = self.catalogue.documents[sha256].pages
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            ids = [page_id(sha256, position) for position in range(first, first + len(some))]
            with asking(self._address):
                found = self._points.retrieve(ids)
            for row, id_ in zip(some, ids, strict=True):
                if id_ not in found:
                    raise StoreCorrupt(f"the point of page {row.number} is missing; copy the document again")
                page = packed_page(found[id_])
                if zlib.crc32(page.record) != row.crc32:
                    raise StoreCorrupt(f"the record of page {row.number} is damaged; copy the document again")
                yield page

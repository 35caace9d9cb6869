"""Reading a folder of segments: what all of them together say, and the pages of a document."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pagesight.storage.errors import StorageError, StoreCorrupt
from pagesight.storage.exchange.archive import (
    SegmentName,
    check_bytes,
    read_header,
    read_pages,
    replay,
    segment_files,
)
from pagesight.storage.manifest import Space
from pagesight.storage.moving.catalogue import Catalogue, CatalogueView
from pagesight.storage.values import PackedPage


class SegmentView(CatalogueView):
    """``pagesight.storage.moving.ends.Held``. problems: (file, why) of what cannot be read; the others count."""

    def __init__(self, folder: Path, space: Space) -> None:
        super().__init__(Catalogue())
        self.problems: list[tuple[str, str]] = []
        self._segments: dict[str, SegmentName] = {}
        self._checked: dict[str, str] = {}  # segment -> why it cannot be used, "" if it can
        files = segment_files(folder)
        for file in files:
            try:
                entries = _entries(file, space)
                self._segments[file.path.name] = file
                for entry in entries:
                    replay(entry, file.path.name, self.catalogue)
            except StorageError as error:
                self.problems.append((file.path.name, f"{error}; copy it again"))
        numbers = {file.number for file in files}
        missing = sorted(set(range(1, max(numbers, default=0) + 1)) - numbers)
        self.problems += [(f"segment-{number:08d}-….zip", "it is missing; copy it, too") for number in missing]

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        """Compares a segment with the hash in its name before the first of its documents. Raises StoreCorrupt."""
        document = self.catalogue.documents[sha256]
        file = self._segments[document.place.segment]
        self._check(file)
        for row, page in zip(document.pages, read_pages(file.path, document.place.prefix, document.pages), strict=True):
            if zlib.crc32(page.record) != row.crc32:
                raise StoreCorrupt(f"{file.path.name}: the record of page {row.number} is damaged; copy it again")
            yield page

    def _check(self, file: SegmentName) -> None:
        if file.path.name not in self._checked:
            try:
                check_bytes(file)
                self._checked[file.path.name] = ""
            except StoreCorrupt as error:
                self._checked[file.path.name] = f"{file.path.name}: {error}; copy it again"
        if self._checked[file.path.name]:
            raise StoreCorrupt(self._checked[file.path.name])


def _entries(file: SegmentName, space: Space) -> Sequence[dict[str, Any]]:
    """Raises StorageError for what is damaged, or holds other vectors than the folder."""
    header, ours = read_header(file), (space.fingerprint, space.codec, space.pool_factor)
    if (header.space.fingerprint, header.space.codec, header.space.pool_factor) != ours:
        raise StorageError(f"its vectors are of {header.space.encoder} in {header.space.codec}, or made otherwise")
    return header.entries

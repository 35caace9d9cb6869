"""Reading a folder of segments: what all of them together say, and the pages of a document."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pagesight.storage.closing import Closing
from pagesight.storage.errors import StorageError, StoreCorrupt
from pagesight.storage.exchange.archive import (
    SegmentName,
    check_bytes,
    read_header,
    read_pages,
    replay,
    segment_files,
)
from pagesight.storage.exchange.catalogue import Catalogue
from pagesight.storage.manifest import Space
from pagesight.storage.packed import content_of
from pagesight.storage.stored import StoredContent, StoredDocument, StoredFailure
from pagesight.storage.values import KnownFailure, KnownFile, PackedPage, SourceFile


class SegmentView(Closing):
    """``pagesight.storage.moving.ends.Held``. problems: (file, why) of what cannot be read; the others count."""

    def __init__(self, folder: Path, space: Space) -> None:
        self.space, self.catalogue = space, Catalogue()
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

    def contents(self) -> list[StoredContent]:
        return [
            content_of(sha256, ((row.number, row.n_tokens, row.n_bytes, row.crc32) for row in document.pages))
            for sha256, document in self.catalogue.documents.items()
        ]

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        """Compares a segment with the hash in its name before the first of its documents. Raises StoreCorrupt."""
        document = self.catalogue.documents[sha256]
        file = self._segments[document.place.segment]
        self._check(file)
        for row, page in zip(document.pages, read_pages(file.path, document.place.prefix, document.pages), strict=True):
            if zlib.crc32(page.record) != row.crc32:
                raise StoreCorrupt(f"{file.path.name}: the record of page {row.number} is damaged; copy it again")
            yield page

    def documents(self) -> list[StoredDocument]:
        found = []
        for sha256, kept in self.catalogue.documents.items():
            info, files = kept.info, self.catalogue.names_of(sha256)
            found.append(
                StoredDocument(
                    document=files[0].path,
                    names=tuple(file.path for file in files),
                    locations=tuple(file.location for file in files),
                    sha256=sha256,
                    media_type=info.media_type,
                    kind=info.kind,
                    n_pages=info.n_pages,
                    n_indexed_pages=len(kept.pages),
                    n_bytes=kept.n_bytes,
                    title=info.title,
                    author=info.author,
                    date=info.date,
                    added_at=info.added_at,
                    tags=dict(sorted(info.tags.items())),
                    ocr_pages=tuple(row.number for row in kept.pages if row.text_source in ("ocr", "text+ocr")),
                    notes=tuple((row.number, row.note) for row in kept.pages if row.note),
                )
            )
        return sorted(found, key=lambda item: (item.document, item.sha256))

    def known_files(self) -> dict[bytes, KnownFile]:
        known = {}
        for location, (sha256, file) in self.catalogue.files.items():
            info = self.catalogue.documents[sha256].info
            pages = sorted(self.catalogue.failures.get(location, {}).items())
            problems = tuple(failure.reason for number, failure in pages if number)
            known[location] = KnownFile(
                location, sha256, file.n_bytes, file.mtime_ns, info.added_at, info.media_type, info.reading, problems
            )
        return known

    def indexed_files(self) -> list[SourceFile]:
        return [file for _, (_, file) in sorted(self.catalogue.files.items())]

    def failures(self) -> list[StoredFailure]:
        found = [failure for pages in self.catalogue.failures.values() for failure in pages.values()]
        return sorted(found, key=lambda failure: (failure.document, failure.page))

    def known_failures(self) -> dict[bytes, KnownFailure]:
        return dict(self.catalogue.failed_files)

    def close(self) -> None:
        """Nothing is held."""

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

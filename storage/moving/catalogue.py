"""What an end without tables of its own holds: which documents, by which names, and what could not be read."""

from __future__ import annotations

import os
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from pagesight.storage.closing import Closing
from pagesight.storage.packed import content_of
from pagesight.storage.stored import StoredContent, StoredDocument, StoredFailure
from pagesight.storage.values import DocumentInfo, KnownFailure, KnownFile, PackedPage, SeenPicture, SourceFile, now


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """What is known of a page without reading its vectors. n_bytes, crc32: of its record."""

    number: int
    width_pt: float
    height_pt: float
    text_source: str
    n_tokens: int
    n_bytes: int
    crc32: int
    note: str = ""
    pictures: tuple[SeenPicture, ...] = ()

    @classmethod
    def of(cls, page: PackedPage) -> Self:
        return cls(
            number=page.number,
            width_pt=page.width_pt,
            height_pt=page.height_pt,
            text_source=page.text_source,
            n_tokens=page.n_tokens,
            n_bytes=len(page.record),
            crc32=zlib.crc32(page.record),
            note=page.note,
            pictures=page.pictures,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document's members are: the name of a segment, and what their names begin with. Nothing for other ends."""

    segment: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class KeptDocument:
    info: DocumentInfo
    n_bytes: int
    pages: tuple[PageRow, ...]
    place: Place


@dataclass(slots=True)
class Catalogue:
    """documents: by SHA-256, the oldest first. files: by location, (SHA-256, file). failures: by location and page or 0.

    The methods are the verbs of an index writer, with the same meaning.
    """

    documents: dict[str, KeptDocument] = field(default_factory=dict)
    files: dict[bytes, tuple[str, SourceFile]] = field(default_factory=dict)
    failures: dict[bytes, dict[int, StoredFailure]] = field(default_factory=dict)
    failed_files: dict[bytes, KnownFailure] = field(default_factory=dict)
    _names: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def put(
        self,
        info: DocumentInfo,
        source: SourceFile,
        problems: Iterable[tuple[int, str]],
        pages: Sequence[PageRow],
        place: Place,
    ) -> None:
        before = self.documents.pop(info.sha256, None)
        tags = {**(before.info.tags if before else {}), **info.tags}
        kept = replace(info, tags=tags, added_at=info.added_at or now())
        self.documents[info.sha256] = KeptDocument(kept, source.n_bytes, tuple(pages), place)
        self.name(info.sha256, source)
        self._fail(source, [(number, "failed", reason) for number, reason in problems])

    def name(self, sha256: str, source: SourceFile) -> None:
        location = os.fsencode(source.location)
        before = self.files.get(location)
        self.files[location] = (sha256, source)
        self._names[sha256].add(location)
        self._forget_failures(location)
        if before is not None and before[0] != sha256:
            self._unname(before[0], location)

    def remove(self, locations: Iterable[bytes]) -> int:
        n_before = len(self.documents)
        for location in locations:
            before = self.files.pop(location, None)
            self._forget_failures(location)
            if before is not None:
                self._unname(before[0], location)
        return n_before - len(self.documents)

    def tag(self, sha256: str, tags: dict[str, str]) -> None:
        document = self.documents[sha256]
        info = replace(document.info, tags={**document.info.tags, **tags})
        self.documents[sha256] = replace(document, info=info)

    def fail(self, source: SourceFile, status: str, reason: str) -> None:
        self._fail(source, [(0, status, reason)])

    def names_of(self, sha256: str) -> list[SourceFile]:
        """In order of their names."""
        return sorted((self.files[at][1] for at in self._names[sha256]), key=lambda file: (file.path, file.location))

    def _fail(self, source: SourceFile, failures: Sequence[tuple[int, str, str]]) -> None:
        location = os.fsencode(source.location)
        self._forget_failures(location)
        for number, status, reason in failures:
            self.failures.setdefault(location, {})[number] = StoredFailure(
                document=source.path, location=source.location, page=number, status=status, reason=reason, at=now()
            )
            if number == 0:
                self.failed_files[location] = KnownFailure(location, status, reason, source.n_bytes, source.mtime_ns)

    def _forget_failures(self, location: bytes) -> None:
        self.failures.pop(location, None)
        self.failed_files.pop(location, None)

    def _unname(self, sha256: str, location: bytes) -> None:
        self._names[sha256].discard(location)
        if not self._names[sha256]:
            del self._names[sha256]
            self.documents.pop(sha256, None)


class CatalogueView(Closing):
    """What a catalogue answers of ``pagesight.storage.moving.ends.Held``."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def contents(self) -> list[StoredContent]:
        return [
            content_of(sha256, ((row.number, row.n_tokens, row.n_bytes, row.crc32) for row in document.pages))
            for sha256, document in self.catalogue.documents.items()
        ]

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

"""What segments say, one after the other: which documents there are, by which names, and what could not be read."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pagesight.storage.stored import StoredFailure
from pagesight.storage.values import DocumentInfo, KnownFailure, SeenPicture, SourceFile, now


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document's members are: the name of a segment, and what their names begin with."""

    segment: str
    prefix: str


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

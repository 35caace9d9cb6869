"""Writing points: the pages of a document, then the document's own point, with which it counts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from pagesight.storage.errors import PageTooLarge
from pagesight.storage.manifest import Space
from pagesight.storage.moving.catalogue import Catalogue, PageRow, Place
from pagesight.storage.packed import check_packed
from pagesight.storage.qdrant.payload import (
    FAILURE,
    document_point,
    failure_point,
    page_point,
    quoted,
    shown_of_document,
)
from pagesight.storage.qdrant.points import AT_ONCE, Points
from pagesight.storage.values import DocumentInfo, PackedPage, SourceFile

MAX_VALUES = 1 << 20  # of a point's multivector there must be fewer: rows times dimensions (Qdrant 1.19)


class QdrantWriter:
    """``pagesight.storage.moving.ends.EndWriter``. catalogue: of what is there. order: of the next document."""

    def __init__(self, points: Points, space: Space, catalogue: Catalogue, order: int) -> None:
        self._points, self.space, self._catalogue, self._order = points, space, catalogue, order

    @contextmanager
    def draft(self) -> Iterator[QdrantDraft]:
        """A document being written; nothing is sent before ``commit()``."""
        yield QdrantDraft(self)

    def put(
        self, info: DocumentInfo, source: SourceFile, problems: Sequence[tuple[int, str]], pages: Sequence[PackedPage]
    ) -> None:
        """What ``commit`` of a draft does."""
        before = self._owners([os.fsencode(source.location)])
        self._points.delete({"sha256": info.sha256})  # first the old document, so that no half of it counts
        for some in self._parts(pages):
            self._points.upsert([page_point(pages[at], at, info, self.space) for at in some])
        self._catalogue.put(info, source, problems, [PageRow.of(page) for page in pages], Place())
        self._write({info.sha256, *before})
        self._forget_failures([source])

    def add_name(self, sha256: str, source: SourceFile) -> None:
        before = self._owners([os.fsencode(source.location)])
        self._catalogue.name(sha256, source)
        self._write({sha256, *before})
        self._forget_failures([source])

    def set_tags(self, sha256: str, tags: dict[str, str]) -> None:
        self._catalogue.tag(sha256, tags)
        self._write({sha256})

    def remove_names(self, locations: Sequence[bytes]) -> int:
        named = [self._catalogue.files[at][1] for at in locations if at in self._catalogue.files]
        failed = [f[0] for at in locations if (f := self._catalogue.failures.get(at)) and 0 in f]
        before, n_before = self._owners(locations), len(self._catalogue.documents)
        self._catalogue.remove(locations)
        self._write(before)
        self._forget_failures(named)
        for failure in failed:
            self._points.delete({"what": FAILURE, "location": quoted(failure.location)})
        return n_before - len(self._catalogue.documents)

    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None:
        if drop:
            self.remove_names([os.fsencode(source.location)])
        self._catalogue.fail(source, status, reason)
        self._write(self._owners([os.fsencode(source.location)]))
        self._points.upsert([failure_point(source, status, reason)])

    def has_document(self, sha256: str) -> bool:
        return sha256 in self._catalogue.documents

    def _parts(self, pages: Sequence[PackedPage]) -> Iterator[list[int]]:
        """Positions of pages that go together: so few that no request is larger than servers take (32 MB)."""
        some: list[int] = []
        n_values = 0
        for at, page in enumerate(pages):
            values = page.n_tokens * self.space.token_dim
            if some and (len(some) == AT_ONCE or n_values + values > MAX_VALUES):
                yield some
                some, n_values = [], 0
            some.append(at)
            n_values += values
        if some:
            yield some

    def _owners(self, locations: Iterable[bytes]) -> set[str]:
        files = self._catalogue.files
        return {files[at][0] for at in locations if at in files}

    def _write(self, changed: set[str]) -> None:
        """Bring the points of these documents to what the catalogue says."""
        for sha256 in sorted(changed):
            kept = self._catalogue.documents.get(sha256)
            if kept is None:
                self._points.delete({"sha256": sha256})
                continue
            shown = shown_of_document(kept.info, self._catalogue.names_of(sha256))
            self._points.set_payload(shown, {"sha256": sha256, "what": "page"})
            self._points.upsert([document_point(kept, self._order, self._catalogue)])
            self._order += 1

    def _forget_failures(self, files: Iterable[SourceFile]) -> None:
        for file in files:
            self._points.delete({"what": FAILURE, "location": quoted(file.location)})


class QdrantDraft:
    """Made by ``QdrantWriter.draft()``. Pages are kept in memory until the document is whole."""

    def __init__(self, writer: QdrantWriter) -> None:
        self._writer = writer
        self._pages: list[PackedPage] = []

    def add_packed(self, new: PackedPage) -> None:
        """Raises PageTooLarge, and StoreCorrupt if the page is not of this space."""
        space = self._writer.space
        check_packed(new, space)
        if new.n_tokens * space.token_dim >= MAX_VALUES:
            most = (MAX_VALUES - 1) // space.token_dim
            raise PageTooLarge(
                f"page {new.number} has {new.n_tokens:,} token vectors of {space.token_dim} dimensions, and Qdrant takes fewer "
                f"than {MAX_VALUES:,} values a point, here {most:,} vectors; index with a pool factor or fewer pixels a page"
            )
        self._pages.append(new)

    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]] = ()) -> None:
        self._writer.put(info, source, page_failures, self._pages)

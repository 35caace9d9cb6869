"""Writing segments: documents are gathered, and counted once their segment has its name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from pagesight.storage.exchange.archive import (
    ArchiveWriter,
    PageColumns,
    file_fields,
    replay,
    spool,
)
from pagesight.storage.manifest import Space
from pagesight.storage.moving.catalogue import Catalogue
from pagesight.storage.packed import check_packed
from pagesight.storage.tables.database import disk_errors
from pagesight.storage.values import DocumentInfo, PackedPage, SourceFile

SEGMENT_BYTES = 1 << 27  # a segment is finished with the document that reaches this
SEGMENT_ENTRIES = 4096
IN_MEMORY = 1 << 25  # of a document's records


class ExchangeWriter:
    """``pagesight.storage.moving.ends.EndWriter``. catalogue: of what is there. number: of the next segment."""

    def __init__(self, folder: Path, space: Space, catalogue: Catalogue, number: int) -> None:
        self.folder, self.space, self._catalogue, self._number = folder, space, catalogue, number
        self._archive: ArchiveWriter | None = None
        self._broken = False
        for path in folder.glob(".segment-*.tmp"):
            pid = path.name.split(".")[-2]
            if not (pid.isdigit() and psutil.pid_exists(int(pid))):
                path.unlink(missing_ok=True)

    @contextmanager
    def draft(self) -> Iterator[ExchangeDraft]:
        """A document being written. Without ``commit()`` nothing of it remains."""
        draft = ExchangeDraft(self)
        try:
            yield draft
        finally:
            draft.tokens.close()

    def put(
        self, info: DocumentInfo, source: SourceFile, problems: Sequence[tuple[int, str]], draft: ExchangeDraft
    ) -> None:
        """What ``commit`` of a draft does."""
        with disk_errors(self.folder):
            self._broken = True  # until its members are whole: what was begun cannot be taken out of a zip again
            archive = self._opened()
            prefix = archive.next_prefix(info.sha256)
            archive.add_members(prefix, draft.tokens, draft.columns)
            self._broken = False
        rows = [asdict(row) for row in draft.columns.rows]
        self._add(
            what="document",
            prefix=prefix,
            info=asdict(info),
            file=file_fields(source),
            problems=[list(problem) for problem in problems],
            pages=rows,
        )

    def add_name(self, sha256: str, source: SourceFile) -> None:
        self._add(what="name", sha256=sha256, file=file_fields(source))

    def set_tags(self, sha256: str, tags: dict[str, str]) -> None:
        self._add(what="tags", sha256=sha256, tags=tags)

    def remove_names(self, locations: Sequence[bytes]) -> int:
        n_before = len(self._catalogue.documents)
        self._add(what="removed", locations=[os.fsdecode(location) for location in locations])
        return n_before - len(self._catalogue.documents)

    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None:
        self._add(what="failure", file=file_fields(source), status=status, reason=reason, drop=drop)

    def has_document(self, sha256: str) -> bool:
        return sha256 in self._catalogue.documents

    def write_empty(self) -> None:
        """A segment that says of what model the folder is, and nothing else."""
        with disk_errors(self.folder):
            self._opened()
        self._finish()

    def close(self) -> None:
        """Finish the segment that was begun, if it is whole."""
        if self._archive is not None and self._broken:
            self._archive.abandon()
        elif self._archive is not None:
            self._finish()

    def _add(self, **entry: Any) -> None:
        with disk_errors(self.folder):
            archive = self._opened()
        replay(entry, "", self._catalogue)
        archive.entries.append(entry)
        if archive.n_bytes >= SEGMENT_BYTES or len(archive.entries) >= SEGMENT_ENTRIES:
            self._finish()

    def _opened(self) -> ArchiveWriter:
        if self._archive is None:
            self._archive = ArchiveWriter(self.folder, self._number, self.space)
        return self._archive

    def _finish(self) -> None:
        archive, self._archive = self._archive, None
        if archive is not None:
            try:
                with disk_errors(self.folder):
                    archive.finish()
            except BaseException:
                archive.abandon()
                raise
            self._number += 1


class ExchangeDraft:
    """Made by ``ExchangeWriter.draft()``. Records go to the disk as pages come, if they are many."""

    def __init__(self, writer: ExchangeWriter) -> None:
        self._writer = writer
        self.columns, self.tokens = PageColumns(), spool(writer.folder, IN_MEMORY)

    def add_packed(self, new: PackedPage) -> None:
        """Raises StoreCorrupt if the page is not of this space, DiskFull."""
        check_packed(new, self._writer.space)
        with disk_errors(self._writer.folder):
            self.tokens.write(new.record)
        self.columns.add(new)

    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]] = ()) -> None:
        self._writer.put(info, source, page_failures, self)

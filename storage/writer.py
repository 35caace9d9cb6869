"""Writing an index. The database commit is the only moment that counts.

A document's records and single vectors are written behind the committed ones, brought to the disk, and then named by
one SQLite transaction. Until then nobody sees them; if the process dies, the next writer overwrites them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, select, update

from pagesight.storage.draft import Draft
from pagesight.storage.manifest import Manifest
from pagesight.storage.tables.database import write_transaction
from pagesight.storage.tables.rows import Names, put_failures, put_tags
from pagesight.storage.tables.schema import document, failure, file, index_state
from pagesight.storage.values import KnownFailure, KnownFile, SourceFile
from pagesight.storage.vectors.vector_files import VectorFiles

FaultPoint = Callable[[str], None]


class StoreWriter:
    """The one writer of an index; made by ``Store.writer()``, which holds the lock."""

    def __init__(self, folder: Path, manifest: Manifest, engine: Engine, fault: FaultPoint | None = None) -> None:
        """The fault point is called with the name of each step of a commit, so that tests can stop between any two."""
        self._folder, self._engine, self._fault = folder, engine, fault
        self._names = Names(folder)
        with engine.begin() as connection:
            state = connection.execute(select(index_state)).one()
        self._next_page_id: int = state.next_page_id
        self._vectors = VectorFiles(folder, manifest, state.segment, state.segment_bytes)

    def close(self) -> None:
        self._vectors.close()

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """A document being written. Without ``commit()`` nothing of it remains."""
        draft = Draft(self._next_page_id, self._vectors, self._names, self._transaction, self._reach)
        try:
            yield draft
        finally:
            if draft.committed:
                self._vectors.mark_committed()
                self._next_page_id += draft.n_pages
            else:
                self._vectors.rollback()

    def add_name(self, sha256: str, source: SourceFile) -> None:
        """Let one more file be a name of a stored document (a copy, or a file that came back)."""
        with self._transaction() as connection:
            self._names.put(connection, _document_id(connection, sha256), source)

    def touch(self, source: SourceFile) -> None:
        """Remember the new size and time of a file whose content has not changed."""
        with self._transaction() as connection:
            location = os.fsencode(source.location)
            seen = {"n_bytes": source.n_bytes, "mtime_ns": source.mtime_ns}
            connection.execute(update(file).where(file.c.location == location).values(seen))
            connection.execute(delete(failure).where(failure.c.location == location, failure.c.page_number == 0))

    def remove_names(self, locations: Sequence[bytes]) -> int:
        """Forget files; documents without a name left go with them. Returns how many documents went."""
        with self._transaction() as connection:
            connection.execute(delete(failure).where(failure.c.location.in_(locations)))
            return self._names.remove(connection, locations)

    def set_tags(self, sha256: str, tags: dict[str, str]) -> None:
        """Give a stored document these tags; others it has stay."""
        with self._transaction() as connection:
            put_tags(connection, _document_id(connection, sha256), tags)

    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None:
        """Note that a file gave no document. drop: forget what it held before, because that content is gone."""
        with self._transaction() as connection:
            if drop:
                self._names.remove(connection, [os.fsencode(source.location)])
            put_failures(connection, source, [(0, status, reason)])

    # What a writer needs to know

    def known_files(self) -> dict[bytes, KnownFile]:
        """All names in the index by location."""
        query = select(file.c.location, document.c.sha256, file.c.n_bytes, file.c.mtime_ns, document.c.added_at)
        with self._engine.begin() as connection:
            return {row.location: KnownFile(*row) for row in connection.execute(query.join_from(file, document))}

    def known_failures(self) -> dict[bytes, KnownFailure]:
        """All files that gave no document, by location."""
        query = select(failure.c.location, failure.c.status, failure.c.reason, failure.c.n_bytes, failure.c.mtime_ns)
        with self._engine.begin() as connection:
            rows = connection.execute(query.where(failure.c.page_number == 0))
            return {row.location: KnownFailure(*row) for row in rows}

    def indexed_files(self) -> list[SourceFile]:
        """All names in the index and all files that failed, in order of location."""
        with self._engine.begin() as connection:
            rows = connection.execute(
                select(file.c.location, file.c.root, file.c.path, file.c.n_bytes, file.c.mtime_ns).order_by(
                    file.c.location
                )
            )
            return [
                SourceFile(
                    root=Path(os.fsdecode(row.root)),
                    path=row.path,
                    location=Path(os.fsdecode(row.location)),
                    n_bytes=row.n_bytes,
                    mtime_ns=row.mtime_ns,
                )
                for row in rows
            ]

    def names_of(self, sha256: str) -> list[bytes]:
        """Locations of all files with this content."""
        query = select(file.c.location).join_from(file, document).where(document.c.sha256 == sha256)
        with self._engine.begin() as connection:
            return list(connection.execute(query).scalars())

    def has_document(self, sha256: str) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(select(document.c.id).where(document.c.sha256 == sha256)).first() is not None

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with write_transaction(self._engine, self._folder) as connection:
            connection.execute(update(index_state).values(generation=index_state.c.generation + 1))
            yield connection

    def _reach(self, step: str) -> None:
        if self._fault is not None:
            self._fault(step)


def _document_id(connection: Connection, sha256: str) -> int:
    found: int = connection.execute(select(document.c.id).where(document.c.sha256 == sha256)).scalar_one()
    return found

"""Writing an index. The database commit is the only moment that counts.

A document's records and single vectors are written behind the committed ones, brought to the disk, and then named by
one SQLite transaction. Until then nobody sees them; if the process dies, the next writer overwrites them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, delete, inspect, select, update

from pagesight.storage.draft import Draft
from pagesight.storage.folder import FaultPoint, IndexFolder
from pagesight.storage.places import drop_later_places
from pagesight.storage.tables.database import raise_generation, write_transaction
from pagesight.storage.tables.rows import Names, put_failures, put_tags
from pagesight.storage.tables.schema import document, failure, file, index_state, page_note, page_picture, reading
from pagesight.storage.values import SourceFile
from pagesight.storage.vectors.vector_files import VectorFiles


class StoreWriter:
    """The one writer of an index; made by ``Store.writer()``, which holds the lock."""

    def __init__(self, folder: IndexFolder, fault: FaultPoint | None = None) -> None:
        self._folder, self._engine, self._fault = folder.path, folder.engine, fault
        self._names = Names(folder.path)
        state = self._committed()
        drop_later_places(folder.path, state.generation)
        with self._engine.begin() as connection:
            there = inspect(connection).get_table_names()
            missing = [table for table in (reading, page_note, page_picture) if table.name not in there]
        if (
            missing
        ):  # an index made before there was more than one way of reading, or anything to say or to see of a page
            with write_transaction(self._engine, folder.path) as connection:
                for table in missing:
                    table.create(connection, checkfirst=True)
        self._next_page_id: int = state.next_page_id
        self._vectors = VectorFiles(folder.path, folder.space, state.segment, state.segment_bytes)

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
                self._next_page_id += draft.n_pages
            else:  # as far as it knows: Ctrl-C during a commit is heard of when all is committed
                state = self._committed()
                self._next_page_id = state.next_page_id
                self._vectors.go_back(state.segment, state.segment_bytes)

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
            raise_generation(connection)
            yield connection

    def _committed(self) -> Any:
        """The row of ``index_state``: what counts of all that was written."""
        with self._engine.begin() as connection:
            return connection.execute(select(index_state)).one()

    def _reach(self, step: str) -> None:
        if self._fault is not None:
            self._fault(step)


def _document_id(connection: Connection, sha256: str) -> int:
    found: int = connection.execute(select(document.c.id).where(document.c.sha256 == sha256)).scalar_one()
    return found

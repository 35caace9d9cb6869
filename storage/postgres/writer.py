"""Writing to an index in PostgreSQL: any number of writers, each document in one transaction.

What is large is written first, side by side with other writers. Then a writer takes his turn: he raises the generation, which
locks one row until he commits. So generations, page ids and the feed of changes are in the order of commits, and no statement of
two writers meets another's.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, insert, select, update

from pagesight.storage.folder import FaultPoint
from pagesight.storage.manifest import Space
from pagesight.storage.postgres.draft import PostgresDraft
from pagesight.storage.postgres.faults import database_errors
from pagesight.storage.postgres.schema import change, state
from pagesight.storage.tables.rows import Names, in_parts, put_document, put_failures, put_tags
from pagesight.storage.tables.schema import document, failure, file, page, page_note, page_picture
from pagesight.storage.values import DocumentInfo, SourceFile

_NAMES = Names(Path("/"))  # an index in a database lies nowhere, so that nothing is near it


@dataclass(slots=True)
class Turn:
    """From when it begins to the commit of its transaction nobody else changes the index. documents: ids of what it changed."""

    connection: Connection
    generation: int
    first_page_id: int
    documents: set[int] = field(default_factory=set)

    def put_name(self, document_id: int, source: SourceFile) -> None:
        """Let a file be a name of a document, and of no other."""
        self.documents |= {document_id, *named_by(self.connection, [os.fsencode(source.location)])}
        _NAMES.put(self.connection, document_id, source)

    def remove_names(self, locations: Sequence[bytes]) -> int:
        """Returns how many documents went with their last name."""
        self.documents |= named_by(self.connection, locations)
        return _NAMES.remove(self.connection, locations)


class PostgresWriter:
    """``pagesight.indexer.running.pipeline.IndexWriter``; made by ``PostgresStore.writer()``."""

    def __init__(self, engine: Engine, address: str, space: Space, fault: FaultPoint | None = None) -> None:
        self._engine, self._address, self._space, self._fault = engine, address, space, fault

    @contextmanager
    def draft(self) -> Iterator[PostgresDraft]:
        """A document being written. Nothing of it is in the database before ``commit()``."""
        with PostgresDraft(self._space, self._commit) as draft:
            yield draft

    def _commit(
        self, draft: PostgresDraft, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]]
    ) -> None:
        with self.transaction() as connection:
            self._reach("transaction begun")
            put_whole_document(connection, draft, info, source, page_failures, self._reach)
            self._ends(connection, source, "indexed", n_pages=draft.n_pages)
            self._reach("before commit")
        self._reach("committed")

    def add_name(self, sha256: str, source: SourceFile) -> None:
        """Let one more file be a name of a stored document (a copy, or a file that came back)."""
        with self._turn() as turn:
            turn.put_name(_document_id(turn.connection, sha256), source)
            self._ends(turn.connection, source, "copied")

    def touch(self, source: SourceFile) -> None:
        """Remember the new size and time of a file whose content has not changed. Searches do not ask for these."""
        with self._turn() as turn:
            location = os.fsencode(source.location)
            seen = {"n_bytes": source.n_bytes, "mtime_ns": source.mtime_ns}
            turn.connection.execute(update(file).where(file.c.location == location).values(seen))
            turn.connection.execute(delete(failure).where(failure.c.location == location, failure.c.page_number == 0))
            self._ends(turn.connection, source, "unchanged")

    def remove_names(self, locations: Sequence[bytes]) -> int:
        """Forget files; documents without a name left go with them. Returns how many documents went."""
        with self._turn() as turn:
            return turn.remove_names(locations)

    def set_tags(self, sha256: str, tags: dict[str, str]) -> None:
        """Give a stored document these tags; others it has stay."""
        with self._turn() as turn:
            document_id = _document_id(turn.connection, sha256)
            turn.documents.add(document_id)
            put_tags(turn.connection, document_id, tags)

    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None:
        """Note that a file gave no document. drop: forget what it held before, because that content is gone."""
        with self._turn() as turn:
            if drop:
                turn.remove_names([os.fsencode(source.location)])
            put_failures(turn.connection, source, [(0, status, reason)])
            self._ends(turn.connection, source, status, reason=reason)

    def _ends(
        self, connection: Connection, source: SourceFile, status: str, *, n_pages: int = 0, reason: str = ""
    ) -> None:
        """The last step of a transaction that finishes a file: for who has more to commit with it."""

    def names_of(self, sha256: str) -> list[bytes]:
        """Locations of all files with this content."""
        query = select(file.c.location).join_from(file, document).where(document.c.sha256 == sha256)
        with self.transaction() as connection:
            return [bytes(location) for location in connection.execute(query).scalars()]

    def has_document(self, sha256: str) -> bool:
        with self.transaction() as connection:
            return connection.execute(select(document.c.id).where(document.c.sha256 == sha256)).first() is not None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Commits at the end, or leaves no trace. Raises what databases say."""
        with database_errors(self._address), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[Turn]:
        with self.transaction() as connection:
            self._reach("transaction begun")
            with turn_of(connection) as turn:
                yield turn
            self._reach("before commit")

    def _reach(self, step: str) -> None:
        if self._fault is not None:
            self._fault(step)


@contextmanager
def turn_of(connection: Connection, n_pages: int = 0) -> Iterator[Turn]:
    """Wait for one's turn to change the index, with ids for so many pages; what was changed is noted at the end."""
    later = {"generation": state.c.generation + 1, "next_page_id": state.c.next_page_id + n_pages}
    raised = update(state).values(later).returning(state.c.generation, state.c.next_page_id)
    generation, next_page_id = connection.execute(raised).one()
    turn = Turn(connection, generation, next_page_id - n_pages)
    yield turn
    mark = secrets.randbits(62)
    changed = [{"generation": generation, "document_id": i, "mark": mark} for i in sorted(turn.documents or {0})]
    connection.execute(insert(change), changed)


def put_whole_document(
    connection: Connection,
    draft: PostgresDraft,
    info: DocumentInfo,
    source: SourceFile,
    page_failures: Sequence[tuple[int, str]] = (),
    reach: FaultPoint = lambda _: None,
) -> None:
    """All of a document, for whoever has more to commit with it: the end of a transaction that does nothing slow afterwards."""
    record_ids = draft.write_records(connection)
    reach("records written")
    with turn_of(connection, draft.n_pages) as turn:
        document_id = put_document(connection, info, source)
        for table, rows in (
            (page, draft.page_rows(document_id, turn.first_page_id, record_ids)),
            (page_note, draft.note_rows(turn.first_page_id)),
            (page_picture, draft.picture_rows(turn.first_page_id)),
        ):
            if rows:
                connection.execute(insert(table), rows)
        reach("pages inserted")
        put_tags(connection, document_id, info.tags)
        turn.put_name(document_id, source)
        put_failures(connection, source, [(number, "failed", reason) for number, reason in page_failures])


def named_by(connection: Connection, locations: Sequence[bytes]) -> set[int]:
    """Ids of the documents that these files are names of."""
    found: set[int] = set()
    for some in in_parts(locations):
        found.update(connection.execute(select(file.c.document_id).where(file.c.location.in_(some))).scalars())
    return found


def _document_id(connection: Connection, sha256: str) -> int:
    found: int = connection.execute(select(document.c.id).where(document.c.sha256 == sha256)).scalar_one()
    return found

"""Rows of documents, names, tags and failures: the statements that commits are made of."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, delete, insert, select

from pagesight.storage.tables.schema import document, failure, file, page, page_terms, reading, tag
from pagesight.storage.values import DocumentInfo, SourceFile, now

VALUES_A_STATEMENT = 500
T = TypeVar("T")


def in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """So many values at a time that no statement grows with the data: SQLite takes 32,766, other databases differ."""
    for first in range(0, len(values), VALUES_A_STATEMENT):
        yield values[first : first + VALUES_A_STATEMENT]


def upsert(connection: Connection, into: Table) -> Any:
    """An INSERT that can say ON CONFLICT: databases say the same, each in a class of its own."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as of_postgresql

        return of_postgresql(into)
    from sqlalchemy.dialects.sqlite import insert as of_sqlite

    return of_sqlite(into)


@dataclass(frozen=True, slots=True)
class Names:
    """The files that documents go by. folder: of the index, from which names are found again when both were moved."""

    folder: Path

    def put(self, connection: Connection, document_id: int, source: SourceFile) -> None:
        """Let a file be a name of a document, and forget what it was a name of before."""
        location = os.fsencode(source.location)
        before = connection.execute(select(file.c.document_id).where(file.c.location == location)).scalars().all()
        values = {
            "document_id": document_id,
            "nearby": os.fsencode(os.path.relpath(source.location, self.folder)),
            "root": os.fsencode(source.root),
            "path": source.path,
            "n_bytes": source.n_bytes,
            "mtime_ns": source.mtime_ns,
        }
        statement = upsert(connection, file).values(location=location, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=["location"], set_=values))
        connection.execute(delete(failure).where(failure.c.location == location))
        _drop_if_nameless(connection, before)

    def remove(self, connection: Connection, locations: Sequence[bytes]) -> int:
        """Forget files; documents without a name left go with them. Returns how many documents went."""
        named: set[int] = set()
        for some in in_parts(locations):
            named.update(connection.execute(select(file.c.document_id).where(file.c.location.in_(some))).scalars())
            connection.execute(delete(file).where(file.c.location.in_(some)))
            connection.execute(delete(failure).where(failure.c.location.in_(some)))
        return _drop_if_nameless(connection, sorted(named))


def put_document(connection: Connection, info: DocumentInfo, source: SourceFile) -> int:
    """Insert the document, or empty the one with the same content for its pages to be written anew. Returns its id."""
    values = {
        "media_type": info.media_type,
        "kind": info.kind,
        "n_bytes": source.n_bytes,
        "n_pages": info.n_pages,
        "title": info.title,
        "author": info.author,
        "date": info.date,
        "added_at": info.added_at or now(),
    }
    statement = upsert(connection, document).values(sha256=info.sha256, **values)
    statement = statement.on_conflict_do_update(index_elements=["sha256"], set_=values)
    document_id: int = connection.execute(statement.returning(document.c.id)).scalar_one()
    _delete_pages(connection, [document_id])
    read = upsert(connection, reading).values(document_id=document_id, version=info.reading)
    connection.execute(read.on_conflict_do_update(index_elements=["document_id"], set_={"version": info.reading}))
    return document_id


def put_tags(connection: Connection, document_id: int, tags: dict[str, str]) -> None:
    """Give a document these tags; others it has stay."""
    for name, value in tags.items():
        statement = upsert(connection, tag).values(document_id=document_id, name=name, value=value)
        statement = statement.on_conflict_do_update(index_elements=["document_id", "name"], set_={"value": value})
        connection.execute(statement)


def put_failures(
    connection: Connection, source: SourceFile, failures: Sequence[tuple[int, str, str]], at: str = ""
) -> None:
    """Replace what is noted about a file by these (page number or 0, status, reason). at: when they happened; "" for now."""
    location = os.fsencode(source.location)
    connection.execute(delete(failure).where(failure.c.location == location))
    rows = [
        {
            "location": location,
            "path": source.path,
            "page_number": number,
            "status": status,
            "reason": reason,
            "n_bytes": source.n_bytes,
            "mtime_ns": source.mtime_ns,
            "at": at or now(),
        }
        for number, status, reason in failures
    ]
    if rows:
        connection.execute(insert(failure), rows)


def delete_documents(connection: Connection, document_ids: Sequence[int]) -> None:
    """Delete documents with all that belongs to them."""
    for some in in_parts(document_ids):
        _delete_pages(connection, some)
        connection.execute(delete(document).where(document.c.id.in_(some)))


def _drop_if_nameless(connection: Connection, document_ids: Sequence[int]) -> int:
    nameless = set(document_ids)
    for some in in_parts(document_ids):
        nameless -= set(connection.execute(select(file.c.document_id).where(file.c.document_id.in_(some))).scalars())
    delete_documents(connection, sorted(nameless))
    return len(nameless)


def _delete_pages(connection: Connection, document_ids: Sequence[int]) -> None:
    pages = select(page.c.id).where(page.c.document_id.in_(document_ids))
    if connection.dialect.name == "sqlite":  # whose FTS5 knows no foreign keys
        connection.execute(delete(page_terms).where(page_terms.c.rowid.in_(pages)))
    connection.execute(delete(page).where(page.c.document_id.in_(document_ids)))

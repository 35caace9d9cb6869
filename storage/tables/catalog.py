"""What is in an index: documents, failures and totals for listing, files for planning."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, case, func, inspect, select

from pagesight.storage.filters import parse_filter
from pagesight.storage.packed import content_of
from pagesight.storage.parts import ELSEWHERE
from pagesight.storage.stored import StoredContent, StoredDocument, StoredFailure, Totals
from pagesight.storage.tables.filter_sql import condition
from pagesight.storage.tables.schema import document, failure, file, page, page_note, page_picture, reading, tag
from pagesight.storage.values import KnownFailure, KnownFile, SourceFile


def list_documents(connection: Connection, filters: str | None = None) -> list[StoredDocument]:
    """All documents with a page that fits the filter, in order of their names."""
    query = select(document)
    if filters is not None:
        fitting = (
            select(page.c.document_id)
            .join_from(page, document)
            .where(condition(parse_filter(filters), pictures=inspect(connection).has_table(page_picture.name)))
        )
        query = query.where(document.c.id.in_(fitting))
    files: dict[int, list[tuple[str, bytes]]] = {}
    for row in connection.execute(
        select(file.c.document_id, file.c.path, file.c.location).order_by(file.c.path, file.c.id)
    ):
        files.setdefault(row.document_id, []).append((row.path, row.location))
    tags: dict[int, dict[str, str]] = {}
    for row in connection.execute(select(tag).order_by(tag.c.name)):
        tags.setdefault(row.document_id, {})[row.name] = row.value
    counted = select(page.c.document_id, func.count().label("n")).group_by(page.c.document_id)
    counts = {row.document_id: row.n for row in connection.execute(counted)}
    by_ocr: dict[int, list[int]] = {}
    ocr = select(page.c.document_id, page.c.number).where(page.c.text_source.in_(("ocr", "text+ocr")))
    for scanned in connection.execute(ocr.order_by(page.c.document_id, page.c.number)):
        by_ocr.setdefault(scanned.document_id, []).append(scanned.number)
    notes: dict[int, list[tuple[int, str]]] = {}
    if inspect(connection).has_table(page_note.name):
        noted = select(page.c.document_id, page.c.number, page_note.c.note).join_from(page_note, page)
        for said in connection.execute(noted.order_by(page.c.document_id, page.c.number)):
            notes.setdefault(said.document_id, []).append((said.number, said.note))
    found = [
        StoredDocument(
            document=names[0][0],
            names=tuple(name for name, _ in names),
            locations=tuple(Path(os.fsdecode(location)) for _, location in names),
            sha256=row.sha256,
            media_type=row.media_type,
            kind=row.kind,
            n_pages=row.n_pages,
            n_indexed_pages=counts.get(row.id, 0),
            n_bytes=row.n_bytes,
            title=row.title,
            author=row.author,
            date=row.date,
            added_at=row.added_at,
            tags=tags.get(row.id, {}),
            ocr_pages=tuple(by_ocr.get(row.id, ())),
            notes=tuple(notes.get(row.id, ())),
        )
        for row in connection.execute(query)
        if (names := files.get(row.id))
    ]
    return sorted(found, key=lambda item: (item.document, item.sha256))


def contents(connection: Connection) -> list[StoredContent]:
    """All documents, in order of their first pages; those without pages come last."""
    columns = (document.c.sha256, page.c.number, page.c.n_tokens, page.c.n_bytes, page.c.crc32)
    rows = connection.execute(select(*columns).join_from(page, document).order_by(page.c.id))
    pages: dict[str, list[tuple[int, int, int, int]]] = {}
    for sha256, *stored in rows:
        pages.setdefault(sha256, []).append((stored[0], stored[1], stored[2], stored[3]))
    for sha256 in connection.execute(select(document.c.sha256).order_by(document.c.id)).scalars():
        pages.setdefault(sha256, [])
    return [content_of(sha256, stored) for sha256, stored in pages.items()]


def list_failures(connection: Connection) -> list[StoredFailure]:
    """Everything that could not be read, in order of its name."""
    query = select(failure).where(failure.c.status != ELSEWHERE).order_by(failure.c.path, failure.c.page_number)
    return [
        StoredFailure(
            document=row.path,
            location=Path(os.fsdecode(row.location)),
            page=row.page_number,
            status=row.status,
            reason=row.reason,
            at=row.at,
        )
        for row in connection.execute(query)
    ]


def totals(connection: Connection) -> Totals:
    """Count everything."""

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    pages = connection.execute(
        select(
            func.count().label("n"),
            count(page.c.n_tokens == 0).label("empty"),
            count(page.c.text_source.in_(("ocr", "text+ocr"))).label("ocr"),
            func.coalesce(func.sum(page.c.n_tokens), 0).label("tokens"),
            func.coalesce(func.sum(page.c.n_bytes), 0).label("bytes"),
        )
    ).one()
    failures = connection.execute(
        select(
            count((failure.c.page_number == 0) & (failure.c.status == "failed")).label("files"),
            count(failure.c.page_number > 0).label("pages"),
        )
    ).one()
    n_noted = 0
    if inspect(connection).has_table(page_note.name):
        n_noted = connection.execute(select(func.count()).select_from(page_note)).scalar_one()
    return Totals(
        n_documents=connection.execute(select(func.count()).select_from(document)).scalar_one(),
        n_files=connection.execute(select(func.count()).select_from(file)).scalar_one(),
        n_pages=pages.n,
        n_pages_without_words=pages.empty,
        n_pages_by_ocr=pages.ocr,
        n_tokens=pages.tokens,
        token_bytes=int(pages.bytes),  # PostgreSQL adds up to a decimal
        n_failed_files=failures.files,
        n_failed_pages=failures.pages,
        n_noted_pages=n_noted,
    )


def known_files(connection: Connection) -> dict[bytes, KnownFile]:
    """All names in the index by location."""
    versions: dict[int, int] = {}
    if inspect(connection).has_table(reading.name):
        versions = {row.document_id: row.version for row in connection.execute(select(reading))}
    problems: dict[bytes, list[str]] = {}
    failed_pages = select(failure.c.location, failure.c.reason).where(failure.c.page_number > 0)
    for row in connection.execute(failed_pages.order_by(failure.c.page_number)):
        problems.setdefault(row.location, []).append(row.reason)
    columns = (document.c.id, document.c.sha256, document.c.added_at, document.c.media_type)
    query = select(file.c.location, file.c.n_bytes, file.c.mtime_ns, *columns).join_from(file, document)
    return {
        row.location: KnownFile(
            row.location,
            row.sha256,
            row.n_bytes,
            row.mtime_ns,
            row.added_at,
            row.media_type,
            versions.get(row.id, 1),
            tuple(problems.get(row.location, ())),
        )
        for row in connection.execute(query)
    }


def known_failures(connection: Connection) -> dict[bytes, KnownFailure]:
    """All files that gave no document, by location."""
    query = select(failure.c.location, failure.c.status, failure.c.reason, failure.c.n_bytes, failure.c.mtime_ns)
    return {row.location: KnownFailure(*row) for row in connection.execute(query.where(failure.c.page_number == 0))}


def indexed_files(connection: Connection) -> list[SourceFile]:
    """All names in the index, in order of location."""
    query = select(file.c.location, file.c.root, file.c.path, file.c.n_bytes, file.c.mtime_ns)
    return [
        SourceFile(
            root=Path(os.fsdecode(row.root)),
            path=row.path,
            location=Path(os.fsdecode(row.location)),
            n_bytes=row.n_bytes,
            mtime_ns=row.mtime_ns,
        )
        for row in connection.execute(query.order_by(file.c.location))
    ]

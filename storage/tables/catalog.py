"""What is in an index: documents, failures and totals, for listing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, case, func, select

from pagesight.storage.tables.filters import parse_filter
from pagesight.storage.tables.schema import document, failure, file, page, tag


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document with its names, the first of which is ``document`` of its hits."""

    document: str
    names: tuple[str, ...]
    locations: tuple[Path, ...]
    sha256: str
    media_type: str
    n_pages: int  # of the file
    n_indexed_pages: int
    n_bytes: int
    title: str
    author: str
    date: str
    added_at: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFailure:
    """A file, or one page of it (page_number > 0), that could not be read."""

    document: str
    location: Path
    page_number: int
    status: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Numbers of an index."""

    n_documents: int
    n_files: int
    n_pages: int
    n_pages_without_words: int
    n_pages_by_ocr: int
    n_tokens: int
    token_bytes: int
    n_failed_files: int
    n_failed_pages: int


def list_documents(connection: Connection, filters: str | None = None) -> list[StoredDocument]:
    """All documents with a page that fits the filter, in order of their names."""
    query = select(document)
    if filters is not None:
        fitting = select(page.c.document_id).join_from(page, document).where(parse_filter(filters))
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
    found = [
        StoredDocument(
            document=names[0][0],
            names=tuple(name for name, _ in names),
            locations=tuple(Path(os.fsdecode(location)) for _, location in names),
            sha256=row.sha256,
            media_type=row.media_type,
            n_pages=row.n_pages,
            n_indexed_pages=counts.get(row.id, 0),
            n_bytes=row.n_bytes,
            title=row.title,
            author=row.author,
            date=row.date,
            added_at=row.added_at,
            tags=tags.get(row.id, {}),
        )
        for row in connection.execute(query)
        if (names := files.get(row.id))
    ]
    return sorted(found, key=lambda item: (item.document, item.sha256))


def list_failures(connection: Connection) -> list[StoredFailure]:
    """Everything that could not be read, in order of its name."""
    query = select(failure).order_by(failure.c.path, failure.c.page_number)
    return [
        StoredFailure(
            document=row.path,
            location=Path(os.fsdecode(row.location)),
            page_number=row.page_number,
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
    return Totals(
        n_documents=connection.execute(select(func.count()).select_from(document)).scalar_one(),
        n_files=connection.execute(select(func.count()).select_from(file)).scalar_one(),
        n_pages=pages.n,
        n_pages_without_words=pages.empty,
        n_pages_by_ocr=pages.ocr,
        n_tokens=pages.tokens,
        token_bytes=pages.bytes,
        n_failed_files=failures.files,
        n_failed_pages=failures.pages,
    )

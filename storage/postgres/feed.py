"""What changed in the database since a generation, a batch at a time, in the order of commits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from pagesight.storage.postgres.schema import change
from pagesight.storage.tables.schema import document, file, page, page_note, page_picture, reading, tag

BATCH_PAGES = 500  # of documents that are fetched together: some 5 MB
OF_DOCUMENTS = (file, reading, tag, page)
OF_PAGES = (page_note, page_picture)


@dataclass(frozen=True, slots=True)
class Batch:
    """document_ids: all that were changed, also those that are gone. rows: of each table, as they are now."""

    document_ids: list[int]
    rows: dict[str, list[dict[str, Any]]]


def n_changed(connection: Connection, since: int) -> int:
    """How many documents were changed, added or removed after generation ``since``."""
    ids = select(change.c.document_id).where(change.c.generation > since, change.c.document_id > 0).distinct()
    return int(connection.execute(select(func.count()).select_from(ids.subquery())).scalar_one())


def knows(connection: Connection, generation: int, mark: int) -> bool:
    """Whether a commit belongs to the history of this database."""
    found = select(change.c.mark).where(change.c.generation == generation).limit(1)
    return generation == 0 or connection.execute(found).scalar() == mark


def batches(connection: Connection, since: int) -> Iterator[Batch]:
    """connection: in a snapshot. Each changed document is in one batch, as it is in the snapshot."""
    changed = (
        select(change.c.document_id, func.max(change.c.generation).label("last"))
        .where(change.c.generation > since, change.c.document_id > 0)
        .group_by(change.c.document_id)
        .subquery()
    )
    query = (
        select(changed.c.document_id, func.coalesce(document.c.n_pages, 0))
        .join_from(changed, document, document.c.id == changed.c.document_id, isouter=True)
        .order_by(changed.c.last, changed.c.document_id)
    )
    ids: list[int] = []
    n_pages = 0
    for document_id, n in connection.execute(query).all():
        ids.append(document_id)
        n_pages += n + 1
        if n_pages >= BATCH_PAGES:
            yield _batch(connection, ids)
            ids, n_pages = [], 0
    if ids:
        yield _batch(connection, ids)


def _batch(connection: Connection, ids: list[int]) -> Batch:
    rows = {document.name: _rows(connection, select(document).where(document.c.id.in_(ids)))}
    for table in OF_DOCUMENTS:
        rows[table.name] = _rows(connection, select(table).where(table.c.document_id.in_(ids)))
    of_them = select(page.c.id).where(page.c.document_id.in_(ids))
    for table in OF_PAGES:
        rows[table.name] = _rows(connection, select(table).where(table.c.page_id.in_(of_them)))
    return Batch(ids, rows)


def _rows(connection: Connection, query: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]

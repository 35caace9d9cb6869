"""Looking after an index in PostgreSQL: is everything there, and is it what was written?"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, Engine, func, select

from pagesight.storage.postgres.database import Snapshot
from pagesight.storage.postgres.faults import database_errors
from pagesight.storage.postgres.records import fetch
from pagesight.storage.postgres.schema import tables
from pagesight.storage.postgres.writer import PostgresWriter, turn_of
from pagesight.storage.stored import Examination, Finding, Optimized
from pagesight.storage.tables.rows import delete_documents, in_parts
from pagesight.storage.tables.schema import document, file, page
from pagesight.storage.vectors.page_rows import SINGLES_NAME, row_sizes

if TYPE_CHECKING:
    from pagesight.storage.manifest import Space

BATCH_PAGES = 200


def optimize(engine: Engine, address: str, size: Callable[[], int]) -> Optimized:
    """Let the space of removed documents be used again, as the server does by itself in time. Raises what databases say."""
    before = size()
    at_once = engine.execution_options(isolation_level="AUTOCOMMIT")  # VACUUM does not run in a transaction
    with database_errors(address), at_once.connect() as connection:
        for name in tables.tables:
            connection.exec_driver_sql(f'VACUUM (ANALYZE) "{name}"')
    return Optimized(bytes_before=before, bytes_after=size(), bytes_written=0, n_pages_moved=0)


def examine(engine: Engine, address: str, space: Space, *, drop_damaged: bool) -> Examination:
    """Read and check what every page has in one snapshot of the database; readers and writers go on."""
    with database_errors(address), Snapshot(engine) as snapshot:
        connection, findings, damaged, n_pages = snapshot.connection, [], set(), 0
        for pages in _batches(connection):
            n_pages += len(pages)
            for document_id, problem in _problems(connection, pages, space):
                damaged.add(document_id)
                findings.append(problem)
        names = _names(connection, damaged)
        n_documents = connection.execute(select(func.count(document.c.id))).scalar_one()
    if drop_damaged and damaged:
        writer = PostgresWriter(engine, address, space, None)
        with writer.transaction() as connection, turn_of(connection) as turn:
            delete_documents(connection, sorted(damaged))
            turn.documents |= damaged
    found = tuple(Finding(problem, repaired=drop_damaged) for problem in findings)
    return Examination(n_documents, n_pages, found, names)


def _batches(connection: Connection) -> Iterator[list[Any]]:
    last = 0
    while True:
        query = select(page).where(page.c.id > last).order_by(page.c.id).limit(BATCH_PAGES)
        pages = list(connection.execute(query))
        if not pages:
            return
        yield pages
        last = pages[-1].id


def _problems(connection: Connection, pages: list[Any], space: Space) -> Iterator[tuple[int, str]]:
    """(document id, what is wrong) of pages that are not as they were written."""
    sizes = row_sizes(space.single_dim, space.token_dim)
    single_bytes, means_bytes = sizes[SINGLES_NAME], sum(sizes.values()) - sizes[SINGLES_NAME]
    found = fetch(connection, "tokens, words, boxes, single, means", [row.offset for row in pages], missing_ok=True)
    for row in pages:
        if row.offset not in found:
            yield row.document_id, f"the record of page id {row.id} is missing"
            continue
        tokens, words, boxes, single, means = found[row.offset]
        if len(tokens) != row.n_bytes or zlib.crc32(tokens) != row.crc32:
            yield row.document_id, f"the token vectors of page id {row.id} are damaged"
        if len(boxes) != 8 * (words.count("\n") + 1 if words else 0):
            yield row.document_id, f"the words of page id {row.id} are damaged"
        if len(single) != single_bytes or len(means) != means_bytes:
            yield row.document_id, f"the single vector or the means of page id {row.id} are damaged"
        elif row.n_tokens and not abs(np.linalg.norm(np.frombuffer(single, "<f2").astype(np.float32)) - 1) < 0.01:
            yield row.document_id, f"the single vector of page id {row.id} is damaged"


def _names(connection: Connection, document_ids: set[int]) -> tuple[str, ...]:
    """A name of each of these documents, the first in alphabetical order."""
    names: list[str] = []
    for some in in_parts(sorted(document_ids)):
        query = select(func.min(file.c.path)).where(file.c.document_id.in_(some)).group_by(file.c.document_id)
        names += connection.execute(query).scalars()
    return tuple(sorted(names))

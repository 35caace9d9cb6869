"""Looking after an index in Qdrant: is everything there, and is it what was written?"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.manifest import Space
from pagesight.storage.packed import check_packed, unpack_page
from pagesight.storage.qdrant.payload import packed_page
from pagesight.storage.qdrant.points import AT_ONCE, SINGLE, TOKENS, Payload, Points, Vectors, asking
from pagesight.storage.qdrant.writer import QdrantWriter
from pagesight.storage.stored import Examination, Finding
from pagesight.storage.tables.rows import in_parts
from pagesight.storage.tables.schema import document, file, page
from pagesight.storage.view import StoreView

ROUNDED = 2e-3  # by half precision, of numbers below 2


def examine(
    view: StoreView, address: str, points: Points, space: Space, discarding: QdrantWriter | None
) -> Examination:
    """Read and check what every page has; readers and writers go on. discarding: writer that lets go of what is damaged."""
    findings: list[str] = []
    damaged: set[str] = set()
    n_pages = 0
    connection = view._connection
    for rows in _batches(connection):
        n_pages += len(rows)
        for sha256, problem in _problems(address, points, space, rows):
            damaged.add(sha256)
            findings.append(problem)
    names = _names(connection, sorted(damaged))
    n_documents = connection.execute(select(func.count(document.c.id))).scalar_one()
    if discarding is not None and damaged:
        discarding.discard(sorted(damaged))
    found = tuple(Finding(problem, repaired=discarding is not None) for problem in findings)
    return Examination(n_documents, n_pages, found, names)


def _batches(connection: Connection) -> Iterator[Sequence[Any]]:
    last = 0
    while True:
        query = select(page, document.c.sha256).join_from(page, document).where(page.c.id > last)
        rows = connection.execute(query.order_by(page.c.id).limit(AT_ONCE)).all()
        if not rows:
            return
        yield rows
        last = rows[-1].id


def _problems(address: str, points: Points, space: Space, rows: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """(SHA-256 of the document, what is wrong) of pages that are not as they were written."""
    ids = [row.offset for row in rows]
    with asking(address):
        found, vectors = points.retrieve(ids), points.vectors(ids)
    for row in rows:
        if row.offset not in found:
            yield row.sha256, f"the point of page id {row.id} is missing"
            continue
        problem = _problem(found[row.offset], vectors.get(row.offset, {}), row, space)
        if problem:
            yield row.sha256, f"{problem} of page id {row.id}"


def _problem(payload: Payload, vectors: Vectors, row: Any, space: Space) -> str:
    """What is wrong with a page; nothing if all is well."""
    try:
        packed = packed_page(payload)
        check_packed(packed, space)
    except StoreCorrupt as error:
        return f"{error}: so it is"
    if zlib.crc32(packed.record) != row.crc32 or packed.n_tokens != row.n_tokens:
        return "other token vectors than were written are those"
    if not packed.n_tokens:
        return ""
    encoded = unpack_page(packed, space).encoded
    for name, expected in ((SINGLE, encoded.single), (TOKENS, encoded.tokens)):
        there = np.array(vectors.get(name, ()), np.float32)
        if there.shape != expected.shape or not np.allclose(there, expected, atol=ROUNDED):
            return f"the vectors {name!r} are not what the bytes say"
    return ""


def _names(connection: Connection, sha256s: Sequence[str]) -> tuple[str, ...]:
    """A name of each of these documents, the first in alphabetical order."""
    names: list[str] = []
    for some in in_parts(sha256s):
        query = select(func.min(file.c.path)).join_from(file, document).where(document.c.sha256.in_(some))
        names += connection.execute(query.group_by(file.c.document_id)).scalars()
    return tuple(sorted(names))

"""Reading an index: one snapshot, in which documents are whole and nothing changes while it is open."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, text

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.manifest import Manifest
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.tables.catalog import (
    StoredDocument,
    StoredFailure,
    Totals,
    list_documents,
    list_failures,
    totals,
)
from pagesight.storage.tables.filters import parse_filter
from pagesight.storage.tables.schema import document, file, index_state, page, page_text
from pagesight.storage.tables.words import match_expression
from pagesight.storage.values import PageWords, StoredPage
from pagesight.storage.vectors.codecs import TokenCodec
from pagesight.storage.vectors.page_rows import read_singles
from pagesight.storage.vectors.records import PageRecords, Places
from pagesight.storage.vectors.segments import BOX_SCALE, RecordRef, SegmentReader, unpack_boxes

_WORDS_SQL = text(
    "SELECT rowid FROM page_terms WHERE page_terms MATCH :match ORDER BY bm25(page_terms), rowid LIMIT :k"
)
_WORDS_FILTERED_SQL = text(
    "SELECT rowid FROM page_terms WHERE page_terms MATCH :match AND rowid IN (SELECT value FROM json_each(:allowed)) "
    "ORDER BY bm25(page_terms), rowid LIMIT :k"
)
_PLACES_SQL = 'SELECT id, segment, "offset", n_tokens FROM page WHERE n_tokens > 0 ORDER BY id'
_REFS_SQL = text(
    'SELECT id, segment, "offset", n_bytes, crc32, n_tokens FROM page WHERE id IN (SELECT value FROM json_each(:wanted))'
)


class Snapshot:
    """Everything a search reads. Made by ``Store.snapshot()``; for one thread."""

    def __init__(
        self, folder: Path, manifest: Manifest, codec: TokenCodec, connection: Connection, segments: SegmentReader
    ) -> None:
        self._folder, self._manifest, self._codec = folder, manifest, codec
        self._connection, self._segments = connection, segments
        self.generation: int = connection.execute(select(index_state.c.generation)).scalar_one()

    def page_ids(self, filters: str | None = None) -> NDArray[np.int64]:
        """Ids of all pages that have something to find and fit the filter (see storage.tables.filters), ascending."""
        query = select(page.c.id).where(page.c.n_tokens > 0).order_by(page.c.id)
        if filters is not None:
            query = query.join_from(page, document).where(parse_filter(filters))
        return np.array(self._connection.execute(query).scalars().all(), np.int64)

    def recall_words(self, query: str, k: int, allowed: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """The ``k`` best pages by BM25 of their words, best first, ties by page id. ``allowed`` as in RecallIndex."""
        match = match_expression(query)
        if match is None or (allowed is not None and len(allowed) == 0):
            return np.empty(0, np.int64)
        if allowed is None:
            rows = self._connection.execute(_WORDS_SQL, {"match": match, "k": k})
        else:
            parameters = {"match": match, "k": k, "allowed": json.dumps(allowed.tolist())}
            rows = self._connection.execute(_WORDS_FILTERED_SQL, parameters)
        return np.array(rows.scalars().all(), np.int64)

    def read_tokens(self, page_ids: NDArray[np.int64]) -> MultiVectors:
        """Token vectors of these pages, in this order, expanded to float32."""
        refs = self._refs(page_ids)
        pages = [self._decode(*refs[page_id]) for page_id in page_ids.tolist()]
        return MultiVectors.from_pages(pages, self._manifest.token_dim)

    def places(self) -> Places:
        """Where all pages are that have something to find."""
        cursor = self._connection.exec_driver_sql(_PLACES_SQL).cursor
        rows = [] if cursor is None else cursor.fetchall()  # plain tuples, which numpy takes ten times as fast
        return Places.of(rows)

    def records(self, page_ids: NDArray[np.int64], places: Places | None = None) -> PageRecords:
        """The encoded token vectors of these pages, to be scored as they lie. places: where they are, if it is known."""
        if places is None:
            refs = self._refs(np.unique(page_ids))
            places = Places.of([(page_id, ref.segment, ref.offset, n) for page_id, (ref, n) in sorted(refs.items())])
        return PageRecords.of(self._segments, self._codec, places, page_ids)

    def opening_pages(self, page_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each of these pages the first page of its document that has something to find."""
        other = page.alias()
        first = (
            select(other.c.id)
            .where(other.c.document_id == page.c.document_id, other.c.n_tokens > 0)
            .order_by(other.c.number)
            .limit(1)
        ).scalar_subquery()
        wanted = select(func.json_each(json.dumps(page_ids.tolist())).table_valued("value").c.value)
        rows = self._connection.execute(select(page.c.id, first.label("first")).where(page.c.id.in_(wanted)))
        firsts = {row.id: row.first for row in rows}
        return np.array([firsts[page_id] for page_id in page_ids.tolist()], np.int64)

    def read_single(self, page_id: int) -> NDArray[np.float32]:
        """The single vector of a page: (single_dim,) float32."""
        (single,) = read_singles(self._folder, self._manifest.single_dim, np.array([page_id], np.int64))
        return np.asarray(single, np.float32)

    def read_boxes(self, page_id: int) -> NDArray[np.float32]:
        """Where each token of a page is: (n_tokens, 4) float32, page fractions."""
        ref, n_tokens = self._refs(np.array([page_id]))[page_id]
        return unpack_boxes(self._segments.read(ref), n_tokens)

    def read_words(self, page_id: int) -> PageWords:
        """The words of a page with their boxes."""
        row = self._connection.execute(select(page_text).where(page_text.c.page_id == page_id)).one_or_none()
        if row is None:
            return PageWords.none()
        boxes = np.frombuffer(row.boxes, "<u2").reshape(-1, 4).astype(np.float32) / np.float32(BOX_SCALE)
        return PageWords(tuple(row.words.split("\n")) if row.words else (), boxes)

    def describe(self, page_ids: NDArray[np.int64]) -> dict[int, StoredPage]:
        """What is known of these pages. A document with several names goes by the first in alphabetical order."""
        wanted = json.dumps(page_ids.tolist())
        name = file.alias()
        first_file = (
            select(name.c.id).where(name.c.document_id == document.c.id).order_by(name.c.path, name.c.id).limit(1)
        ).scalar_subquery()
        query = (
            select(page, document.c.n_pages, document.c.sha256, document.c.title)
            .add_columns(file.c.path, file.c.root, file.c.location, file.c.nearby)
            .join_from(page, document)
            .join(file, file.c.id == first_file)
            .where(page.c.id.in_(select(func.json_each(wanted).table_valued("value").c.value)))
        )
        return {
            row.id: StoredPage(
                page_id=row.id,
                page_number=row.number,
                n_pages=row.n_pages,
                document=row.path,
                root=Path(os.fsdecode(row.root)),
                location=self._find(row.location, row.nearby),
                sha256=row.sha256,
                title=row.title,
                n_tokens=row.n_tokens,
                width_pt=row.width_pt,
                height_pt=row.height_pt,
                text_source=row.text_source,
            )
            for row in self._connection.execute(query)
        }

    def find_page(self, document_path: str, page_number: int) -> int | None:
        """Id of a page by the name of its document and its number."""
        query = (
            select(page.c.id)
            .join_from(page, file, page.c.document_id == file.c.document_id)
            .where(file.c.path == document_path, page.c.number == page_number)
            .order_by(page.c.id)
        )
        return self._connection.execute(query).scalars().first()

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        """See storage.tables.catalog, as the next two."""
        return list_documents(self._connection, filters)

    def failures(self) -> list[StoredFailure]:
        return list_failures(self._connection)

    def totals(self) -> Totals:
        return totals(self._connection)

    def _find(self, location: bytes, nearby: bytes) -> Path:
        """Where the file is now: where it was, or in the same place relative to the index when both have moved."""
        path, moved = Path(os.fsdecode(location)), self._folder / os.fsdecode(nearby)
        return moved if not path.exists() and moved.exists() else path

    def _refs(self, page_ids: NDArray[np.int64]) -> dict[int, tuple[RecordRef, int]]:
        """Record and token count of each page."""
        rows = self._connection.execute(_REFS_SQL, {"wanted": json.dumps(page_ids.tolist())}).fetchall()
        refs = {page_id: (RecordRef(*where), n_tokens) for page_id, *where, n_tokens in rows}
        if len(refs) != len(page_ids):
            raise StoreCorrupt(f"{len(page_ids) - len(refs)} pages are not in the database; run: pagesight doctor")
        return refs

    def _decode(self, ref: RecordRef, n_tokens: int) -> NDArray[np.float32]:
        return self._codec.decode(self._segments.read(ref, self._codec.n_bytes(n_tokens)), n_tokens)

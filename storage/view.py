"""Reading an index: one view, in which documents are whole and nothing changes while it is open."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, text

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.filters import parse_filter
from pagesight.storage.folder import IndexFolder
from pagesight.storage.manifest import Space
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.names import nfc
from pagesight.storage.state import State
from pagesight.storage.stored import PageDetail, StoredDocument, StoredFailure, StoredPage, Totals
from pagesight.storage.tables import catalog
from pagesight.storage.tables.filter_sql import condition
from pagesight.storage.tables.pictures import pictures_of
from pagesight.storage.tables.schema import document, file, page
from pagesight.storage.values import KnownFailure, KnownFile, PageWords, SourceFile
from pagesight.storage.vectors.records import PageRecords, Places
from pagesight.storage.vectors.scored import stored_maxima
from pagesight.storage.vectors.segments import RecordRef, stored_words, unpack_boxes
from pagesight.storage.words import (
    CREATE_VOCABULARY,
    WordScores,
    bare_fold,
    largest_score,
    match_expression,
    query_terms,
    telling,
    without_accents,
)

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]
MANY_PAGES = 20_000  # that a filter lets through, from which they are looked for among all
_WORDS_SQL = text(
    "SELECT rowid, -bm25(page_terms) FROM page_terms WHERE page_terms MATCH :match ORDER BY bm25(page_terms), rowid LIMIT :k"
)
_WORDS_FILTERED_SQL = text(  # the plus: without it SQLite asks FTS5 once a page that is allowed
    "SELECT rowid, -bm25(page_terms) FROM page_terms WHERE page_terms MATCH :match "
    "AND +rowid IN (SELECT value FROM json_each(:allowed)) ORDER BY bm25(page_terms), rowid LIMIT :k"
)
_STRING_SQL = text(
    "SELECT rowid FROM page_terms WHERE rowid IN (SELECT value FROM json_each(:wanted)) "
    "AND instr(replace(terms, ' ', ''), :string) > 0"
)
_PHRASES_SQL = text("SELECT rowid FROM page_terms WHERE page_terms MATCH :match LIMIT :k")
_TERMS_SQL = text("SELECT term, doc FROM page_vocabulary WHERE term IN (SELECT value FROM json_each(:wanted))")
_SPELT_SQL = text("SELECT terms FROM page_terms WHERE page_terms MATCH :match ORDER BY rowid LIMIT 1")
_REFS_SQL = text(
    'SELECT id, segment, "offset", n_bytes, crc32, n_tokens FROM page WHERE id IN (SELECT value FROM json_each(:wanted))'
)
_TEXTS_SQL = text("SELECT page_id, words, boxes FROM page_text WHERE page_id IN (SELECT value FROM json_each(:wanted))")


class StoreView(Closing):
    """``pagesight.engine.index.View`` of an index folder. Made by ``Store.view()``; for one thread at a time."""

    def __init__(self, folder: IndexFolder, connection: Connection, state: State) -> None:
        """connection: in a transaction that sees the generation of ``state``; closed with the view."""
        self._folder, self._connection, self._state = folder, connection, state
        self._pool = folder.engine.pool
        self._codec = codec_named(folder.space.codec, folder.space.token_dim)

    @property
    def space(self) -> Space:
        return self._folder.space

    @property
    def generation(self) -> int:
        return self._state.generation

    # What a search asks

    def page_ids(self, filters: str | None = None) -> PageIds:
        if filters is None:
            return self._places().page_ids
        return self._state.allowed(filters, lambda: self._find(filters))

    def nearest(self, single: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._state.recall_index(self._connection).nearest(single, k, allowed)

    def nearest_by_means(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._state.recall_index(self._connection).nearest_by_means(tokens, k, allowed)

    def nearest_by_words(self, query: str, k: int, allowed: PageIds | None) -> WordScores:
        n_pages, counts = len(self._places().page_ids), self._state.pages_with(self._connection, query_terms(query))
        match = match_expression(telling(counts, n_pages))
        if match is None or (allowed is not None and len(allowed) == 0):
            return WordScores.none()
        if allowed is None:
            rows = self._connection.execute(_WORDS_SQL, {"match": match, "k": k}).fetchall()
        else:
            rows = self._words_within(match, k, allowed)
        scores = np.array([score for _, score in rows], np.float64)
        most = max(largest_score(n_pages, counts.values()), 1e-9)
        shares = np.clip(scores / most, 0, 1).astype(np.float32)
        return WordScores(np.array([page_id for page_id, _ in rows], np.int64), shares)

    def pages_with(self, string: str, page_ids: PageIds) -> PageIds:
        rows = self._connection.execute(_STRING_SQL, {"wanted": json.dumps(page_ids.tolist()), "string": string})
        return np.sort(np.array(rows.scalars().all(), np.int64))

    def pages_with_phrases(self, phrases: Sequence[str], most: int) -> PageIds:
        match = match_expression([phrase for phrase in map(bare_fold, phrases) if phrase])
        if match is None:
            return np.empty(0, np.int64)
        rows = self._connection.execute(_PHRASES_SQL, {"match": match, "k": most + 1}).scalars().all()
        return np.sort(np.array(rows if len(rows) <= most else [], np.int64))

    def vocabulary(self, prefixes: Sequence[str], terms: Sequence[str] = ()) -> dict[str, int]:
        self._connection.exec_driver_sql(CREATE_VOCABULARY)
        found: dict[str, int] = {}
        for prefix in prefixes:
            found.update(self._state.terms_from(self._connection, prefix))
        if terms:
            wanted = {"wanted": json.dumps(list(terms))}
            found.update((term, n) for term, n in self._connection.execute(_TERMS_SQL, wanted).fetchall())
        return found

    def spelt(self, term: str) -> str:
        match = match_expression([term]) if term.isalnum() else None
        row = match and self._connection.execute(_SPELT_SQL, {"match": match}).scalar()
        return next((word for word in (row or "").split() if without_accents(word) == term), term)

    def n_tokens(self, page_ids: PageIds) -> PageIds:
        places = self._places()
        return places.counts[places.find(page_ids)]

    def means_maxima(self, tokens: Float, page_ids: PageIds) -> Float:
        return self._state.recall_index(self._connection).means_maxima(tokens, page_ids)

    def maxima(self, tokens: Float, page_ids: PageIds, *, precise: bool = True, device: str | None = None) -> Float:
        records = PageRecords.of(self._state.segments, self._codec, self._places(), page_ids)
        return stored_maxima(tokens, records, precise=precise, device=device)

    def opening_pages(self, page_ids: PageIds) -> PageIds:
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

    # What describing a hit asks

    def describe(self, page_ids: PageIds) -> dict[int, StoredPage]:
        name = file.alias()
        first_file = (
            select(name.c.id).where(name.c.document_id == document.c.id).order_by(name.c.path, name.c.id).limit(1)
        ).scalar_subquery()
        wanted = select(func.json_each(json.dumps(page_ids.tolist())).table_valued("value").c.value)
        query = (
            select(page, document.c.n_pages, document.c.sha256, document.c.title, document.c.kind)
            .add_columns(file.c.path, file.c.root, file.c.location, file.c.nearby)
            .join_from(page, document)
            .join(file, file.c.id == first_file)
            .where(page.c.id.in_(wanted))
        )
        seen = pictures_of(self._connection, page_ids) if self._state.has_pictures(self._connection) else {}
        return {
            row.id: StoredPage(
                page_id=row.id,
                number=row.number,
                n_pages=row.n_pages,
                document=row.path,
                root=Path(os.fsdecode(row.root)),
                location=self._find_file(row.location, row.nearby),
                sha256=row.sha256,
                kind=row.kind,
                title=row.title,
                n_tokens=row.n_tokens,
                width_pt=row.width_pt,
                height_pt=row.height_pt,
                text_source=row.text_source,
                pictures=seen.get(row.id, ()),
            )
            for row in self._connection.execute(query)
        }

    def details(self, page_ids: PageIds) -> dict[int, PageDetail]:
        refs, words, details = self._refs(page_ids), self._words(page_ids), {}
        for page_id, (ref, n_tokens) in refs.items():
            record = self._state.segments.read(ref)
            tokens = self._codec.decode(record[: self._codec.n_bytes(n_tokens)], n_tokens)
            boxes = unpack_boxes(record, n_tokens)
            details[page_id] = PageDetail(tokens, boxes, words.get(page_id, PageWords.none()))
        return details

    def find_page(self, name: str, number: int) -> int | None:
        query = (
            select(page.c.id)
            .join_from(page, file, page.c.document_id == file.c.document_id)
            .where(file.c.path == nfc(name), page.c.number == number)
            .order_by(page.c.id)
        )
        return self._connection.execute(query).scalars().first()

    def tokens(self, page_ids: PageIds) -> MultiVectors:
        refs = self._refs(page_ids)
        pages = []
        for page_id in page_ids.tolist():
            ref, n_tokens = refs[page_id]
            record = self._state.segments.read(ref, self._codec.n_bytes(n_tokens))
            pages.append(self._codec.decode(record, n_tokens))
        return MultiVectors.from_pages(pages, self.space.token_dim)

    def single(self, page_id: int) -> Float:
        (found,) = self._state.rows.singles(np.array([page_id], np.int64))
        return np.asarray(found, np.float32)

    # What is in the index

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        return catalog.list_documents(self._connection, filters)

    def failures(self) -> list[StoredFailure]:
        return catalog.list_failures(self._connection)

    def totals(self) -> Totals:
        return catalog.totals(self._connection)

    def known_files(self) -> dict[bytes, KnownFile]:
        return catalog.known_files(self._connection)

    def known_failures(self) -> dict[bytes, KnownFailure]:
        return catalog.known_failures(self._connection)

    def indexed_files(self) -> list[SourceFile]:
        return catalog.indexed_files(self._connection)

    def close(self) -> None:
        if self._folder.engine.pool is not self._pool and not self._connection.closed:
            self._connection.detach()  # the store was closed meanwhile: nobody would take it from its pool again
        self._connection.close()

    def _places(self) -> Places:
        return self._state.places(self._connection)

    def _find(self, filters: str) -> PageIds:
        query = select(page.c.id).where(page.c.n_tokens > 0).order_by(page.c.id)
        query = query.join_from(page, document).where(
            condition(parse_filter(filters), pictures=self._state.has_pictures(self._connection))
        )
        cursor = self._connection.execute(query).cursor
        rows = [] if cursor is None else cursor.fetchall()  # plain tuples: half a million rows of SQLAlchemy take 0.5 s
        return np.array(rows, np.int64).reshape(-1)

    def _words_within(self, match: str, k: int, allowed: PageIds) -> Sequence[Any]:
        """The first ``k`` of these pages by words. Many are looked for among the first of all, which takes SQLite less time
        than a long list of them.
        """
        if len(allowed) > MANY_PAGES:
            n_asked = 2 * k * len(self._places().page_ids) // len(allowed)
            rows = self._connection.execute(_WORDS_SQL, {"match": match, "k": n_asked}).fetchall()
            fits = np.isin(np.array([page_id for page_id, _ in rows], np.int64), allowed)
            found = [row for row, fit in zip(rows, fits.tolist(), strict=True) if fit]
            if len(found) >= k or len(rows) < n_asked:
                return found[:k]
        parameters = {"match": match, "k": k, "allowed": json.dumps(allowed.tolist())}
        return self._connection.execute(_WORDS_FILTERED_SQL, parameters).fetchall()

    def _words(self, page_ids: PageIds) -> dict[int, PageWords]:
        rows = self._connection.execute(_TEXTS_SQL, {"wanted": json.dumps(page_ids.tolist())})
        return {page_id: stored_words(words, packed) for page_id, words, packed in rows.fetchall()}

    def _find_file(self, location: bytes, nearby: bytes) -> Path:
        """Where the file is now: where it was, or in the same place relative to the index when both have moved."""
        path, moved = Path(os.fsdecode(location)), self._folder.path / os.fsdecode(nearby)
        return moved if not path.exists() and moved.exists() else path

    def _refs(self, page_ids: PageIds) -> dict[int, tuple[RecordRef, int]]:
        """Record and token count of each page."""
        rows = self._connection.execute(_REFS_SQL, {"wanted": json.dumps(page_ids.tolist())}).fetchall()
        refs = {page_id: (RecordRef(*where), n_tokens) for page_id, *where, n_tokens in rows}
        if len(refs) != len(page_ids):
            raise StoreCorrupt(f"{len(page_ids) - len(refs)} pages are not in the database")
        return refs

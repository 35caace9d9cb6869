"""Reading an index: one view, in which documents are whole and nothing changes while it is open."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select, text

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.filters import parse_filter
from pagesight.storage.folder import IndexFolder
from pagesight.storage.manifest import Space
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.names import nfc
from pagesight.storage.packing import packed_pages
from pagesight.storage.state import State
from pagesight.storage.stored import (
    EncodedDetail,
    PageDetail,
    StoredContent,
    StoredDocument,
    StoredFailure,
    StoredPage,
    Totals,
)
from pagesight.storage.tables import catalog
from pagesight.storage.tables.filter_sql import condition
from pagesight.storage.tables.pictures import pictures_of
from pagesight.storage.tables.schema import document, file, page
from pagesight.storage.values import KnownFailure, KnownFile, PackedPage, PageWords, SourceFile
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
# What a search shows is asked as text: building these statements anew took as long as running them.
_DETAILS_SQL = text(
    'SELECT page.id, segment, "offset", n_bytes, crc32, n_tokens, words, boxes FROM page '
    "LEFT JOIN page_text ON page_text.page_id = page.id WHERE page.id IN (SELECT value FROM json_each(:wanted))"
)
_PAGES_SQL = text(
    "SELECT page.id, page.number, page.n_tokens, page.width_pt, page.height_pt, page.text_source, document.n_pages, "
    "document.sha256, document.title, document.kind, file.path, file.root, file.location, file.nearby FROM page "
    "JOIN document ON document.id = page.document_id JOIN file ON file.id = "
    "(SELECT name.id FROM file AS name WHERE name.document_id = document.id ORDER BY name.path, name.id LIMIT 1) "
    "WHERE page.id IN (SELECT value FROM json_each(:wanted))"
)
_OPENINGS_SQL = text(
    "SELECT page.id, (SELECT first.id FROM page AS first WHERE first.document_id = page.document_id AND first.n_tokens > 0 "
    "ORDER BY first.number LIMIT 1) FROM page WHERE page.id IN (SELECT value FROM json_each(:wanted))"
)


@lru_cache(1024)
def _path(name: bytes) -> Path:
    """As the database has it: the hits of a search share few folders and files, and making a path costs more than finding its row."""
    return Path(os.fsdecode(name))


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
            parameters = {"match": match, "k": k, "allowed": json.dumps(allowed.tolist())}
            rows = self._connection.execute(_WORDS_FILTERED_SQL, parameters).fetchall()
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
        rows = self._connection.execute(_OPENINGS_SQL, {"wanted": json.dumps(page_ids.tolist())}).fetchall()
        firsts = dict(map(tuple, rows))
        return np.array([firsts[page_id] for page_id in page_ids.tolist()], np.int64)

    # What describing a hit asks

    def describe(self, page_ids: PageIds) -> dict[int, StoredPage]:
        rows = self._connection.execute(_PAGES_SQL, {"wanted": json.dumps(page_ids.tolist())}).fetchall()
        seen = pictures_of(self._connection, page_ids) if self._state.has_pictures(self._connection) else {}
        return {
            page_id: StoredPage(
                page_id=page_id,
                number=number,
                n_pages=n_pages,
                document=path,
                root=_path(root),
                location=self._find_file(location, nearby),
                sha256=sha256,
                kind=kind,
                title=title,
                n_tokens=n_tokens,
                width_pt=width,
                height_pt=height,
                text_source=source,
                pictures=seen.get(page_id, ()),
            )
            for (
                page_id,
                number,
                n_tokens,
                width,
                height,
                source,
                n_pages,
                sha256,
                title,
                kind,
                path,
                root,
                location,
                nearby,
            ) in rows
        }

    def details(self, page_ids: PageIds) -> dict[int, PageDetail]:
        rows = self._connection.execute(_DETAILS_SQL, {"wanted": json.dumps(page_ids.tolist())}).fetchall()
        self._check_found(len(rows), len(page_ids))
        details: dict[int, PageDetail] = {}
        for page_id, *where, n_tokens, words, boxes in rows:
            record = self._state.segments.read(RecordRef(*where))
            codes = memoryview(record)[: self._codec.n_bytes(n_tokens)]
            known = PageWords.none() if words is None else stored_words(words, boxes)
            decode = partial(self._codec.decode, codes, n_tokens)
            details[page_id] = EncodedDetail(decode, unpack_boxes(record, n_tokens), known)
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

    # What another store is made of

    def contents(self) -> list[StoredContent]:
        return catalog.contents(self._connection)

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        return packed_pages(self._connection, self._state, sha256)

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
        return np.array(self._connection.execute(query).scalars().all(), np.int64)

    def _find_file(self, location: bytes, nearby: bytes) -> Path:
        """Where the file is now: where it was, or in the same place relative to the index when both have moved."""
        moved = b"" if os.path.exists(location) else os.path.join(os.fsencode(self._folder.path), nearby)
        return _path(moved if moved and os.path.exists(moved) else location)

    def _refs(self, page_ids: PageIds) -> dict[int, tuple[RecordRef, int]]:
        """Record and token count of each page."""
        rows = self._connection.execute(_REFS_SQL, {"wanted": json.dumps(page_ids.tolist())}).fetchall()
        refs = {page_id: (RecordRef(*where), n_tokens) for page_id, *where, n_tokens in rows}
        self._check_found(len(refs), len(page_ids))
        return refs

    @staticmethod
    def _check_found(n_found: int, n_asked: int) -> None:
        if n_found != n_asked:
            raise StoreCorrupt(f"{n_asked - n_found} pages are not in the database")

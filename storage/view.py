"""Reading an index: one view, in which documents are whole and nothing changes while it is open."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.filters import parse_filter
from pagesight.storage.folder import IndexFolder
from pagesight.storage.manifest import Space
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.names import nfc
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
from pagesight.storage.tables.pictures import pictures_of
from pagesight.storage.tables.snapshots import Snapshot
from pagesight.storage.values import KnownFailure, KnownFile, PackedPage, SourceFile
from pagesight.storage.vectors.records import PageRecords, Places
from pagesight.storage.vectors.scored import stored_maxima
from pagesight.storage.vectors.segments import RecordRef, stored_boxes, words_of_pages
from pagesight.storage.words import (
    WordScores,
    bare_fold,
    largest_score,
    match_expression,
    query_terms,
    telling,
    without_accents,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]
MOST_PAGES = 2**63 - 1  # of a document: SQLite has no larger numbers, and takes none
MANY_PAGES = 20_000  # that a filter lets through, from which they are looked for among all
_WORDS_SQL = (
    "SELECT rowid, -bm25(page_terms) FROM page_terms WHERE page_terms MATCH ? ORDER BY bm25(page_terms), rowid LIMIT ?"
)
_WORDS_FILTERED_SQL = (  # the plus: without it SQLite asks FTS5 once a page that is allowed
    "SELECT rowid, -bm25(page_terms) FROM page_terms WHERE page_terms MATCH ? "
    "AND +rowid IN (SELECT value FROM json_each(?)) ORDER BY bm25(page_terms), rowid LIMIT ?"
)
_STRING_SQL = (
    "SELECT rowid FROM page_terms WHERE rowid IN (SELECT value FROM json_each(?)) "
    "AND instr(replace(terms, ' ', ''), ?) > 0"
)
_PHRASES_SQL = "SELECT rowid FROM page_terms WHERE page_terms MATCH ? LIMIT ?"
_TERMS_SQL = "SELECT term, doc FROM page_vocabulary WHERE term IN (SELECT value FROM json_each(?))"
_SPELT_SQL = "SELECT terms FROM page_terms WHERE page_terms MATCH ? ORDER BY rowid LIMIT 1"
_REFS_SQL = (
    'SELECT id, segment, "offset", n_bytes, crc32, n_tokens FROM page WHERE id IN (SELECT value FROM json_each(?))'
)
_DETAILS_SQL = (
    'SELECT page.id, segment, "offset", n_bytes, n_tokens, words, boxes FROM page '
    "LEFT JOIN page_text ON page_text.page_id = page.id WHERE page.id IN (SELECT value FROM json_each(?))"
)
_PAGES_SQL = (
    "SELECT page.id, page.number, page.n_tokens, page.width_pt, page.height_pt, page.text_source, document.n_pages, "
    "document.sha256, document.title, document.kind, file.path, file.root, file.location, file.nearby FROM page "
    "JOIN document ON document.id = page.document_id JOIN file ON file.id = "
    "(SELECT name.id FROM file AS name WHERE name.document_id = document.id ORDER BY name.path, name.id LIMIT 1) "
    "WHERE page.id IN (SELECT value FROM json_each(?))"
)
_OPENINGS_SQL = (
    "SELECT page.id, (SELECT first.id FROM page AS first WHERE first.document_id = page.document_id AND first.n_tokens > 0 "
    "ORDER BY first.number LIMIT 1) FROM page WHERE page.id IN (SELECT value FROM json_each(?))"
)


_FIND_PAGE_SQL = (
    "SELECT page.id FROM page JOIN file ON file.document_id = page.document_id JOIN document ON document.id = page.document_id "
    "WHERE file.path = ? AND page.number = ? AND document.sha256 = coalesce(?, document.sha256) ORDER BY page.id"
)


def _listed(page_ids: PageIds) -> str:
    """As one parameter of a statement, however many they are."""
    return json.dumps(page_ids.tolist())


@lru_cache(1024)
def _path(name: bytes) -> Path:
    """As the database has it: the hits of a search share few folders and files, and making a path costs more than finding its row."""
    return Path(os.fsdecode(name))


class StoreView(Closing):
    """``pagesight.engine.index.View`` of an index folder. Made by ``Store.view()``; for one thread at a time."""

    def __init__(self, folder: IndexFolder, snapshot: Snapshot, state: State) -> None:
        """snapshot: of the generation of ``state``; closed with the view."""
        self._folder, self._snapshot, self._state = folder, snapshot, state
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
        return self._state.recall_index(self._snapshot).nearest(single, k, allowed)

    def nearest_by_means(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._state.recall_index(self._snapshot).nearest_by_means(tokens, k, allowed)

    def nearest_by_words(self, query: str, k: int, allowed: PageIds | None) -> WordScores:
        n_pages, counts = len(self._places().page_ids), self._state.pages_with(self._snapshot, query_terms(query))
        match = match_expression(telling(counts, n_pages))
        if match is None or (allowed is not None and len(allowed) == 0):
            return WordScores.none()
        rows = self._words_within(match, k, allowed)
        scores = np.array([score for _, score in rows], np.float64)
        most = max(largest_score(n_pages, counts.values()), 1e-9)
        shares = np.clip(scores / most, 0, 1).astype(np.float32)
        return WordScores(np.array([page_id for page_id, _ in rows], np.int64), shares)

    def pages_with(self, string: str, page_ids: PageIds) -> PageIds:
        return np.sort(np.array(self._snapshot.values(_STRING_SQL, _listed(page_ids), string), np.int64))

    def pages_with_phrases(self, phrases: Sequence[str], most: int) -> PageIds:
        match = match_expression([phrase for phrase in map(bare_fold, phrases) if phrase])
        if match is None:
            return np.empty(0, np.int64)
        found = self._snapshot.values(_PHRASES_SQL, match, most + 1)
        return np.sort(np.array(found if len(found) <= most else [], np.int64))

    def vocabulary(self, prefixes: Sequence[str], terms: Sequence[str] = ()) -> dict[str, int]:
        found: dict[str, int] = {}
        for prefix in prefixes:
            found.update(self._state.terms_from(self._snapshot, prefix))
        if terms:
            found.update(self._snapshot.rows(_TERMS_SQL, json.dumps(list(terms))))
        return found

    def word_pages(self, terms: Sequence[str]) -> dict[str, int]:
        return dict.fromkeys(terms, 0) | self.vocabulary((), tuple(dict.fromkeys(terms)))

    def word_counts(self, terms: Sequence[str]) -> dict[str, tuple[PageIds, PageIds]]:
        return {term: self._state.word_counts(self._snapshot, term) for term in dict.fromkeys(terms)}

    def word_lengths(self) -> tuple[PageIds, PageIds]:
        return self._state.word_lengths(self._snapshot)

    def spelt(self, term: str) -> str:
        match = match_expression([term]) if term.isalnum() else None
        row = match and self._snapshot.value(_SPELT_SQL, match)
        return next((word for word in (row or "").split() if without_accents(word) == term), term)

    def n_tokens(self, page_ids: PageIds) -> PageIds:
        places = self._places()
        return places.counts[places.find(page_ids)]

    def means_maxima(self, tokens: Float, page_ids: PageIds) -> Float:
        return self._state.recall_index(self._snapshot).means_maxima(tokens, page_ids)

    def maxima(self, tokens: Float, page_ids: PageIds, *, precise: bool = True, device: str | None = None) -> Float:
        records = PageRecords.of(self._state.segments, self._codec, self._places(), page_ids)
        return stored_maxima(tokens, records, precise=precise, device=device)

    def opening_pages(self, page_ids: PageIds) -> PageIds:
        firsts = dict(self._snapshot.rows(_OPENINGS_SQL, _listed(page_ids)))
        self._check_found(len(firsts), len(page_ids))
        return np.array([firsts[page_id] for page_id in page_ids.tolist()], np.int64)

    # What describing a hit asks

    def describe(self, page_ids: PageIds) -> dict[int, StoredPage]:
        rows = self._snapshot.rows(_PAGES_SQL, _listed(page_ids))
        seen = pictures_of(self._snapshot, page_ids) if self._state.has_pictures(self._snapshot) else {}
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
        rows = self._snapshot.rows(_DETAILS_SQL, _listed(page_ids))
        self._check_found(len(rows), len(page_ids))
        if not rows:
            return {}
        ids, segments, offsets, sizes, counts, texts, word_boxes = zip(*rows, strict=True)
        where = (np.array(column, np.int64) for column in (segments, offsets, sizes))
        records, ends = self._state.segments.read_many(*where), map(self._codec.n_bytes, counts)
        codes, boxes = zip(
            *((record[:end], record[end:]) for record, end in zip(records, ends, strict=True)), strict=True
        )
        pages = zip(ids, codes, stored_boxes(boxes), words_of_pages(texts, word_boxes), strict=True)
        return {page_id: EncodedDetail(self._codec, *detail) for page_id, *detail in pages}

    def find_page(self, name: str, number: int, *, sha256: str | None = None) -> int | None:
        if not 1 <= number <= MOST_PAGES:
            return None
        found: int | None = self._snapshot.value(_FIND_PAGE_SQL, nfc(name), number, sha256)
        return found

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
        from pagesight.storage.tables import catalog

        return catalog.list_documents(self._connection, filters)

    def failures(self) -> list[StoredFailure]:
        from pagesight.storage.tables import catalog

        return catalog.list_failures(self._connection)

    def totals(self) -> Totals:
        from pagesight.storage.tables import catalog

        return catalog.totals(self._connection)

    def known_files(self) -> dict[bytes, KnownFile]:
        from pagesight.storage.tables import catalog

        return catalog.known_files(self._connection)

    def known_failures(self) -> dict[bytes, KnownFailure]:
        from pagesight.storage.tables import catalog

        return catalog.known_failures(self._connection)

    def indexed_files(self) -> list[SourceFile]:
        from pagesight.storage.tables import catalog

        return catalog.indexed_files(self._connection)

    # What another store is made of

    def contents(self) -> list[StoredContent]:
        from pagesight.storage.tables import catalog

        return catalog.contents(self._connection)

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        from pagesight.storage.packing import packed_pages

        return packed_pages(self._snapshot, self._state, sha256)

    def close(self) -> None:
        self._snapshot.close()

    @property
    def _connection(self) -> Connection:
        """SQLAlchemy's, in the same transaction: for statements that are put together of parts."""
        return self._snapshot.connection

    def _places(self) -> Places:
        return self._state.places(self._snapshot)

    def _find(self, filters: str) -> PageIds:
        from sqlalchemy import select

        from pagesight.storage.tables.filter_sql import condition
        from pagesight.storage.tables.schema import document, page

        fits = condition(parse_filter(filters), pictures=self._state.has_pictures(self._snapshot))
        query = select(page.c.id).where(page.c.n_tokens > 0).order_by(page.c.id)
        cursor = self._connection.execute(query.join_from(page, document).where(fits)).cursor
        rows = [] if cursor is None else cursor.fetchall()  # plain tuples: half a million rows of SQLAlchemy take 0.5 s
        return np.array(rows, np.int64).reshape(-1)

    def _words_within(self, match: str, k: int, allowed: PageIds | None) -> Sequence[Any]:
        """The first ``k`` of these pages by words, of all that can be found for None. Many are looked for among the first of all,
        which takes SQLite less time than a long list of them.
        """
        places = self._places()
        if allowed is None:
            n_asked = k
            while (found := self._among_first(match, n_asked, k, places.has)) is None:  # hardly a page has words alone
                n_asked *= 4
            return found
        if len(allowed) > MANY_PAGES:
            n_asked = 2 * k * len(places.page_ids) // len(allowed)
            found = self._among_first(match, n_asked, k, lambda page_ids: np.isin(page_ids, allowed))
            if found is not None:
                return found
        return self._snapshot.rows(_WORDS_FILTERED_SQL, match, _listed(allowed), k)

    def _among_first(
        self, match: str, n_asked: int, k: int, fit: Callable[[PageIds], NDArray[np.bool_]]
    ) -> Sequence[Any] | None:
        """The first ``k`` pages that fit, looked for among the first ``n_asked`` of all; None if they may lie behind these."""
        rows = self._snapshot.rows(_WORDS_SQL, match, n_asked)
        fits = fit(np.array([page_id for page_id, _ in rows], np.int64))
        found = [row for row, fits_ in zip(rows, fits.tolist(), strict=True) if fits_]
        return found[:k] if len(found) >= k or len(rows) < n_asked else None

    def _find_file(self, location: bytes, nearby: bytes) -> Path:
        """Where the file is now: where it was, or in the same place relative to the index when both have moved."""
        moved = b"" if os.path.exists(location) else os.path.join(os.fsencode(self._folder.path), nearby)
        return _path(moved if moved and os.path.exists(moved) else location)

    def _refs(self, page_ids: PageIds) -> dict[int, tuple[RecordRef, int]]:
        """Record and token count of each page."""
        rows = self._snapshot.rows(_REFS_SQL, _listed(page_ids))
        refs = {page_id: (RecordRef(*where), n_tokens) for page_id, *where, n_tokens in rows}
        self._check_found(len(refs), len(page_ids))
        return refs

    @staticmethod
    def _check_found(n_found: int, n_asked: int) -> None:
        if n_found != n_asked:
            raise StoreCorrupt(f"{n_asked - n_found} pages are not in the database")

"""Reading an index in PostgreSQL: one snapshot of the database, and the same state of what is kept here to search it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import DimensionMismatch
from pagesight.storage.following.view import SearchedHere
from pagesight.storage.manifest import Space
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.postgres.database import Snapshot
from pagesight.storage.postgres.faults import database_errors
from pagesight.storage.postgres.packing import packed_pages
from pagesight.storage.postgres.record_cache import RecordCache
from pagesight.storage.postgres.records import RecordReader, fetch, remote_maxima
from pagesight.storage.stored import EncodedDetail, PageDetail, StoredContent, StoredDocument, StoredFailure, Totals
from pagesight.storage.tables import catalog
from pagesight.storage.values import KnownFailure, KnownFile, PackedPage, SourceFile
from pagesight.storage.vectors.segments import RecordRef, stored_words, unpack_boxes
from pagesight.storage.view import StoreView

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]
T = TypeVar("T")


class PostgresView(SearchedHere):
    """``pagesight.engine.index.View``; made by ``PostgresStore.view()``, for one thread at a time.

    What is kept here is opened when it is first needed: who only indexes never needs it.
    """

    def __init__(
        self,
        space: Space,
        address: str,
        snapshot: Snapshot,
        kept: StoreView | None,
        records: RecordCache,
        open_kept: Callable[[Snapshot, bool], tuple[Snapshot, StoreView]],
    ) -> None:
        """open_kept: a snapshot and the same state of what is kept; a later one of both unless told that something was asked."""
        self.space, self._address, self._snapshot, self._open_kept = space, address, snapshot, open_kept
        self._kept_view = kept
        self._codec = codec_named(space.codec, space.token_dim)
        self._reader = RecordReader(lambda: self._snapshot.connection, records)
        self._asked = False

    @property
    def generation(self) -> int:
        self._asked = True
        generation: int = self._snapshot.generation
        return generation

    @property
    def _kept(self) -> StoreView:
        if self._kept_view is None:
            self._snapshot, self._kept_view = self._open_kept(self._snapshot, self._asked)
        return self._kept_view

    def _in_database(self, ask: Callable[[Connection], T]) -> T:
        self._asked = True
        with database_errors(self._address):
            return ask(self._snapshot.connection)

    # Token vectors and words: of the database

    def maxima(self, tokens: Float, page_ids: PageIds, *, precise: bool = True, device: str | None = None) -> Float:
        if tokens.ndim != 2 or tokens.shape[1] != self.space.token_dim:  # before anything is on its way
            raise DimensionMismatch("query tokens", self.space.token_dim, tokens.shape[-1])
        places = self._kept._places()
        at = places.find(page_ids)
        ids, counts = places.offsets[at], places.counts[at]
        return self._in_database(
            lambda _: remote_maxima(self._reader, self._codec, tokens, ids, counts, precise=precise, device=device)
        )

    def details(self, page_ids: PageIds) -> dict[int, PageDetail]:
        refs = self._kept._refs(page_ids)
        ids = [ref.offset for ref, _ in refs.values()]
        texts = self._in_database(lambda connection: fetch(connection, "words, boxes", ids))
        records = self._records(refs.values())
        details: dict[int, PageDetail] = {}
        for page_id, (ref, n_tokens) in refs.items():
            record, (words, boxes) = records[ref.offset], texts[ref.offset]
            codes, where = record[: self._codec.n_bytes(n_tokens)], unpack_boxes(record, n_tokens)
            details[page_id] = EncodedDetail(self._codec, codes, where, stored_words(words, boxes))
        return details

    def tokens(self, page_ids: PageIds) -> MultiVectors:
        refs = self._kept._refs(page_ids)
        records = self._records(refs.values())
        pages = []
        for ref, n_tokens in (refs[page_id] for page_id in page_ids.tolist()):
            pages.append(self._codec.decode(records[ref.offset][: self._codec.n_bytes(n_tokens)], n_tokens))
        return MultiVectors.from_pages(pages, self.space.token_dim)

    def _records(self, refs: Collection[tuple[RecordRef, int]]) -> dict[int, memoryview]:
        """By their ids."""
        ids, n_bytes = [ref.offset for ref, _ in refs], sum(ref.n_bytes for ref, _ in refs)
        return self._in_database(lambda _: dict(self._reader.read(ids, n_bytes)))

    # What is in the index

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        if filters is not None:
            return self._kept.documents(filters)
        return self._in_database(catalog.list_documents)

    def failures(self) -> list[StoredFailure]:
        return self._in_database(catalog.list_failures)

    def totals(self) -> Totals:
        return self._in_database(catalog.totals)

    def known_files(self) -> dict[bytes, KnownFile]:
        return self._in_database(catalog.known_files)

    def known_failures(self) -> dict[bytes, KnownFailure]:
        return self._in_database(catalog.known_failures)

    def indexed_files(self) -> list[SourceFile]:
        return self._in_database(catalog.indexed_files)

    # What another store is made of

    def contents(self) -> list[StoredContent]:
        return self._in_database(catalog.contents)

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        self._asked = True
        with database_errors(self._address):
            yield from packed_pages(self._snapshot.connection, self.space, sha256)

    def close(self) -> None:
        if self._kept_view is not None:
            self._kept_view.close()
        self._snapshot.close()

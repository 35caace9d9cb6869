"""Reading an index in Qdrant: the same state of what is kept here, and the points of its pages, which never change."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import ConfigError, DimensionMismatch, StorageError, StoreCorrupt
from pagesight.storage.following.view import SearchedHere
from pagesight.storage.manifest import Space
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.qdrant.opened import Opened
from pagesight.storage.qdrant.payload import packed_page
from pagesight.storage.qdrant.points import AT_ONCE, TOKENS, Payload, asking
from pagesight.storage.stored import EncodedDetail, PageDetail, StoredContent, StoredDocument, StoredFailure, Totals
from pagesight.storage.tables.schema import document, page
from pagesight.storage.values import KnownFailure, KnownFile, PackedPage, SourceFile
from pagesight.storage.vectors.segments import stored_words, unpack_boxes
from pagesight.storage.view import StoreView

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]
SCORES_AT_ONCE = 50_000  # of a request: for each of them an id and a number come back


@dataclass(slots=True)
class State:
    """What is kept here, in one state. filled: it can be searched."""

    view: StoreView
    generation: int
    filled: bool


class QdrantView(SearchedHere):
    """``pagesight.engine.index.View``; made by ``QdrantStore.view()``, for one thread at a time."""

    def __init__(self, space: Space, address: str, opened: Opened, state: State, fill: Callable[[], State]) -> None:
        """opened: closed with the view. fill: the present state, filled."""
        self.space, self._address, self._opened, self._state, self._fill = space, address, opened, state, fill
        self._codec = codec_named(space.codec, space.token_dim)
        self._asked = False

    @property
    def generation(self) -> int:
        _ = self._kept  # who asks which state it is goes on to search it
        return self._state.generation

    @property
    def _known(self) -> StoreView:
        self._asked = True
        return self._state.view

    @property
    def _kept(self) -> StoreView:
        if not self._state.filled:
            before, self._state = self._state, self._fill()
            before.view.close()
            if self._asked and before.generation != self._state.generation:
                raise StorageError(f"the index {self._address} has changed meanwhile; ask again")
        self._asked = True
        return self._state.view

    # Token vectors and words: of the points

    def maxima(self, tokens: Float, page_ids: PageIds, *, precise: bool = True, device: str | None = None) -> Float:  # noqa: ARG002
        """As Qdrant scores them, from vectors in half precision. Raises ConfigError for a device: they are compared where they lie."""
        if device is not None:
            raise ConfigError(f"{self._address} scores pages itself, and not on {device}; leave the device out")
        if tokens.ndim != 2 or tokens.shape[1] != self.space.token_dim:
            raise DimensionMismatch("query tokens", self.space.token_dim, tokens.shape[-1])
        places = self._kept._places()
        unique, inverse = np.unique(places.offsets[places.find(page_ids)], return_inverse=True)
        maxima, rows = np.empty((len(tokens), len(unique)), np.float32), tokens.tolist()
        n = max(1, SCORES_AT_ONCE // max(len(rows), 1))
        for first in range(0, len(unique), n):
            ids = unique[first : first + n].tolist()
            maxima[:, first : first + len(ids)] = self._scores(rows, ids)
        return np.take(maxima, inverse, axis=1)

    def _scores(self, rows: list[list[float]], ids: list[int]) -> Float:
        place = {point: at for at, point in enumerate(ids)}
        with asking(self._address):
            answers = self._opened.points.maxima(TOKENS, rows, ids)
        scores = np.empty((len(rows), len(ids)), np.float32)
        for row, answer in zip(scores, answers, strict=True):
            if len(answer) != len(ids):
                raise self._missing(len(ids) - len(answer))
            for point, score in answer:
                row[place[int(point)]] = score
        return scores

    def details(self, page_ids: PageIds) -> dict[int, PageDetail]:
        details: dict[int, PageDetail] = {}
        for page_id, packed, record, n_tokens in self._records(page_ids):
            codes = memoryview(record)[: self._codec.n_bytes(n_tokens)]
            words = stored_words(packed["words"], b64decode(packed["word_boxes"]))
            details[page_id] = EncodedDetail(self._codec, codes, unpack_boxes(record, n_tokens), words)
        return details

    def tokens(self, page_ids: PageIds) -> MultiVectors:
        found = {
            page_id: self._codec.decode(record[: self._codec.n_bytes(n)], n)
            for page_id, _, record, n in self._records(page_ids)
        }
        return MultiVectors.from_pages([found[page_id] for page_id in page_ids.tolist()], self.space.token_dim)

    def _records(self, page_ids: PageIds) -> Iterator[tuple[int, Payload, bytes, int]]:
        """(page id, what is packed of it, its record, count of token vectors), each compared with its checksum."""
        refs = list(self._kept._refs(page_ids).items())
        for first in range(0, len(refs), AT_ONCE):
            some = refs[first : first + AT_ONCE]
            with asking(self._address):
                found = self._opened.points.retrieve([ref.offset for _, (ref, _) in some], ["packed"])
            for page_id, (ref, n_tokens) in some:
                if ref.offset not in found:
                    raise self._missing(1)
                packed = found[ref.offset]["packed"]
                record = b64decode(packed["record"])
                if zlib.crc32(record) != ref.crc32:
                    raise StoreCorrupt(f"the token vectors of page id {page_id} are damaged in {self._address}")
                yield page_id, packed, record, n_tokens

    def _missing(self, n: int) -> StoreCorrupt:
        return StoreCorrupt(
            f"{n} points of pages are not in {self._address}: they were deleted there, or removed from the index so long ago that "
            "this view is too old"
        )

    # What is in the index

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        return self._known.documents(filters)

    def failures(self) -> list[StoredFailure]:
        return self._known.failures()

    def totals(self) -> Totals:
        return self._known.totals()

    def known_files(self) -> dict[bytes, KnownFile]:
        return self._known.known_files()

    def known_failures(self) -> dict[bytes, KnownFailure]:
        return self._known.known_failures()

    def indexed_files(self) -> list[SourceFile]:
        return self._known.indexed_files()

    # What another store is made of

    def contents(self) -> list[StoredContent]:
        return self._known.contents()

    def packed_pages(self, sha256: str) -> Iterator[PackedPage]:
        query = (
            select(page.c.number, page.c.offset, page.c.crc32)
            .join_from(page, document)
            .where(document.c.sha256 == sha256)
            .order_by(page.c.id)
        )
        rows = self._known._connection.execute(query).all()
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            with asking(self._address):
                found = self._opened.points.retrieve([row.offset for row in some])
            for row in some:
                if row.offset not in found:
                    raise self._missing(1)
                packed = packed_page(found[row.offset])
                if zlib.crc32(packed.record) != row.crc32:
                    raise StoreCorrupt(f"the token vectors of page {row.number} are damaged in {self._address}")
                yield packed

    def close(self) -> None:
        self._state.view.close()
        self._opened.close()

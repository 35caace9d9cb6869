"""An index in Qdrant: open it, view it, write to it, and ask it in Qdrant's own way."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import FormatVersionMismatch, StorageError, StoreClosed, StoreNotFound
from pagesight.storage.folder import FaultPoint
from pagesight.storage.following.current import Current
from pagesight.storage.manifest import FORMAT_VERSION, Space
from pagesight.storage.qdrant.address import QdrantAddress
from pagesight.storage.qdrant.cache import Cache
from pagesight.storage.qdrant.log import Log
from pagesight.storage.qdrant.opened import Opened
from pagesight.storage.qdrant.payload import FORMAT, PAGE, SPACE, named, space_point
from pagesight.storage.qdrant.points import MEANS, SINGLE, TOKENS, Payload, Points, asking
from pagesight.storage.qdrant.tidying import sweep
from pagesight.storage.qdrant.view import QdrantView, State
from pagesight.storage.qdrant.writer import QdrantWriter
from pagesight.storage.stored import Examination, Exported, Optimized

N_SINGLE, N_MEANS = 1000, 50  # pages that each stage of Qdrant's own query leaves to the next
GRACE_S = 3600.0  # for which views go on that were opened before a page was removed


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page that Qdrant found. score: MaxSim of the question, from token vectors in half precision."""

    sha256: str
    page: int
    documents: tuple[str, ...]
    score: float


class QdrantStore(Closing):
    """``pagesight.engine.index.Store`` in a collection. Any number of processes and machines may read and write it at once;
    Edge lets one process at a time.
    """

    def __init__(self, address: str, *, grace_s: float = GRACE_S) -> None:
        """Open an index. grace_s: for so long the points of pages stay that are no more in the index.

        Raises StoreNotFound, StoreLocked, FormatVersionMismatch, ConfigError, ExtraMissing, StorageError if it cannot be reached.
        """
        self._place, self._grace_s = QdrantAddress.parse(address), grace_s
        self._opened = Opened(self._place)
        try:
            payload = _described(self.address, self._opened.points)
        except BaseException:
            self._opened.close()
            raise
        self.space, self._store_id = Space(**payload["space"]), payload["store_id"]
        self._log = Log(self.address, self._opened.points)
        self._copies = Current(
            self.cache_folder,
            lambda: Cache(self.cache_folder, self.space, self.address, self._opened.points, self._log),
        )
        self._searched = self._closed = False

    @classmethod
    def create(cls, address: str, space: Space) -> Self:
        """Make an empty collection, or open the one that is there."""
        codec_named(space.codec, space.token_dim)
        place = QdrantAddress.parse(address)
        with Opened(place) as opened:
            with asking(place.shown):
                opened.points.create(space.single_dim, space.token_dim)
                opened.points.insert([space_point(space, uuid.uuid4().hex)])
            return cls(address)

    @property
    def address(self) -> str:
        return self._place.shown

    @property
    def scored_by(self) -> str:
        """What compares token vectors, to be shown."""
        return "Qdrant, in half precision"

    @property
    def cache_folder(self) -> Path:
        """What searches here keep of this index."""
        root = Path(self._opened.keeper.name) if self._place.in_memory else self._place.cache
        return root / f"{self._place.cache_folder(self._store_id)}-{FORMAT_VERSION}"

    def view(self) -> QdrantView:
        """Read in one consistent state, whatever writers do meanwhile, for an hour at least. Close it, or use it by ``with``."""
        self._check_open()
        state = self._state(filled=self._searched)  # who has searched will search again: nothing is asked yet
        return QdrantView(self.space, self.address, self._opened.again(), state, self._filled)

    def _filled(self) -> State:
        self._searched = True
        return self._state(filled=True)

    def _state(self, *, filled: bool) -> State:
        return State(*self._copies.use(partial(Cache.view, filled=filled)))

    @contextmanager
    def writer(self, fault: FaultPoint | None = None) -> Iterator[QdrantWriter]:
        """Writes beside others: each change takes its turn."""
        self._check_open()
        with self._opened.again() as opened:
            yield QdrantWriter(self._copies, self.address, opened.points, self._log, self.space, fault)
            self._clean()

    def optimize(self) -> Optimized:
        """Delete the points of pages that were removed longer ago than views may last, and let Edge give back their space."""
        self._check_open()
        before = self.bytes_on_disk()
        self._clean()
        return Optimized(bytes_before=before, bytes_after=self.bytes_on_disk(), bytes_written=0, n_pages_moved=0)

    def _clean(self) -> None:
        self._copies.use(lambda cache: sweep(cache, self.address, self._opened.points, self._grace_s))
        with asking(self.address):
            self._opened.points.settle()

    def examine(self, *, drop_damaged: bool = False) -> Examination:
        """Read and compare all points of pages, their vectors too; views go on."""
        from pagesight.storage.qdrant.care import examine

        self._check_open()
        writer = QdrantWriter(self._copies, self.address, self._opened.points, self._log, self.space)
        with self._opened.again() as opened, self._state(filled=False).view as view:
            return examine(view, self.address, opened.points, self.space, writer if drop_damaged else None)

    def export(self, target: Path, *, overwrite: bool = False) -> Exported:  # noqa: ARG002 - as every store's
        """Raises StorageError: Qdrant has snapshots of its own."""
        raise StorageError(
            f"{self.address} is in Qdrant, which has snapshots of its own; for a file, copy it into a folder first"
        )

    def bytes_on_disk(self) -> int:
        """Space that an Edge folder takes. A server does not say: then what is sent for all pages, which is less than they take."""
        self._check_open()
        with asking(self.address):
            there = self._opened.points.n_bytes()
        if there is not None:
            return there
        with self._state(filled=False).view as view:
            totals = view.totals()
        n_values = totals.n_pages * (self.space.single_dim + 32 * self.space.token_dim)
        return totals.token_bytes + 2 * (n_values + totals.n_tokens * self.space.token_dim)

    def search(
        self,
        single: NDArray[np.float32],
        tokens: NDArray[np.float32],
        k: int = 10,
        *,
        exact: bool = False,
        n_single: int = N_SINGLE,
        n_means: int = N_MEANS,
        match: dict[str, str] | None = None,
    ) -> list[FoundPage]:
        """The best pages by Qdrant's own query, in one call: the best by single vector, of these by means, of these by MaxSim.

        single: (d_s,) float32. tokens: (n_query_tokens, d_t) float32, of a question. exact: MaxSim of every page.
        match: fields of the payload that must be so, as {"kind": "pdf"}.
        """
        self._check_open()
        stages = [(SINGLE, single.tolist(), n_single), (MEANS, tokens.tolist(), n_means), (TOKENS, tokens.tolist(), k)]
        with asking(self.address):
            found = self._opened.points.query(
                stages[2:] if exact else stages, {**(match or {}), "what": PAGE}, ["sha256", "page", "document"]
            )
        return [FoundPage(p["sha256"], p["page"], tuple(p.get("document", ())), score) for p, score in found]

    def close(self) -> None:
        """Let go of everything. Views that are open go on until they are closed."""
        self._closed = True
        self._copies.close()
        self._opened.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(self.address)


def _described(address: str, points: Points) -> Payload:
    """What the collection says of itself. Raises StoreNotFound, FormatVersionMismatch."""
    with asking(address):
        described = points.retrieve([named(SPACE)]) if points.exists() else {}
    if not described:
        raise StoreNotFound(address)
    payload = described[named(SPACE)]
    if payload["format"] != FORMAT:
        raise FormatVersionMismatch(address, payload["format"], FORMAT)
    return payload

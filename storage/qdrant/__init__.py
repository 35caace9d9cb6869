"""An index as points of Qdrant, for those who have a cluster: copied in, searched there by Qdrant itself, and copied out again.

    qdrant://HOST[:PORT]/COLLECTION    a server, qdrants:// with TLS; its key in the environment variable QDRANT_API_KEY
    qdrant:///FOLDER                   Qdrant Edge, the server's core in this process
    qdrant://:memory:/NAME             the client's local mode, for tests

A page is a point with three vectors (one, 32 means, all of its tokens) in half precision, and its bytes as stores keep them.
Tested on Qdrant Edge and on the client's local mode, never on a server. Qdrant has no transaction over points: a document counts
once its own point is written, which comes last; who searches the points of pages directly may see part of one meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.closing import Closing
from pagesight.storage.errors import FormatVersionMismatch, StoreNotFound
from pagesight.storage.manifest import Space
from pagesight.storage.qdrant.payload import DOCUMENT, FAILURE, FORMAT, PAGE, SPACE, catalogue_of, point_id, space_point
from pagesight.storage.qdrant.points import MEANS, SINGLE, TOKENS, Points, asking, points_at
from pagesight.storage.qdrant.view import QdrantView
from pagesight.storage.qdrant.writer import QdrantWriter

N_SINGLE, N_MEANS = 1000, 50  # pages that each stage leaves to the next
_in_memory: dict[str, Points] = {}


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page that Qdrant found. score: MaxSim of the question, from token vectors in half precision."""

    sha256: str
    page: int
    documents: tuple[str, ...]
    score: float


class QdrantPages(Closing):
    """``pagesight.storage.moving.ends.End``."""

    def __init__(self, address: str, points: Points | None = None) -> None:
        """Open what is there. Raises StoreNotFound, ConfigError, ExtraMissing, StorageError if it cannot be reached."""
        self.address, self._points = address, points or _points(address)
        with asking(address):
            described = self._points.retrieve([point_id(SPACE)]) if self._points.exists() else {}
        if not described:
            self.close()
            raise StoreNotFound(address)
        payload = described[point_id(SPACE)]
        if payload["format"] != FORMAT:
            raise FormatVersionMismatch(Path(address), payload["format"], FORMAT)
        self.space = Space(**payload["space"])

    @classmethod
    def create(cls, address: str, space: Space) -> Self:
        """Make an empty collection, or open the one that is there."""
        points = _points(address)
        with asking(address):
            if not points.exists():
                points.create(space.single_dim, space.token_dim)
            if not points.retrieve([point_id(SPACE)]):
                points.upsert([space_point(space)])
        return cls(address, points)

    def view(self) -> QdrantView:
        """What is there now. Pages of documents that are replaced meanwhile are missed."""
        with asking(self.address):
            documents, failures = (list(self._points.scroll({"what": what})) for what in (DOCUMENT, FAILURE))
        return QdrantView(self.address, self._points, catalogue_of(documents, failures))

    @contextmanager
    def writer(self) -> Iterator[QdrantWriter]:
        """Qdrant knows no lock: that nobody else writes is the caller's affair."""
        with asking(self.address):
            orders = [payload["order"] for payload in self._points.scroll({"what": DOCUMENT}, without=("pages",))]
            yield QdrantWriter(self._points, self.space, self.view().catalogue, 1 + max(orders, default=0))
            self._points.settle()

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
        stages = [(SINGLE, single.tolist(), n_single), (MEANS, tokens.tolist(), n_means), (TOKENS, tokens.tolist(), k)]
        with asking(self.address):
            found = self._points.query(
                stages[2:] if exact else stages, {**(match or {}), "what": PAGE}, ["sha256", "page", "document"]
            )
        return [FoundPage(p["sha256"], p["page"], tuple(p.get("document", ())), score) for p, score in found]

    def close(self) -> None:
        if self.address not in _in_memory:
            self._points.close()


def _points(address: str) -> Points:
    if "://:memory:/" not in address:
        with asking(address):
            return points_at(address)
    if address not in _in_memory:
        _in_memory[address] = points_at(address)
    return _in_memory[address]

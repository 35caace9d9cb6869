"""Points of Qdrant, wherever they are: a server or the client's local mode (client), Qdrant Edge in a folder (edge).

A point has an id (a number, or a UUID), named vectors or none, and a payload that is JSON. What is asked of each of the three is
this protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from pagesight.storage.errors import ExtraMissing, StorageError

SINGLE, MEANS, TOKENS = "single", "means", "tokens"
AT_ONCE = 20  # points an update
SCROLLED = 256  # points a page of a listing
KEYWORDS = ("what", "draft", "document", "folder", "kind")  # payload fields with an index, for filters
PointId = int | str  # a number, or a UUID in its usual form
Payload = dict[str, Any]
Vectors = dict[str, Any]  # by name: a list of floats, or a list of them
Where = dict[str, str] | Sequence[PointId]  # fields of the payload by equality, or ids


@dataclass(frozen=True, slots=True)
class NewPoint:
    id: PointId
    payload: Payload
    vectors: Vectors = field(default_factory=dict)


class Points(Protocol):
    """One collection. Payloads are read whole, or only these ``fields`` of them."""

    def exists(self) -> bool: ...
    def create(self, single_dim: int, token_dim: int) -> None:
        """Make the collection unless it is there: single vectors with HNSW, means and tokens compared one by one."""

    def insert(self, points: Sequence[NewPoint]) -> None:
        """Write those whose ids are not there yet, in the order in which everybody sees them; the others stay as they are."""

    def upsert(self, points: Sequence[NewPoint]) -> None:
        """Write points, and wait until they are there."""

    def delete(self, ids: Sequence[PointId]) -> None:
        """Those of these that are there."""

    def set_payload(self, fields: Payload, where: Where) -> None:
        """Set these fields of the points that are there; their others stay."""

    def scroll(self, match: dict[str, str], fields: Sequence[str]) -> Iterator[tuple[PointId, Payload]]:
        """All points that match, in any order."""

    def retrieve(self, ids: Sequence[PointId], fields: Sequence[str] | None = None) -> dict[PointId, Payload]:
        """Payloads by id, of those that are there, as the last acknowledged write left them."""

    def vectors(self, ids: Sequence[PointId]) -> dict[PointId, Vectors]: ...
    def query(
        self, stages: Sequence[tuple[str, Any, int]], match: dict[str, str], fields: Sequence[str]
    ) -> list[tuple[Payload, float]]:
        """Stages (vector name, query, how many go on), one choosing from what the last has left: payloads and scores, best first."""

    def maxima(self, name: str, rows: Sequence[Any], ids: Sequence[PointId]) -> list[list[tuple[PointId, float]]]:
        """For each of these vectors its best dot product on each of these points, in any order."""

    def settle(self) -> None:
        """Build indexes and give back space, where nobody does it in the background."""

    def n_bytes(self) -> int | None:
        """What it takes on the disk; None where that cannot be known."""

    def close(self) -> None: ...


def library(name: str) -> Any:
    """Raises ExtraMissing."""
    try:
        return import_module(name)
    except ImportError:
        raise ExtraMissing(f"the package {name.replace('_', '-')}", "qdrant") from None


@contextmanager
def asking(address: str) -> Iterator[None]:
    """Turn what Qdrant's libraries raise into StorageError."""
    try:
        yield
    except Exception as error:
        theirs = type(error).__module__.startswith(("qdrant", "httpx")) or type(error) is Exception  # Edge has no other
        if not theirs:
            raise
        raise StorageError(f"{address} does not answer as it should: {error}") from error

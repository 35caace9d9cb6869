"""The log of an index in Qdrant: its changes in their order, a point each, with the numbers 1, 2, 3, ... as ids.

Qdrant has no transactions, but a point is written whole or not at all, and only one writer gets a number: Qdrant inserts a point
unless there is one with its id. So a change that has a number has happened, for everybody at once, and after all with lower ones.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pagesight.storage.errors import PageTooLarge, StorageError, StoreCorrupt
from pagesight.storage.qdrant.changes import CHANGES, Change
from pagesight.storage.qdrant.payload import CHANGE, PROBE, named
from pagesight.storage.qdrant.points import NewPoint, PointId, Points, asking
from pagesight.storage.values import now

READ_AT_ONCE = 64
MAX_BYTES = 24 << 20  # of a change, as JSON: servers take requests of 32 MB


@dataclass(frozen=True, slots=True)
class Entry:
    """generation: its number. mark: random, tells histories apart. changed: SHA-256 of documents that look different after it."""

    generation: int
    mark: int
    at: str
    changed: Sequence[str]
    change: Change


class Log:
    """Of one collection."""

    def __init__(self, address: str, points: Points) -> None:
        self._address, self._points, self._checked = address, points, False

    def after(self, generation: int, mark: int) -> list[Entry]:
        """The next entries, not more than READ_AT_ONCE; none if this was the last. mark: of the entry ``generation``.

        Raises StorageError if that entry is not in this log, StoreCorrupt.
        """
        marks = self._marks([generation, generation + 1])  # as a rule there is no other
        if generation and marks.get(generation) != mark:
            raise StorageError(
                f"{self._address} is not what it was: a later state was seen here, as after restoring a snapshot"
            )
        if generation + 1 not in marks:
            return []
        return list(_without_gap(self._read(range(generation + 1, generation + 1 + READ_AT_ONCE)), generation + 1))

    def between(self, first: int, last: int) -> Iterator[Entry]:
        """Entries after ``first``, up to ``last``. Raises StoreCorrupt if one is missing."""
        for start in range(first + 1, last + 1, READ_AT_ONCE):
            ids = range(start, min(start + READ_AT_ONCE, last + 1))
            found = self._read(ids)
            if len(found) < len(ids):
                raise StoreCorrupt(f"{len(ids) - len(found)} entries of the log of {self._address} are missing")
            yield from (found[i] for i in ids)

    def append(self, generation: int, changed: Sequence[str], change: Change) -> bool:
        """Write the entry with this number; False if another has written it meanwhile. Raises PageTooLarge."""
        self._check_inserts()
        mark = secrets.randbits(62)
        payload = {
            "what": CHANGE,
            "mark": mark,
            "at": now(),
            "changed": sorted(changed),
            "verb": change.verb,
            "fields": change.fields(),
        }
        n_bytes = len(json.dumps(payload))
        if n_bytes > MAX_BYTES:
            raise PageTooLarge(
                f"what is noted of this document takes {n_bytes:,} bytes, and Qdrant takes no more than {MAX_BYTES:,}; "
                "divide the file"
            )
        with asking(self._address):
            self._points.insert([NewPoint(generation, payload)])
        return self._marks([generation]).get(generation) == mark

    def _marks(self, ids: Sequence[int]) -> dict[PointId, int]:
        with asking(self._address):
            found = self._points.retrieve(ids, ["mark"])
        return {number: payload["mark"] for number, payload in found.items()}

    def _read(self, ids: Sequence[int]) -> dict[int, Entry]:
        with asking(self._address):
            found = self._points.retrieve(ids)
        try:
            return {
                int(number): Entry(
                    generation=int(number),
                    mark=payload["mark"],
                    at=payload["at"],
                    changed=payload["changed"],
                    change=CHANGES[payload["verb"]].of(payload["fields"]),
                )
                for number, payload in found.items()
            }
        except (KeyError, TypeError, ValueError) as error:
            raise StoreCorrupt(f"the log of {self._address} is not what was written ({error})") from error

    def _check_inserts(self) -> None:
        """That an insert leaves a point alone that is there; old servers write over it without a word. Raises StorageError."""
        if self._checked:
            return
        with asking(self._address):
            for mark in (secrets.randbits(62), secrets.randbits(62)):
                self._points.insert([NewPoint(named(PROBE), {"what": PROBE, "mark": mark})])
            seen = self._points.retrieve([named(PROBE)])[named(PROBE)]["mark"]
        if seen == mark:
            raise StorageError(
                f"{self._address} is of a version that cannot insert without overwriting (update_mode of upserts), so that two "
                "writers could undo each other's work; upgrade Qdrant"
            )
        self._checked = True


def _without_gap(found: dict[int, Entry], first: int) -> Iterator[Entry]:
    """A number that is missing is being written, and those after it were read later."""
    number = first
    while number in found:
        yield found[number]
        number += 1

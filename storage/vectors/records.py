"""Reading the encoded token vectors of chosen pages: in the order they lie on disk, a part at a time, from any thread.

Measured on a virtual disk: asking for all pages before reading them (POSIX_FADV_WILLNEED) and reading them in order is 17
to 48 times faster than touching a cold memory map. Warm, reading into a buffer that stays in the processor's cache costs what
the page faults of a new map cost. Nothing stays mapped, so resident memory does not grow with what was touched.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.scoring.layout import Records
from pagesight.storage.vectors.codecs import TokenCodec
from pagesight.storage.vectors.segments import SegmentReader

PART_BYTES = 1 << 21  # read and scored at a time: with less, calls cost as much as the work
LOOKED_AT = 8  # pages that tell whether the others are in memory
Integers = NDArray[np.int64]
_local = threading.local()  # each thread reads into a buffer of its own, again and again


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the records of pages lie, and how many token vectors each has. All (n_pages,) int64, by ascending page id."""

    page_ids: Integers
    segments: Integers
    offsets: Integers
    counts: Integers

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, int]]) -> Places:
        """rows: (page id, segment, offset, count), by ascending page id."""
        return cls(*np.array(rows, np.int64).reshape(-1, 4).T.copy())

    def has(self, page_ids: Integers) -> NDArray[np.bool_]:
        """For each of these pages whether it is there."""
        ends = np.searchsorted(self.page_ids, page_ids, "right")
        return np.asarray(ends > np.searchsorted(self.page_ids, page_ids))

    def find(self, page_ids: Integers) -> Integers:
        """Positions of these pages in the arrays. Raises StoreCorrupt for a page that is not there."""
        at = np.searchsorted(self.page_ids, page_ids)
        missing = int((self.page_ids[np.minimum(at, len(self.page_ids) - 1)] != page_ids).sum()) if len(page_ids) else 0
        if missing:
            raise StoreCorrupt(f"{missing} pages are not in the database")
        return at


@dataclass(frozen=True, slots=True, eq=False)
class PageRecords:
    """Pages to be read. ``order`` sorts the asked-for pages into the order of the disk, in which all else is."""

    reader: SegmentReader
    codec: TokenCodec
    segments: Integers
    offsets: Integers
    counts: Integers  # token vectors of each
    order: Integers

    @classmethod
    def of(cls, reader: SegmentReader, codec: TokenCodec, places: Places, page_ids: Integers) -> PageRecords:
        """Raises StoreCorrupt for a page without a place."""
        at = places.find(page_ids)
        order = np.lexsort((places.offsets[at], places.segments[at]))
        at = at[order]
        return cls(reader, codec, places.segments[at], places.offsets[at], places.counts[at], order)

    def parts(self, part_bytes: int = PART_BYTES) -> list[slice]:
        """Slices of the sorted pages with about so many bytes each, and at least one page."""
        ends = np.cumsum(self.counts * self.codec.n_bytes(1))
        edges = np.flatnonzero(np.diff(ends // part_bytes)) + 1
        bounds = [0, *edges.tolist(), len(ends)]
        return [slice(a, b) for a, b in pairwise(bounds) if a < b]

    def prefetch(self) -> None:
        """If they do not seem to be in memory, let the system read them all in the background, where it can."""
        where = list(zip(self.segments.tolist(), self.offsets.tolist(), strict=True))
        some = where[:: max(1, len(where) // LOOKED_AT)]
        if hasattr(os, "posix_fadvise") and not all(self.reader.in_memory(*place) for place in some):
            for (segment, offset), count in zip(where, self.counts.tolist(), strict=True):
                self.reader.advise(segment, offset, self.codec.n_bytes(count))

    def read(self, part: slice) -> Records:
        """The pages of a part, valid until this thread reads the next. Raises StoreCorrupt."""
        counts = self.counts[part]
        sizes = counts * self.codec.n_bytes(1)
        buffer, starts = side_by_side(sizes)
        self.reader.read_into(self.segments[part], self.offsets[part], sizes, buffer, starts)
        return Records(buffer, starts, counts)


def side_by_side(sizes: Integers) -> tuple[bytearray, Integers]:
    """Room for pages of so many bytes: this thread's buffer, until it asks again, and where each begins, on a cache line."""
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum((sizes + 63) // 64 * 64)])
    buffer: bytearray | None = getattr(_local, "buffer", None)
    if buffer is None or len(buffer) < starts[-1]:
        buffer = _local.buffer = bytearray(max(int(starts[-1]), 2 * PART_BYTES))
    return buffer, starts[:-1]

"""Groups of unequal size that lie end to end: words of lines, lines of blocks, blocks of pages.

Groups are told by where each begins, so many pages cost no more calls of numpy than one. No group is empty. Members are picked by
``take``, which takes a half to a fifth of the time of an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

AT_ONCE = 1 << 18  # pairs of a box and a point that are looked at at a time
APART = 4.0  # between the tops of two pages: farther than any box reaches


def ends(counts: Integers) -> Integers:
    """Where each group of so many members begins, and at last where all end: (n_groups + 1,)."""
    found = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=found[1:])
    return found


def starts(new: Flags, pages: Integers | None = None) -> Integers:
    """Where groups begin, from whether each member but the first begins one; with every page begins one anyhow.

    pages: (n_pages + 1,) where each page's members begin, and where all end; None for one page.
    """
    if pages is not None:
        new[pages[1:-1] - 1] = True
    return np.concatenate([[0], np.flatnonzero(new) + 1])


def counts_of(first: Integers, n: int) -> Integers:
    """How many members each group of n in all has."""
    counts = np.empty_like(first)
    counts[:-1], counts[-1] = first[1:], n
    counts -= first
    return counts


def bounds(boxes: Float, first: Integers) -> Float:
    """The box around each group of boxes: (n_groups, 4)."""
    found = np.empty((len(first), 4), np.float32)
    for side, reach in enumerate((np.minimum, np.minimum, np.maximum, np.maximum)):
        found[:, side] = reach.reduceat(boxes[:, side], first)  # side by side it takes twice as long
    return found


def slices(pages: Integers) -> Iterator[slice]:
    """The members of each page."""
    edges = pages.tolist()
    return map(slice, edges[:-1], edges[1:])


def runs(first: Integers, counts: Integers) -> Integers:
    """first[0], first[0] + 1, ..., counts[0] numbers in all, then those of the next group; counts may be 0."""
    total = int(counts.sum())
    return np.arange(total) + np.repeat(first - np.cumsum(counts) + counts, counts)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Places on pages, sorted by page and height, to be asked which of them lie in boxes."""

    x: Float
    heights: NDArray[np.float64]  # ascending; page p's are moved down by p * APART, which float64 holds exactly
    order: Integers

    @classmethod
    def of_middles(cls, boxes: Float, pages: Integers) -> Points:
        """The middles of (n, 4) boxes. pages: (n,) the page of each."""
        heights = (boxes[:, 1] + boxes[:, 3]) / 2 + APART * pages
        order = np.argsort(heights, kind="stable")
        across = np.asarray((boxes[:, 0] + boxes[:, 2]) / 2, np.float32)
        return cls(across.take(order), heights.take(order), order)

    def inside(self, boxes: Float, pages: Integers) -> tuple[Integers, Integers]:
        """All pairs of a box and a point that lies in it or on its edge: indices of boxes, ascending, and of points.

        boxes: (n, 4). pages: (n,) the page of each, whose points alone are looked at.
        """
        first = np.searchsorted(self.heights, boxes[:, 1] + APART * pages, "left")
        counts = np.maximum(np.searchsorted(self.heights, boxes[:, 3] + APART * pages, "right") - first, 0)
        edges = ends(counts)
        found_boxes, found_points = [], []
        begin = 0
        while begin < len(boxes):  # mostly once
            stop = max(int(np.searchsorted(edges, edges[begin] + AT_ONCE, "right")) - 1, begin + 1)
            box = np.repeat(np.arange(begin, stop), counts[begin:stop])
            at = runs(first[begin:stop], counts[begin:stop])
            x = self.x.take(at)
            inside = np.flatnonzero((boxes[:, 0].take(box) <= x) & (x <= boxes[:, 2].take(box)))
            found_boxes.append(box.take(inside))
            found_points.append(self.order.take(at.take(inside)))
            begin = stop
        nothing = np.empty(0, np.int64)
        return np.concatenate([*found_boxes, nothing]), np.concatenate([*found_points, nothing])

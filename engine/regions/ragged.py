"""Groups of unequal size that lie end to end: words of lines, lines of blocks, blocks of pages.

Groups are told by where each begins, so many pages cost no more calls of numpy than one. No group is empty. Members are picked by
``take``, which takes a half to a fifth of the time of an index, and methods are called where there are such: numpy's functions go by
them, and take two or three times as long on a page. What numpy does group by group is done by the extension
(``_groups.c``), where it was compiled.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

try:
    from pagesight.engine.regions import _regions
except ImportError:  # no compiler was there at installation
    _regions = None  # type: ignore[assignment]

Float = NDArray[np.float32]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

AT_ONCE = 1 << 18  # pairs of a box and a point that numpy looks at at a time
APART = 4.0  # between the tops of two pages: farther than any box reaches


def ends(counts: Integers) -> Integers:
    """Where each group of so many members begins, and at last where all end: (n_groups + 1,)."""
    found = np.zeros(len(counts) + 1, np.int64)
    counts.cumsum(out=found[1:])
    return found


def members(edges: Integers) -> Integers:
    """How many each group has, of where each begins and where all end."""
    return edges[1:] - edges[:-1]


def owners(edges: Integers) -> Integers:
    """The group of each member: (n_members,)."""
    return np.arange(len(edges) - 1).repeat(members(edges))


def starts(new: Flags, pages: Integers | None = None) -> Integers:
    """Where groups begin, from whether each member but the first begins one; with every page begins one anyhow.

    pages: (n_pages + 1,) where each page's members begin, and where all end; None for one page.
    """
    if pages is not None:
        new[pages[1:-1] - 1] = True
    return np.concatenate([[0], new.nonzero()[0] + 1])


def counts_of(first: Integers, n: int) -> Integers:
    """How many members each group of n in all has."""
    counts = np.empty_like(first)
    counts[:-1], counts[-1] = first[1:], n
    counts -= first
    return counts


def floats(values: Float) -> Float:
    """As the extension reads them; themselves, as mostly."""
    return np.ascontiguousarray(values, np.float32)


def integers(values: Integers) -> Integers:
    """As the extension reads them; themselves, as mostly."""
    return np.ascontiguousarray(values, np.int64)


def bounds(boxes: Float, first: Integers) -> Float:
    """The box around each group of boxes: (n_groups, 4)."""
    if _regions is None:
        reach = ((boxes[:, :2], np.minimum), (boxes[:, 2:], np.maximum))
        return np.concatenate([furthest.reduceat(sides, first) for sides, furthest in reach], axis=1)
    found = np.empty((len(first), 4), np.float32)
    _regions.bounds(floats(boxes), integers(first), found)
    return found


def largest(rows: Float, first: Integers) -> Float:
    """The largest number of each group, in each of (m, n) rows: (m, n_groups)."""
    if _regions is None:
        return np.maximum.reduceat(rows, first, axis=1)
    found = np.empty((len(rows), len(first)), np.float32)
    _regions.largest(floats(rows), integers(first), found)
    return found


def medians(rows: Float, first: Integers) -> Float:
    """The median of each group, the upper one of two, in each of (m, n) rows: (m, n_groups)."""
    found = np.empty((len(rows), len(first)), np.float32)
    if _regions is None:
        for i, group in enumerate(np.split(rows, first[1:], axis=1)):
            middle = group.shape[1] // 2
            found[:, i] = np.partition(group, middle, axis=1)[:, middle]
    else:
        _regions.medians(floats(rows), integers(first), found)
    return found


def stretch(rows: Float, first: Integers) -> Float:
    """Each group of each of (m, n) rows, in place, from 0 for its median and what is below to 1 for its largest number.

    Returns how far the two were apart: (m, n_groups).
    """
    if _regions is not None and rows is floats(rows):
        reach = np.empty((len(rows), len(first)), np.float32)
        _regions.stretch(rows, integers(first), reach)
        return reach
    usual, counts = medians(rows, first), counts_of(first, rows.shape[1])
    reach = largest(rows, first) - usual
    rows -= usual.repeat(counts, axis=1)
    rows /= np.maximum(reach, np.float32(1e-6)).repeat(counts, axis=1)
    np.minimum(np.maximum(rows, 0, out=rows), 1, out=rows)
    return reach


def spread(x: Float, y: Float, values: Float, edges: Integers) -> Float:
    """For each of n points the values of its group, each times exp(-d * d) of how far it is from there: (n,). edges: (n_groups + 1,)."""
    found = np.empty(len(values), np.float32)
    if _regions is not None:
        _regions.spread(floats(x), floats(y), floats(values), integers(edges[:-1]), found)
        return found
    for group in slices(edges):
        step = max(AT_ONCE // (group.stop - group.start), 1)
        for at in range(group.start, group.stop, step):
            some = slice(at, min(at + step, group.stop))
            across, down = x[some, None] - x[group], y[some, None] - y[group]
            found[some] = np.exp(-(across * across + down * down)) @ values[group]
    return found


def slices(pages: Integers) -> Iterator[slice]:
    """The members of each page."""
    edges = pages.tolist()
    return map(slice, edges[:-1], edges[1:])


def runs(first: Integers, counts: Integers) -> Integers:
    """first[0], first[0] + 1, ..., counts[0] numbers in all, then those of the next group; counts may be 0."""
    total = int(counts.sum())
    return np.asarray(np.arange(total) + (first - counts.cumsum() + counts).repeat(counts), np.int64)


def inside(boxes: Float, pages: Integers, others: Float, other_pages: Integers) -> tuple[Integers, Integers]:
    """All pairs of a box and another whose middle lies in it or on its edge: indices of boxes, ascending, and of others, ascending in each.

    boxes: (n, 4). pages: (n,) the page of each, whose others alone are looked at. others: (m, 4), of which those of each page
    begin at other_pages: (n_pages + 1,).
    """
    if _regions is None:
        return _inside(boxes, pages, others, other_pages)
    room = 2 * (len(boxes) + len(others))
    boxes, pages, others, other_pages = floats(boxes), integers(pages), floats(others), integers(other_pages)
    while True:
        found = np.empty((2, room), np.int64)
        n = _regions.inside(boxes, pages, others, other_pages, found[0], found[1])
        if n <= room:  # as mostly
            return found[0, :n], found[1, :n]
        room = n


def _inside(boxes: Float, pages: Integers, others: Float, other_pages: Integers) -> tuple[Integers, Integers]:
    """The same without the extension: others sorted by page and height, and of each box those between its top and bottom."""
    x, y = ((others[:, side] + others[:, side + 2]) / 2 for side in (0, 1))
    heights = y + APART * owners(other_pages)  # in float64, which holds it exactly
    order = np.argsort(heights, kind="stable")
    x, heights = x.take(order), heights.take(order)
    first = heights.searchsorted(boxes[:, 1] + APART * pages, "left")
    counts = np.maximum(heights.searchsorted(boxes[:, 3] + APART * pages, "right") - first, 0)
    edges, begin = ends(counts), 0
    found = [np.empty((2, 0), np.int64)]
    while begin < len(boxes):  # mostly once
        stop = max(int(edges.searchsorted(edges[begin] + AT_ONCE, "right")) - 1, begin + 1)
        box = np.arange(begin, stop).repeat(counts[begin:stop])
        at = runs(first[begin:stop], counts[begin:stop])
        across = x.take(at)
        here = ((boxes[:, 0].take(box) <= across) & (across <= boxes[:, 2].take(box))).nonzero()[0]
        found.append(np.stack([box.take(here), order.take(at.take(here))]))
        begin = stop
    all_boxes, all_others = np.concatenate(found, axis=1)
    order = np.lexsort((all_others, all_boxes))
    return all_boxes.take(order), all_others.take(order)

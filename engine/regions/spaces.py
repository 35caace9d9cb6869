"""Open space: where a page is free of prose beside a title or a caption, there is what it names.

An index keeps no boxes of pictures, and needs none: a figure, a chart or a table is where the prose is not. The labels and
cells in it are no prose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pagesight.engine.regions.ragged import Flags, Float, Integers, floats, integers

try:
    from pagesight.engine.regions import _regions
except ImportError:  # no compiler was there at installation
    _regions = None  # type: ignore[assignment]

BELOW, ABOVE, RIGHT, LEFT = "below", "above", "right", "left"
WIDTH, HEIGHT = 0.12, 0.08  # of the page: what is smaller is a gap between paragraphs or columns
COLUMNS = 32  # across the page: how finely obstacles are looked at
SHARED = 0.3  # of the narrower: how much of its side a space shares with what it belongs to


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """A space that is asked for: on this side of a box (4,), without obstacles (n, 4), within (4,) at most."""

    box: Float
    side: str
    obstacles: Float
    within: Float


def open_spaces(asked: Sequence[Beside]) -> tuple[Float, Flags]:
    """For each the largest rectangle without obstacles on this side of a box, beginning at its edge: (n, 4). False: there is no room."""
    if not asked:
        return np.empty((0, 4), np.float32), np.empty(0, bool)
    sides, n_obstacles = [one.side for one in asked], np.array([len(one.obstacles) for one in asked])
    upright = np.array([side in (BELOW, ABOVE) for side in sides])
    turn = _Turn(~upright, np.array([side in (ABOVE, LEFT) for side in sides]))
    spaces, there = _below(
        turn.down(np.array([one.box for one in asked])),
        turn.of_each(n_obstacles).down(np.concatenate([one.obstacles for one in asked])),
        n_obstacles,
        turn.down(np.array([one.within for one in asked])),
        np.where(upright[:, None], _SMALLEST, _SMALLEST[::-1]),
    )
    return turn.back(spaces), there


def _below(
    boxes: Float, obstacles: Float, n_obstacles: Integers, within: Float, smallest: Float
) -> tuple[Float, Flags]:
    """The spaces below n boxes (n, 4), and which of them are any.

    obstacles: of all, end to end, so many of each. smallest: (n, 2) width and height of the smallest.
    """
    if _regions is not None:
        spaces, there = np.zeros((len(boxes), 4), np.float32), np.empty(len(boxes), bool)
        _regions.below(
            floats(boxes),
            floats(obstacles),
            integers(n_obstacles),
            floats(within),
            floats(smallest),
            COLUMNS,
            SHARED,
            spaces,
            there,
        )
        return spaces, there
    left, right, lowest, top = within[:, 0], within[:, 2], within[:, 3], boxes[:, 3]
    step = (right - left) / np.float32(COLUMNS)
    edges = left[:, None] + step[:, None] * _EDGES  # (n, COLUMNS + 1)
    free = _free(edges, step, obstacles, n_obstacles, top, lowest)
    # From column i to column j the lowest of their limits holds.
    reach = np.minimum.accumulate(np.where(_UPPER, free[:, None], lowest[:, None, None]), axis=2)
    widths = edges[:, None, 1:] - edges[:, :-1, None]
    right_ends = np.minimum(edges[:, None, 1:], boxes[:, 2, None, None])
    shared = right_ends - np.maximum(edges[:, :-1, None], boxes[:, 0, None, None])
    enough = shared >= np.float32(SHARED) * np.minimum(widths, (boxes[:, 2] - boxes[:, 0])[:, None, None])
    heights = reach - top[:, None, None]
    large = (widths >= smallest[:, :1, None]) & (heights >= smallest[:, 1:, None])
    areas = np.where(_UPPER & enough & large, widths * heights, 0)
    at, n = areas.reshape(len(boxes), -1).argmax(axis=1), np.arange(len(boxes))
    i, j = np.divmod(at, COLUMNS)
    spaces = np.stack([edges[n, i], top, edges[n, j + 1], reach[n, i, j]], axis=1)
    room = (right - left >= smallest[:, 0]) & (lowest - top >= smallest[:, 1])
    return spaces, (areas[n, i, j] > 0) & room


def _free(edges: Float, step: Float, obstacles: Float, n_obstacles: Integers, top: Float, lowest: Float) -> Float:
    """How far down each column is free: (n, COLUMNS)."""
    free = lowest[:, None].repeat(COLUMNS, axis=1)
    of = np.arange(len(edges)).repeat(n_obstacles)
    under = obstacles[:, 3] > top[of] + np.float32(0.005)
    obstacles, of = obstacles[under], of[under]
    if len(of):
        begin, quarter = edges[of, :-1], step[of, None] * np.float32(0.25)
        in_column = (obstacles[:, :1] < begin + step[of, None] * np.float32(0.75)) & (
            obstacles[:, 2:3] > begin + quarter
        )
        limits = np.where(in_column, np.maximum(obstacles[:, 1], top[of])[:, None], lowest[of, None])
        which, first = np.unique(of, return_index=True)
        free[which] = np.minimum(free[which], np.minimum.reduceat(limits, first, axis=0))
    return free


_EDGES = np.arange(COLUMNS + 1, dtype=np.float32)
_UPPER = np.triu(np.ones((COLUMNS, COLUMNS), bool))
_SMALLEST = np.array([WIDTH, HEIGHT], np.float32)
_SWAPPED = np.array([1, 0, 3, 2])
_UPSIDE_DOWN = np.array([0, 3, 2, 1])


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """How the page of each box is turned so that the side that is asked for is below: its axes swapped first, and then it is put upside down."""

    swapped: Flags
    upside_down: Flags

    def of_each(self, counts: Integers) -> _Turn:
        return _Turn(self.swapped.repeat(counts), self.upside_down.repeat(counts))

    def down(self, boxes: Float) -> Float:
        return self._mirrored(self._swapped(boxes))

    def back(self, boxes: Float) -> Float:
        return self._swapped(self._mirrored(boxes))

    def _swapped(self, boxes: Float) -> Float:
        return np.where(self.swapped[:, None], boxes.take(_SWAPPED, axis=1), boxes)

    def _mirrored(self, boxes: Float) -> Float:
        turned = boxes.take(_UPSIDE_DOWN, axis=1)
        turned[:, 1::2] = 1 - turned[:, 1::2]
        return np.where(self.upside_down[:, None], turned, boxes)

"""Open space: where a page is free of prose beside a title or a caption, there is what it names.

An index keeps no boxes of pictures, and needs none: a figure, a chart or a table is where the prose is not. The labels and
cells in it are no prose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

BELOW, ABOVE, RIGHT, LEFT = "below", "above", "right", "left"
WIDTH, HEIGHT = 0.12, 0.08  # of the page: what is smaller is a gap between paragraphs or columns
COLUMNS = 32  # across the page: how finely obstacles are looked at
SHARED = 0.3  # of the narrower: how much of its side a space shares with what it belongs to


def open_space(box: Float, side: str, obstacles: Float, within: Float) -> Float | None:
    """The largest rectangle without obstacles on this side of a box, beginning at its edge; None if there is no room.

    box, within: (4,); obstacles: (n, 4). within: how far the space may reach.
    """
    across, along = (WIDTH, HEIGHT) if side in (BELOW, ABOVE) else (HEIGHT, WIDTH)
    found = _below(_turned(box, side), _turned(obstacles, side), _turned(within, side), across, along)
    return None if found is None else _turned_back(found, side)


def _below(box: Float, obstacles: Float, within: Float, width: float, height: float) -> Float | None:
    left, right, top = within[0], within[2], box[3]
    if right - left < width or within[3] - top < height:
        return None
    step = (right - left) / COLUMNS
    edges = left + step * _EDGES
    under = obstacles[obstacles[:, 3] > top + 0.005]
    in_column = (under[:, :1] < edges[:-1] + 0.75 * step) & (under[:, 2:3] > edges[:-1] + 0.25 * step)
    free = np.where(in_column, np.maximum(under[:, 1:2], top), within[3]).min(axis=0, initial=within[3])  # (COLUMNS,)
    # From column i to column j the lowest of their limits holds.
    reach = np.minimum.accumulate(np.where(_UPPER, free, within[3]), axis=1)  # (COLUMNS, COLUMNS)
    widths = edges[1:] - edges[:-1, None]
    shared = np.minimum(edges[1:], box[2]) - np.maximum(edges[:-1, None], box[0])
    enough = shared >= SHARED * np.minimum(widths, box[2] - box[0])
    areas = np.where(_UPPER & enough & (widths >= width) & (reach - top >= height), widths * (reach - top), 0)
    i, j = divmod(int(areas.argmax()), COLUMNS)
    return np.array([edges[i], top, edges[j + 1], reach[i, j]], np.float32) if areas[i, j] > 0 else None


_EDGES = np.arange(COLUMNS + 1, dtype=np.float32)
_UPPER = np.triu(np.ones((COLUMNS, COLUMNS), bool))
_SWAPPED = [1, 0, 3, 2]
_UPSIDE_DOWN = [0, 3, 2, 1]


def _turned(boxes: Float, side: str) -> Float:
    """Boxes on the page turned and mirrored so that this side is below."""
    if side == BELOW:
        return boxes
    if side == ABOVE:
        return _upside_down(boxes)
    return boxes[..., _SWAPPED] if side == RIGHT else _upside_down(boxes[..., _SWAPPED])


def _turned_back(boxes: Float, side: str) -> Float:
    upright = _upside_down(boxes) if side in (ABOVE, LEFT) else boxes
    return upright[..., _SWAPPED] if side in (RIGHT, LEFT) else upright


def _upside_down(boxes: Float) -> Float:
    turned = boxes[..., _UPSIDE_DOWN]
    turned[..., 1::2] = 1 - turned[..., 1::2]
    return turned

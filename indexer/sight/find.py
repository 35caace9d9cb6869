"""Where the pictures of a page are: embedded images, and heaps of lines and fills that are drawings.

A drawing is a thousand paths that nobody named. Those that touch, or nearly, belong together: all are painted into a coarse
mask of the page, and what hangs together there is one picture. It costs the same for ten paths and for a hundred thousand.

What is mostly words is no picture, whatever it is made of: a scan of a page, a table with rulings, a field behind a text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
MIN_SHARE = 0.015  # of the page's area; smaller pictures are icons and bullets
MIN_SQUARE_SHARE = 0.004  # of nearly square ones, as QR codes and stamps are
NEARLY_SQUARE = 1.2  # the longer side over the shorter one
MAX_ASPECT = 6.0  # of the longer side over the shorter one; beyond it are rules and banners
BACKGROUND_SHARE = 0.5  # a single path that covers more of the page is its ground or its frame
WHOLE_SHARE = 0.7  # a picture that covers more of the page may be a scan of it, or the ground of a slide
WHOLE_WORDS = 40  # a scan has more
MAX_WORD_SHARE = 0.25  # of a picture's area, covered by the boxes of words; charts and diagrams stay below
MAX_PICTURES = 20  # a page, the largest ones
_MASK_SIDE = 256  # cells along the longer side of a page: 3.3 points on A4
_MIN_PATHS = 6  # fewer are a frame, a rule, a coloured field
_NEAR = 0.002  # of the page: edges that are closer touch
_MAX_TILES = 400  # images on a page; of more, those that hang together are one


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What a page draws beside its text, in page fractions. images, paths: (n, 4) float32. aspect: of the page, width over height."""

    images: Boxes
    paths: Boxes
    aspect: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture is: (x0, y0, x1, y1) in page fractions. embedded: as pixels; else it is drawn by paths."""

    box: tuple[float, float, float, float]
    embedded: bool

    @property
    def share(self) -> float:
        """Of the page's area."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


def find_pictures(drawn: Drawn, words: Boxes) -> list[Place]:
    """Pictures that are worth looking at, the largest first. words: (n, 4), of the page, in page fractions."""
    images = _whole_images(drawn.images, drawn.aspect)
    heaps = _heaps(drawn.paths[_areas(drawn.paths) <= BACKGROUND_SHARE], drawn.aspect)
    if len(images) + len(heaps) > 1:  # what others lie on is the ground
        images = images[_areas(images) < WHOLE_SHARE]
    inside = _covered(heaps, images)  # frames around images, and their shadows
    heaps = heaps[~(inside > 0.8).any(axis=1)]
    images = images[~(_covered(images, heaps) > 0.8).any(axis=1)]  # a part of a drawing
    places = [Place(_box(box), embedded=True) for box in images] + [Place(_box(box), embedded=False) for box in heaps]
    worth = [place for place in places if _has_size(place, drawn.aspect) and not _is_text(place, words)]
    return sorted(worth, key=lambda place: (-place.share, place.box))[:MAX_PICTURES]


def _has_size(place: Place, aspect: float) -> bool:
    x0, y0, x1, y1 = place.box
    short, long = sorted(((x1 - x0) * aspect, y1 - y0))
    if short <= 0 or long / short > MAX_ASPECT:
        return False
    return place.share >= (MIN_SQUARE_SHARE if long / short <= NEARLY_SQUARE else MIN_SHARE)


def _is_text(place: Place, words: Boxes) -> bool:
    x0, y0, x1, y1 = place.box
    x, y = (words[:, 0] + words[:, 2]) / 2, (words[:, 1] + words[:, 3]) / 2
    within = words[(x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)]
    if place.share >= WHOLE_SHARE and len(within) > WHOLE_WORDS:
        return True
    return float(_areas(within).sum()) > MAX_WORD_SHARE * place.share


def _whole_images(boxes: Boxes, aspect: float) -> Boxes:
    """Images, the tiles of one put together."""
    boxes = np.unique(boxes[_areas(boxes) > 0], axis=0)
    if len(boxes) > _MAX_TILES:
        return _heaps(boxes, aspect, least=1)
    at = 0
    while at < len(boxes):
        tiles = _are_tiles(boxes[at], boxes)
        tiles[at] = False
        if not tiles.any():
            at += 1
            continue
        tiles[at] = True
        whole = np.concatenate([boxes[tiles, :2].min(axis=0), boxes[tiles, 2:].max(axis=0)])
        boxes, at = np.concatenate([boxes[~tiles], whole[None]]), 0
    return boxes


def _are_tiles(box: NDArray[np.float32], others: Boxes) -> NDArray[np.bool_]:
    """Whether others continue an image: one of equal width above or below it, of equal height beside it."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    close = np.abs(box - others) < _NEAR
    above, beside = close[:, 0] & close[:, 2], close[:, 1] & close[:, 3]
    return np.asarray((above & (np.abs(height) <= _NEAR)) | (beside & (np.abs(width) <= _NEAR)))


def _heaps(boxes: Boxes, aspect: float, least: int = _MIN_PATHS) -> Boxes:
    """Boxes around what hangs together, each of at least so many boxes: (n, 4)."""
    if len(boxes) < least:
        return np.empty((0, 4), np.float32)
    import cv2

    size = np.array([min(1.0, aspect), min(1.0, 1 / aspect)]) * _MASK_SIDE
    width, height = np.maximum(np.ceil(size), 1).astype(int).tolist()
    cells = np.empty((len(boxes), 4), int)
    cells[:, :2] = np.floor(boxes[:, :2] * size).clip(0, (width - 1, height - 1))
    cells[:, 2:] = np.ceil(boxes[:, 2:] * size).clip(cells[:, :2] + 1, (width, height))
    painted = np.zeros((height + 1, width + 1), int)  # a summed-area table: corners first, then the running sums
    for x, y, sign in ((0, 1, 1), (2, 3, 1), (0, 3, -1), (2, 1, -1)):
        np.add.at(painted, (cells[:, y], cells[:, x]), sign)
    mask = (painted.cumsum(axis=0).cumsum(axis=1)[:height, :width] > 0).astype(np.uint8)
    n_labels, labels = cv2.connectedComponents(cv2.dilate(mask, np.ones((3, 3), np.uint8)), connectivity=4)
    owner = labels[cells[:, 1], cells[:, 0]]
    found = np.full((n_labels, 4), (1, 1, 0, 0), np.float32)
    np.minimum.at(found[:, :2], owner, boxes[:, :2])
    np.maximum.at(found[:, 2:], owner, boxes[:, 2:])
    return found[np.bincount(owner, minlength=n_labels) >= least]


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), np.float32)


def _covered(inner: Boxes, outer: Boxes) -> NDArray[np.float32]:
    """How much of each inner box lies in each outer one: (n_inner, n_outer), 0 to 1."""
    low = np.maximum(inner[:, None, :2], outer[None, :, :2])
    high = np.minimum(inner[:, None, 2:], outer[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    return np.asarray(shared / np.maximum(_areas(inner), 1e-9)[:, None], np.float32)


def _box(row: NDArray[np.float32]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in row.clip(0, 1))
    return x0, y0, x1, y1

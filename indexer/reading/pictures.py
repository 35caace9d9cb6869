"""Large pictures on the pages of a PDF, and which of them are the same: a slide's background is read once, not on every slide."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.geometry import as_shown, centers_inside
from pagesight.storage.values import PageWords

LARGE = 0.03  # of the page's area: smaller pictures are logos and icons
MAX_PICTURES = 12  # a page tiled from more pictures is looked at as a whole
MAX_DRAWN = 500  # pictures and paths on a page, beyond which it is not compared with others
MAX_REMEMBERED = 256
PLACES = 200  # in how many steps of a picture's sides places on it are compared
WHOLE: NDArray[np.float32] = np.array([0, 0, 1, 1], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """area: (4,) float32, page fractions. look: the same for pictures that show the same, or b"" if that is not known.
    inside: (n, 4), areas of the large pictures that lie on it and are read themselves.
    """

    area: NDArray[np.float32]
    look: bytes = b""
    inside: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 4), np.float32))


class Remembered:
    """Words of pictures that were read before in a document, in fractions of the picture."""

    def __init__(self) -> None:
        self._words: dict[bytes, PageWords] = {}

    def find(self, picture: Picture) -> PageWords | None:
        """The words of one that looks the same, in page fractions of this one."""
        words = self._words.get(picture.look)
        if words is None:
            return None
        origin, extent = _origin(picture.area)
        return PageWords(words.texts, (words.boxes * extent + origin).astype(np.float32))

    def keep(self, picture: Picture, words: PageWords) -> None:
        """words: in page fractions. Those in pictures that lie on this one are theirs."""
        if not picture.look or len(self._words) >= MAX_REMEMBERED:
            return
        own = np.ones(len(words), bool)
        for area in picture.inside:
            own &= ~centers_inside(words.boxes, area)
        origin, extent = _origin(picture.area)
        boxes = ((words.boxes[own] - origin) / extent).astype(np.float32)
        self._words[picture.look] = PageWords(tuple(np.array(words.texts, object)[own]), boxes)


def _origin(area: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.tile(area[:2], 2), np.tile(area[2:] - area[:2], 2)


def large_pictures(page: Any) -> list[Picture]:
    """Of a page of PyMuPDF, as it is shown. Many small tiles count as one whole page."""
    found = page.get_image_info()
    boxes = _shown(page, [picture["bbox"] for picture in found])
    large = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) >= LARGE
    if not large.any():
        return []
    areas = boxes[large]
    if len(areas) > MAX_PICTURES:
        return [Picture(WHOLE)]
    paths = [
        box for kind, box in page.get_bboxlog() if "text" not in kind and "image" not in kind and "clip" not in kind
    ]
    if len(found) + len(paths) > MAX_DRAWN:
        return [Picture(area) for area in areas]
    digests = [_digest(picture) for picture in page.get_image_info(hashes=True)]
    strokes = _shown(page, paths)
    small = [(box, digest) for box, digest, is_large in zip(boxes, digests, large, strict=True) if not is_large]
    pictures = []
    for at in np.flatnonzero(large):
        area = boxes[at]
        others = np.array(
            [i for i in np.flatnonzero(large) if i != at and centers_inside(boxes[i : i + 1], area)[0]], int
        )
        seen = hashlib.blake2b(digests[at], digest_size=16)
        seen.update(np.rint(PLACES * (area[2:] - area[:2])).astype(np.int16).tobytes())
        seen.update(_places(strokes[_touching(strokes, area)], area))
        for box, digest in small:
            if centers_inside(box[None], area)[0]:
                seen.update(_places(box[None], area) + digest)
        pictures.append(Picture(area, seen.digest(), boxes[others]))
    return pictures


def _digest(picture: dict[str, Any]) -> bytes:
    """Of its pixels, and of how it is turned or mirrored."""
    turned = np.sign(np.rint(picture["transform"][:4])).astype(np.int8)
    return bytes(picture["digest"] + turned.tobytes())


def _shown(page: Any, boxes: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Boxes of a page as it is stored -> (n, 4), fractions of it as it is shown, what is outside cut off."""
    width, height = page.rect.width, page.rect.height
    columns: Any = np.array(boxes, float).reshape(-1, 4).T
    placed = np.stack(as_shown(columns, page.rotation, width, height), axis=1) / (width, height, width, height)
    inside = placed.clip(0, 1)
    inside[:, 2:] = np.maximum(inside[:, 2:], inside[:, :2])
    return np.asarray(inside, np.float32)


def _touching(boxes: NDArray[np.float32], area: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray((boxes[:, :2] < area[2:]).all(axis=1) & (boxes[:, 2:] > area[:2]).all(axis=1))


def _places(boxes: NDArray[np.float32], area: NDArray[np.float32]) -> bytes:
    """Where boxes are on an area, as far as a reader would see a difference."""
    origin, extent = _origin(area)
    return bytes(np.rint(PLACES * (boxes - origin) / np.maximum(extent, 1e-6)).astype(np.int16).tobytes())

"""A page's pictures, each with its kind: found, cut out of one drawing of the page, looked at, and said where it is sure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.sight.codes import read_code
from pagesight.indexer.sight.find import WHOLE_SHARE, Drawn, Place, find_pictures
from pagesight.indexer.sight.kinds import CODE, EMBEDDED_ONLY, SEEN, WHOLE_PAGES
from pagesight.indexer.sight.look import SURE, SURE_WHOLE, Network, Pixels
from pagesight.storage.values import PageWords, SeenPicture

PAGE_PIXELS, PAGE_DPI = 1_200_000, 150.0  # of the page that pictures are cut out of: A4 at 113 dpi
CODE_PIXELS, CODE_DPI = 500_000, 300.0  # of a part that may be a QR code
MARGIN = 0.06  # of a drawing's sides
LABEL_WIDTH, LABEL_HEIGHT = 0.02, 0.015  # of the page's
MAYBE_CODE = 0.05  # from there on it is tried


@runtime_checkable
class Drawing(Protocol):
    """A PagedDocument that knows what its pages draw beside words."""

    def drawn(self, number: int) -> Drawn: ...

    def render(
        self, number: int, *, max_pixels: int, max_dpi: float, area: NDArray[np.floating] | None = None
    ) -> Pixels: ...


def see(document: Drawing, number: int, words: PageWords, network: Path) -> tuple[SeenPicture, ...]:
    """The pictures of page ``number`` whose kind is sure, the largest first. network: file of indexer.sight.look.Network."""
    places = find_pictures(document.drawn(number), words.boxes)
    if not places:
        return ()
    page = document.render(number, max_pixels=PAGE_PIXELS, max_dpi=PAGE_DPI)
    seen = []
    for place, likely in zip(places, _network(network).probabilities([_cut(page, p) for p in places]), strict=True):
        if likely.get(CODE, 0.0) >= MAYBE_CODE:
            area = _with_margin(place)
            pixels = document.render(number, max_pixels=CODE_PIXELS, max_dpi=CODE_DPI, area=area)
            content = read_code(pixels)
            if content is not None:
                seen.append(SeenPicture(kind=CODE, box=place.box, sure=1.0, text=content))
                continue
        named = _sure_kind(likely, place)
        if named is not None:
            kind, sure = named
            seen.append(SeenPicture(kind=kind, family=SEEN[kind], box=place.box, sure=round(sure, 4)))
    return tuple(seen)


def _sure_kind(likely: Mapping[str, float], place: Place) -> tuple[str, float] | None:
    """The kind of a picture in such a place and its probability; where only the family is sure, that; None if neither is."""
    enough = SURE_WHOLE if place.share >= WHOLE_SHARE else SURE
    best = max(likely, key=lambda name: (likely[name], name))
    family = SEEN.get(best, "") or best
    together = sum(p for name, p in likely.items() if family in (name, SEEN.get(name)))
    for kind, sure in ((best, likely[best]), (family, together)):
        if sure >= enough and _may_be(kind, place):
            return kind, min(sure, 1.0)
    return None


def _may_be(kind: str, place: Place) -> bool:
    """Whether a kind can be said of a picture in such a place."""
    if kind not in SEEN or (place.share >= WHOLE_SHARE and kind not in WHOLE_PAGES):
        return False
    return place.embedded or kind not in EMBEDDED_ONLY


@cache
def _network(file: Path) -> Network:
    return Network(file)


def _cut(page: Pixels, place: Place) -> Pixels:
    """Its pixels, at least one; of a drawing with what stands around it, where the labels of axes are."""
    height, width = page.shape[:2]
    left, top, right, bottom = place.box
    if not place.embedded:
        x, y = max(MARGIN * (right - left), LABEL_WIDTH), max(MARGIN * (bottom - top), LABEL_HEIGHT)
        left, top, right, bottom = max(0, left - x), max(0, top - y), min(1, right + x), min(1, bottom + y)
    x0, y0 = min(int(left * width), width - 1), min(int(top * height), height - 1)
    x1, y1 = max(int(np.ceil(right * width)), x0 + 1), max(int(np.ceil(bottom * height)), y0 + 1)
    return page[y0:y1, x0:x1]


def _with_margin(place: Place) -> NDArray[np.float32]:
    """A code needs a quiet zone around it (ISO/IEC 18004: four modules)."""
    x0, y0, x1, y1 = place.box
    x, y = 0.12 * (x1 - x0), 0.12 * (y1 - y0)
    return np.array([x0 - x, y0 - y, x1 + x, y1 + y], np.float32).clip(0, 1)

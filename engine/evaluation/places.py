"""Whether the regions of hits are where the answers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pagesight.engine.results import Region

Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in page fractions, from the top left
LOOKED_AT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """n_boxed: queries that say where their answers are. n_first: of them, those with such a page as first hit.

    first: share of these whose first region has its centre in a box; any: of the first three; area: mean share of the page
    that the boxes cover, which is what a random place would reach.
    """

    n_boxed: int
    n_first: int
    first: float
    any: float
    area: float


def hits_box(region: Region, boxes: Sequence[Box]) -> bool:
    """Whether the centre of a region lies in one of the boxes."""
    x, y = (region.box[0] + region.box[2]) / 2, (region.box[1] + region.box[3]) / 2
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)


def places_of(found: Sequence[tuple[Sequence[Region], Sequence[Box]]], n_boxed: int) -> Places | None:
    """found: regions and boxes of each first hit that has boxes. None if there is none."""
    if not found:
        return None
    n = len(found)
    return Places(
        n_boxed=n_boxed,
        n_first=n,
        first=sum(any(hits_box(region, boxes) for region in regions[:1]) for regions, boxes in found) / n,
        any=sum(any(hits_box(region, boxes) for region in regions[:LOOKED_AT]) for regions, boxes in found) / n,
        area=sum(min(1.0, sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes)) for _, boxes in found) / n,
    )

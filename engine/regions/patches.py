"""Regions where token vectors stand for patches of a picture, or a page has no words: the warmest, grown together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.results import Region

Float = NDArray[np.float32]
MAX_HIGHLIGHTED = 24  # page tokens
MIN_SHARE = 0.05  # of the heat: regions with less are not shown


def warm_regions(heat: Float, boxes: Float, aspect: float, n: int) -> tuple[Region, ...]:
    """At most n groups of warm tokens that stand on one line or on lines next to each other, disjoint; best first.

    heat: (n_tokens,) with sum 1. boxes: (n_tokens, 4), n_tokens > 0.
    """
    chosen = np.argsort(-heat, kind="stable")[:MAX_HIGHLIGHTED]
    chosen = chosen[heat[chosen] >= heat[chosen[0]] / 10]
    groups: list[tuple[list[float], float]] = []
    for token in chosen:
        group = boxes[token].tolist(), float(heat[token])
        groups = _joined(groups, group, max(group[0][3] - group[0][1], 1e-3), aspect)
    groups.sort(key=lambda group: (-group[1], group[0]))
    shown = [group for group in groups if group[1] >= MIN_SHARE][:n] or groups[:1]
    return tuple(Region((b[0], b[1], b[2], b[3]), min(1.0, weight)) for b, weight in shown)


def _joined(
    groups: list[tuple[list[float], float]], new: tuple[list[float], float], height: float, aspect: float
) -> list[tuple[list[float], float]]:
    """The groups with a new one, which takes in all that are near it, also once it has grown."""
    box, weight = new
    grown = True
    while grown:
        grown, apart = False, []
        for other, other_weight in groups:
            gap_x = max(other[0] - box[2], box[0] - other[2]) * aspect
            gap_y = max(other[1] - box[3], box[1] - other[3])
            if gap_x <= 2 * height and gap_y <= height:
                box = [min(a, b) for a, b in zip(box[:2], other[:2], strict=True)] + [
                    max(a, b) for a, b in zip(box[2:], other[2:], strict=True)
                ]
                weight, grown = weight + other_weight, True
            else:
                apart.append((other, other_weight))
        groups = apart
    return [*groups, (box, weight)]

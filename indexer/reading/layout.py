"""Reading order of recognised text lines, and their words.

OCR finds lines anywhere on a page. Words are understood by their neighbours, so lines must follow each other as a person
reads them: columns of running text one after the other, but tables row by row. Recursive X-Y cuts (Nagy & Seth 1984),
with the rule that only blocks of running text on both sides make a gap a column gap.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.bidi import RIGHT_TO_LEFT

RUNNING_TEXT_CHARS = 20  # lines of a text column have more characters than this in the median, table cells fewer
LEVEL = math.radians(0.5)  # text that climbs less is read as it lies
_FULL_WIDTH = re.compile("[\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]")
_NARROW, _BROAD = frozenset("ijlft|!.,:;'()[] I1"), frozenset("mwMWGOQ@%")  # in most typefaces


@dataclass(frozen=True, slots=True, eq=False)
class TextLine:
    """A recognised line. quad: (4, 2) float, corners from the top left clockwise, in page units; score in [0, 1]."""

    text: str
    quad: NDArray[np.floating]
    score: float

    @property
    def box(self) -> NDArray[np.floating]:
        """(x0, y0, x1, y1) around the quad."""
        return np.concatenate([self.quad.min(axis=0), self.quad.max(axis=0)])


def line_words(line: TextLine) -> Iterator[tuple[str, float, float, float, float]]:
    """Words of a line with their boxes, placed along its baseline by the usual widths of characters."""
    widths = [_width(c) for c in line.text]
    reach = np.cumsum([0, *widths]) / max(sum(widths), 1e-9)
    top_left, top_right, bottom_right, bottom_left = line.quad
    for match in re.finditer(r"\S+", line.text):
        along = reach[[match.start(), match.end()]][:, None]
        corners = np.concatenate(
            [top_left + (top_right - top_left) * along, bottom_left + (bottom_right - bottom_left) * along]
        )
        x0, y0 = corners.min(axis=0).tolist()
        x1, y1 = corners.max(axis=0).tolist()
        yield match.group(), x0, y0, x1, y1


def _width(character: str) -> float:
    """Of a character, in widths of a usual small letter."""
    if _FULL_WIDTH.match(character):
        return 2.0
    if character in _NARROW:
        return 0.5
    if character in _BROAD:
        return 1.5
    return 1.2 if character.isupper() else 1.0


def reading_order(lines: Sequence[TextLine]) -> list[TextLine]:
    """The lines as a person reads them, who turns the page first if its text is turned."""
    if not lines:
        return []
    quads = upright(np.array([line.quad for line in lines], float))
    boxes = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
    lengths = np.array([len(line.text) for line in lines])
    if sum(len(RIGHT_TO_LEFT.findall(line.text)) for line in lines) > 0.5 * lengths.sum():
        boxes[:, [0, 2]] = -boxes[:, [2, 0]]  # rows, and columns, begin on the right
    return [lines[i] for i in _order(np.arange(len(lines)), boxes, lengths)]


def upright(quads: NDArray[np.floating]) -> NDArray[np.floating]:
    """Corners of lines (n, 4, 2), turned about the origin so that most of their text runs to the right.

    By how much is the median of the lines that run so, to a quarter: a note up the margin would tilt a mean.
    """
    x, y = (quads[:, 1] - quads[:, 0]).T
    lengths, angles = np.hypot(x, y), np.arctan2(y, x)
    quarters = np.rint(angles / (math.pi / 2)).astype(int) % 4
    main = int(np.bincount(quarters, lengths, minlength=4).argmax())
    off = ((angles - main * math.pi / 2 + math.pi) % (2 * math.pi) - math.pi)[quarters == main]
    order = np.argsort(off)
    reach = np.cumsum(lengths[quarters == main][order])
    angle = main * math.pi / 2 + float(off[order[np.searchsorted(reach, reach[-1] / 2)]])
    angle = (angle + math.pi) % (2 * math.pi) - math.pi
    if abs(angle) < LEVEL:
        return quads
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(quads @ np.array([[cos, -sin], [sin, cos]]))


def _order(ids: NDArray[np.intp], boxes: NDArray[np.floating], lengths: NDArray[np.intp]) -> list[int]:
    if len(ids) <= 2:
        return _rows(ids, boxes)
    height = float(np.median(boxes[ids, 3] - boxes[ids, 1]))
    left = _first_of_gap(ids, boxes[:, [0, 2]], minimum=height)
    if left is not None:
        right = np.setdiff1d(ids, left)
        if min(np.median(lengths[left]), np.median(lengths[right])) > RUNNING_TEXT_CHARS:
            return _order(left, boxes, lengths) + _order(right, boxes, lengths)
    top = _first_of_gap(ids, boxes[:, [1, 3]], minimum=0.8 * height)
    if top is not None:
        return _order(top, boxes, lengths) + _order(np.setdiff1d(ids, top), boxes, lengths)
    return _rows(ids, boxes)


def _first_of_gap(ids: NDArray[np.intp], spans: NDArray[np.floating], *, minimum: float) -> NDArray[np.intp] | None:
    """The lines before the widest gap that no line crosses, if it is at least ``minimum`` wide."""
    by_start = ids[np.argsort(spans[ids, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[by_start, 1])
    gaps = spans[by_start[1:], 0] - reach[:-1]
    widest = int(np.argmax(gaps))
    return by_start[: widest + 1] if gaps[widest] >= minimum else None


def _rows(ids: NDArray[np.intp], boxes: NDArray[np.floating]) -> list[int]:
    """Top to bottom; lines whose middles are within half a line height of each other stand in one row, left to right."""
    if not len(ids):
        return []
    heights = boxes[ids, 3] - boxes[ids, 1]
    # A note that stands up the margin is as high as ten lines, and is in a row with none but its middle's.
    most = 1.5 * float(np.sort(heights)[(len(ids) - 1) // 2])
    ordered: list[int] = []
    row: list[int] = []
    for i in ids[np.argsort((boxes[ids, 1] + boxes[ids, 3]) / 2, kind="stable")].tolist():
        if row:
            first = boxes[row[0]]
            middle, half = (boxes[i, 1] + boxes[i, 3]) / 2, min(first[3] - first[1], most) / 2
            if middle > (first[1] + first[3]) / 2 + half:
                ordered += sorted(row, key=lambda j: (boxes[j, 0], j))
                row = []
        row.append(i)
    return ordered + sorted(row, key=lambda j: (boxes[j, 0], j))

"""The regions of a page that answer a question.

Every line is a candidate, and so is the open space beside a title or a caption that matches. The size of a candidate counts
against it, since a longer text has a good match for anything. Titles, captions and what stands at the edges of the page count
less: they repeat the question, and something else answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pagesight.engine.regions.evidence import Standing, match_lines, scores
from pagesight.engine.regions.layout import Layout, lay_out, middle_of
from pagesight.engine.regions.named import Box, Matched, named_by, size_price
from pagesight.engine.regions.patches import warm_regions
from pagesight.engine.regions.ragged import Float
from pagesight.engine.regions.wording import asks_for_picture
from pagesight.engine.results import Region
from pagesight.storage.values import PageWords

MAX_REGIONS = 5
MAX_LINES = 20  # the best, that may become regions
NAMES_ONLY = 0.6  # of its score is left to what names an answer: titles, captions, the edges of the page
CELL_GAP = 0.15  # of the page's width: values farther from their label are another's
GOES_ON = 0.6  # of a line's match: so much of it lets the line beside it belong to the region
MORE_LINES = 2
MAX_AFTER = 3  # lines after a label, among which its entry is
SHARED = 0.4  # of a line's height: so much of it may lie in the region above or below
FAINTEST = 0.2  # of the best region's score: those below are not shown
LEAST_SCORE = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class AskedPage:
    """A page that is asked where on it the answer is.

    heat, boxes: of its n_tokens > 0 tokens that have a place on it. aspect: page width over height.
    """

    heat: Float
    boxes: Float
    words: PageWords
    aspect: float


def find_regions(question: str, standing: Standing, pages: Sequence[AskedPage]) -> list[tuple[Region, ...]]:
    """For each page at most five regions, disjoint, the surest first.

    question: that is asked of all of them, "" if it is no text. standing: of the pages' tokens.
    """
    found: dict[int, tuple[Region, ...]] = {}
    at = [i for i, page in enumerate(pages) if _stand_for_words(page.boxes, page.words)]
    if at:
        laid = [pages[i] for i in at]
        layout = lay_out([page.words.boxes for page in laid], [page.aspect for page in laid])
        matches = match_lines(standing, [page.boxes for page in pages], layout, at)
        matched = Matched.of(layout, matches)
        chosen = _choose(question, matched, [page.words.texts for page in laid])
        found = {i: regions for i, regions, best in zip(at, chosen, matched.best.tolist(), strict=True) if best > 0}
    return [
        found[i] if i in found else warm_regions(page.heat, page.boxes, page.aspect, MAX_REGIONS)
        for i, page in enumerate(pages)
    ]


def _stand_for_words(boxes: Float, words: PageWords) -> bool:
    """Whether tokens are words, or pieces of them, and not patches of a picture: higher than words, and all of one width."""
    if not len(words):
        return False
    token, word = (middle_of(b[:, 3] - b[:, 1]) for b in (boxes, words.boxes))
    if token <= 1.5 * word:
        return True
    widths = boxes[:, 2] - boxes[:, 0]
    return float((np.abs(widths - middle_of(widths)) < 1e-3).mean()) < 0.9


def _choose(question: str, matched: Matched, texts: Sequence[Sequence[str]]) -> list[tuple[Region, ...]]:
    """The regions of each page, some of which has a match."""
    layout = matched.layout
    inherited, named, spaces = named_by(matched, texts, pictures=asks_for_picture(question))
    names_only = named[layout.block] | matched.at_edge
    score = scores(matched.matches, inherited, layout) * np.where(names_only, NAMES_ONLY, 1.0)
    score -= size_price(layout.lengths)
    pages = layout.page_lines.tolist()
    of_page = np.repeat(np.arange(len(texts)), np.diff(layout.page_lines))
    order = np.lexsort((-score, of_page))  # of each page the best first, ties by index
    best, by_line = order.tolist(), score[order].tolist()
    lines = _Lines.of(matched)
    chosen = []
    for page, first in enumerate(pages[:-1]):
        some = slice(first, min(first + MAX_LINES, pages[page + 1]))
        candidates: list[tuple[float, Box | int]] = [(space.score, space.box) for space in spaces if space.page == page]
        candidates += zip(by_line[some], best[some], strict=True)
        candidates.sort(key=lambda one: -one[0])
        chosen.append(_disjoint(lines, candidates))
    return chosen


def _disjoint(lines: _Lines, candidates: list[tuple[float, Box | int]]) -> tuple[Region, ...]:
    """The best candidates that do not overlap: spaces, and lines by their index. The best come first."""
    chosen: list[Region] = []
    taken: list[Box] = []
    for score, what in candidates:
        if len(chosen) == MAX_REGIONS or (score < FAINTEST * candidates[0][0] and chosen):
            break
        box = _beside(lines.around(what) if isinstance(what, int) else what, taken, lines.height(what))
        if box is not None:
            taken.append(box)
            chosen.append(Region(box, min(1.0, max(LEAST_SCORE, score))))
    return tuple(chosen)


def _beside(box: Box, taken: Sequence[Box], height: float) -> Box | None:
    """What of a box is free, None if it is not. Boxes of lines one below the other share a little: the later one is cut."""
    left, top, right, bottom = box
    for x0, y0, x1, y1 in taken:
        if min(right, x1) > max(left, x0) and min(bottom, y1) > max(top, y0):
            if top < y1 < top + SHARED * height:
                top = y1
            elif bottom - SHARED * height < y0 < bottom:
                bottom = y0
            else:
                return None
    return left, top, right, bottom


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """The lines of pages, of which a few are looked at one by one: as lists, one for each side of the boxes."""

    left: list[float]
    top: list[float]
    right: list[float]
    bottom: list[float]
    block: list[int]
    row: list[int]
    page_stops: list[int]  # of each line, the end of its page's
    own: list[float]
    enough: list[float]  # GOES_ON of these, as float32 rounds it
    layout: Layout

    @classmethod
    def of(cls, matched: Matched) -> _Lines:
        layout, own = matched.layout, matched.own
        left, top, right, bottom = layout.lines.T.tolist()
        return cls(
            left=left,
            top=top,
            right=right,
            bottom=bottom,
            block=layout.block.tolist(),
            row=layout.row.tolist(),
            page_stops=np.repeat(layout.page_lines[1:], np.diff(layout.page_lines)).tolist(),
            own=own.tolist(),
            enough=(np.float32(GOES_ON) * own).tolist(),
            layout=layout,
        )

    def height(self, what: int | Box) -> float:
        """Of a line; 0 for a space."""
        return self.bottom[what] - self.top[what] if isinstance(what, int) else 0.0

    def around(self, line: int) -> Box:
        """The region of a line: of prose with the lines that go on with it, of a label with its values.

        In a table these follow in its row, in a form they may stand below it.
        """
        block = self.block[line]
        if self.layout.prose[block]:
            return self._union(range(*self._going_on(line)))
        beside = self._values_beside(line) if self.layout.in_table[line] else self._value_below(line)
        x0, y0, x1, y1 = self.layout.blocks[block].tolist()
        if beside:
            left, top, right, bottom = self._union(beside)
            return min(x0, left), min(y0, top), max(x1, right), max(y1, bottom)
        return x0, y0, x1, y1

    def _going_on(self, line: int) -> tuple[int, int]:
        """The first of the lines of prose that go on with this one, and that behind the last."""

        def goes_on(other: int) -> bool:
            return self.block[other] == self.block[line] and self.own[other] >= self.enough[line]

        first, last = line, line + 1
        while first > max(0, line - MORE_LINES) and goes_on(first - 1):
            first -= 1
        while last < min(len(self.own), line + MORE_LINES + 1) and goes_on(last):
            last += 1
        return first, last

    def _values_beside(self, line: int) -> list[int]:
        """The cells that follow in its row, each near the one before."""
        found: list[int] = []
        before = line
        for other in range(line + 1, self.page_stops[line]):
            gap = max(self.left[other] - self.right[before], self.left[before] - self.right[other])
            if self.row[other] != self.row[line] or gap > CELL_GAP:
                break
            found.append(other)
            before = other
        return found

    def _value_below(self, line: int) -> list[int]:
        """The next of the lines that follow which stands close below, as the entry of a form below its label."""
        if self.layout.titles[self.block[line]]:
            return []
        left, top, right, bottom = self.left[line], self.top[line], self.right[line], self.bottom[line]
        for other in range(line + 1, min(line + 1 + MAX_AFTER, self.page_stops[line])):
            below = bottom <= self.top[other] < bottom + (bottom - top)
            if below and self.left[other] < right and self.right[other] > left:
                return [other]
        return []

    def _union(self, lines: Sequence[int]) -> Box:
        return (
            min(self.left[line] for line in lines),
            min(self.top[line] for line in lines),
            max(self.right[line] for line in lines),
            max(self.bottom[line] for line in lines),
        )

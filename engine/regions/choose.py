"""The regions of a page that answer a question.

Every line is a candidate, and so is the open space beside a title or a caption that matches. The size of a candidate counts
against it, since a longer text has a good match for anything. Titles, captions and what stands at the edges of the page count
less: they repeat the question, and something else answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from pagesight.engine.regions.evidence import Standing, match_lines, scores
from pagesight.engine.regions.layout import Layout, lay_out
from pagesight.engine.regions.named import Box, Matched, named_by, size_price
from pagesight.engine.regions.patches import warm_regions
from pagesight.engine.regions.ragged import Float, Integers, bounds, ends, medians, members, runs, slices
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


Candidate = tuple[float, Box, float]  # its score, and how high a line it is: 0 for a space
_SCORE = itemgetter(0)


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
    at = _with_tokens_for_words(pages)
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


def _with_tokens_for_words(pages: Sequence[AskedPage]) -> list[int]:
    """Those whose tokens are words, or pieces of them, and not patches of a picture: higher than words, and all of one width."""
    with_words = [i for i, page in enumerate(pages) if len(page.words)]
    if not with_words:
        return []
    tokens, words = (
        _heights([pages[i].boxes for i in with_words]),
        _heights([pages[i].words.boxes for i in with_words]),
    )
    sizes = zip(with_words, tokens, words, strict=True)
    return [i for i, token, word in sizes if token <= 1.5 * word or not _of_one_width(pages[i].boxes)]


def _heights(pages: Sequence[Float]) -> list[float]:
    """The median height of the boxes of each page."""
    boxes, first = np.concatenate(pages), ends(np.array([len(page) for page in pages]))[:-1]
    return list(medians((boxes[:, 3] - boxes[:, 1])[None], first)[0].tolist())


def _of_one_width(boxes: Float) -> bool:
    widths = boxes[:, 2] - boxes[:, 0]
    return float((np.abs(widths - medians(widths[None], np.zeros(1, np.int64))[0]) < 1e-3).mean()) >= 0.9


def _choose(question: str, matched: Matched, texts: Sequence[Sequence[str]]) -> list[tuple[Region, ...]]:
    """The regions of each page, some of which has a match."""
    layout = matched.layout
    inherited, named, spaces = named_by(matched, texts, pictures=asks_for_picture(question))
    names_only = named[layout.block] | matched.at_edge
    score = scores(matched.matches, inherited, layout) * np.where(names_only, NAMES_ONLY, 1.0)
    score -= size_price(layout.lengths)
    most = np.maximum.reduceat(score, layout.page_lines[:-1])
    least = np.minimum(most, FAINTEST * most)  # of a line that may be shown
    heights = layout.lines[:, 3] - layout.lines[:, 1]
    hot = (score >= least.repeat(members(layout.page_lines))).nonzero()[0]
    by_line = list(zip(score[hot].tolist(), _around(matched, hot), heights[hot].tolist(), strict=True))
    chosen = []
    for page, of_page in enumerate(slices(hot.searchsorted(layout.page_lines))):
        candidates = [(space.score, space.box, 0.0) for space in spaces if space.page == page]
        candidates += sorted(by_line[of_page], key=_SCORE, reverse=True)[:MAX_LINES]
        candidates.sort(key=_SCORE, reverse=True)
        chosen.append(_disjoint(candidates))
    return chosen


def _disjoint(candidates: Sequence[Candidate]) -> tuple[Region, ...]:
    """The best candidates that do not overlap. The best come first."""
    chosen: list[Region] = []
    taken: list[Box] = []
    for score, around, height in candidates:
        if len(chosen) == MAX_REGIONS or (score < FAINTEST * candidates[0][0] and chosen):
            break
        box = _beside(around, taken, height)
        if box is not None:
            taken.append(box)
            chosen.append(Region(box, min(1.0, max(LEAST_SCORE, score))))
    return tuple(chosen)


def _beside(box: Box, taken: Sequence[Box], height: float) -> Box | None:
    """What of a box is free, None if it is not. Boxes of lines one below the other share a little: the later one is cut."""
    left, top, right, bottom = box
    for x0, y0, x1, y1 in taken:
        if left < x1 and x0 < right and top < y1 and y0 < bottom:
            if top < y1 < top + SHARED * height:
                top = y1
            elif bottom - SHARED * height < y0 < bottom:
                bottom = y0
            else:
                return None
    return left, top, right, bottom


def _around(matched: Matched, lines: Integers) -> list[Box]:
    """The region of each of these lines: of prose with the lines that go on with it, of a label with its values.

    In a table these follow in its row, in a form they may stand below it.
    """
    layout = matched.layout
    block = layout.block[lines]
    prose, in_table = layout.prose[block], layout.in_table[lines]
    before, after = _going_on(matched, lines, -1), _going_on(matched, lines, 1)
    beside, below = _values_beside(layout, lines), _value_below(layout, lines)
    first = np.where(prose, lines - before, np.where(in_table, lines + 1, below))
    stop = np.where(prose, lines + 1 + after, np.where(in_table, beside, below + (below > lines)))
    found = layout.blocks.take(block, axis=0)
    some = (stop > first).nonzero()[0]
    n_lines = (stop - first)[some]
    if len(some):
        reach = bounds(layout.lines.take(runs(first[some], n_lines), axis=0), ends(n_lines)[:-1])
        both = np.stack([found[some], reach])
        whole = np.concatenate([both[..., :2].min(axis=0), both[..., 2:].max(axis=0)], axis=1)
        found[some] = np.where(prose[some, None], reach, whole)
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in found.tolist()]


def _going_on(matched: Matched, lines: Integers, way: int) -> Integers:
    """How many of the lines of its block before each (way -1) or after it (way 1) go on with it."""
    block, own = matched.layout.block, matched.own
    there = lines[:, None] + way * np.arange(1, MORE_LINES + 1)
    other = np.minimum(np.maximum(there, 0), len(own) - 1)
    goes_on = (other == there) & (block[other] == block[lines, None])
    goes_on &= own[other] >= np.float32(GOES_ON) * own[lines, None]
    return np.asarray(np.logical_and.accumulate(goes_on, axis=1).sum(axis=1), np.int64)


def _values_beside(layout: Layout, lines: Integers) -> Integers:
    """For each the line behind the last of the cells that follow in its row, each near the one before."""
    here, after = layout.lines[:-1], layout.lines[1:]
    gap = np.maximum(after[:, 0] - here[:, 2], here[:, 0] - after[:, 2])
    last = np.append(((layout.row[1:] != layout.row[:-1]) | (gap > CELL_GAP)).nonzero()[0], len(layout.lines) - 1)
    return last[last.searchsorted(lines)] + 1


def _value_below(layout: Layout, lines: Integers) -> Integers:
    """For each the next of the lines that follow which stands close below, as the entry of a form below its label; itself if there is none."""
    pages = layout.page_lines
    stops = pages[pages.searchsorted(lines, "right")]
    others = np.minimum(lines[:, None] + np.arange(1, MAX_AFTER + 1), stops[:, None] - 1)
    label, value = layout.lines[lines, None], layout.lines[others]
    top, bottom, there = label[..., 1], label[..., 3], value[..., 1]
    below = (bottom <= there) & (there < bottom + (bottom - top))
    below &= (value[..., 0] < label[..., 2]) & (value[..., 2] > label[..., 0])
    below &= ~layout.titles[layout.block[lines], None]
    at = below.argmax(axis=1)
    return np.where(below.any(axis=1), others[np.arange(len(lines)), at], lines)

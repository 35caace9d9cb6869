"""The regions of a page that answer a question.

Every line is a candidate, and so is the open space beside a title or a caption that matches. The size of a candidate counts
against it, since a longer text has a good match for anything. Titles, captions and what stands at the edges of the page count
less: they repeat the question, and something else answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.regions.evidence import INHERITED, Standing, match_lines, scores
from pagesight.engine.regions.layout import EDGES, Layout, lay_out, level, middle_of
from pagesight.engine.regions.patches import warm_regions
from pagesight.engine.regions.spaces import ABOVE, BELOW, LEFT, RIGHT, open_space
from pagesight.engine.regions.wording import asks_for_picture, is_caption
from pagesight.engine.results import Region
from pagesight.storage.values import PageWords

Float = NDArray[np.float32]
Box = tuple[float, float, float, float]

MAX_REGIONS = 5
MAX_LINES = 20  # the best, that may become regions
NAMES_ONLY = 0.6  # of its score is left to what names an answer: titles, captions, the edges of the page
SIZE = 0.15  # of the score for each e-fold of a candidate's length beyond SHORT
SHORT = 4.0  # ems
SPACE_SIZE = 0.5  # of that for the labels in an open space
BROUGHT = 0.9  # of a title's match counts for the space beside it
PICTURED = 1.5  # times, where a picture is asked for
MATCHING = 0.5  # of the best match: from there on a title or caption brings what it names
CAPTION = 100  # ems: what is longer is text that begins like a caption
MAX_NAMED = 2  # titles or captions, the best
MAX_LOOKED_BESIDE = 3  # lines, where a picture is asked for
SMALLEST, LARGEST = 0.03, 0.6  # of the page, for an open space
MIN_LABELS = 3  # that say how far a figure reaches
CELL_GAP = 0.15  # of the page's width: values farther from their label are another's
GOES_ON = 0.6  # of a line's match: so much of it lets the line beside it belong to the region
MORE_LINES = 2
MAX_AFTER = 3  # lines after a label, among which its entry is
FAINTEST = 0.2  # of the best region's score: those below are not shown
LEAST_SCORE = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    """A page as the rules look at it. matches: (n_query_tokens, n_lines). within: (4,), how far its content may reach."""

    layout: Layout
    matches: Float
    own: Float  # (n_lines,) sums of matches
    of_blocks: Float  # (n_query_tokens, n_blocks)
    at_edge: NDArray[np.bool_]  # (n_lines,)
    within: Float


@dataclass(frozen=True, slots=True)
class _Space:
    """An open space that may answer."""

    box: Box
    score: float


def find_regions(
    question: str, standing: Standing, heat: Float, boxes: Float, words: PageWords, aspect: float
) -> tuple[Region, ...]:
    """At most five regions, disjoint, the surest first.

    question: "" if it is no text. standing, heat, boxes: of the page's n_tokens > 0 tokens. aspect: page width over height.
    """
    if not _stand_for_words(boxes, words):
        return warm_regions(heat, boxes, aspect, MAX_REGIONS)
    layout = lay_out(words.boxes, aspect)
    matches = match_lines(standing, boxes, layout)
    if not matches.any():
        return warm_regions(heat, boxes, aspect, MAX_REGIONS)
    page = _page(layout, matches)
    inherited, named, spaces = _named(page, words)
    if asks_for_picture(question):
        spaces += _beside_the_best(page)
    score = scores(matches, inherited) * np.where(named[layout.block] | page.at_edge, NAMES_ONLY, 1.0)
    score -= _size(layout.lengths)
    best = np.argsort(-score, kind="stable")[:MAX_LINES].tolist()
    candidates: list[tuple[float, Box | int]] = [(space.score, space.box) for space in spaces]
    candidates += zip(score[best].tolist(), best, strict=True)
    candidates.sort(key=lambda one: -one[0])
    return _disjoint(page, candidates)


def _stand_for_words(boxes: Float, words: PageWords) -> bool:
    """Whether tokens are words, or pieces of them, and not patches of a picture: higher than words, and all of one width."""
    if not len(words):
        return False
    token, word = (middle_of(b[:, 3] - b[:, 1]) for b in (boxes, words.boxes))
    if token <= 1.5 * word:
        return True
    widths = boxes[:, 2] - boxes[:, 0]
    return float((np.abs(widths - middle_of(widths)) < 1e-3).mean()) < 0.9


def _page(layout: Layout, matches: Float) -> _Page:
    lines = layout.lines
    middle = (lines[:, 1] + lines[:, 3]) / 2
    within = [
        min(0.08, lines[:, 0].min()),
        lines[:, 1].min(),
        max(0.92, lines[:, 2].max()),
        max(0.95, lines[:, 3].max()),
    ]
    return _Page(
        layout=layout,
        matches=matches,
        own=matches.sum(axis=0),
        of_blocks=np.maximum.reduceat(matches, layout.first_lines, axis=1),
        at_edge=(middle < EDGES[0]) | (middle > EDGES[1]),
        within=np.array(within, np.float32),
    )


def _named(page: _Page, words: PageWords) -> tuple[Float, NDArray[np.bool_], list[_Space]]:
    """What lines inherit (n_query_tokens, n_lines), which blocks only name something (n_blocks,), and the spaces they name."""
    layout = page.layout
    of_rows = np.maximum.reduceat(page.matches, layout.first_cells, axis=1)
    inherited = np.asarray(INHERITED * of_rows[:, layout.row], np.float32)
    named, spaces = layout.titles.copy(), []
    sums = page.of_blocks.sum(axis=0)
    hot = np.argsort(-sums, kind="stable")
    n_named = 0
    for block in hot[sums[hot] >= MATCHING * page.own.max()].tolist():
        title = bool(layout.titles[block])
        if not title and (layout.sizes[block] > CAPTION or not _begins_a_caption(block, layout, words)):
            continue
        found = _below_title(page, block, inherited) if title else _beside_caption(page, block)
        named[block] = True
        if found is not None and _area(found) >= SMALLEST:
            spaces.append(_space(page, found, block))
        n_named += 1
        if n_named == MAX_NAMED:
            break
    return inherited, named, spaces


def _begins_a_caption(block: int, layout: Layout, words: PageWords) -> bool:
    first = int(layout.first_words[block])
    return is_caption(" ".join(words.texts[first : first + 2]))


def _below_title(page: _Page, block: int, inherited: Float) -> Float | None:
    """The space below a title, down to the next of its kind; the lines of its section inherit what it matches."""
    layout = page.layout
    box, height = layout.blocks[block], layout.heights[block]
    left, _, right, bottom = page.within
    beside = layout.titles & (level(layout.blocks, box) > 0.3)
    beside[block] = False
    for other in layout.blocks[beside]:
        if other[0] >= box[2] - 1e-3:
            right = min(right, other[0])
        elif other[2] <= box[0] + 1e-3:
            left = max(left, other[2])
    later = layout.titles & (layout.heights >= 0.85 * height) & (layout.blocks[:, 1] > box[3] + 0.04)
    over = later & (layout.blocks[:, 0] < right) & (layout.blocks[:, 2] > left)
    end = layout.blocks[over, 1].min() if over.any() else 1.0
    x, y = _middles(layout.lines)
    section = np.flatnonzero((y >= box[3]) & (y <= end) & (x >= left) & (x <= right) & ~layout.titles[layout.block])
    inherited[:, section] = np.maximum(inherited[:, section], INHERITED * page.of_blocks[:, [block]])
    within = np.array([left, box[3], right, bottom], np.float32)
    return open_space(box, BELOW, layout.blocks[layout.prose | later], within)


def _beside_caption(page: _Page, block: int) -> Float | None:
    """The larger of the spaces below and above a caption, or else of those at its sides."""
    found = _largest(page, block, (BELOW, ABOVE))
    return _largest(page, block, (RIGHT, LEFT)) if found is None else found


def _beside_the_best(page: _Page) -> list[_Space]:
    """Spaces beside the lines that match best."""
    best = np.argsort(-page.own, kind="stable")[:MAX_LOOKED_BESIDE]
    blocks = dict.fromkeys(page.layout.block[best].tolist())
    found = ((block, _largest(page, block, (BELOW, ABOVE, RIGHT, LEFT), LARGEST)) for block in blocks)
    return [_space(page, space, block, PICTURED) for block, space in found if space is not None]


def _largest(page: _Page, block: int, sides: tuple[str, ...], largest: float = 1.0) -> Float | None:
    obstacles = page.layout.prose.copy()
    obstacles[block] = False
    boxes = page.layout.blocks[obstacles]
    found = [
        space
        for side in sides
        if (space := open_space(page.layout.blocks[block], side, boxes, page.within)) is not None
    ]
    found = [space for space in found if SMALLEST <= _area(space) <= largest]
    return max(found, key=_area, default=None)


def _space(page: _Page, space: Float, block: int, factor: float = 1.0) -> _Space:
    """An open space that belongs to a block, with the labels in it."""
    layout = page.layout
    x, y = _middles(layout.lines)
    inside = (space[0] < x) & (x < space[2]) & (space[1] < y) & (y < space[3]) & ~page.at_edge
    match = BROUGHT * page.of_blocks[:, block]
    if inside.any():
        match = np.maximum(match, page.matches[:, inside].max(axis=1))
    length = layout.lengths[inside].sum()
    return _Space(
        _union([_trimmed(space, layout.blocks[block], layout.lines[inside]).tolist()]),
        float(match.sum() * factor - SPACE_SIZE * _size(length)),
    )


def _trimmed(space: Float, block: Float, labels: Float) -> Float:
    """A space as far as its labels and its title reach, if there are labels enough to know."""
    if len(labels) < MIN_LABELS:
        return space
    low = np.minimum(labels[:, :2].min(axis=0), [block[0], 1.0])
    high = np.maximum(labels[:, 2:].max(axis=0), [block[2], 0.0])
    trimmed = np.concatenate([np.maximum(space[:2], low), np.minimum(space[2:], high)]).astype(np.float32)
    return trimmed if _area(trimmed) >= 0.25 * _area(space) else space


def _disjoint(page: _Page, candidates: list[tuple[float, Box | int]]) -> tuple[Region, ...]:
    """The best candidates that do not overlap: spaces, and lines by their index. The best come first."""
    chosen: list[Region] = []
    for score, what in candidates:
        if len(chosen) == MAX_REGIONS or (score < FAINTEST * candidates[0][0] and chosen):
            break
        box = _around(page, what) if isinstance(what, int) else what
        if not any(_overlap(box, other.box) for other in chosen):
            chosen.append(Region(box, min(1.0, max(LEAST_SCORE, score))))
    return tuple(chosen)


def _around(page: _Page, line: int) -> Box:
    """The region of a line: of prose with the lines that go on with it, of a label with its values.

    In a table these follow in its row, in a form they may stand below it.
    """
    layout, own = page.layout, page.own
    block = layout.block[line]
    if not layout.prose[block]:
        beside = _values_beside(layout, line) if layout.in_table[line] else _value_below(layout, line)
        return _union([layout.blocks[block].tolist(), *beside])
    first = last = line
    while (
        first > max(0, line - MORE_LINES) and layout.block[first - 1] == block and own[first - 1] >= GOES_ON * own[line]
    ):
        first -= 1
    stop = min(len(own), line + MORE_LINES + 1)
    while last + 1 < stop and layout.block[last + 1] == block and own[last + 1] >= GOES_ON * own[line]:
        last += 1
    return _union(layout.lines[first : last + 1].tolist())


def _values_beside(layout: Layout, line: int) -> list[list[float]]:
    """The cells that follow in its row, each near the one before."""
    found = []
    row, box = layout.row[line], layout.lines[line].tolist()
    for other in range(line + 1, len(layout.lines)):
        cell = layout.lines[other].tolist()
        if layout.row[other] != row or max(cell[0] - box[2], box[0] - cell[2]) > CELL_GAP:
            break
        found.append(cell)
        box = cell
    return found


def _value_below(layout: Layout, line: int) -> list[list[float]]:
    """The next of the lines that follow which stands close below, as the entry of a form below its label."""
    if layout.titles[layout.block[line]]:
        return []
    x0, y0, x1, y1 = layout.lines[line].tolist()
    after = layout.lines[line + 1 : line + 1 + MAX_AFTER].tolist()
    return [box for box in after if y1 <= box[1] < y1 + (y1 - y0) and box[0] < x1 and box[2] > x0][:1]


def _union(boxes: Sequence[Sequence[float]]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _overlap(box: Box, other: Box) -> bool:
    across = min(box[2], other[2]) - max(box[0], other[0])
    return across > 0 and min(box[3], other[3]) - max(box[1], other[1]) > 0


def _size(lengths: Float) -> Float:
    """What its length in ems takes from a candidate's score."""
    return np.asarray(SIZE * np.log(np.maximum(lengths, SHORT) / SHORT), np.float32)


def _middles(boxes: Float) -> tuple[Float, Float]:
    middles = np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float32)
    return middles[:, 0], middles[:, 1]


def _area(box: Float) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))

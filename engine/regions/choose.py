"""The regions of a page that answer a question.

Every line is a candidate, and so is the open space beside a title or a caption that matches. The size of a candidate counts
against it, since a longer text has a good match for anything. Titles, captions and what stands at the edges of the page count
less: they repeat the question, and something else answers it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.regions.evidence import INHERITED, Standing, match_lines, scores
from pagesight.engine.regions.layout import Layout, lay_out, level, starts
from pagesight.engine.regions.patches import warm_regions
from pagesight.engine.regions.spaces import ABOVE, BELOW, LEFT, RIGHT, open_space
from pagesight.engine.regions.wording import asks_for_picture, is_caption
from pagesight.engine.results import Region
from pagesight.storage.values import PageWords

Float = NDArray[np.float32]
Integers = NDArray[np.int64]

MAX_REGIONS = 5
NAMES_ONLY = 0.6  # of its score is left to what names an answer: titles, captions, the edges of the page
EDGES = (0.04, 0.95)  # of the page's height: what stands beyond is repeated on every page
SIZE = 0.15  # of the score for each e-fold of a candidate's length beyond SHORT
SHORT = 4.0  # ems
SPACE_SIZE = 0.5  # of that for the labels in an open space
BROUGHT = 0.9  # of a title's match counts for the space beside it
PICTURED = 1.5  # times, where a picture is asked for
MATCHING = 0.5  # of the best match: from there on a title or caption brings what it names
CAPTION = 100  # ems: what is longer is text that begins like a caption
MAX_NAMED = 3  # titles or captions, the best
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
    of_blocks: Float  # (n_query_tokens, n_blocks)
    at_edge: NDArray[np.bool_]  # (n_lines,)
    within: Float


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    box: Float
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
    best = np.argsort(-score, kind="stable")[: 4 * MAX_REGIONS]
    candidates = spaces + [_Candidate(_around(page, int(line)), float(score[line])) for line in best]
    return _disjoint(candidates)


def _stand_for_words(boxes: Float, words: PageWords) -> bool:
    """Whether tokens are words, or pieces of them, and not patches of a picture: higher than words, and all of one width."""
    if not len(words):
        return False
    token, word = (float(np.median(b[:, 3] - b[:, 1])) for b in (boxes, words.boxes))
    if token <= 1.5 * word:
        return True
    widths = boxes[:, 2] - boxes[:, 0]
    return float((np.abs(widths - np.median(widths)) < 1e-3).mean()) < 0.9


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
        of_blocks=np.maximum.reduceat(matches, starts(layout.block), axis=1),
        at_edge=(middle < EDGES[0]) | (middle > EDGES[1]),
        within=np.array(within, np.float32),
    )


def _named(page: _Page, words: PageWords) -> tuple[Float, NDArray[np.bool_], list[_Candidate]]:
    """What lines inherit (n_query_tokens, n_lines), which blocks only name something (n_blocks,), and the spaces they name."""
    layout = page.layout
    of_rows = np.maximum.reduceat(page.matches, starts(layout.row), axis=1)
    inherited, named, spaces = INHERITED * of_rows[:, layout.row], layout.titles.copy(), []
    sums = page.of_blocks.sum(axis=0)
    hot = np.argsort(-sums, kind="stable")
    n_named = 0
    for block in hot[sums[hot] >= MATCHING * page.matches.sum(axis=0).max()].tolist():
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
    section = (y >= box[3]) & (y <= end) & (x >= left) & (x <= right) & ~layout.titles[layout.block]
    inherited[:, section] = np.maximum(inherited[:, section], INHERITED * page.of_blocks[:, [block]])
    within = np.array([left, box[3], right, bottom], np.float32)
    return open_space(box, BELOW, layout.blocks[layout.prose | later], within)


def _beside_caption(page: _Page, block: int) -> Float | None:
    """The larger of the spaces below and above a caption, or else of those at its sides."""
    found = _largest(page, block, (BELOW, ABOVE))
    return _largest(page, block, (RIGHT, LEFT)) if found is None else found


def _beside_the_best(page: _Page) -> list[_Candidate]:
    """Spaces beside the lines that match best."""
    best = np.argsort(-page.matches.sum(axis=0), kind="stable")[:MAX_LOOKED_BESIDE]
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


def _space(page: _Page, space: Float, block: int, factor: float = 1.0) -> _Candidate:
    """An open space that belongs to a block, with the labels in it."""
    layout = page.layout
    x, y = _middles(layout.lines)
    inside = (space[0] < x) & (x < space[2]) & (space[1] < y) & (y < space[3]) & ~page.at_edge
    match = BROUGHT * page.of_blocks[:, block]
    if inside.any():
        match = np.maximum(match, page.matches[:, inside].max(axis=1))
    length = layout.lengths[inside].sum()
    return _Candidate(
        _trimmed(space, layout.blocks[block], layout.lines[inside]),
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


def _around(page: _Page, line: int) -> Float:
    """The region of a line: of prose with the lines that go on with it, of a label with its values.

    In a table these follow in its row, in a form they may stand below it.
    """
    layout = page.layout
    first = last = line
    if layout.prose[layout.block[line]]:
        own = page.matches.sum(axis=0)
        while (
            first > max(0, line - MORE_LINES)
            and _same_block(layout, first - 1, line)
            and own[first - 1] >= GOES_ON * own[line]
        ):
            first -= 1
        stop = min(len(own), line + MORE_LINES + 1)
        while last + 1 < stop and _same_block(layout, last + 1, line) and own[last + 1] >= GOES_ON * own[line]:
            last += 1
        return _union(layout.lines[first : last + 1])
    boxes = [layout.blocks[layout.block[line]]]
    if layout.in_table[line]:
        boxes += _values_beside(layout, line)
    elif not layout.titles[layout.block[line]]:
        boxes += _value_below(layout, line)
    return _union(np.array(boxes))


def _values_beside(layout: Layout, line: int) -> list[Float]:
    """The cells that follow in its row, each near the one before."""
    found = []
    while line + 1 < len(layout.lines) and layout.row[line + 1] == layout.row[line]:
        if _gap(layout.lines[line], layout.lines[line + 1]) > CELL_GAP:
            break
        line += 1
        found.append(layout.lines[line])
    return found


def _value_below(layout: Layout, line: int) -> list[Float]:
    """The next of the lines that follow which stands close below, as the entry of a form below its label."""
    box = layout.lines[line]
    height = box[3] - box[1]
    after = layout.lines[line + 1 : line + 1 + MAX_AFTER]
    below = (after[:, 1] >= box[3]) & (after[:, 1] - box[3] < height) & (after[:, 0] < box[2]) & (after[:, 2] > box[0])
    return list(after[below][:1])


def _same_block(layout: Layout, line: int, other: int) -> bool:
    return bool(layout.block[line] == layout.block[other])


def _union(boxes: Float) -> Float:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _gap(box: Float, other: Float) -> float:
    return float(max(other[0] - box[2], box[0] - other[2]))


def _disjoint(candidates: list[_Candidate]) -> tuple[Region, ...]:
    """The best candidates that do not overlap."""
    candidates = sorted(candidates, key=lambda one: (-one.score, one.box.tolist()))
    chosen: list[_Candidate] = []
    for one in candidates:
        if len(chosen) == MAX_REGIONS or (chosen and one.score < FAINTEST * chosen[0].score):
            break
        if not any(_overlap(one.box, other.box) for other in chosen):
            chosen.append(one)
    return tuple(
        Region((float(b[0]), float(b[1]), float(b[2]), float(b[3])), min(1.0, max(LEAST_SCORE, one.score)))
        for one in chosen
        for b in (one.box,)
    )


def _overlap(box: Float, other: Float) -> bool:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return bool(width > 0 and height > 0)


def _size(lengths: Float) -> Float:
    """What its length in ems takes from a candidate's score."""
    return np.asarray(SIZE * np.log(np.maximum(lengths, SHORT) / SHORT), np.float32)


def _middles(boxes: Float) -> tuple[Float, Float]:
    return (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2


def _area(box: Float) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))

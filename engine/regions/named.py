"""What titles and captions name: the open space beside them, and the lines of a title's section.

A title or caption repeats the question, and something else answers it: what it stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from pagesight.engine.maxsim import summed
from pagesight.engine.regions.evidence import INHERITED
from pagesight.engine.regions.layout import EDGES, Layout, level
from pagesight.engine.regions.ragged import (
    Flags,
    Float,
    Integers,
    bounds,
    counts_of,
    ends,
    inside,
    largest,
    members,
    runs,
    slices,
)
from pagesight.engine.regions.spaces import ABOVE, BELOW, LEFT, RIGHT, Beside, open_spaces
from pagesight.engine.regions.wording import is_caption

Box = tuple[float, float, float, float]

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
_MORE = np.float32(np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Pages as the rules look at them. matches: (n_query_tokens, n_lines). within: (n_pages, 4), how far their content may reach."""

    layout: Layout
    matches: Float
    own: Float  # (n_lines,) sums of matches
    best: Float  # (n_pages,) the largest of each page
    of_blocks: Float  # (n_query_tokens, n_blocks)
    at_edge: Flags  # (n_lines,)
    within: Float

    @classmethod
    def of(cls, layout: Layout, matches: Float) -> Matched:
        own, lines, first = summed(matches), layout.lines, layout.page_lines[:-1]
        middle = (lines[:, 1] + lines[:, 3]) / 2
        within = bounds(lines, first)
        within[:, 0] = np.minimum(within[:, 0], 0.08)
        within[:, 2:] = np.maximum(within[:, 2:], np.array([0.92, 0.95], np.float32))
        return cls(
            layout=layout,
            matches=matches,
            own=own,
            best=np.maximum.reduceat(own, first),
            of_blocks=largest(matches, layout.first_lines),
            at_edge=(middle < EDGES[0]) | (middle > EDGES[1]),
            within=within,
        )


@dataclass(frozen=True, slots=True)
class Space:
    """An open space that may answer, on a page."""

    page: int
    box: Box
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class _Name:
    """A title or caption that matches, or a line where a picture is asked for.

    sides: groups of sides of its block; what it names is the largest space on those of the first group that has any.
    """

    page: int
    block: int
    sides: tuple[tuple[str, ...], ...]
    obstacles: Float
    within: Float
    largest: float = 1.0
    factor: float = 1.0


def named_by(matched: Matched, texts: Sequence[Sequence[str]], *, pictures: bool) -> tuple[Float, Flags, list[Space]]:
    """What lines inherit (n_query_tokens, n_lines), which blocks only name something (n_blocks,), and the spaces that may answer.

    texts: of the words of each page. pictures: whether one is asked for; then the spaces beside the best lines are looked at.
    """
    layout = matched.layout
    of_rows = np.float32(INHERITED) * largest(matched.matches, layout.first_cells)
    inherited = of_rows.repeat(counts_of(layout.first_cells, len(layout.row)), axis=1)
    names, named = [], layout.titles.copy()
    for page, block in _titles_and_captions(matched, texts):
        named[block] = True
        names.append(
            _title(matched, page, block, inherited) if layout.titles[block] else _caption(matched, page, block)
        )
    if pictures:
        names += _best_lines(matched)
    blocks = layout.blocks
    asked = [
        Beside(blocks[name.block], side, name.obstacles, name.within)
        for name in names
        for side in chain.from_iterable(name.sides)
    ]
    found, there = open_spaces(asked)
    chosen = _largest(names, np.where(there, areas(found), np.float32(0)).tolist())
    some = [(name, space) for name, space in zip(names, chosen, strict=True) if space is not None]
    return inherited, named, _spaces(matched, [name for name, _ in some], found[[space for _, space in some]])


def _titles_and_captions(matched: Matched, texts: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Page and block of the best that match, MAX_NAMED a page at most."""
    layout, pages = matched.layout, matched.layout.page_blocks
    sums = summed(matched.of_blocks)
    matching = sums >= MATCHING * matched.best.repeat(members(pages))
    hot = (matching & (layout.titles | (layout.sizes <= CAPTION))).nonzero()[0]
    page = pages.searchsorted(hot, "right") - 1
    order = np.lexsort((-sums[hot], page))
    hot, page = hot[order], page[order]
    first = layout.first_words[hot] - layout.page_words[page]
    n_named = [0] * len(texts)
    for at, block, word in zip(page.tolist(), hot.tolist(), first.tolist(), strict=True):
        if n_named[at] == MAX_NAMED:
            continue
        if layout.titles[block] or is_caption(" ".join(texts[at][word : word + 2])):
            n_named[at] += 1
            yield at, block


def _title(matched: Matched, page: int, block: int, inherited: Float) -> _Name:
    """A title names the space below it, down to the next of its kind; the lines of its section inherit what it matches."""
    layout = matched.layout
    of_page = slice(*layout.page_blocks[page : page + 2].tolist())
    blocks, titles = layout.blocks[of_page], layout.titles[of_page]
    box, height = layout.blocks[block], layout.heights[block]
    left, _, right, bottom = matched.within[page]
    beside = titles & (level(blocks, box) > 0.3)
    beside[block - of_page.start] = False
    for other in blocks[beside]:
        if other[0] >= box[2] - 1e-3:
            right = min(right, other[0])
        elif other[2] <= box[0] + 1e-3:
            left = max(left, other[2])
    later = titles & (layout.heights[of_page] >= 0.85 * height) & (blocks[:, 1] > box[3] + 0.04)
    over = later & (blocks[:, 0] < right) & (blocks[:, 2] > left)
    end = blocks[over, 1].min() if over.any() else 1.0
    lines = slice(*layout.page_lines[page : page + 2].tolist())
    x, y = middles(layout.lines[lines])
    section = (y >= box[3]) & (y <= end) & (x >= left) & (x <= right) & ~layout.titles[layout.block[lines]]
    at = lines.start + section.nonzero()[0]
    inherited[:, at] = np.maximum(inherited[:, at], INHERITED * matched.of_blocks[:, [block]])
    within = np.array([left, box[3], right, bottom], np.float32)
    return _Name(page, block, ((BELOW,),), blocks[layout.prose[of_page] | later], within)


def _caption(matched: Matched, page: int, block: int) -> _Name:
    """A caption names the larger of the spaces below and above it, or else of those at its sides."""
    return _Name(page, block, ((BELOW, ABOVE), (RIGHT, LEFT)), _prose(matched, page, block), matched.within[page])


def _best_lines(matched: Matched) -> Iterator[_Name]:
    """The blocks of the lines that match best, which are beside the picture that is asked for."""
    layout = matched.layout
    for page, lines in enumerate(slices(layout.page_lines)):
        best = lines.start + np.argsort(-matched.own[lines], kind="stable")[:MAX_LOOKED_BESIDE]
        for block in dict.fromkeys(layout.block[best].tolist()):
            obstacles, sides = _prose(matched, page, block), (BELOW, ABOVE, RIGHT, LEFT)
            yield _Name(page, block, (sides,), obstacles, matched.within[page], LARGEST, PICTURED)


def _prose(matched: Matched, page: int, block: int) -> Float:
    """The blocks of prose on a page, but for this one."""
    first, stop = matched.layout.page_blocks[page : page + 2].tolist()
    obstacles = matched.layout.prose[first:stop].copy()
    obstacles[block - first] = False
    return np.asarray(matched.layout.blocks[first:stop][obstacles], np.float32)


def _largest(names: Sequence[_Name], sizes: Sequence[float]) -> list[int | None]:
    """For each name the space that it names. sizes: of the spaces that were found, one for each side of each name; 0 for none."""
    chosen: list[int | None] = []
    stop = 0
    for name in names:
        named = None
        for group in name.sides:
            first, stop = stop, stop + len(group)
            fitting = [at for at in range(first, stop) if SMALLEST <= sizes[at] <= name.largest]
            if named is None and fitting:
                named = max(fitting, key=sizes.__getitem__)
        chosen.append(named)
    return chosen


def _spaces(matched: Matched, names: Sequence[_Name], boxes: Float) -> list[Space]:
    """Open spaces, each of the block that names it, with the labels in it."""
    if not names:
        return []
    layout = matched.layout
    blocks, pages = np.array([name.block for name in names]), np.array([name.page for name in names])
    within = np.concatenate([np.nextafter(boxes[:, :2], _MORE), np.nextafter(boxes[:, 2:], -_MORE)], axis=1)
    space, line = inside(within, pages, layout.lines, layout.page_lines)  # what lies on its edge is another's
    here = (~matched.at_edge.take(line)).nonzero()[0]
    space, line = space.take(here), line.take(here)
    n_lines = np.bincount(space, minlength=len(names))
    match = np.float32(BROUGHT) * matched.of_blocks.take(blocks, axis=1)
    some, first = n_lines.nonzero()[0], ends(n_lines)[:-1]
    if len(some):
        of_lines = largest(matched.matches.take(line, axis=1), first.take(some))
        match[:, some] = np.maximum(match.take(some, axis=1), of_lines)
    factors = np.array([name.factor for name in names], np.float32)
    price = size_price(np.bincount(space, layout.lengths.take(line), len(names)).astype(np.float32))
    score = summed(match) * factors - np.float32(SPACE_SIZE) * price
    trimmed = _trimmed(boxes, layout.blocks.take(blocks, axis=0), layout.lines.take(line, axis=0), n_lines)
    return [
        Space(page, (x0, y0, x1, y1), of_space)
        for page, (x0, y0, x1, y1), of_space in zip(pages.tolist(), trimmed.tolist(), score.tolist(), strict=True)
    ]


def _trimmed(spaces: Float, blocks: Float, labels: Float, n_labels: Integers) -> Float:
    """Each space as far as its labels and its title reach, if there are labels enough to know.

    labels: of all of them, end to end, so many of each.
    """
    found, some = spaces.copy(), (n_labels >= MIN_LABELS).nonzero()[0]
    if not len(some):
        return found
    n_some = n_labels.take(some)
    at = runs(ends(n_labels)[:-1].take(some), n_some)
    reach, space, block = (
        bounds(labels.take(at, axis=0), ends(n_some)[:-1]),
        spaces.take(some, axis=0),
        blocks.take(some, axis=0),
    )
    reach[:, 0] = np.minimum(reach[:, 0], block[:, 0])
    reach[:, 2] = np.maximum(reach[:, 2], block[:, 2])
    trimmed = np.concatenate([np.maximum(space[:, :2], reach[:, :2]), np.minimum(space[:, 2:], reach[:, 2:])], axis=1)
    found[some] = np.where((areas(trimmed) >= np.float32(0.25) * areas(space))[:, None], trimmed, space)
    return found


def size_price(lengths: Float) -> Float:
    """What its length in ems takes from a candidate's score."""
    return np.asarray(SIZE * np.log(np.maximum(lengths, SHORT) / SHORT), np.float32)


def middles(boxes: Float) -> tuple[Float, Float]:
    """Across and down: two of (n,)."""
    found = np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float32)
    return found[:, 0], found[:, 1]


def areas(boxes: Float) -> Float:
    """Shares of the page: (n,)."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), np.float32)

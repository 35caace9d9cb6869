"""The layout of a page from the boxes of its words: lines and cells, blocks, rows and tables, titles.

Words come in reading order, so what belongs together comes together: each rule compares neighbours only, and costs a few
passes over the page. All pages of an answer are laid out in one go. Lengths of text are in ems: widths in units of the text's
own height, which count letters in any script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pagesight.engine.regions.ragged import (
    Flags,
    Float,
    Integers,
    bounds,
    counts_of,
    ends,
    floats,
    medians,
    members,
    runs,
    starts,
)

try:
    from pagesight.engine.regions import _regions
except ImportError:  # no compiler was there at installation
    _regions = None  # type: ignore[assignment]

WORD_GAP = 0.8  # of the words' height: more is another cell
LINE_GAP = 0.5  # of the lines' height: more is another block
LARGE = 1.25  # of the median height of a page's words: from there on type is large
PROSE = 25  # ems: a block of so much text is prose, a shorter one a label, a cell or a title
TITLE = 90  # ems: what is longer is no title
SHORTEST_TITLE = 3  # ems: a large figure is none
EDGES = (0.04, 0.95)  # of the page's height: what stands beyond is repeated on every page
HEAD = 0.15  # of the page's height: what stands there alone, above all prose, is a title in any type
AT_HEAD = 32  # blocks that are looked at there
TABLE_ROWS = 3  # of several cells, one below the other


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Lines of pages: runs of words side by side, which in a table are its cells. Indices ascend in reading order, page after page.

    lines: (m, 4) boxes in page fractions; lengths: (m,) ems; block, row: (m,) of each line; in_table: (m,);
    first_lines, first_cells: the first line of each block, of each row.
    blocks: (k, 4) lines that stand close below each other; heights: (k,) of their type, in page fractions; sizes: (k,) ems;
    titles, prose: (k,); first_words: (k,) index of the word that each begins with.
    page_lines, page_blocks, page_words: (n_pages + 1,) where those of each page begin, and where all end.
    """

    lines: Float
    lengths: Float
    block: Integers
    row: Integers
    in_table: Flags
    first_lines: Integers
    first_cells: Integers
    blocks: Float
    heights: Float
    sizes: Float
    titles: Flags
    prose: Flags
    first_words: Integers
    page_lines: Integers
    page_blocks: Integers
    page_words: Integers


_RULES = (WORD_GAP, LINE_GAP, LARGE, PROSE, TITLE, SHORTEST_TITLE, EDGES[0], HEAD, AT_HEAD, TABLE_ROWS)


def lay_out(pages: Sequence[Float], aspects: Sequence[float]) -> Layout:
    """The layout of at least one page, each with (n, 4) boxes of words, n > 0. aspects: page widths divided by their heights."""
    boxes, page_words = np.concatenate(pages), ends(np.array([len(words) for words in pages]))
    if _regions is None:
        return _laid_out(boxes, page_words, aspects)
    n, page_edges = len(boxes), np.empty((2, len(page_words)), np.int64)
    lines, blocks = np.empty((2, n, 4), np.float32)
    lengths, line_heights, heights, sizes = np.empty((4, n), np.float32)
    block, row, first_lines, first_cells, first_words = np.empty((5, n), np.int64)
    in_table, titles, prose = np.empty((3, n), bool)
    given = (floats(boxes), page_words, np.array(aspects, np.float32), np.array(_RULES, np.float32))
    found = (lines, blocks, lengths, line_heights, heights, sizes, block, row, first_lines, first_cells, first_words)
    m, k, n_rows = _regions.lay_out(*given, *found, in_table, titles, prose, *page_edges)
    return Layout(
        lines=lines[:m],
        lengths=lengths[:m],
        block=block[:m],
        row=row[:m],
        in_table=in_table[:m],
        first_lines=first_lines[:k],
        first_cells=first_cells[:n_rows],
        blocks=blocks[:k],
        heights=heights[:k],
        sizes=sizes[:k],
        titles=titles[:k],
        prose=prose[:k],
        first_words=first_words[first_lines[:k]],
        page_lines=page_edges[0],
        page_blocks=page_edges[1],
        page_words=page_words,
    )


def _laid_out(boxes: Float, page_words: Integers, aspects: Sequence[float]) -> Layout:
    """The same without the extension."""
    heights = np.maximum(boxes[:, 3] - boxes[:, 1], 1e-4)
    aspect = np.array(aspects, np.float32).repeat(members(page_words))
    large_from = LARGE * medians(heights[None], page_words[:-1])[0]
    line = starts(~_side_by_side(boxes, heights, aspect), page_words)
    lines, n_words = bounds(boxes, line), counts_of(line, len(boxes))
    page_lines = line.searchsorted(page_words)
    tall = (np.add.reduceat(heights, line, dtype=np.float64) / n_words).astype(np.float32)
    lengths = (lines[:, 2] - lines[:, 0]) * aspect[line] / tall
    block = starts(~_one_below_the_other(lines, tall), page_lines)
    blocks, n_lines = bounds(lines, block), counts_of(block, len(lines))
    page_blocks = block.searchsorted(page_lines)
    type_heights = (np.add.reduceat(tall, block, dtype=np.float64) / n_lines).astype(np.float32)
    sizes = np.add.reduceat(lengths, block, dtype=np.float64).astype(np.float32)
    large = type_heights > large_from.repeat(members(page_blocks))
    large &= sizes < TITLE
    prose = ~large & (sizes >= PROSE)
    titles = (large | _at_the_head(blocks, sizes, prose, page_blocks)) & (sizes >= SHORTEST_TITLE)
    prose &= ~titles
    row = starts(~_in_one_row(lines, (titles * 2 + prose).repeat(n_lines)), page_lines)
    n_cells = counts_of(row, len(lines))
    return Layout(
        lines=lines,
        lengths=lengths,
        block=np.arange(len(block)).repeat(n_lines),
        row=np.arange(len(row)).repeat(n_cells),
        in_table=_in_tables(n_cells > 1, row.searchsorted(page_lines)).repeat(n_cells),
        first_lines=block,
        first_cells=row,
        blocks=blocks,
        heights=type_heights,
        sizes=sizes,
        titles=titles,
        prose=prose,
        first_words=line[block],
        page_lines=page_lines,
        page_blocks=page_blocks,
        page_words=page_words,
    )


def level(boxes: Float, others: Float) -> Float:
    """How much of the lower one's height two boxes share, 1 for side by side, 0 or less for none."""
    shared = np.minimum(boxes[..., 3], others[..., 3]) - np.maximum(boxes[..., 1], others[..., 1])
    lower = np.minimum(boxes[..., 3] - boxes[..., 1], others[..., 3] - others[..., 1])
    return np.asarray(shared / np.maximum(lower, 1e-4), np.float32)


def _side_by_side(boxes: Float, heights: Float, aspect: Float) -> Flags:
    """Whether each word but the first goes on with the line of the one before; from the left or from the right. aspect: (n,)."""
    lower, higher = np.minimum(heights[1:], heights[:-1]), np.maximum(heights[1:], heights[:-1])
    gap = np.maximum(boxes[1:, 0] - boxes[:-1, 2], boxes[:-1, 0] - boxes[1:, 2]) * aspect[1:]
    return np.asarray((level(boxes[1:], boxes[:-1]) >= 0.5) & (gap <= WORD_GAP * lower) & (higher <= 1.7 * lower))


def _one_below_the_other(lines: Float, heights: Float) -> Flags:
    """Whether each line but the first goes on with the block of the one before: below it, close, and in like type."""
    lower, higher = np.minimum(heights[1:], heights[:-1]), np.maximum(heights[1:], heights[:-1])
    above, here = lines[:-1], lines[1:]
    gap = here[:, 1] - above[:, 3]
    shared = np.minimum(here[:, 2], above[:, 2]) - np.maximum(here[:, 0], above[:, 0])
    narrower = np.minimum(here[:, 2] - here[:, 0], above[:, 2] - above[:, 0])
    below = (here[:, 1] > above[:, 1] + 0.3 * lower) & (-0.6 * lower <= gap) & (gap <= LINE_GAP * lower)
    return np.asarray(below & (shared >= 0.5 * narrower) & (higher <= 1.35 * lower))


def _at_the_head(blocks: Float, sizes: Float, prose: Flags, pages: Integers) -> Flags:
    """Short blocks at the top of their page, above its prose, that have nothing beside them."""
    first_prose = np.minimum.reduceat(np.where(prose, blocks[:, 1], 1), pages[:-1]).repeat(members(pages))
    middle = (blocks[:, 1] + blocks[:, 3]) / 2
    found = (EDGES[0] < middle) & (middle < HEAD) & (blocks[:, 1] < first_prose) & (sizes < TITLE)
    at = found.nonzero()[0]
    found[:] = False
    page = pages.searchsorted(at, "right") - 1
    some = np.arange(len(at)) - at.searchsorted(pages[page]) < AT_HEAD
    at, page = at[some], page[some]
    if len(at):
        high = (blocks[:, 1] <= blocks[at, 3].max()).nonzero()[0]  # those that may be beside any of them
        first = high.searchsorted(pages)
        n_others = members(first)[page]
        others = high[runs(first[page], n_others)]
        beside = level(blocks[at].repeat(n_others, axis=0), blocks[others]) > 0.5
        found[at] = np.add.reduceat(beside, ends(n_others)[:-1], dtype=np.int64) == 1  # but for itself
    return np.asarray(found)


def _in_one_row(lines: Float, kind: Integers) -> Flags:
    """Whether each line but the first stands beside the one before, and neither is prose (kind 1)."""
    return np.asarray((level(lines[1:], lines[:-1]) >= 0.5) & (kind[1:] == kind[:-1]) & (kind[1:] != 1))


def _in_tables(several: Flags, pages: Integers) -> Flags:
    """Which rows are of tables: several in a row of several cells each. several: (n_rows,)."""
    run = starts(several[1:] != several[:-1], pages)
    length = counts_of(run, len(several))
    return several & (length >= TABLE_ROWS).repeat(length)

"""What of a question each line of a page matches: MaxSim within the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pagesight.engine.maxsim import summed
from pagesight.engine.regions.layout import Layout
from pagesight.engine.regions.ragged import Float, Integers, ends, inside, largest, members, owners, starts, stretch

LEAST = 0.05  # of the best match: fainter ones are noise, and are not looked at
INHERITED = 0.6  # of a match that a line gets from its row, or from the title of its section
EDGE = np.array([-1e-4, -1e-4, 1e-4, 1e-4], np.float32)  # by which a box is larger, since boxes are stored rounded


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """How the tokens of pages match those of a question. Cosines of one model lie close together, so each query token is
    measured against its median on a page.

    closeness: (n_query_tokens, n_tokens), of the tokens of all pages, end to end: from 0 at the median to 1 at the best match, to
    the power of 4, since a match that is half as good is noise. weights: (n_query_tokens, n_pages) >= 0, how far the best match
    stands out. pages: (n_pages + 1,) where the tokens of each begin, and where all end.
    """

    closeness: Float
    weights: Float
    pages: Integers


def stand_out(products: Sequence[Float], lengths: Sequence[Float]) -> Standing:
    """products: of each page, of at least one, (n_query_tokens, n_tokens) of the question's vectors with its own, n_tokens > 0.
    lengths: (n_tokens,) of these.

    What a page token counts for the score (its length) does not count here: a title says what a page is about, and seldom answers.
    """
    pages = ends(np.array([len(page) for page in lengths]))
    # Row after row, as all that follows goes over it.
    similarities = np.empty((len(products[0]), pages[-1]), np.float32)
    np.concatenate(products, axis=1, out=similarities)
    similarities /= np.maximum(np.concatenate(lengths), 1e-9)
    reach = stretch(similarities, pages[:-1])  # (n_query_tokens, n_pages)
    np.square(np.square(similarities, out=similarities), out=similarities)  # several times as fast as a power
    return Standing(similarities, np.where(reach > 1e-6, reach, np.float32(0)), pages)


def match_lines(standing: Standing, boxes: Sequence[Float], layout: Layout, at: Sequence[int]) -> Float:
    """The best match of each query token in each line, as its share of the question: (n_query_tokens, n_lines), sums of columns <= 1.

    boxes: (n_tokens, 4) of each page. layout: of the pages at these places alone. A token belongs to the line that its middle is
    in, if there is one.
    """
    laid = np.full(len(boxes), -1)
    laid[at] = np.arange(len(at))
    page = laid.repeat(members(standing.pages))
    warm = ((standing.closeness.max(axis=0) >= LEAST) & (page >= 0)).nonzero()[0]
    page = page.take(warm)
    line = _line_of(np.concatenate(boxes).take(warm, axis=0), page, layout)
    matches = np.zeros((len(standing.closeness), len(layout.lines)), np.float32)
    order = np.argsort(line, kind="stable")
    order = order[line.take(order).searchsorted(0) :]
    if not len(order):
        return matches
    line, page = line.take(order), page.take(order)
    closeness = standing.closeness.take(warm.take(order), axis=1)
    weights = standing.weights.take(at, axis=1)
    totals = summed(weights)
    weights /= np.where(totals > 0, totals, np.float32(1))
    closeness *= closeness >= LEAST
    closeness *= weights.take(page, axis=1)
    first = starts(line[1:] != line[:-1])
    matches[:, line.take(first)] = largest(closeness, first)
    return matches


def _line_of(boxes: Float, page: Integers, layout: Layout) -> Integers:
    """The first line that each box has its middle in, -1 for none: (n,). page: (n,) ascending."""
    of_pages = page.searchsorted(np.arange(len(layout.page_lines)))
    line, box = inside(layout.lines + EDGE, owners(layout.page_lines), boxes, of_pages)
    found = np.full(len(boxes), -1)
    found[box[::-1]] = line[::-1]  # of several the first is written last
    return found


def scores(matches: Float, inherited: Float, layout: Layout) -> Float:
    """How much of the question each line answers: (n_lines,). What it inherits counts as far as it has matches of its own."""
    own = summed(matches)
    most = np.maximum(np.maximum.reduceat(own, layout.page_lines[:-1]), np.float32(1e-9))
    share = own / most.repeat(members(layout.page_lines))
    return np.asarray(own + summed(np.maximum(inherited - matches, 0)) * share, np.float32)

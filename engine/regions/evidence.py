"""What of a question each line of a page matches: MaxSim within the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pagesight.engine.regions.layout import Layout
from pagesight.engine.regions.ragged import Float, Integers, Points, starts

LEAST = 0.05  # of the best match: fainter ones are noise, and are not looked at
INHERITED = 0.6  # of a match that a line gets from its row, or from the title of its section
EDGE = np.array([-1e-4, -1e-4, 1e-4, 1e-4], np.float32)  # by which a box is larger, since boxes are stored rounded


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """How the tokens of a page match those of a question. Cosines of one model lie close together, so each query token is
    measured against its median on this page.

    closeness: (n_query_tokens, n_tokens), from 0 at the median to 1 at the best match, to the power of 4, since a match that
    is half as good is noise. weights: (n_query_tokens,) >= 0, how far the best match stands out.
    """

    closeness: Float
    weights: Float


def stand_out(products: Float, tokens: Float) -> Standing:
    """products: (n_query_tokens, n_tokens) of the question's vectors with tokens (n_tokens, d), n_tokens > 0.

    What a page token counts for the score (its length) does not count here: a title says what a page is about, and seldom answers.
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", tokens, tokens))
    similarities = products / np.maximum(lengths, 1e-9)
    middle = len(tokens) // 2
    usual = np.partition(similarities, middle, axis=1)[:, middle, None]
    reach = similarities.max(axis=1, keepdims=True) - usual
    similarities -= usual
    similarities /= np.maximum(reach, 1e-6)
    closeness = np.square(np.square(np.clip(similarities, 0, 1)))  # several times as fast as a power
    weights = np.where(reach > 1e-6, reach, 0)[:, 0]
    return Standing(np.asarray(closeness, np.float32), np.asarray(weights, np.float32))


def match_lines(standings: Sequence[Standing], boxes: Sequence[Float], layout: Layout) -> Float:
    """The best match of each query token in each line, as its share of the question: (n_query_tokens, n_lines), sums of columns <= 1.

    standings, boxes: of each page, of the same question, with n_tokens and (n_tokens, 4). A token belongs to the line that its
    middle is in, if there is one.
    """
    warm = [np.flatnonzero(standing.closeness.max(axis=0) >= LEAST) for standing in standings]
    page = np.repeat(np.arange(len(warm)), [len(tokens) for tokens in warm])
    line = _line_of(np.concatenate([some[tokens] for some, tokens in zip(boxes, warm, strict=True)]), page, layout)
    matches = np.zeros((len(standings[0].weights), len(layout.lines)), np.float32)
    order = np.argsort(line, kind="stable")
    order = order[np.searchsorted(line[order], 0) :]
    if not len(order):
        return matches
    closeness = np.concatenate(
        [standing.closeness[:, tokens] for standing, tokens in zip(standings, warm, strict=True)], axis=1
    )[:, order]
    weights = np.stack([_shares(standing) for standing in standings], axis=1)  # (n_query_tokens, n_pages)
    shares = np.where(closeness >= LEAST, closeness, 0) * weights[:, page[order]]
    line = line[order]
    first = starts(line[1:] != line[:-1])
    matches[:, line[first]] = np.maximum.reduceat(shares, first, axis=1)
    return matches


def _shares(standing: Standing) -> Float:
    """What of the question each query token is: (n_query_tokens,), sum 1, or all 0 if none stands out."""
    total = float(standing.weights.sum())
    return standing.weights / total if total > 0 else np.zeros_like(standing.weights)


def _line_of(boxes: Float, page: Integers, layout: Layout) -> Integers:
    """The first line that each box has its middle in, -1 for none: (n,). page: (n,)."""
    of_lines = np.repeat(np.arange(len(layout.page_lines) - 1), np.diff(layout.page_lines))
    line, box = Points.of_middles(boxes, page).inside(layout.lines + EDGE, of_lines)
    found = np.full(len(boxes), -1)
    found[box[::-1]] = line[::-1]  # of several the first is written last
    return found


def scores(matches: Float, inherited: Float, layout: Layout) -> Float:
    """How much of the question each line answers: (n_lines,). What it inherits counts as far as it has matches of its own."""
    own = matches.sum(axis=0)
    most = np.maximum(np.maximum.reduceat(own, layout.page_lines[:-1]), np.float32(1e-9))
    share = own / np.repeat(most, np.diff(layout.page_lines))
    return np.asarray(own + np.maximum(inherited - matches, 0).sum(axis=0) * share, np.float32)

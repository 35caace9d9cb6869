"""What of a question each line of a page matches: MaxSim within the line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.regions.layout import Layout, starts

Float = NDArray[np.float32]
LEAST = 0.05  # of the best match: fainter ones are noise, and are not looked at
INHERITED = 0.6  # of a match that a line gets from its row, or from the title of its section
AT_ONCE = 256  # tokens that are held against all lines at a time


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


def match_lines(standing: Standing, boxes: Float, layout: Layout) -> Float:
    """The best match of each query token in each line, as its share of the question: (n_query_tokens, n_lines), sums of columns <= 1.

    boxes: (n_tokens, 4). A token belongs to the line that its middle is in, if there is one.
    """
    total = float(standing.weights.sum())
    matches = np.zeros((len(standing.weights), len(layout.lines)), np.float32)
    warm = np.flatnonzero(standing.closeness.max(axis=0) >= LEAST)
    line = _line_of(boxes[warm], layout.lines)
    order = np.argsort(line, kind="stable")
    order = order[line[order] >= 0]
    if total <= 0 or not len(order):
        return matches
    closeness = standing.closeness[:, warm[order]]
    shares = np.where(closeness >= LEAST, closeness, 0) * (standing.weights / total)[:, None]
    line = line[order]
    first = starts(line[1:] != line[:-1])
    matches[:, line[first]] = np.maximum.reduceat(shares, first, axis=1)
    return matches


def _line_of(boxes: Float, lines: Float) -> NDArray[np.int64]:
    """The line that each box has its middle in, -1 for none: (n,)."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    left, top, right, bottom = lines.T + np.array([[-1e-4], [-1e-4], [1e-4], [1e-4]], np.float32)
    found = np.empty(len(boxes), np.int64)
    for at in range(0, len(boxes), AT_ONCE):
        mx, my = x[at : at + AT_ONCE, None], y[at : at + AT_ONCE, None]
        inside = (top <= my) & (my <= bottom) & (left <= mx) & (mx <= right)  # (n_some, n_lines)
        found[at : at + AT_ONCE] = np.where(inside.any(axis=1), inside.argmax(axis=1), -1)
    return found


def scores(matches: Float, inherited: Float) -> Float:
    """How much of the question each line answers: (n_lines,). What it inherits counts as far as it has matches of its own."""
    own = matches.sum(axis=0)
    share = own / max(float(own.max()), 1e-9)
    return np.asarray(own + np.maximum(inherited - matches, 0).sum(axis=0) * share, np.float32)

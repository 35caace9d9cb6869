"""Why a page was found: where the heat of a question is on it, the match of each of its tokens, and a snippet of its words.

Works from stored vectors, boxes and words alone, for every model: no model runs, no page is rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.regions.evidence import Standing
from pagesight.engine.results import TokenMatch
from pagesight.storage.hyphens import broken_words
from pagesight.storage.stored import PageDetail
from pagesight.storage.values import LINE_END_HYPHEN, PageWords, SeenPicture

Float = NDArray[np.float32]
NEAR = 0.06  # of the page's height: how far matches support each other
SNIPPET_WORDS = 28
MAX_WORDS_AT = 12  # that are named of one place: a patch of a picture may cover many
SAME_BOX = 2e-5  # boxes are stored in steps of 1.5e-5
AT_ONCE = 256  # tokens that are held against all others, or all words, at a time


@dataclass(frozen=True, slots=True)
class Snippet:
    """Words around the best match. spans: (start, stop) of the matched words in ``text``."""

    text: str
    spans: tuple[tuple[int, int], ...]


def on_page(boxes: Float) -> NDArray[np.int64]:
    """Indices of the tokens that have a place on the page, of all if none has.

    A box without area says that a token has none, such as those of the prompt around a picture.
    """
    placed = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    return placed if len(placed) else np.arange(len(boxes))


def token_heat(standing: Standing) -> Float:
    """How much each page token contributes to the answer: (n_tokens,) float32 >= 0, sum 1."""
    heat = heat_of_each(standing).sum(axis=0)
    total, n = float(heat.sum()), len(heat)
    return np.asarray(heat / total if total > 0 else np.full(n, 1 / n), np.float32)


def heat_of_each(standing: Standing) -> Float:
    """How much each page token contributes for each query token: (n_query_tokens, n_tokens) float32 >= 0.

    How far its best match stands out is a query token's weight, and page tokens share it by how close they come to the best.
    """
    closeness = np.square(standing.closeness)
    share = standing.weights[:, None] / np.maximum(closeness.sum(axis=1, keepdims=True), 1e-6)
    return np.asarray(closeness * share, np.float32)


def supported(heat: Float, boxes: Float, aspect: float) -> Float:
    """Heat of tokens whose neighbourhood is warm too: a word that answers stands near others that do.

    aspect: page width divided by its height.
    """
    warm = np.flatnonzero(heat > heat.max() / 100)
    scale = np.float32(np.sqrt(0.5) / NEAR)
    x = (boxes[warm, 0] + boxes[warm, 2]) * np.float32(aspect / 2) * scale
    y = (boxes[warm, 1] + boxes[warm, 3]) / 2 * scale
    around = np.zeros_like(heat)
    for at in range(0, len(warm), AT_ONCE):
        some = slice(at, at + AT_ONCE)
        squared = np.square(x[some, None] - x) + np.square(y[some, None] - y)  # (n_some, n_warm)
        around[warm[some]] = np.exp(-squared) @ heat[warm]
    mixed = heat * around
    total = float(mixed.sum())
    return np.asarray(mixed / total if total > 0 else heat, np.float32)


def seen_at(boxes: Float, pictures: Sequence[SeenPicture]) -> NDArray[np.int64]:
    """For each token's box (n, 4) the picture whose kind it stands for, or -1 for one of words: (n,)."""
    if not pictures:
        return np.full(len(boxes), -1)
    same = np.abs(boxes[:, None] - np.array([picture.box for picture in pictures], np.float32)).max(axis=2) < SAME_BOX
    return np.where(same.any(axis=1), same.argmax(axis=1), -1)


def find_matches(
    products: Float, texts: tuple[str, ...], page: PageDetail, pictures: Sequence[SeenPicture] = ()
) -> tuple[TokenMatch, ...]:
    """The best page token of each query token, which is what MaxSim adds up, and the words that stand there.

    products: (n_query_tokens, n_tokens), of the vectors of both. pictures: that were seen on the page; of one, its kind is named.
    """
    best = products.argmax(axis=1)
    scores, boxes = products[np.arange(len(best)), best].tolist(), page.boxes[best]
    words = _words_at(page.words, boxes)
    for i, picture in enumerate(seen_at(boxes, pictures).tolist()):
        if picture >= 0:
            words[i] = pictures[picture].kind
    return tuple(
        TokenMatch(text, score, (x0, y0, x1, y1), word)
        for text, score, (x0, y0, x1, y1), word in zip(texts, scores, boxes.tolist(), words, strict=True)
    )


def _words_at(words: PageWords, boxes: Float) -> list[str]:
    """For each box the words whose middle lies in it, or, for a piece of a word, the word it is in."""
    if not len(words):
        return [""] * len(boxes)
    x0, y0, x1, y1 = boxes.T[:, :, None]  # against (n_words,)
    left, top, right, bottom = words.boxes.T
    x, y = (left + right) / 2, (top + bottom) / 2
    inside = (x0 - 1e-4 <= x) & (x <= x1 + 1e-4) & (y0 - 1e-4 <= y) & (y <= y1 + 1e-4)
    at_x, at_y = (x0 + x1) / 2, (y0 + y1) / 2
    around = (left <= at_x) & (at_x <= right) & (top <= at_y) & (at_y <= bottom)
    inside = np.where(inside.any(axis=1, keepdims=True), inside, around) & (x1 > x0)
    found: list[list[str]] = [[] for _ in boxes]
    for row, word in np.argwhere(inside).tolist():
        if len(found[row]) < MAX_WORDS_AT:
            found[row].append(words.texts[word])
    return [" ".join(texts) for texts in found]


def make_snippet(words: PageWords, heat: Float, boxes: Float) -> Snippet:
    """The run of words with the most heat, in reading order."""
    if not len(words):
        return Snippet("", ())
    word_heat = _heat_of_words(words, heat, boxes)
    size = min(SNIPPET_WORDS, len(words))
    sums = np.convolve(word_heat, np.ones(size), "valid")
    first = int(np.argmax(sums > sums.max() - 1e-9))
    warm = np.flatnonzero(word_heat[first : first + size] > 0)
    if len(warm):  # the warm words in the middle, not at an edge
        middle = first + int(warm[0] + warm[-1]) // 2
        first = min(max(0, middle - size // 2), len(words) - size)
    begin, end = max(0, first - 2), first + size + 2  # with what a broken word may have beyond
    near = PageWords(words.texts[begin:end], words.boxes[begin:end])
    broken = {begin + i for word in broken_words(near) for i in range(word.first, word.last)}
    threshold = max(word_heat[first : first + size].max() / 4, 1e-9)
    text, spans = ("… " if first else ""), []
    for i in range(first, first + size):
        joined = i in broken and i + 1 < first + size
        word = words.texts[i].removesuffix(LINE_END_HYPHEN) if joined else words.texts[i]
        if word_heat[i] >= threshold:
            spans.append((len(text), len(text) + len(word)))
        text += word if joined else word + " "
    text = text.rstrip() + (" …" if first + size < len(words) else "")
    return Snippet(text, tuple(spans))


def _heat_of_words(words: PageWords, heat: Float, boxes: Float) -> Float:
    """Give each token's heat to the words whose middle its box covers, or, if it covers none, to the nearest word."""
    x = (words.boxes[:, 0] + words.boxes[:, 2]) / 2
    y = (words.boxes[:, 1] + words.boxes[:, 3]) / 2
    word_heat = np.zeros(len(words), np.float32)
    warm = np.flatnonzero(heat > heat.max() / 100)
    for some in np.array_split(warm, max(1, -(-len(warm) // AT_ONCE))):
        x0, y0, x1, y1 = boxes[some].T[:, :, None]
        inside = (x0 - 1e-4 <= x) & (x <= x1 + 1e-4) & (y0 - 1e-4 <= y) & (y <= y1 + 1e-4)  # (n_some, n_words)
        for token in np.flatnonzero(~inside.any(axis=1)):
            inside[token, np.argmin(np.hypot(x - (x0 + x1)[token] / 2, y - (y0 + y1)[token] / 2))] = True
        word_heat += (heat[some] / inside.sum(axis=1)) @ inside
    return word_heat

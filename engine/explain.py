"""Why a page was found: the regions that matched, and a snippet of its words.

Works from stored vectors, boxes and words alone, for every model: no model runs, no page is rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.results import Region, TokenMatch
from pagesight.storage.hyphens import broken_words
from pagesight.storage.stored import PageDetail
from pagesight.storage.values import LINE_END_HYPHEN, PageWords, SeenPicture

Float = NDArray[np.float32]
MAX_REGIONS = 5
MAX_HIGHLIGHTED = 24  # page tokens
SHARPNESS = 8  # a page token keeps this power of its closeness to the best match of a query token
NEAR = 0.06  # of the page's height: how far matches support each other
MIN_SHARE = 0.05  # of the heat: regions with less are not shown
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


def token_heat(query: Float, tokens: Float) -> Float:
    """How much each page token contributes to the answer: (n_tokens,) float32 >= 0, sum 1."""
    heat = heat_of_each(query, tokens).sum(axis=0)
    total = float(heat.sum())
    return np.asarray(heat / total if total > 0 else np.full(len(tokens), 1 / len(tokens)), np.float32)


def heat_of_each(query: Float, tokens: Float) -> Float:
    """How much each page token contributes for each query token: (n_query_tokens, n_tokens) float32 >= 0.

    Cosines of one model lie close together, so each query token is measured against its median on this page: how far its
    best match stands out is its weight, and page tokens share it by how close they come to the best. What a page token counts
    for the score (its length) does not count here: a title says what a page is about, and seldom answers.
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", tokens, tokens))
    similarities = query @ tokens.T / np.maximum(lengths, 1e-9)
    usual = np.median(similarities, axis=1, keepdims=True)
    best = similarities.max(axis=1, keepdims=True)
    reach = np.maximum(best - usual, 1e-6)
    closeness = np.clip((similarities - usual) / reach, 0, 1) ** SHARPNESS
    weight = np.where(best - usual > 1e-6, best - usual, 0)
    return np.asarray(weight * closeness / np.maximum(closeness.sum(axis=1, keepdims=True), 1e-6), np.float32)


def supported(heat: Float, boxes: Float, aspect: float) -> Float:
    """Heat of tokens whose neighbourhood is warm too: a word that answers stands near others that do.

    aspect: page width divided by its height.
    """
    centers = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2 * aspect, (boxes[:, 1] + boxes[:, 3]) / 2], axis=1)
    warm = np.flatnonzero(heat > heat.max() / 100)
    around = np.zeros_like(heat)
    for some in np.array_split(warm, -(-len(warm) // AT_ONCE)):
        squared = np.square(centers[some, None] - centers[None, warm]).sum(axis=2)  # (n_some, n_warm)
        around[some] = np.exp(squared * (-0.5 / NEAR**2)) @ heat[warm]
    mixed = heat * around
    total = float(mixed.sum())
    return np.asarray(mixed / total if total > 0 else heat, np.float32)


def find_regions(heat: Float, boxes: Float, aspect: float) -> tuple[Region, ...]:
    """The warmest tokens, grown together where they stand on one line or on lines next to each other; best first."""
    chosen = np.argsort(-heat, kind="stable")[:MAX_HIGHLIGHTED]
    chosen = chosen[heat[chosen] >= heat[chosen[0]] / 10]
    groups: list[tuple[Float, float]] = []
    for token in chosen:
        box, weight = boxes[token].copy(), float(heat[token])
        height = max(float(box[3] - box[1]), 1e-3)
        apart: list[tuple[Float, float]] = []
        for other, other_weight in groups:
            gap_x = max(other[0] - box[2], box[0] - other[2]) * aspect
            gap_y = max(other[1] - box[3], box[1] - other[3])
            if gap_x <= 2 * height and gap_y <= height:
                box = np.concatenate([np.minimum(box[:2], other[:2]), np.maximum(box[2:], other[2:])])
                weight += other_weight
            else:
                apart.append((other, other_weight))
        groups = [*apart, (box, weight)]
    groups.sort(key=lambda group: (-group[1], group[0].tolist()))
    shown = [group for group in groups if group[1] >= MIN_SHARE][:MAX_REGIONS] or groups[:1]
    return tuple(Region((float(b[0]), float(b[1]), float(b[2]), float(b[3])), min(1.0, weight)) for b, weight in shown)


def seen_at(boxes: Float, pictures: Sequence[SeenPicture]) -> NDArray[np.int64]:
    """For each token's box (n, 4) the picture whose kind it stands for, or -1 for one of words: (n,)."""
    if not pictures:
        return np.full(len(boxes), -1)
    same = np.abs(boxes[:, None] - np.array([picture.box for picture in pictures], np.float32)).max(axis=2) < SAME_BOX
    return np.where(same.any(axis=1), same.argmax(axis=1), -1)


def find_matches(
    query: Float, texts: tuple[str, ...], page: PageDetail, pictures: Sequence[SeenPicture] = ()
) -> tuple[TokenMatch, ...]:
    """The best page token of each query token, which is what MaxSim adds up, and the words that stand there.

    pictures: that were seen on the page; of one, its kind is named.
    """
    similarities = query @ page.tokens.T
    best = similarities.argmax(axis=1)
    scores, boxes = similarities[np.arange(len(best)), best].tolist(), page.boxes[best]
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
    broken = {i for word in broken_words(words) for i in range(word.first, word.last)}
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

"""Why a page was found: where the heat of a question is on it, the match of each of its tokens, and a snippet of its words.

Works from stored vectors, boxes and words alone, for every model: no model runs, no page is rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.regions.evidence import EDGE, Standing
from pagesight.engine.regions.ragged import Integers, Points, ends, slices
from pagesight.engine.results import TokenMatch
from pagesight.storage.hyphens import broken_words
from pagesight.storage.values import LINE_END_HYPHEN, PageWords, SeenPicture

Float = NDArray[np.float32]
NEAR = 0.06  # of the page's height: how far matches support each other
SNIPPET_WORDS = 28
MAX_WORDS_AT = 12  # that are named of one place: a patch of a picture may cover many
SAME_BOX = 2e-5  # boxes are stored in steps of 1.5e-5
AT_ONCE = 256  # tokens that are held against all others at a time


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


def token_heats(standing: Standing) -> Float:
    """How much each token contributes to the answer of its page: (n_tokens,) float32 >= 0, of the tokens of all pages; each page's sum is 1."""
    squared, pages = np.square(standing.closeness), standing.pages
    shares = standing.weights / np.maximum(np.add.reduceat(squared, pages[:-1], axis=1), 1e-6)
    heat = np.empty(pages[-1], np.float32)
    # Not by BLAS, whose last bits would tell which pages are described together.
    for i, page in enumerate(slices(pages)):
        heat[page] = (shares[:, i, None] * squared[:, page]).sum(axis=0)
    return _of_sum_1(heat, pages, np.float32(1))


def _of_sum_1(heat: Float, pages: Integers, otherwise: Float | np.float32) -> Float:
    """Heat with a sum of 1 on each page; where there is none at all, something else has."""
    totals, counts = np.add.reduceat(heat, pages[:-1]), np.diff(pages)
    if (totals <= 0).any():
        heat = np.where(np.repeat(totals > 0, counts), heat, otherwise)
        totals = np.add.reduceat(heat, pages[:-1])
    return np.asarray(heat / np.repeat(totals, counts), np.float32)


def heat_of_each(standing: Standing) -> Float:
    """How much each token of the first page contributes for each query token: (n_query_tokens, n_tokens) float32 >= 0.

    How far its best match stands out is a query token's weight, and page tokens share it by how close they come to the best.
    """
    return _heat(np.square(standing.closeness[:, : standing.pages[1]]), standing.weights[:, 0])


def _heat(squared: Float, weights: Float) -> Float:
    """squared: closeness of a page's tokens. weights: (n_query_tokens,)."""
    share = weights[:, None] / np.maximum(squared.sum(axis=1, keepdims=True), 1e-6)
    return np.asarray(squared * share, np.float32)


def warm_tokens(heat: Float, pages: Integers) -> tuple[Integers, Integers]:
    """The tokens that are not much colder than the warmest of their page, and where those of each page begin. pages: (n_pages + 1,)."""
    least = np.maximum.reduceat(heat, pages[:-1]) / 100
    warm = np.flatnonzero(heat > np.repeat(least, np.diff(pages)))
    return warm, np.searchsorted(warm, pages)


def supported(heat: Float, boxes: Float, pages: Integers, aspects: Sequence[float]) -> Float:
    """Heat of tokens whose neighbourhood is warm too: a word that answers stands near others that do.

    heat, boxes: of the tokens of all pages, end to end. pages: (n_pages + 1,) where those of each begin. aspects: widths of the pages
    divided by their heights.
    """
    warm, of_pages = warm_tokens(heat, pages)
    places, some_heat, scale = boxes.take(warm, axis=0), heat.take(warm), np.float32(np.sqrt(0.5) / NEAR)
    x = (places[:, 0] + places[:, 2]) * np.repeat(np.array(aspects, np.float32) * (scale / 2), np.diff(of_pages))
    y = (places[:, 1] + places[:, 3]) * (scale / 2)
    mixed = np.zeros_like(heat)
    for page in slices(of_pages):
        for at in range(page.start, page.stop, AT_ONCE):
            some = slice(at, min(at + AT_ONCE, page.stop))
            squared, down = x[some, None] - x[page], y[some, None] - y[page]  # (n_some, n_warm)
            squared *= squared
            down *= down
            squared += down
            mixed[warm[some]] = np.exp(np.negative(squared, out=squared), out=squared) @ some_heat[page]
    mixed *= heat
    return _of_sum_1(mixed, pages, heat)


def seen_at(boxes: Float, pictures: Sequence[SeenPicture]) -> NDArray[np.int64]:
    """For each token's box (n, 4) the picture whose kind it stands for, or -1 for one of words: (n,)."""
    if not pictures:
        return np.full(len(boxes), -1)
    same = np.abs(boxes[:, None] - np.array([picture.box for picture in pictures], np.float32)).max(axis=2) < SAME_BOX
    return np.where(same.any(axis=1), same.argmax(axis=1), -1)


@dataclass(frozen=True, slots=True, eq=False)
class WordsOfPages:
    """The words of all pages of an answer, end to end, to be asked which of them are where. pages: (n_pages + 1,) where each begins."""

    words: Sequence[PageWords]
    boxes: Float
    pages: NDArray[np.int64]
    of_page: NDArray[np.int64]  # (n_words,)
    middles: Points
    texts: list[str]

    @classmethod
    def of(cls, words: Sequence[PageWords]) -> WordsOfPages:
        pages = ends(np.array([len(page) for page in words], np.int64))
        boxes = np.concatenate([page.boxes for page in words])
        of_page = np.repeat(np.arange(len(words)), np.diff(pages))
        texts = [text for page in words for text in page.texts]
        return cls(words, boxes, pages, of_page, Points.of_middles(boxes, of_page), texts)


def find_matches(
    products: Sequence[Float],
    texts: tuple[str, ...],
    boxes: Sequence[Float],
    words: WordsOfPages,
    pictures: Sequence[Sequence[SeenPicture]],
) -> list[tuple[TokenMatch, ...]]:
    """On each page the best token for each query token, which is what MaxSim adds up, and the words that stand there.

    products: (n_query_tokens, n_tokens) of each page, of the vectors of both. boxes: (n_tokens, 4) of each. pictures: that were
    seen on each; of one, its kind is named.
    """
    n = len(texts)
    best = [page.argmax(axis=1) for page in products]
    scores = [page[np.arange(n), at].tolist() for page, at in zip(products, best, strict=True)]
    places = np.concatenate([page[at] for page, at in zip(boxes, best, strict=True)])
    named = _words_at(words, places, np.repeat(np.arange(len(products)), n))
    found = []
    for page, seen in enumerate(pictures):
        some = slice(page * n, (page + 1) * n)
        for i, picture in enumerate(seen_at(places[some], seen).tolist() if seen else ()):
            if picture >= 0:
                named[some.start + i] = seen[picture].kind
        rows = zip(texts, scores[page], places[some].tolist(), named[some], strict=True)
        found.append(
            tuple(TokenMatch(text, score, (x0, y0, x1, y1), word) for text, score, (x0, y0, x1, y1), word in rows)
        )
    return found


def _words_at(words: WordsOfPages, boxes: Float, pages: NDArray[np.int64]) -> list[str]:
    """For each box the words whose middle lies in it, or, for a piece of a word, the word it is in. pages: of each box."""
    found: list[list[str]] = [[] for _ in range(len(boxes))]
    wide = np.flatnonzero(boxes[:, 2] > boxes[:, 0])
    box, word = words.middles.inside(boxes[wide] + EDGE, pages[wide])
    empty = np.ones(len(wide), bool)
    empty[box] = False
    pairs = list(zip(wide[box].tolist(), word.tolist(), strict=True))
    if empty.any():
        pieces = wide[empty]
        around, piece = Points.of_middles(boxes[pieces], pages[pieces]).inside(words.boxes, words.of_page)
        pairs += zip(pieces[piece].tolist(), around.tolist(), strict=True)
    for at, index in sorted(pairs):
        if len(found[at]) < MAX_WORDS_AT:
            found[at].append(words.texts[index])
    return [" ".join(texts) for texts in found]


def make_snippets(words: WordsOfPages, heat: Float, boxes: Float, pages: Integers) -> list[Snippet]:
    """Of each page the run of words with the most heat, in reading order. heat, boxes, pages: as of ``supported``."""
    heat = _heat_of_words(words, heat, boxes, pages)
    return [_snippet(page, heat[of]) for page, of in zip(words.words, slices(words.pages), strict=True)]


def _snippet(words: PageWords, word_heat: Float) -> Snippet:
    if not len(words):
        return Snippet("", ())
    size = min(SNIPPET_WORDS, len(words))
    sums = np.zeros(len(words) + 1)
    np.cumsum(word_heat, out=sums[1:])
    sums = sums[size:] - sums[:-size]
    first = int((sums > sums.max() - 1e-9).argmax())
    warm = word_heat[first : first + size].nonzero()[0]
    if len(warm):  # the warm words in the middle, not at an edge
        middle = first + int(warm[0] + warm[-1]) // 2
        first = min(max(0, middle - size // 2), len(words) - size)
    begin, end = max(0, first - 2), first + size + 2  # with what a broken word may have beyond
    near = PageWords(words.texts[begin:end], words.boxes[begin:end])
    broken = {begin + i for word in broken_words(near) for i in range(word.first, word.last)}
    shown = word_heat[first : first + size].tolist()
    least = max(max(shown) / 4, 1e-9)
    text, spans = ("… " if first else ""), []
    for i, (word, heat) in enumerate(zip(words.texts[first : first + size], shown, strict=True), start=first):
        joined = i in broken and i + 1 < first + size
        if joined:
            word = word.removesuffix(LINE_END_HYPHEN)  # noqa: PLW2901
        if heat >= least:
            spans.append((len(text), len(text) + len(word)))
        text += word if joined else word + " "
    text = text.rstrip() + (" …" if first + size < len(words) else "")
    return Snippet(text, tuple(spans))


def _heat_of_words(words: WordsOfPages, heats: Float, boxes: Float, token_pages: Integers) -> Float:
    """Give each token's heat to the words whose middle its box covers, or, if it covers none, to the nearest word: (n_words,)."""
    warm, of_pages = warm_tokens(heats, token_pages)
    pages, heat, places = (
        np.repeat(np.arange(len(of_pages) - 1), np.diff(of_pages)),
        heats.take(warm),
        boxes.take(warm, axis=0),
    )
    token, word = words.middles.inside(places + EDGE, pages)
    n_words = np.bincount(token, minlength=len(places))
    found = np.zeros(len(words.boxes))
    found += np.bincount(word, (heat[token] / n_words[token]).astype(np.float32), len(found))
    alone = np.flatnonzero((n_words == 0) & (np.diff(words.pages) > 0)[pages])
    for page in dict.fromkeys(pages[alone].tolist()):
        some = alone[pages[alone] == page]
        found += np.bincount(_nearest(words, page, places[some]), heat[some], len(found))
    return found.astype(np.float32)


def _nearest(words: WordsOfPages, page: int, boxes: Float) -> NDArray[np.int64]:
    """The word of a page whose middle is nearest to that of each box: (n_boxes,)."""
    some = slice(*words.pages[page : page + 2].tolist())
    x, y = ((words.boxes[some, i] + words.boxes[some, i + 2]) / 2 for i in (0, 1))
    at_x, at_y = ((boxes[:, i, None] + boxes[:, i + 2, None]) / 2 for i in (0, 1))
    parts = (slice(i, i + AT_ONCE) for i in range(0, len(boxes), AT_ONCE))
    nearest = [np.hypot(x - at_x[part], y - at_y[part]).argmin(axis=1) for part in parts]
    return np.asarray(some.start + np.concatenate(nearest), np.int64)

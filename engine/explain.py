"""Why a page was found: where the heat of a question is on it, the match of each of its tokens, and a snippet of its words.

Works from stored vectors, boxes and words alone, for every model: no model runs, no page is rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.maxsim import summed
from pagesight.engine.regions.evidence import EDGE, Standing
from pagesight.engine.regions.ragged import Integers, ends, inside, members, owners, runs, slices, spread
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
    placed = ((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])).nonzero()[0]
    return placed if len(placed) else np.arange(len(boxes))


def token_heats(standing: Standing) -> Float:
    """How much each token contributes to the answer of its page: (n_tokens,) float32 >= 0, of the tokens of all pages; each page's sum is 1."""
    squared, pages = np.square(standing.closeness), standing.pages
    shares = standing.weights / np.maximum(np.add.reduceat(squared, pages[:-1], axis=1), 1e-6)
    squared *= shares.repeat(members(pages), axis=1)
    return _of_sum_1(summed(squared), pages, np.float32(1))


def _of_sum_1(heat: Float, pages: Integers, otherwise: Float | np.float32) -> Float:
    """Heat with a sum of 1 on each page; where there is none at all, something else has."""
    totals, counts = np.add.reduceat(heat, pages[:-1]), members(pages)
    if (totals <= 0).any():
        heat = np.where((totals > 0).repeat(counts), heat, otherwise)
        totals = np.add.reduceat(heat, pages[:-1])
    return np.asarray(heat / totals.repeat(counts), np.float32)


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
    warm = (heat > least.repeat(members(pages))).nonzero()[0]
    return warm, warm.searchsorted(pages)


def supported(heat: Float, boxes: Float, pages: Integers, aspects: Sequence[float]) -> Float:
    """Heat of tokens whose neighbourhood is warm too: a word that answers stands near others that do.

    heat, boxes: of the tokens of all pages, end to end. pages: (n_pages + 1,) where those of each begin. aspects: widths of the pages
    divided by their heights.
    """
    warm, of_pages = warm_tokens(heat, pages)
    places, some_heat, scale = boxes.take(warm, axis=0), heat.take(warm), np.float32(np.sqrt(0.5) / NEAR)
    x = (places[:, 0] + places[:, 2]) * (np.array(aspects, np.float32) * (scale / 2)).repeat(members(of_pages))
    y = (places[:, 1] + places[:, 3]) * (scale / 2)
    mixed = np.zeros_like(heat)
    mixed[warm] = spread(x, y, some_heat, of_pages)
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
    pages: Integers

    @classmethod
    def of(cls, words: Sequence[PageWords]) -> WordsOfPages:
        pages = ends(np.array([len(page) for page in words], np.int64))
        return cls(words, np.concatenate([page.boxes for page in words]), pages)


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
    named = _words_at(words, places, np.arange(len(products)).repeat(n))
    found = []
    for page, seen in enumerate(pictures):
        some = slice(page * n, (page + 1) * n)
        for i, picture in enumerate(seen_at(places[some], seen).tolist() if seen else ()):
            if picture >= 0:
                named[some.start + i] = seen[picture].kind
        corners = map(tuple, places[some].tolist())
        found.append(tuple(map(TokenMatch, texts, scores[page], corners, named[some])))
    return found


def _words_at(words: WordsOfPages, boxes: Float, pages: Integers) -> list[str]:
    """For each box the words whose middle lies in it, or, for a piece of a word, the word it is in. pages: of each box, ascending."""
    found: list[list[str]] = [[] for _ in range(len(boxes))]
    wide = (boxes[:, 2] > boxes[:, 0]).nonzero()[0]
    box, word = inside(boxes[wide] + EDGE, pages[wide], words.boxes, words.pages)
    empty = np.ones(len(wide), bool)
    empty[box] = False
    pairs = list(zip(wide[box].tolist(), word.tolist(), strict=True))
    if empty.any():
        pieces, n_pages = wide[empty], len(words.words)
        of_page = owners(words.pages)
        of_pieces = pages[pieces].searchsorted(np.arange(n_pages + 1))
        around, piece = inside(words.boxes, of_page, boxes[pieces], of_pieces)
        pairs += zip(pieces[piece].tolist(), around.tolist(), strict=True)
    first, of_boxes = words.pages.tolist(), pages.tolist()
    for at, index in pairs:
        if len(found[at]) < MAX_WORDS_AT:
            page = of_boxes[at]
            found[at].append(words.words[page].texts[index - first[page]])
    return [" ".join(texts) for texts in found]


def make_snippets(words: WordsOfPages, heat: Float, boxes: Float, pages: Integers) -> list[Snippet]:
    """Of each page the run of words with the most heat, in reading order. heat, boxes, pages: as of ``supported``."""
    heat = _heat_of_words(words, heat, boxes, pages)
    shown = zip(words.words, slices(words.pages), _warmest_runs(heat, words.pages), strict=True)
    return [_snippet(page, run.start - of_page.start, heat[run].tolist()) for page, of_page, run in shown]


def _warmest_runs(heat: Float, pages: Integers) -> list[slice]:
    """On each page the SNIPPET_WORDS words in a row that have the most heat, of several runs the first. Its warm words are then brought to its
    middle. heat: of the words of all pages.
    """
    n_words = members(pages)
    size = np.minimum(n_words, SNIPPET_WORDS)
    n_runs = n_words - size + 1  # without words one, of none
    of_pages, begin = ends(n_runs), runs(pages[:-1], n_runs)
    sums = np.concatenate([[0.0], heat.cumsum(dtype=np.float64)])
    sums = sums.take(begin + size.repeat(n_runs)) - sums.take(begin)
    best = (sums > (np.maximum.reduceat(sums, of_pages[:-1]) - 1e-9).repeat(n_runs)).nonzero()[0]
    begin = begin[best[best.searchsorted(of_pages[:-1])]]
    warm = heat.nonzero()[0]
    first, last = warm.searchsorted(begin), warm.searchsorted(begin + size) - 1
    some = (first <= last).nonzero()[0]  # the others have no warm word
    middle = (warm[first[some]] + warm[last[some]]) // 2
    begin[some] = np.clip(middle - size[some] // 2, pages[some], pages[some + 1] - size[some])
    return list(map(slice, begin.tolist(), (begin + size).tolist()))


def _snippet(words: PageWords, first: int, heat: list[float]) -> Snippet:
    """The words from the first on, as many as there is heat of."""
    if not heat:
        return Snippet("", ())
    stop = first + len(heat)
    texts = list(words.texts[first:stop])
    gaps = [" "] * len(texts)
    for word in broken_words(PageWords(words.texts[first:stop], words.boxes[first:stop])):
        for i in range(word.first, word.last):
            texts[i], gaps[i] = texts[i].removesuffix(LINE_END_HYPHEN), ""
    parts = ["… " if first else "", *map(add, texts, gaps)]
    least = max(max(heat) / 4, 1e-9)
    begins = accumulate(map(len, parts))
    spans = [(at, at + len(text)) for at, text, warmth in zip(begins, texts, heat, strict=False) if warmth >= least]
    return Snippet("".join(parts).rstrip() + (" …" if stop < len(words) else ""), tuple(spans))


def _heat_of_words(words: WordsOfPages, heats: Float, boxes: Float, token_pages: Integers) -> Float:
    """Give each token's heat to the words whose middle its box covers, or, if it covers none, to the nearest word: (n_words,)."""
    warm, of_pages = warm_tokens(heats, token_pages)
    pages, heat, places = (
        owners(of_pages),
        heats.take(warm),
        boxes.take(warm, axis=0),
    )
    token, word = inside(places + EDGE, pages, words.boxes, words.pages)
    n_words = np.bincount(token, minlength=len(places))
    found = np.zeros(len(words.boxes))  # of no pairs at all numpy counts whole numbers
    found += np.bincount(word, (heat[token] / n_words[token]).astype(np.float32), len(found))
    alone = ((n_words == 0) & (members(words.pages) > 0)[pages]).nonzero()[0]
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

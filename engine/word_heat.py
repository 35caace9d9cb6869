"""Where each word of a question finds itself on a page: from stored vectors and boxes, as ``explain`` does for the whole question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.explain import heat_of_each, on_page
from pagesight.engine.regions.evidence import stand_out
from pagesight.storage.stored import PageDetail

MAX_PLACES = 60
FAINTEST = 0.08  # of the warmest place


@dataclass(frozen=True, slots=True)
class Place:
    """box: in page fractions. heat: 1 for the warmest of the word, above 0."""

    box: tuple[float, float, float, float]
    heat: float


@dataclass(frozen=True, slots=True)
class WordHeat:
    """A word of the question. weight: how much of the answer is due to it; those of all words sum to 1. places: warmest first."""

    word: str
    weight: float
    places: tuple[Place, ...]


def word_heat(text: str, query: EncodedQuery, page: PageDetail) -> list[WordHeat]:
    """One for each word of the question that the model read, in order."""
    placed = on_page(page.boxes)
    if not len(placed):
        return []
    boxes, (products, lengths) = page.boxes[placed], page.products(query.tokens)
    each = heat_of_each(stand_out([products[:, placed]], [lengths[placed]]))
    total = max(float(each.sum()), 1e-9)
    found = []
    for word, rows in words_of_tokens(text, query.token_texts):
        heat = each[rows].sum(axis=0)
        found.append(WordHeat(word, float(heat.sum()) / total, _places(heat, boxes)))
    return found


def _places(heat: NDArray[np.float32], boxes: NDArray[np.float32]) -> tuple[Place, ...]:
    warmest = float(heat.max())
    if warmest <= 0:
        return ()
    order = np.argsort(-heat, kind="stable")[:MAX_PLACES]
    return tuple(
        Place((float(b[0]), float(b[1]), float(b[2]), float(b[3])), float(heat[i] / warmest))
        for i in order
        if heat[i] >= FAINTEST * warmest
        for b in (boxes[i],)
    )


def words_of_tokens(text: str, token_texts: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Words of a text, each with the indices of its tokens; words without a token are left out.

    Models spell tokens in their own ways (marks for blanks, lower case), so only letters and digits are compared, in
    order. A token that is not in the text, as of a prompt, belongs to no word.
    """
    words = [word for word in text.split() if _letters(word)]
    letters = [_letters(word) for word in words]
    whole = "".join(letters)
    owner = np.repeat(np.arange(len(words)), [len(part) for part in letters])
    rows: list[list[int]] = [[] for _ in words]
    at = 0
    for index, token in enumerate(token_texts):
        part = _letters(token)
        if part and whole.startswith(part, at):
            rows[owner[at]].append(index)
            at += len(part)
    return [(word, found) for word, found in zip(words, rows, strict=True) if found]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))

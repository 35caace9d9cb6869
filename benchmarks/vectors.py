"""Token vectors that are as hard to search as those of real pages, made up document by document.

A page is a grid of patches. Regions of it show concepts of the document's topics; pages of a document share most of them, and
documents of a topic some, so that there are hard negatives. Margins and blank patches are nearly alike everywhere. A query
is a few of a page's concepts, noisy, among tokens that every query has. Everything follows from the seed.

Figures on these vectors hold for speed and bytes; levels of recall must be seen again on a real model's vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
N_TOPICS, N_CONCEPTS, N_BACKGROUND, N_GENERIC = 500, 30_000, 12, 16
GRID = (32, 24)  # rows, columns: 768 patches
QUERY_TOKENS = 20


def unit(rows: Float) -> Float:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """tokens: (QUERY_TOKENS, dim) float32. page: the number of the page it asks for, from 0 over all documents."""

    tokens: Float
    page: int


class Corpus:
    """Documents and queries by number; any of them can be made without the others."""

    def __init__(self, dim: int = 128, seed: int = 1) -> None:
        self.dim, self.seed = dim, seed
        rng = np.random.default_rng([seed, 0])
        topics = unit(rng.standard_normal((N_TOPICS, dim), np.float32))
        self.topic_of = rng.integers(0, N_TOPICS, N_CONCEPTS)
        own = unit(rng.standard_normal((N_CONCEPTS, dim), np.float32))
        self.concepts = unit(0.75 * topics[self.topic_of] + own)
        self.background = unit(rng.standard_normal((N_BACKGROUND, dim), np.float32))
        self.generic = unit(rng.standard_normal((N_GENERIC, dim), np.float32))

    def document(self, number: int) -> list[Float]:
        """Pages of a document: 4 to 39 of them, each (768, dim) float32, rows of unit length."""
        rng = np.random.default_rng([self.seed, 1, number])
        n_pages = int(rng.integers(4, 40))
        topics = rng.integers(0, N_TOPICS, 3)
        known = np.flatnonzero(np.isin(self.topic_of, topics))
        weights = 1 / (1 + rng.permutation(len(known)))  # Zipf: a few concepts are on most pages of the document
        style = 0.3 * unit(rng.standard_normal(self.dim, np.float32))
        return [self._page(rng, known, weights / weights.sum(), style) for _ in range(n_pages)]

    def _page(
        self, rng: np.random.Generator, known: NDArray[np.int64], weights: NDArray[np.float64], style: Float
    ) -> Float:
        rows, columns = GRID
        field = np.empty((rows, columns, self.dim), np.float32)
        field[:] = self.background[rng.integers(0, N_BACKGROUND, 3)[rng.integers(0, 3, GRID)]]
        variation = 0.3 * unit(rng.standard_normal((len(known), self.dim), np.float32))  # how this page says it
        for _ in range(int(rng.integers(28, 45))):
            concept = int(rng.choice(len(known), p=weights))
            height, width = int(rng.integers(2, 6)), int(rng.integers(3, 10))
            top, left = int(rng.integers(1, rows - height)), int(rng.integers(1, columns - width))
            field[top : top + height, left : left + width] = self.concepts[known[concept]] + variation[concept]
        soft = (field + 0.5 * np.roll(field, 1, axis=1) + 0.3 * np.roll(field, 1, axis=0)).reshape(-1, self.dim)
        return unit(unit(soft) + style + 0.5 * unit(rng.standard_normal((rows * columns, self.dim), np.float32)))

    def query(self, number: int, pages: list[Float], page: int) -> Query:
        """A question for one of these pages; ``page`` is what it is to be called."""
        rng = np.random.default_rng([self.seed, 2, number])
        tokens = pages[int(rng.integers(len(pages)))] if len(pages) > 1 else pages[0]
        n_content = int(rng.integers(5, 9))
        grid = tokens.reshape(*GRID, self.dim)
        content = np.empty((n_content, self.dim), np.float32)
        for i in range(n_content):
            top, left = int(rng.integers(1, GRID[0] - 4)), int(rng.integers(1, GRID[1] - 5))
            content[i] = grid[top : top + 3, left : left + 4].reshape(-1, self.dim).mean(axis=0)
        content = unit(content) + 1.9 * unit(rng.standard_normal(content.shape, np.float32))
        generic = self.generic[rng.integers(0, N_GENERIC, QUERY_TOKENS - n_content)]
        generic = generic + 0.4 * unit(rng.standard_normal(generic.shape, np.float32)) + 0.1 * content.mean(axis=0)
        return Query(unit(np.concatenate([content, generic])), page)


def documents(corpus: Corpus, n_pages: int) -> Iterator[list[Float]]:
    """Whole documents until there are ``n_pages`` pages; the last one is cut off."""
    number = left = 0
    left = n_pages
    while left > 0:
        pages = corpus.document(number)[:left]
        yield pages
        number, left = number + 1, left - len(pages)

"""A deterministic toy encoder for tests and documentation. It needs no weights and understands nothing:
a word's vector is drawn from a generator seeded with the word, so equal words match and others do not.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.config import ModelConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.indexer.content import PageContent
from pagesight.storage.errors import ConfigError, EmptyQuery
from pagesight.storage.hyphens import whole_texts
from pagesight.storage.values import EncodedPage
from pagesight.storage.words import terms

DIM = 16
SINGLE_DIMS = (4, 8, 16)


class HashingEncoder:
    """An Encoder over whole words, lower case."""

    name = "hashing"
    token_dim = DIM
    image_pixels: int | None = None
    reads_words = True
    opening_weight = 0.0
    trained_single = True
    pages_at_once = 8

    def __init__(self, single_dim: int = DIM) -> None:
        self.single_dim = single_dim
        self.fingerprint = "hashing-1" if single_dim == DIM else f"hashing-1-single-{single_dim}"

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        return [
            EncodedPage(self._mean(tokens := _vectors(whole_texts(page.words))), tokens, page.words.boxes)
            for page in pages
        ]

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        queries = []
        for text in texts:
            words = tuple(terms(text))
            if not words:
                raise EmptyQuery(text)
            tokens = _vectors(words)
            queries.append(EncodedQuery(self._mean(tokens), tokens, words))
        return queries

    def _mean(self, tokens: NDArray[np.float32]) -> NDArray[np.float32]:
        total = tokens.sum(axis=0)[: self.single_dim]
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), np.float32)


def load(name: str, folder: Path | None, config: ModelConfig) -> HashingEncoder:  # noqa: ARG001 - as all loaders
    """Raises ConfigError for a single_dim that it does not have."""
    if config.single_dim not in (None, *SINGLE_DIMS):
        known = ", ".join(map(str, SINGLE_DIMS))
        raise ConfigError(f"the single vectors of hashing can be cut to {known}, not to {config.single_dim}")
    return HashingEncoder(config.single_dim or DIM)


def _vectors(words: Sequence[str]) -> NDArray[np.float32]:
    rows = np.empty((len(words), DIM), np.float32)
    for i, word in enumerate(words):
        drawn = np.random.default_rng(zlib.crc32(" ".join(terms(word)).encode())).standard_normal(DIM)
        rows[i] = drawn / np.linalg.norm(drawn)
    return rows

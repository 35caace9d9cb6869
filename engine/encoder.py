"""What a model offers to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pagesight.indexer.content import PageContent
    from pagesight.storage.values import EncodedPage


@dataclass(frozen=True, slots=True, eq=False)
class EncodedQuery:
    """A question as vectors.

    single: (d_s,) float32 of unit length. tokens: (n, d_t) float32, n >= 1; the length of a row is how much the token
    counts, 1 on average. token_texts: n strings, what each token stands for in the question.
    """

    single: NDArray[np.float32]
    tokens: NDArray[np.float32]
    token_texts: tuple[str, ...]


@runtime_checkable
class CountsTokens(Protocol):
    """An Encoder that knows beforehand how many token vectors a page will have."""

    def count_tokens(self, width_px: int, height_px: int) -> int:
        """For a page that is drawn with this size."""


@runtime_checkable
class Sees(Protocol):
    """An Encoder that wants to know what kinds of pictures a page has (``PageContent.pictures``)."""

    def sight_file(self) -> Path:
        """The network to look at them with. Raises WeightsMissing, WeightsDamaged."""


@runtime_checkable
class KnowsWords(Protocol):
    """An Encoder with a vocabulary that says how probable words are, which tells a word from a slip of the pen."""

    def surprise(self, word: str) -> tuple[float, int]:
        """How improbable a word is in any language, in nats, and of how many pieces it is made; of 1 it is known as it stands."""


class QueryEncoder(Protocol):
    """The part of an Encoder that a question needs."""

    @property
    def name(self) -> str: ...
    @property
    def reads_words(self) -> bool: ...
    @property
    def opening_weight(self) -> float: ...
    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]: ...


class Encoder(Protocol):
    """A loaded model.

    name and fingerprint: the identity of its vectors; see Manifest.
    image_pixels: pixel budget of the page images it reads, or None if it reads words only.
    reads_words: whether BM25 over the words of the page helps the recall stage.
    opening_weight: how much a document's first page counts for its other pages (see engine.retrieval.rerank), 0 to 1.
    trained_single: whether it was trained for single vectors; if not, they are means of token vectors, and the recall stage
    by them alone loses more. pages_at_once: how many pages it is best given at once.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def single_dim(self) -> int: ...
    @property
    def token_dim(self) -> int: ...
    @property
    def image_pixels(self) -> int | None: ...
    @property
    def reads_words(self) -> bool: ...
    @property
    def opening_weight(self) -> float: ...
    @property
    def trained_single(self) -> bool: ...
    @property
    def pages_at_once(self) -> int: ...

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        """One result a page, in order."""

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        """One result a question, in order. Raises EmptyQuery for a text without a word."""

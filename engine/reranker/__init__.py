"""A second opinion: a cross-encoder, which reads a question and a page together, over the first pages of an answer.

pairs     how pages become pairs of texts that fit the model, and pairs become scores
table     a row a kind of folder that is such a model, and how it is loaded
opinion   the order that it gives

Off unless a folder is named. What reads pages as pictures is not here yet: it would be another row, and another Reranker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.values import PageWords


@runtime_checkable
class Reranker(Protocol):
    """Says how well each page answers a question. Any number of threads may ask."""

    @property
    def name(self) -> str:
        """As hits show it."""

    def scores(self, question: str, pages: Sequence[PageWords]) -> NDArray[np.float32]:
        """(n_pages,): higher is better; comparable within one question only."""

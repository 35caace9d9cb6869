"""Ragged token vectors: one flat array, one list of boundaries, no padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def lengths_of(tokens: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n_tokens, d) -> (n_tokens,)."""
    return np.asarray(np.sqrt(np.einsum("nd,nd->n", tokens, tokens)), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class MultiVectors:
    """Token vectors of many pages: page ``p`` is ``data[offsets[p]:offsets[p + 1]]``.

    data: (n_tokens, dim) float32, all pages end to end.
    offsets: (n_pages + 1,) int64, strictly increasing: a page without tokens is not in a MultiVectors,
    because the best match over no tokens is not a number.
    """

    data: NDArray[np.float32]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.data.ndim != 2:
            raise ValueError(f"token vectors must be 2-D, got shape {self.data.shape}")
        if len(self.offsets) == 0 or self.offsets[0] != 0 or self.offsets[-1] != len(self.data):
            raise ValueError(f"offsets must span 0..{len(self.data)}, got {self.offsets[:1]}..{self.offsets[-1:]}")
        if (np.diff(self.offsets) <= 0).any():
            raise ValueError("every page needs at least one token vector")

    @classmethod
    def from_pages(cls, pages: Sequence[NDArray[np.floating]], dim: int | None = None) -> MultiVectors:
        """Join pages of shape (n_tokens, dim). ``dim`` is needed only to make an empty one."""
        if not pages:
            return cls(np.empty((0, dim or 0), np.float32), np.zeros(1, np.int64))
        offsets = np.cumsum([0, *map(len, pages)], dtype=np.int64)
        return cls(np.concatenate(pages).astype(np.float32, copy=False), offsets)

    @property
    def dim(self) -> int:
        """Width of one token vector."""
        return int(self.data.shape[1])

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, page: int) -> NDArray[np.float32]:
        page = range(len(self))[page]  # negative indices, and IndexError past the end
        return self.data[self.offsets[page] : self.offsets[page + 1]]

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[page] for page in range(len(self)))

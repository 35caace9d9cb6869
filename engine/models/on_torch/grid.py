"""Tokens of a picture that stand for equal cells of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grid:
    """The tokens of a picture: rows x columns of equal cells, from the top left, row by row."""

    rows: int
    columns: int

    @property
    def n_tokens(self) -> int:
        return self.rows * self.columns

    def boxes(self) -> Float:
        """The cell of each token in fractions of the picture: (n_tokens, 4) float32, rows of (x0, y0, x1, y1)."""
        y, x = np.divmod(np.arange(self.n_tokens), self.columns)
        edges = np.stack([x, y, x + 1, y + 1], axis=1) / (self.columns, self.rows, self.columns, self.rows)
        return edges.astype(np.float32)

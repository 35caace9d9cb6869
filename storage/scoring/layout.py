"""How encoded pages lie in memory when they are scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Encoded pages in one buffer: page p begins at byte ``starts[p]`` and has ``counts[p]`` > 0 token vectors.

    starts, counts: (n_pages,) int64.
    """

    data: bytes | bytearray | memoryview | NDArray[np.uint8]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True, slots=True, eq=False)
class CodeLayout:
    """How rows of codes are read: ``counts[p]`` float32 scales, then as many rows of ``dim * bits / 8`` bytes.

    bits 8: a code is an int8 value. bits 4 or 2: table, (256, 8 / bits) int8, has the values of each byte.
    """

    dim: int
    bits: int = 8
    table: NDArray[np.int8] | None = None

    def n_bytes(self, n_tokens: int) -> int:
        """Size of a page's scales and codes."""
        return n_tokens * (4 + self.dim * self.bits // 8)

    def scales(self, data: bytes | memoryview | NDArray[np.uint8], n_tokens: int) -> NDArray[np.float32]:
        """(n_tokens,) float32, without copying."""
        return np.frombuffer(data, "<f4", n_tokens)

    def values(self, data: bytes | memoryview | NDArray[np.uint8], n_tokens: int) -> NDArray[np.int8]:
        """(n_tokens, dim) int8: a value times its token's scale is a component of the vector."""
        row_bytes = self.dim * self.bits // 8
        codes = np.frombuffer(data, np.uint8, n_tokens * row_bytes, 4 * n_tokens).reshape(n_tokens, row_bytes)
        return codes.view(np.int8) if self.table is None else self.table[codes].reshape(n_tokens, self.dim)

"""How token vectors lie on disk. A codec turns (n, dim) float32 rows into bytes and back, and searches them as they lie.

The layout of each codec is part of the format version: it is described here so that it can be read without this code.
All numbers are little-endian.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import ConfigError
from pagesight.storage.multivectors import lengths_of
from pagesight.storage.scoring.kernel import KERNELS, maxima, products
from pagesight.storage.scoring.layout import CodeLayout, Records
from pagesight.storage.vectors.rotation import rotation

Float = NDArray[np.float32]


class TokenCodec(Protocol):
    """Bytes <-> token vectors of one page, for vectors of one width."""

    name: str

    def n_bytes(self, n_tokens: int) -> int:
        """Size of a page's tokens."""

    def encode(self, tokens: Float) -> bytes:
        """tokens: (n, dim) float32 -> n_bytes(n) bytes."""

    def decode(self, data: bytes | memoryview, n_tokens: int) -> Float:
        """The bytes of ``encode`` -> (n, dim) float32, equal within the codec's error."""

    def maxima(self, query: Float, records: Records, *, precise: bool, kernel: str = KERNELS[0]) -> Float:
        """The best dot product of each query token on each page: (n_query_tokens, n_pages) float32.

        precise, kernel: as in storage.scoring.kernel.
        """

    def products(self, query: Float, data: bytes | memoryview, n_tokens: int) -> tuple[Float, Float]:
        """The products of a query with every token of a page (n_query_tokens, n_tokens), and the tokens' lengths (n_tokens,)."""


class Int8Codec:
    """A float32 scale per token, then its int8 codes: value = code * scale.

    Layout: scales float32 (n,), codes int8 (n, dim). Largest error of a value: half its token's scale, which is
    max(abs(token)) / 127. An all-zero token has scale 0.
    """

    name = "int8"

    def __init__(self, dim: int) -> None:
        self._layout = CodeLayout(dim)
        self.n_bytes = self._layout.n_bytes

    def encode(self, tokens: Float) -> bytes:
        scales = (np.abs(tokens).max(axis=1, initial=0.0) / 127).astype("<f4")
        codes = np.rint(tokens / np.where(scales == 0, 1, scales)[:, None]).astype(np.int8)
        return bytes(scales.tobytes() + codes.tobytes())

    def decode(self, data: bytes | memoryview, n_tokens: int) -> Float:
        scales, values = self._layout.scales(data, n_tokens), self._layout.values(data, n_tokens)
        return np.multiply(values, scales[:, None], dtype=np.float32)

    def maxima(self, query: Float, records: Records, *, precise: bool, kernel: str = KERNELS[0]) -> Float:
        return maxima(query, records, self._layout, precise=precise, kernel=kernel)

    def products(self, query: Float, data: bytes | memoryview, n_tokens: int) -> tuple[Float, Float]:
        return products(query, data, n_tokens, self._layout)


class Float16Codec:
    """Half precision. Layout: float16 (n, dim). Searched in numpy, by expanding a page at a time."""

    name = "float16"

    def __init__(self, dim: int) -> None:
        self._dim = dim

    def n_bytes(self, n_tokens: int) -> int:
        return n_tokens * self._dim * 2

    def encode(self, tokens: Float) -> bytes:
        return tokens.astype("<f2").tobytes()

    def decode(self, data: bytes | memoryview, n_tokens: int) -> Float:
        return np.frombuffer(data, "<f2", n_tokens * self._dim).reshape(n_tokens, self._dim).astype(np.float32)

    def maxima(self, query: Float, records: Records, *, precise: bool, kernel: str = KERNELS[0]) -> Float:  # noqa: ARG002 - there is one way, and it is precise
        data, found = np.frombuffer(records.data, np.uint8), np.empty((len(query), len(records)), np.float32)
        for i, (start, count) in enumerate(zip(records.starts.tolist(), records.counts.tolist(), strict=True)):
            tokens = self.decode(data[start : start + self.n_bytes(count)].tobytes(), count)
            found[:, i] = (query @ tokens.T).max(axis=1)
        return found

    def products(self, query: Float, data: bytes | memoryview, n_tokens: int) -> tuple[Float, Float]:
        tokens = self.decode(data, n_tokens)
        return query @ tokens.T, lengths_of(tokens)


class PackedCodec:
    """Rotated vectors in 4 or 2 bits a component: value = level[code] * scale, then rotated back.

    The rotation (storage.vectors.rotation) spreads every vector evenly over its components, which then are close to normally
    distributed, whatever the model; the levels are the best ones for that distribution (Lloyd 1982, Max 1960).
    Dot products are the same in the rotated space, so pages are searched there: the query is rotated instead.
    Layout: scales float32 (n,), codes (n, dim * bits / 8) bytes, the first component in the lowest bits of a byte.
    """

    def __init__(self, dim: int, bits: int, levels: Float) -> None:
        """levels: (2 ** (bits - 1),) float32, the positive half, for a component of variance 1."""
        if dim * bits % 8:
            raise ConfigError(f"token vectors of {dim} dimensions do not fill whole bytes with {bits} bits each")
        self.name = f"int{bits}"
        self._bits, self._per_byte = bits, 8 // bits
        self._rotation = rotation(dim)
        values = np.concatenate([-levels[::-1], levels])
        self._levels = np.rint(values / values[-1] * 127).astype(np.int8)  # what the kernel multiplies
        self._edges = ((values[1:] + values[:-1]) / 2).astype(np.float32)  # between codes
        shifts = np.arange(self._per_byte) * bits
        table = self._levels[np.arange(256)[:, None] >> shifts & (2**bits - 1)]
        self._layout = CodeLayout(dim, bits, table)
        self.n_bytes = self._layout.n_bytes

    def encode(self, tokens: Float) -> bytes:
        rotated = tokens @ self._rotation.T
        spread = np.sqrt(np.square(rotated).mean(axis=1, keepdims=True))
        even = rotated / np.where(spread == 0, 1, spread)
        codes = np.zeros_like(even, np.uint8)
        for edge in self._edges:  # ten times faster than a binary search of each
            codes += even > edge
        values = self._levels[codes].astype(np.float32)
        scales = (rotated * values).sum(axis=1) / np.square(values).sum(axis=1)  # least squares
        parts = codes.reshape(len(codes), codes.shape[1] // self._per_byte, self._per_byte) << (
            np.arange(self._per_byte, dtype=np.uint8) * self._bits
        )
        return bytes(scales.astype("<f4").tobytes() + np.bitwise_or.reduce(parts, axis=2).astype(np.uint8).tobytes())

    def decode(self, data: bytes | memoryview, n_tokens: int) -> Float:
        scales, values = self._layout.scales(data, n_tokens), self._layout.values(data, n_tokens)
        return np.asarray((values.astype(np.float32) * scales[:, None]) @ self._rotation, np.float32)

    def maxima(self, query: Float, records: Records, *, precise: bool, kernel: str = KERNELS[0]) -> Float:
        return maxima(query @ self._rotation.T, records, self._layout, precise=precise, kernel=kernel)

    def products(self, query: Float, data: bytes | memoryview, n_tokens: int) -> tuple[Float, Float]:
        return products(query @ self._rotation.T, data, n_tokens, self._layout)  # which leaves lengths as they are


# Levels that code a normally distributed component of variance 1 with the least square error (Max 1960, table 1).
LEVELS_2 = np.array([0.4528, 1.5104], np.float32)
LEVELS_4 = np.array([0.1284, 0.3881, 0.6568, 0.9424, 1.2562, 1.6181, 2.0690, 2.7326], np.float32)


def int4(dim: int) -> PackedCodec:
    return PackedCodec(dim, 4, LEVELS_4)


def int2(dim: int) -> PackedCodec:
    return PackedCodec(dim, 2, LEVELS_2)

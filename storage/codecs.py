"""How token vectors lie on disk. A codec turns (n, dim) float32 rows into bytes and back.

The layout of each codec is part of the format version: it is described here so that it can be read without this code.
All numbers are little-endian.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from storage.errors import ConfigError


class TokenCodec(Protocol):
    """Bytes <-> token vectors of one page."""

    name: str

    def n_bytes(self, n_tokens: int, dim: int) -> int:
        """Size of a page's tokens."""

    def encode(self, tokens: NDArray[np.float32]) -> bytes:
        """tokens: (n, dim) float32 -> n_bytes(n, dim) bytes."""

    def decode(self, data: bytes | memoryview, n_tokens: int, dim: int) -> NDArray[np.float32]:
        """The bytes of ``encode`` -> (n, dim) float32, equal within the codec's error."""


class Int8Codec:
    """A float32 scale per token, then its int8 codes: value = code * scale.

    Layout: scales float32 (n,), codes int8 (n, dim). Largest error of a value: half its token's scale, which is
    max(abs(token)) / 127. An all-zero token has scale 0.
    """

    name = "int8"

    def n_bytes(self, n_tokens: int, dim: int) -> int:
        return n_tokens * (4 + dim)

    def encode(self, tokens: NDArray[np.float32]) -> bytes:
        scales = (np.abs(tokens).max(axis=1, initial=0.0) / 127).astype("<f4")
        codes = np.rint(tokens / np.where(scales == 0, 1, scales)[:, None]).astype(np.int8)
        return bytes(scales.tobytes() + codes.tobytes())

    def decode(self, data: bytes | memoryview, n_tokens: int, dim: int) -> NDArray[np.float32]:
        scales, codes = self.view(data, n_tokens, dim)
        return codes.astype(np.float32) * scales[:, None]

    @staticmethod
    def view(data: bytes | memoryview, n_tokens: int, dim: int) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """Scales (n,) float32 and codes (n, dim) int8, without copying."""
        scales = np.frombuffer(data, "<f4", n_tokens)
        return scales, np.frombuffer(data, np.int8, n_tokens * dim, 4 * n_tokens).reshape(n_tokens, dim)


class Float16Codec:
    """Half precision. Layout: float16 (n, dim)."""

    name = "float16"

    def n_bytes(self, n_tokens: int, dim: int) -> int:
        return n_tokens * dim * 2

    def encode(self, tokens: NDArray[np.float32]) -> bytes:
        return tokens.astype("<f2").tobytes()

    def decode(self, data: bytes | memoryview, n_tokens: int, dim: int) -> NDArray[np.float32]:
        return np.frombuffer(data, "<f2", n_tokens * dim).reshape(n_tokens, dim).astype(np.float32)


CODECS: dict[str, TokenCodec] = {codec.name: codec for codec in (Int8Codec(), Float16Codec())}


def codec_named(name: str) -> TokenCodec:
    """The codec of this name. Raises ConfigError with the known names."""
    try:
        return CODECS[name]
    except KeyError:
        raise ConfigError(f"there is no token codec {name!r}; known codecs are {', '.join(CODECS)}") from None

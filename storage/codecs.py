"""The token codecs, as a table: how token vectors may lie on disk. What is behind a row is imported by its first use."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from pagesight.storage.errors import ConfigError

if TYPE_CHECKING:
    from pagesight.storage.vectors.codecs import TokenCodec

DEFAULT_CODEC = "int8"
DEFAULT_POOL_FACTOR, MAX_POOL_FACTOR = 1, 16


@dataclass(frozen=True, slots=True)
class CodecSpec:
    """maker: "module:function" from the width of vectors to the codec. bits: of a component."""

    name: str
    bits: int
    maker: str


CODECS = {
    spec.name: spec
    for spec in (
        CodecSpec("int8", 8, "pagesight.storage.vectors.codecs:Int8Codec"),
        CodecSpec("int4", 4, "pagesight.storage.vectors.codecs:int4"),
        CodecSpec("int2", 2, "pagesight.storage.vectors.codecs:int2"),
        CodecSpec("float16", 16, "pagesight.storage.vectors.codecs:Float16Codec"),
    )
}


def check_codec(name: str, pool_factor: int = DEFAULT_POOL_FACTOR) -> None:
    """Raise ConfigError for an unknown codec, with the known names, or an impossible pool factor."""
    if name not in CODECS:
        raise ConfigError(f"there is no token codec {name!r}; known codecs are {', '.join(CODECS)}")
    if not 1 <= pool_factor <= MAX_POOL_FACTOR:
        raise ConfigError(f"pool_factor must be from 1 to {MAX_POOL_FACTOR}, not {pool_factor}")


def codec_named(name: str, dim: int) -> TokenCodec:
    """The codec of this name, for vectors of this width. Raises ConfigError."""
    check_codec(name)
    module, _, function = CODECS[name].maker.partition(":")
    codec: TokenCodec = getattr(import_module(module), function)(dim)
    return codec

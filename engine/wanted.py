"""What an engine was opened with, and whether an index has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.config import DEFAULT_MODEL, ModelConfig
from pagesight.storage.codecs import DEFAULT_CODEC, DEFAULT_POOL_FACTOR
from pagesight.storage.errors import CodecMismatch, ModelMismatch
from pagesight.storage.manifest import Space

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder


class Wanted:
    """What ``SearchEngine.open`` was told; None where an existing index decides."""

    def __init__(
        self, address: str, model: str | None, settings: ModelConfig, codec: str | None, pool_factor: int | None
    ) -> None:
        self.address, self._model, self._settings = address, model, settings
        self._codec, self._pool_factor = codec, pool_factor

    def check(self, space: Space) -> None:
        """Raise ModelMismatch or CodecMismatch if an index has something else than what was named.

        Whether a folder holds the same model is seen when it is loaded, from the fingerprint.
        """
        if self._model not in (None, space.encoder) and not Path(str(self._model)).expanduser().is_dir():
            raise ModelMismatch(space.encoder, str(self._model))
        for name, value in self._settings.stored().items():
            if space.settings.get(name) != value:
                before = space.settings.get(name, "as the model has it")
                raise ModelMismatch(f"{space.encoder}, {name} {before}", f"{name} {value}")
        if self._codec not in (None, space.codec):
            raise CodecMismatch("codec", space.codec, str(self._codec))
        if self._pool_factor not in (None, space.pool_factor):
            raise CodecMismatch("pool_factor", space.pool_factor, int(self._pool_factor or 0))

    def model_of(self, space: Space | None) -> tuple[str, ModelConfig]:
        """What to load for an index, or for one that is to be made."""
        if space is None:
            return self._model or DEFAULT_MODEL, self._settings
        return self._model or space.encoder, self._settings.with_stored(space.settings)

    def space(self, encoder: Encoder) -> Space:
        """Of an index that is to be made."""
        return Space(
            encoder=encoder.name,
            fingerprint=encoder.fingerprint,
            single_dim=encoder.single_dim,
            token_dim=encoder.token_dim,
            codec=self._codec or DEFAULT_CODEC,
            pool_factor=self._pool_factor or DEFAULT_POOL_FACTOR,
            settings=self._settings.stored(),
        )

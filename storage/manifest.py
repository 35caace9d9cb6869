"""``manifest.json``: what an index is made of, written once and read by everybody who opens it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pagesight.storage.errors import ConfigError, FormatVersionMismatch, ModelMismatch, StoreCorrupt, StoreNotFound

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
CODECS = ("int8", "int4", "int2", "float16")  # of token vectors, see storage.vectors.codecs


MAX_POOL_FACTOR = 16


def check_codec(name: str, pool_factor: int = 1) -> None:
    """Raise ConfigError for an unknown codec, with the known names, or an impossible pool factor."""
    if name not in CODECS:
        raise ConfigError(f"there is no token codec {name!r}; known codecs are {', '.join(CODECS)}")
    if not 1 <= pool_factor <= MAX_POOL_FACTOR:
        raise ConfigError(f"pool_factor must be from 1 to {MAX_POOL_FACTOR}, not {pool_factor}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The identity of an index. Vectors of two encoders are never mixed: ``fingerprint`` must be equal.

    encoder is the model's name; fingerprint covers weights and everything else that changes the vectors. settings: what
    the model had a choice of and was told when the index was made, by name; for the engine to tell it again.
    """

    encoder: str
    fingerprint: str
    single_dim: int
    token_dim: int
    codec: str
    settings: dict[str, str | int] = field(default_factory=dict)
    pool_factor: int = 1  # token vectors of a page for each one that is stored
    format_version: int = FORMAT_VERSION

    def check_encoder(self, name: str, fingerprint: str) -> None:
        """Raise ModelMismatch unless this encoder made the index."""
        if fingerprint != self.fingerprint:
            raise ModelMismatch(f"{self.encoder} ({self.fingerprint[:12]})", f"{name} ({fingerprint[:12]})")

    def write(self, folder: Path) -> None:
        """Write atomically: a reader sees the whole file or none."""
        temporary = folder / f"{MANIFEST_NAME}.{os.getpid()}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / MANIFEST_NAME)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read it back. Raises StoreNotFound, FormatVersionMismatch, StoreCorrupt."""
        path = folder / MANIFEST_NAME
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise StoreNotFound(folder) from None
        except ValueError as error:
            raise StoreCorrupt(
                f"{path} is not JSON ({error}); restore it from a copy, or make the index again"
            ) from error
        version = fields.get("format_version") if isinstance(fields, dict) else None
        if version != FORMAT_VERSION:
            raise FormatVersionMismatch(folder, version if isinstance(version, int) else 0, FORMAT_VERSION)
        try:
            return cls(**fields)
        except TypeError as error:
            raise StoreCorrupt(f"{path}: {error}; restore it from a copy, or make the index again") from error

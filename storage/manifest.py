"""``manifest.json``: what an index is made of, written once and read by everybody who opens it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pagesight.storage.codecs import DEFAULT_CODEC, DEFAULT_POOL_FACTOR, check_codec
from pagesight.storage.errors import (
    ConfigError,
    FormatVersionMismatch,
    ModelMismatch,
    StorageError,
    StoreCorrupt,
    StoreNotFound,
)

FORMAT_VERSION = 2
OLDEST_FORMAT = 1  # that can be read, and is brought to the present one (storage.care.upgrade)
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Vectors of one encoder, stored in one way. Those of two encoders are never mixed: ``fingerprint`` must be equal.

    encoder is the model's name; fingerprint covers weights and everything else that changes the vectors. codec: see
    storage.codecs. pool_factor: token vectors of a page for each one that is stored. settings: what the model had a choice
    of and was told when the index was made, by name; for the engine to tell it again. Raises ConfigError.
    """

    encoder: str
    fingerprint: str
    single_dim: int
    token_dim: int
    codec: str = DEFAULT_CODEC
    pool_factor: int = DEFAULT_POOL_FACTOR
    settings: dict[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_codec(self.codec, self.pool_factor)

    def check_encoder(self, name: str, fingerprint: str) -> None:
        """Raise ModelMismatch unless this encoder made the vectors."""
        if fingerprint != self.fingerprint:
            raise ModelMismatch(f"{self.encoder} ({self.fingerprint[:12]})", f"{name} ({fingerprint[:12]})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The identity of an index: a list of spaces, so that it can hold more than one. One is used now."""

    spaces: tuple[Space, ...]
    format_version: int = FORMAT_VERSION

    @property
    def space(self) -> Space:
        return self.spaces[0]

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
        """Read it back, in any format that can be read. Raises StoreNotFound, FormatVersionMismatch, StoreCorrupt."""
        path = folder / MANIFEST_NAME
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise StoreNotFound(folder) from None
        except (PermissionError, IsADirectoryError) as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise StoreCorrupt(
                f"{path} is not JSON ({error}); restore it from a copy, or make the index again"
            ) from error
        return cls.parse(text, path)

    @classmethod
    def parse(cls, text: str, path: Path) -> Manifest:
        """From the text of the file ``path``. Raises FormatVersionMismatch, StoreCorrupt."""
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise StoreCorrupt(
                f"{path} is not JSON ({error}); restore it from a copy, or make the index again"
            ) from error
        version = fields.get("format_version") if isinstance(fields, dict) else None
        if not isinstance(version, int) or not OLDEST_FORMAT <= version <= FORMAT_VERSION:
            raise FormatVersionMismatch(path.parent, version if isinstance(version, int) else 0, FORMAT_VERSION)
        try:
            return cls(spaces=tuple(Space(**space) for space in _spaces(fields)), format_version=version)
        except (TypeError, ValueError, KeyError, AttributeError, ConfigError) as error:
            raise StoreCorrupt(f"{path}: {error}; restore it from a copy, or make the index again") from error


def _spaces(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """In format 1 the manifest was its one space."""
    if fields["format_version"] == 1:
        return [{name: value for name, value in fields.items() if name != "format_version"}]
    spaces: list[dict[str, Any]] = fields["spaces"]
    if not spaces:
        raise ValueError("it names no space of vectors")
    return spaces

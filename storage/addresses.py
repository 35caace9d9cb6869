"""Stores by their addresses: a folder, or ``scheme://...``. A kind of store is a row here."""

from __future__ import annotations

import re
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from pagesight.storage.errors import ConfigError

# scheme -> "module:class". Each class opens an address by calling it, and has ``create(address, space)``.
SCHEMES = {
    "": "pagesight.storage.store:Store",
    "memory": "pagesight.storage.memory:MemoryStore",
    "postgresql": "pagesight.storage.postgres.store:PostgresStore",
    "qdrant": "pagesight.storage.qdrant.store:QdrantStore",
    "qdrants": "pagesight.storage.qdrant.store:QdrantStore",
}
_SECRETS = (  # of a URL: the password before the host, and those among the options
    re.compile(r"(?<=://)([^:/?@]*):[^?]*@"),
    re.compile(r"([?&](?:ssl)?password=)[^&]*"),
)


def full_address(address: str | PathLike[str]) -> str:
    """The same from any working folder. Raises ConfigError for an empty one, or a scheme that nobody here knows."""
    text = fspath(address)
    if not text:
        raise ConfigError("the address of an index is empty; name a folder")
    scheme = _scheme(text)
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES if name)
        raise ConfigError(f"there is no store for {scheme}://; an index is a folder, or one of {known}")
    return text if scheme else str(Path(text).expanduser().absolute())


def folder_of(address: str) -> Path | None:
    """The folder that a full address names; None if the store lies elsewhere."""
    return None if _scheme(address) else Path(address)


def shown(address: str) -> str:
    """An address as it may be printed and kept: without a password."""
    if not _scheme(address):
        return address
    return _SECRETS[1].sub(r"\1***", _SECRETS[0].sub(r"\1:***@", address))


def store_class(address: str) -> Any:
    """What opens and creates stores with such an address; see ``pagesight.engine.index.Store``."""
    module, _, name = SCHEMES[_scheme(address)].partition(":")
    return getattr(import_module(module), name)


def _scheme(text: str) -> str:
    scheme, mark, _ = text.partition("://")
    return scheme.lower() if mark and "/" not in scheme else ""

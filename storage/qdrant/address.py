"""Addresses of an index in Qdrant.

    qdrant://HOST[:PORT]/COLLECTION    a server, qdrants:// with TLS; its key in the environment variable QDRANT_API_KEY
    qdrant:///FOLDER                   Qdrant Edge, the server's core in this process
    qdrant://:memory:/NAME             the client's local mode, for tests: it lives as long as the process

``?cache=FOLDER`` names a folder for what searches need, below which every index has its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from pagesight.storage.errors import ConfigError
from pagesight.storage.following.kept import cache_root

PORT = 6333


@dataclass(frozen=True, slots=True, kw_only=True)
class QdrantAddress:
    """``shown`` is the address without options. folder: of Edge; None for a server and for what is in memory."""

    shown: str
    name: str  # of the collection
    cache: Path
    host: str = ""
    port: int = 0
    tls: bool = False
    folder: Path | None = None

    @classmethod
    def parse(cls, address: str) -> QdrantAddress:
        """Raises ConfigError."""
        plain, _, query = address.partition("?")
        scheme, _, rest = plain.partition("://")
        options = dict(parse_qsl(query, keep_blank_values=True))
        cache = cache_root("qdrant", options.pop("cache", None))
        if options:
            raise ConfigError(f"{scheme}:// knows the option cache, not {', '.join(options)}")
        if rest.startswith("/"):
            folder = Path(rest)
            return cls(shown=f"{scheme}://{folder}", name=folder.name, folder=folder, cache=cache)
        place, _, name = rest.partition("/")
        host, _, port = ("", "", "") if place == ":memory:" else place.partition(":")
        if not place or not name or "/" in name or "@" in place or not re.fullmatch(r"\d{0,5}", port):
            raise ConfigError(f"{scheme}:// needs HOST:PORT/COLLECTION, or a folder as in qdrant:///data/pages")
        tls = scheme == "qdrants"
        return cls(shown=plain, host=host, port=int(port or PORT), tls=tls, name=name, cache=cache)

    @property
    def in_memory(self) -> bool:
        return self.folder is None and not self.host

    def cache_folder(self, store_id: str) -> str:
        """Name of the index's own folder in the cache: of the index, not of its address."""
        return f"{re.sub(r'[^A-Za-z0-9_-]', '_', self.name)[:40]}-{store_id[:16]}"

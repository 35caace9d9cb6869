"""The address of an index in PostgreSQL: libpq's URL, and three options of ours in its query.

    postgresql://user@host:5432/database?index=reports&cache=/fast/disk&memory=1000&sslmode=require

index: several may lie in one database, each a schema of this name. cache: folder for what searches need, below which every index
has its own. memory: megabytes of token vectors that a process keeps of what it has looked at. Everything else goes to libpq, with its environment (PGPASSWORD, PGPASSFILE, PGSSLMODE, ...) and its password file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from pagesight.storage.addresses import shown
from pagesight.storage.errors import ConfigError, ExtraMissing
from pagesight.storage.following.kept import cache_root

DEFAULT_INDEX, DEFAULT_MEMORY = "pagesight", "256"
_NAME, _MEGABYTES = re.compile(r"[a-z][a-z0-9_]{0,47}"), re.compile(r"[0-9]{1,7}")
# A server that is gone is noticed: by its address that does not answer, or by a connection that says nothing.
PATIENCE = {"connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "5", "tcp_user_timeout": "30000"}


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """``parameters`` are libpq's; ``memory`` is in bytes. ``shown`` may be printed: it has no password."""

    parameters: dict[str, Any]
    index: str
    cache: Path
    memory: int
    shown: str

    @classmethod
    def parse(cls, address: str) -> PostgresAddress:
        """Raises ConfigError, and ExtraMissing without psycopg."""
        try:
            from psycopg import ProgrammingError
            from psycopg.conninfo import conninfo_to_dict
        except ImportError as error:  # it is not there, or finds no libpq
            raise ExtraMissing("psycopg", "postgres") from error
        plain, _, query = address.partition("?")
        options = parse_qsl(query, keep_blank_values=True)
        ours = {name: value for name, value in options if name in ("index", "cache", "memory")}
        rest = urlencode([pair for pair in options if pair[0] not in ours], quote_via=quote)
        try:
            parameters = conninfo_to_dict(f"{plain}?{rest}" if rest else plain)
        except ProgrammingError:  # its message may quote what was taken for a port, and is a password
            raise ConfigError(
                f"{shown(address)} is no address of a database; write postgresql://user@host:port/database"
            ) from None
        index = ours.get("index", DEFAULT_INDEX)
        if not _NAME.fullmatch(index) or index.startswith("pg_") or index in ("public", "information_schema"):
            raise ConfigError(
                f"{index!r} cannot be the name of an index in a database; take small letters, digits and underscores"
            )
        memory = ours.get("memory", DEFAULT_MEMORY)
        if not _MEGABYTES.fullmatch(memory):
            raise ConfigError(f"memory={memory!r} is no number of megabytes; write one from 0 to 9999999, such as 256")
        libpq = {**PATIENCE, "application_name": "pagesight", **parameters}
        return cls(libpq, index, _cache(ours), int(memory) * 1_000_000, shown(address))


def _cache(options: dict[str, str]) -> Path:
    return cache_root("postgresql", options.get("cache"))

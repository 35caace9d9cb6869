"""Connections to ``metadata.db``, for whoever reads or writes it, by whatever means."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from pagesight.storage.manifest import FORMAT_VERSION

DATABASE_NAME = "metadata.db"
BUSY_SECONDS = 30
# What kind a media type is, in SQL: format 1 did not store it.
KIND_SQL = "CASE media_type WHEN 'application/pdf' THEN 'pdf' WHEN 'text/plain' THEN 'text' ELSE 'image' END"
_AS_FORMAT_2 = f"CREATE TEMP VIEW document AS SELECT *, {KIND_SQL} AS kind FROM main.document"  # noqa: S608 - ours


def connect(folder: Path, format_version: int = FORMAT_VERSION) -> sqlite3.Connection:
    """A new connection, in no transaction until somebody begins one.

    format_version: of the index; an older one that could not be brought to the present is only read, through a view.
    """
    # A folder we may not write to (another user's, a read-only mount) has no place for WAL's shared memory:
    # SQLite then reads it only as "immutable", which is true as long as nobody else writes it either.
    read_only = not os.access(folder, os.W_OK)
    uri = f"{(folder / DATABASE_NAME).absolute().as_uri()}?{'mode=ro&immutable=1' if read_only else 'mode=rwc'}"
    # Without an isolation level sqlite3 begins no transactions on its own, which it does too late.
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -16384")  # KB: what 100,000 pages' places take
        if format_version == 1:
            connection.execute(_AS_FORMAT_2)
    except BaseException:
        connection.close()
        raise
    return connection

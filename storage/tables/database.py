"""Opening ``metadata.db``: SQLite in WAL mode, with transactions that begin when we say so.

WAL lets any number of readers go on while one process writes, each seeing one whole snapshot.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, insert, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from pagesight.storage.errors import DiskFull
from pagesight.storage.manifest import FORMAT_VERSION
from pagesight.storage.tables.schema import index_state, metadata
from pagesight.storage.words import CREATE_WORDS

DATABASE_NAME = "metadata.db"
BUSY_SECONDS = 30
# What kind a media type is, in SQL: format 1 did not store it.
KIND_SQL = "CASE media_type WHEN 'application/pdf' THEN 'pdf' WHEN 'text/plain' THEN 'text' ELSE 'image' END"
_AS_FORMAT_2 = f"CREATE TEMP VIEW document AS SELECT *, {KIND_SQL} AS kind FROM main.document"  # noqa: S608 - ours


def open_database(folder: Path, format_version: int = FORMAT_VERSION) -> Engine:
    """An engine whose connections read snapshots (``engine.begin()``) or write (``write_transaction``).

    format_version: of the index; an older one that could not be brought to the present is only read, through a view.
    """
    path = folder / DATABASE_NAME
    # A folder we may not write to (another user's, a read-only mount) has no place for WAL's shared memory:
    # SQLite then reads it only as "immutable", which is true as long as nobody else writes it either.
    read_only = not os.access(folder, os.W_OK)
    query = "mode=ro&immutable=1" if read_only else "mode=rwc"

    def connect() -> sqlite3.Connection:
        uri = f"{path.absolute().as_uri()}?{query}"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=8, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # Python's sqlite3 would begin transactions on its own, and too late
        cursor = connection.cursor()
        if not read_only:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA cache_size = -16384")  # KB: what 100,000 pages' places take
        if format_version == 1:
            cursor.execute(_AS_FORMAT_2)
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def write_transaction(engine: Engine, folder: Path) -> Iterator[Connection]:
    """A transaction that takes SQLite's write lock at once: commits at the end, or leaves no trace."""
    with disk_errors(folder), engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn "no room" of the file system or of SQLite into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(folder, error.strerror or str(error)) from error
        raise
    except OperationalError as error:
        if "disk is full" in str(error.orig) or "disk I/O error" in str(error.orig):
            raise DiskFull(folder, str(error.orig)) from error
        raise


def raise_generation(connection: Connection) -> None:
    """Whatever changes an index, its contents or merely its files, is a new state of it: readers look again."""
    connection.execute(update(index_state).values(generation=index_state.c.generation + 1))


def create_tables(engine: Engine, folder: Path) -> None:
    """Make all tables in one transaction, or none."""
    with write_transaction(engine, folder) as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql(CREATE_WORDS)
        connection.exec_driver_sql(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.execute(insert(index_state).values(id=1, generation=0, next_page_id=1, segment=1, segment_bytes=0))

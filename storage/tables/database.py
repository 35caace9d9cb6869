"""``metadata.db`` by SQLAlchemy: SQLite in WAL mode, with transactions that begin when we say so.

WAL lets any number of readers go on while one process writes, each seeing one whole snapshot.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from pagesight.storage.errors import DiskFull
from pagesight.storage.manifest import FORMAT_VERSION
from pagesight.storage.tables.connections import Damaged, connect, corrupt
from pagesight.storage.tables.schema import index_state, metadata
from pagesight.storage.words import CREATE_WORDS


def open_database(folder: Path, format_version: int = FORMAT_VERSION, damaged: Damaged = corrupt) -> Engine:
    """An engine whose connections read snapshots (``engine.begin()``) or write (``write_transaction``).

    format_version, damaged: as of ``connect``.
    """
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(folder, format_version, damaged),
        poolclass=QueuePool,
        pool_size=8,
        max_overflow=-1,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def connection_over(engine: Engine, raw: Any) -> Connection:
    """A connection by one of sqlite3 that is open, in the transaction that it is in, which ends with it. engine: of the same database."""
    with engine.connect():  # a dialect looks at the first connection that it sees, and rolls back
        pass
    pool = StaticPool(lambda: raw, reset_on_return=None, dialect=engine.dialect)
    return Engine(pool, engine.dialect, engine.url).connect()


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

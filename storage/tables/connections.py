"""Connections to ``metadata.db``, for whoever reads or writes it, by whatever means."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from pagesight.storage.errors import DatabaseCorrupt, StorageError, StoreCorrupt
from pagesight.storage.forking import Forked, tell_of_forks
from pagesight.storage.manifest import FORMAT_VERSION

DATABASE_NAME = "metadata.db"
BUSY_SECONDS = 30
# What kind a media type is, in SQL: format 1 did not store it.
KIND_SQL = "CASE media_type WHEN 'application/pdf' THEN 'pdf' WHEN 'text/plain' THEN 'text' ELSE 'image' END"
_AS_FORMAT_2 = f"CREATE TEMP VIEW document AS SELECT *, {KIND_SQL} AS kind FROM main.document"  # noqa: S608 - ours


def corrupt(path: Path, what: str) -> StoreCorrupt:
    """what: "is missing", or another fault of the whole file."""
    return DatabaseCorrupt(f"{path} {what}; restore it from a copy, or make the index again")


Damaged = Callable[
    [Path, str], StoreCorrupt
]  # as ``corrupt``: makes the error of a database that is not what was written


def connect(folder: Path, format_version: int = FORMAT_VERSION, damaged: Damaged = corrupt) -> sqlite3.Connection:
    """A new connection, in no transaction until somebody begins one.

    format_version: of the index; an older one that could not be brought to the present is only read, through a view.
    It raises what ``damaged`` makes where SQLite finds that the file is not what it wrote, here or in any later statement,
    and StorageError in a process that was forked while this one was open.
    """
    _ours.check(folder)
    # A folder we may not write to (another user's, a read-only mount) has no place for WAL's shared memory:
    # SQLite then reads it only as "immutable", which is true as long as nobody else writes it either.
    read_only = not os.access(folder, os.W_OK)
    uri = f"{(folder / DATABASE_NAME).absolute().as_uri()}?{'mode=ro&immutable=1' if read_only else 'mode=rwc'}"
    # Without an isolation level sqlite3 begins no transactions on its own, which it does too late.
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None, factory=_Connection
    )
    connection.path, connection.damaged = folder / DATABASE_NAME, damaged
    _ours.open.add(connection)
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


class _Connection(sqlite3.Connection):
    path: Path
    damaged: Damaged

    def close(self) -> None:
        if self not in _ours.inherited:
            super().close()
            _ours.open.discard(self)

    def cursor(self, factory: object = None) -> _Cursor:  # type: ignore[override]  # noqa: ARG002 - always of ours
        return super().cursor(_Cursor)

    def execute(self, *arguments: Any) -> _Cursor:
        return self.cursor().execute(*arguments)


class _Cursor(sqlite3.Cursor):
    """Both ways to the database, ours and SQLAlchemy's, pass here."""

    connection: _Connection

    def execute(self, *arguments: Any) -> _Cursor:
        try:
            return super().execute(*arguments)
        except sqlite3.DatabaseError as error:
            self._raise_if_damaged(error)
            raise

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.DatabaseError as error:
            self._raise_if_damaged(error)
            raise

    def fetchmany(self, *arguments: Any) -> list[Any]:
        try:
            return super().fetchmany(*arguments)
        except sqlite3.DatabaseError as error:
            self._raise_if_damaged(error)
            raise

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.DatabaseError as error:
            self._raise_if_damaged(error)
            raise

    def _raise_if_damaged(self, error: sqlite3.DatabaseError) -> None:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise self.connection.damaged(self.connection.path, f"is damaged ({error})") from error


class _Connections(Forked):
    """Those of this process, and those that it has from the one that forked it, which it must neither use nor close.

    SQLite keeps what it knows of a file once a process. As long as there is a connection of a parent, new ones share what that knew:
    they see an old state once others have begun a new WAL. Source: https://www.sqlite.org/howtocorrupt.html, 2.6.
    """

    def __init__(self) -> None:
        self.open: WeakSet[_Connection] = WeakSet()
        self.inherited: set[_Connection] = set()
        tell_of_forks(self)

    def after_fork(self) -> None:
        self.inherited |= set(self.open)

    def check(self, folder: Path) -> None:
        """Raises StorageError for the folder of a connection that was inherited."""
        path = (folder / DATABASE_NAME).absolute()
        if any(connection.path.absolute() == path for connection in self.inherited):
            raise StorageError(
                f"the index {folder} was being read or written when this process was forked, and cannot be used in it; "
                'close views before forking, or start processes by "spawn"'
            )


_ours = _Connections()

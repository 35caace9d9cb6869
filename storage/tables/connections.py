"""Connections to ``metadata.db``, for whoever reads or writes it, by whatever means."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from pagesight.storage.errors import DatabaseCorrupt, DiskFull, StorageError, StoreCorrupt
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


def connect(folder: Path, format_version: int = FORMAT_VERSION, damaged: Damaged = corrupt) -> FileConnection:
    """A new connection, in no transaction until somebody begins one.

    format_version: of the index; an older one that could not be brought to the present is only read, through a view.
    It raises what ``damaged`` makes where SQLite finds that the file is not what it wrote, here or in any later statement,
    DiskFull and StorageError where it cannot write or open files, and StorageError in a process that was forked while this
    one was open.
    """
    _ours.check(folder)
    path, read_only = folder / DATABASE_NAME, not os.access(folder, os.W_OK)
    immutable = read_only and not _is_written(folder)
    mode = "mode=rwc" if not read_only else "mode=ro&immutable=1" if immutable else "mode=ro"
    # Without an isolation level sqlite3 begins no transactions on its own, which it does too late.
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            isolation_level=None,
            factory=FileConnection,
        )
    except sqlite3.DatabaseError as error:
        _raise_ours(error, path, damaged)
        raise
    connection.path, connection.damaged, connection.immutable = path, damaged, immutable
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


def _is_written(folder: Path) -> bool:
    """Whether somebody has the database open to write, or died so, and a part of it is in its log.

    Who may not write in the folder (another user's, a read-only mount) shares that log with them. Where there is none,
    neither is a place to make it, and SQLite reads the database only as "immutable": true until somebody writes again.
    """
    log, shared = (folder / f"{DATABASE_NAME}-{name}" for name in ("wal", "shm"))
    return log.exists() and (shared.exists() or log.stat().st_size > 0)


def _raise_ours(error: sqlite3.DatabaseError, path: Path, damaged: Damaged) -> None:
    """Raise an error of ours for what SQLite says of the file or the disk."""
    code = getattr(error, "sqlite_errorcode", 0)  # errors of the module sqlite3 have none
    kind = code & 0xFF
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        raise damaged(path, f"is damaged ({error})") from error
    if code == sqlite3.SQLITE_IOERR_READ or kind in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        raise StorageError(f"{path} cannot be used: {error}; see who may read and write it, and its disk") from error
    if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        raise DiskFull(path.parent, str(error)) from error


class FileConnection(sqlite3.Connection):
    path: Path
    damaged: Damaged
    immutable: bool  # sees nothing of what is written from now on

    def commit(self) -> None:
        try:
            super().commit()
        except sqlite3.DatabaseError as error:
            _raise_ours(error, self.path, self.damaged)
            raise

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

    connection: FileConnection

    def execute(self, *arguments: Any) -> _Cursor:
        try:
            return super().execute(*arguments)
        except sqlite3.DatabaseError as error:
            self._raise_ours(error)
            raise

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.DatabaseError as error:
            self._raise_ours(error)
            raise

    def fetchmany(self, *arguments: Any) -> list[Any]:
        try:
            return super().fetchmany(*arguments)
        except sqlite3.DatabaseError as error:
            self._raise_ours(error)
            raise

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.DatabaseError as error:
            self._raise_ours(error)
            raise

    def _raise_ours(self, error: sqlite3.DatabaseError) -> None:
        _raise_ours(error, self.connection.path, self.connection.damaged)


class _Connections(Forked):
    """Those of this process, and those that it has from the one that forked it, which it must neither use nor close.

    SQLite keeps what it knows of a file once a process. As long as there is a connection of a parent, new ones share what that knew:
    they see an old state once others have begun a new WAL. Source: https://www.sqlite.org/howtocorrupt.html, 2.6.
    """

    def __init__(self) -> None:
        self.open: WeakSet[FileConnection] = WeakSet()
        self.inherited: set[FileConnection] = set()
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

"""Reading ``metadata.db``: connections of Python's sqlite3, and the snapshots in which views read.

Every search asks the same few statements. Sent through SQLAlchemy they take several times as long, and importing it took a third
of a search in a new process. So a view sends them itself. What is put together of parts (filters, lists of documents), and all that
writes, goes by SQLAlchemy, which is imported by its first use; a view that asks by it sees the same snapshot.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pagesight.storage.closing import Closing
from pagesight.storage.forking import Forked, tell_of_forks
from pagesight.storage.manifest import FORMAT_VERSION
from pagesight.storage.tables.connections import Damaged, FileConnection, connect, corrupt
from pagesight.storage.words import CREATE_INSTANCES, CREATE_VOCABULARY

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

KEPT_OPEN = 8  # connections, for views to come


class Database(Forked):
    """The database of an open index. Any number of threads may use it, and processes that are forked while no snapshot is open."""

    def __init__(self, folder: Path, format_version: int = FORMAT_VERSION, damaged: Damaged = corrupt) -> None:
        """Nothing is opened before it is asked for. format_version, damaged: as of ``connect``."""
        self._folder, self._format_version, self._damaged = folder, format_version, damaged
        self._lock = threading.RLock()
        self._idle: list[FileConnection] = []
        self._engine: Engine | None = None
        self._disposed = 0
        self.n_snapshots = 0  # that are open
        tell_of_forks(self)

    def snapshot(self) -> Snapshot:
        """The present state. Close it, or use it by ``with``."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
            disposed = self._disposed
        if connection is None:
            connection = self._connected()
        connection.execute("BEGIN")
        with self._lock:
            self.n_snapshots += 1
        return Snapshot(self, connection, disposed)

    def _connected(self) -> FileConnection:
        connection = connect(self._folder, self._format_version, self._damaged)
        try:  # in no transaction: with one that is rolled back they would go, and SQLite read its whole schema again
            connection.execute(CREATE_VOCABULARY)
            connection.execute(CREATE_INSTANCES)
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's, with connections of its own."""
        with self._lock:
            if self._engine is None:
                from pagesight.storage.tables.database import open_database

                self._engine = open_database(self._folder, self._format_version, self._damaged)
            return self._engine

    def dispose(self) -> None:
        """Close what nobody uses. Snapshots that are open go on, and take their connections with them."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._disposed += 1
            engine = self._engine
        for connection in idle:
            connection.close()
        if engine is not None:
            engine.dispose()

    def before_fork(self) -> None:
        """What is in use goes back to the same pool, to be closed by the next fork: ``Engine.dispose`` would make a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._engine is not None:
            self._engine.pool.dispose()

    def after_fork(self) -> None:
        """Connections that another thread opened meanwhile are not used either, nor closed."""
        self._lock, self._idle = threading.RLock(), []
        self._disposed += 1
        if self._engine is not None:
            self._engine.dispose(close=False)

    def _ended(self, connection: FileConnection, disposed: int) -> None:
        """A snapshot's connection, in no transaction. disposed: how often that had happened when it was taken."""
        with self._lock:
            self.n_snapshots -= 1
            kept = disposed == self._disposed and len(self._idle) < KEPT_OPEN and not connection.immutable
            if kept:
                self._idle.append(connection)
        if not kept:
            connection.close()


class Snapshot(Closing):
    """A transaction that reads: nothing in it changes. For one thread at a time."""

    def __init__(self, database: Database, connection: FileConnection, disposed: int) -> None:
        """Made by ``Database.snapshot``. connection: in its transaction."""
        self._database, self._disposed = database, disposed
        self._raw: FileConnection | None = connection
        self._over: Connection | None = None

    @property
    def raw(self) -> FileConnection:
        """Raises RuntimeError after ``close``, which is a bug of ours."""
        if self._raw is None:
            raise RuntimeError("this view of the index was closed")
        return self._raw

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        """The rows that a statement gives, as plain tuples."""
        return self.raw.execute(statement, parameters).fetchall()

    def values(self, statement: str, *parameters: Any) -> list[Any]:
        """What a statement of one column gives."""
        return [value for (value,) in self.rows(statement, *parameters)]

    def value(self, statement: str, *parameters: Any) -> Any:
        """The first value that a statement gives; None if it gives no row."""
        row = self.raw.execute(statement, parameters).fetchone()
        return None if row is None else row[0]

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's, in this transaction; closed with it."""
        if self._over is None:
            from pagesight.storage.tables.database import connection_over

            self._over = connection_over(self._database.engine, self.raw)
        return self._over

    def generation(self) -> int:
        """The number of the state that is seen."""
        return int(self.value("SELECT generation FROM index_state"))

    def close(self) -> None:
        if self._raw is None:
            return
        if self._over is not None:
            self._over.close()
        connection, self._raw = self._raw, None
        connection.rollback()
        self._database._ended(connection, self._disposed)

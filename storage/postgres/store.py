"""An index in PostgreSQL: open it, view it, write to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import text

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import StorageError, StoreClosed
from pagesight.storage.folder import FaultPoint
from pagesight.storage.following.current import Current
from pagesight.storage.forking import Forked, tell_of_forks
from pagesight.storage.manifest import FORMAT_VERSION, Space
from pagesight.storage.postgres.address import PostgresAddress
from pagesight.storage.postgres.cache import Ahead, Cache
from pagesight.storage.postgres.database import Snapshot, create, find, open_engine
from pagesight.storage.postgres.faults import database_errors
from pagesight.storage.postgres.record_cache import RecordCache
from pagesight.storage.postgres.view import PostgresView
from pagesight.storage.postgres.writer import PostgresWriter
from pagesight.storage.stored import Examination, Exported, Optimized
from pagesight.storage.view import StoreView

if TYPE_CHECKING:
    from pagesight.storage.postgres.jobs import JobTable

_BYTES = text(
    "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c "
    "WHERE c.relkind = 'r' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
)


AHEAD_TRIES, AHEAD_S = 50, 0.05  # a copy of a database may be behind for a moment


class PostgresStore(Closing, Forked):
    """``pagesight.engine.index.Store`` in a database. Any number of processes and machines may read and write it at once."""

    def __init__(self, address: str) -> None:
        """Open an index. Raises StoreNotFound, StoreUnreachable, StoreRefused, FormatVersionMismatch, ConfigError, ExtraMissing."""
        self._place = PostgresAddress.parse(address)
        self.engine = open_engine(self._place)
        try:
            self._about = find(self.engine, self._place)
        except BaseException:
            self.engine.dispose()
            raise
        self._copies = Current(self.cache_folder, lambda: Cache(self.cache_folder, self.space))
        self._records = RecordCache(self._place.memory)
        self._closed = False
        tell_of_forks(self)

    @classmethod
    def create(cls, address: str, space: Space) -> Self:
        """Make an empty index, or open the one that is there."""
        codec_named(space.codec, space.token_dim)
        place = PostgresAddress.parse(address)
        engine = open_engine(place)
        try:
            create(engine, place, space)
        finally:
            engine.dispose()
        return cls(address)

    @property
    def address(self) -> str:
        """Without a password."""
        return self._place.shown

    @property
    def space(self) -> Space:
        return self._about.space

    @property
    def cache_folder(self) -> Path:
        """What searches here keep of this index."""
        return self._place.cache / f"{self._place.index}-{self._about.store_id[:16]}-{FORMAT_VERSION}"

    def view(self) -> PostgresView:
        """Read in one consistent state, whatever writers do meanwhile. Close it, or use it by ``with``."""
        self._check_open()
        with database_errors(self.address):
            snapshot, kept = Snapshot(self.engine), None
            if (
                self._copies.is_open
            ):  # who has searched will search again: what changed is fetched while nothing is asked yet
                snapshot, kept = self._with_kept(snapshot)
            return PostgresView(self.space, self.address, snapshot, kept, self._records, self._with_kept)

    def _with_kept(self, snapshot: Snapshot, as_it_is: bool = False) -> tuple[Snapshot, StoreView]:
        """A snapshot and the same state here; a new snapshot if others who share the cache are ahead of this one."""
        for _ in range(AHEAD_TRIES):
            try:
                with database_errors(self.address):
                    return snapshot, self._copies.use(partial(Cache.view, snapshot=snapshot))
            except Ahead:
                snapshot.close()
                if as_it_is:
                    raise StorageError(f"the index {self.address} has changed meanwhile; ask again") from None
            except BaseException:
                snapshot.close()
                raise
            time.sleep(AHEAD_S)
            with database_errors(self.address):
                snapshot = Snapshot(self.engine)
        snapshot.close()
        raise StorageError(
            f"the database {self.address} is behind what searches have seen in {self.cache_folder}: a copy of another one, or "
            "restored from a backup; give it a folder of its own (cache=FOLDER), or delete that one"
        )

    @contextmanager
    def writer(self, fault: FaultPoint | None = None) -> Iterator[PostgresWriter]:
        """Writes beside others: each change waits for its turn."""
        self._check_open()
        yield PostgresWriter(self.engine, self.address, self.space, fault)

    def jobs(self) -> JobTable:
        """Files that wait for workers."""
        from pagesight.storage.postgres.jobs import JobTable

        self._check_open()
        return JobTable(self.engine, self.address, self.space)

    def optimize(self) -> Optimized:
        from pagesight.storage.postgres.care import optimize

        self._check_open()
        return optimize(self.engine, self.address, self.bytes_on_disk)

    def examine(self, *, drop_damaged: bool = False) -> Examination:
        from pagesight.storage.postgres.care import examine

        self._check_open()
        return examine(self.engine, self.address, self.space, drop_damaged=drop_damaged)

    def export(self, target: Path, *, overwrite: bool = False) -> Exported:  # noqa: ARG002 - as every store's
        """Raises StorageError: databases have backups of their own."""
        raise StorageError(
            f"{self.address} is in a database, which has backups of its own (pg_basebackup, pg_dump); for a file, copy it into a "
            "folder first"
        )

    def bytes_on_disk(self) -> int:
        """Space that the index takes in the database."""
        with database_errors(self.address), self.engine.begin() as connection:
            return int(connection.execute(_BYTES).scalar_one())

    def close(self) -> None:
        """Let go of connections and files. Views that are open go on until they are closed."""
        self._closed = True
        self._copies.close()
        self.engine.dispose()

    def after_fork(self) -> None:
        """The parent goes on with the connections that are open."""
        self.engine.dispose(close=False)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(self.address)

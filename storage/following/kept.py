"""What a searcher keeps of an index that lies elsewhere: an embedded index without token vectors, in a folder of this machine.

Processes share it: one that finds it behind brings it up to date, and others wait meanwhile. It can be thrown away at any time
and is made again. How it follows the other index is the affair of each kind (storage.postgres.cache, storage.qdrant.cache).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from sqlalchemy import Connection, Table, insert, select

from pagesight.storage.cache_folder import cache_folder
from pagesight.storage.closing import Closing
from pagesight.storage.errors import StorageError, StoreCorrupt
from pagesight.storage.manifest import Space
from pagesight.storage.recall.growth import grow
from pagesight.storage.store import Store
from pagesight.storage.tables.database import disk_errors, raise_generation, write_transaction
from pagesight.storage.tables.schema import page, page_terms
from pagesight.storage.vectors.page_rows import SINGLES_NAME, RowFile, row_sizes

LOCK_NAME = "following.lock"


@dataclass(frozen=True, slots=True, eq=False)
class RecallRow:
    """What finding a page needs of it. single: a row of singles.f16. means: rows of means, by the names of their files."""

    page_id: int
    terms: str
    single: bytes
    means: dict[str, bytes]


class Kept(Closing):
    """Of one index. Any number of threads may use it."""

    def __init__(self, folder: Path, space: Space, followed: Table, first: dict[str, Any]) -> None:
        """Open it, or make an empty one. followed: a table of one row, which is ``first`` to begin with: how far it follows.

        Raises StorageError, DiskFull.
        """
        self.folder, self._space = folder, space
        self._sizes = row_sizes(space.single_dim, space.token_dim)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # the words of all pages are in it
        except OSError as error:
            raise StorageError(
                f"cannot make the folder {folder}, where searches keep what they need: {error.strerror}; name another"
            ) from error
        with self.alone():
            try:
                self.store = self._opened(followed, first)
            except StoreCorrupt:  # nothing is lost with it: it is made again
                self._throw_away()
                self.store = self._opened(followed, first)

    def _opened(self, followed: Table, first: dict[str, Any]) -> Store:
        store = Store.create(self.folder, self._space)
        try:
            with write_transaction(store.engine, self.folder) as connection:
                followed.metadata.create_all(connection)
                if connection.execute(select(followed)).first() is None:
                    connection.execute(insert(followed).values(first))
        except BaseException:
            store.close()
            raise
        return store

    def _throw_away(self) -> None:
        for path in self.folder.iterdir():
            if path.name != LOCK_NAME:
                path.unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process or thread at a time; the others wait. The system lets go of the lock when a process ends."""
        try:
            with disk_errors(self.folder), FileLock(self.folder / LOCK_NAME, thread_local=False):
                yield
        except PermissionError as error:
            raise StorageError(
                f"cannot write to {self.folder}, where searches keep what they need; name a folder of your own"
            ) from error

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction after which there is another state."""
        with write_transaction(self.store.engine, self.folder) as connection:
            raise_generation(connection)
            yield connection

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction in which one state is seen."""
        return self.store.engine.begin()

    def add_recall_rows(self, connection: Connection, rows: Sequence[RecallRow]) -> None:
        """Of pages that are in the tables, or are put there in the same transaction."""
        connection.execute(insert(page_terms), [{"rowid": row.page_id, "terms": row.terms} for row in rows])
        with disk_errors(self.folder), ExitStack() as stack:
            files = {name: stack.enter_context(closing(RowFile(self.folder / name))) for name in self._sizes}
            for row in rows:
                files[SINGLES_NAME].write(row.page_id, row.single)
                for name, means in row.means.items():
                    files[name].write(row.page_id, means)
            for written in files.values():
                written.sync()

    def grow(self) -> None:
        """Make what a large index is searched with."""
        with self.reading() as connection:
            found = connection.execute(select(page.c.id).where(page.c.n_tokens > 0).order_by(page.c.id))
            page_ids = np.array(found.scalars().all(), np.int64)
        grow(self.folder, self._space, page_ids)

    def close(self) -> None:
        self.store.close()


def cache_root(kind: str, given: str | None) -> Path:
    """The folder below which indexes of a kind have theirs: as it is given, or where such things lie."""
    return Path(given).expanduser().absolute() if given else cache_folder() / kind

"""What a searcher keeps of an index that lies elsewhere: an embedded index without token vectors, in a folder of this machine.

Processes share it: one that finds it behind brings it up to date, and others wait meanwhile. It can be thrown away at any time
and is made again: who finds it damaged says so in the folder, and the next that opens it begins anew. Others that have it open see
that its manifest is another file, and open it, too (storage.following.current). How it follows the other index is the affair of each kind
(storage.postgres.cache, storage.qdrant.cache).
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from filelock import FileLock
from sqlalchemy import Connection, Table, insert, select, text

from pagesight.storage.cache_folder import cache_folder
from pagesight.storage.closing import Closing
from pagesight.storage.errors import KeptCorrupt, StorageError, StoreCorrupt
from pagesight.storage.manifest import MANIFEST_NAME, Space
from pagesight.storage.recall.growth import grow
from pagesight.storage.store import Store
from pagesight.storage.tables.database import disk_errors, raise_generation, write_transaction
from pagesight.storage.tables.schema import page, page_terms
from pagesight.storage.vectors.page_rows import SINGLES_NAME, PageRows, RowFile, row_sizes
from pagesight.storage.view import StoreView

LOCK_NAME = "following.lock"
DAMAGED_NAME = "damaged"  # a file that is there when it was found to be so
_LAST_SQL = text("SELECT rowid FROM page_terms ORDER BY rowid DESC LIMIT 1")


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
        self._found_damaged = False
        self._manifest: IO[bytes] | None = None  # as it is opened here: while it is, no other file gets its number
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # the words of all pages are in it
        except OSError as error:
            raise StorageError(
                f"cannot make the folder {folder}, where searches keep what they need: {error.strerror}; name another"
            ) from error
        with self.alone():
            self.store = self._made_or_opened(followed, first)
            self._manifest = open(self.folder / MANIFEST_NAME, "rb")  # noqa: SIM115 - closed by close(), or with this
            weakref.finalize(self, self._manifest.close)
            self._found_damaged = False

    def _made_or_opened(self, followed: Table, first: dict[str, Any]) -> Store:
        if (self.folder / DAMAGED_NAME).exists():
            self._throw_away()
        try:
            return self._opened(followed, first)
        except StoreCorrupt:  # nothing is lost with it
            self._throw_away()
            return self._opened(followed, first)

    def _opened(self, followed: Table, first: dict[str, Any]) -> Store:
        store = Store.create(self.folder, self._space, self._damaged)
        try:
            with write_transaction(store.engine, self.folder) as connection:
                followed.metadata.create_all(connection)
                if connection.execute(select(followed)).first() is None:
                    connection.execute(insert(followed).values(first))
                last_page_id = connection.execute(_LAST_SQL).scalar()
            if last_page_id is not None:
                rows = PageRows(self.folder, self._sizes)
                for name in self._sizes:
                    rows.descriptor(name, last_page_id)  # raises StoreCorrupt if the file is cut off
        except BaseException:
            store.close()
            raise
        return store

    def _throw_away(self) -> None:
        damaged = self.folder / DAMAGED_NAME
        (self.folder / MANIFEST_NAME).unlink(
            missing_ok=True
        )  # first: from now on, who has it open sees that it is gone
        for path in self.folder.iterdir():
            if path.name != LOCK_NAME and path != damaged:
                path.unlink(missing_ok=True)
        damaged.unlink(missing_ok=True)  # last: who is interrupted begins again

    def _damaged(self, path: Path, what: str) -> KeptCorrupt:
        """Have it made again, if that has not been done since it was opened."""
        if self._manifest is None or self.is_current:
            with suppress(OSError):  # then it is this process alone that knows
                (self.folder / DAMAGED_NAME).touch()
        self._found_damaged = True
        return KeptCorrupt(self.folder, f"{what} in {path.name}")

    @property
    def is_current(self) -> bool:
        """Whether it can still be used. If not, it was closed, found damaged, or made again by somebody else: open it anew."""
        if self._found_damaged or self._manifest is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._manifest.fileno()), os.stat(self.folder / MANIFEST_NAME))
        except (FileNotFoundError, ValueError):  # ValueError: closed
            return False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process or thread at a time; the others wait. The system lets go of the lock when a process ends."""
        try:
            self._check_current()  # or the lock would make the folder, readable by everybody
            with disk_errors(self.folder), FileLock(self.folder / LOCK_NAME, thread_local=False):
                self._check_current()
                yield
        except PermissionError as error:
            raise StorageError(
                f"cannot write to {self.folder}, where searches keep what they need; name a folder of your own"
            ) from error
        except Exception as error:  # whatever it led to
            if (self.folder / LOCK_NAME).exists():
                raise
            raise KeptCorrupt(self.folder, "was deleted") from error

    def _check_current(self) -> None:
        """What is read or written from now on would be half old and half new."""
        if self._manifest is not None and not self.is_current:
            raise KeptCorrupt(self.folder, "was damaged or deleted")

    def view(self) -> StoreView:
        """The present state. Raises KeptCorrupt if it is not to be had any more."""
        view = self.store.view()
        try:
            self._check_current()
        except KeptCorrupt:
            view.close()
            raise
        return view

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
        if self._manifest is not None:
            self._manifest.close()
        self.store.close()


def cache_root(kind: str, given: str | None) -> Path:
    """The folder below which indexes of a kind have theirs: as it is given, or where such things lie."""
    return Path(given).expanduser().absolute() if given else cache_folder() / kind

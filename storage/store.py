"""An index in a folder: open it, view it, write to it. See storage.folder for its files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import StorageError, StoreClosed
from pagesight.storage.folder import FaultPoint, IndexFolder, check_ours, write_lock
from pagesight.storage.forking import Forked, tell_of_forks
from pagesight.storage.manifest import FORMAT_VERSION, MANIFEST_NAME, Manifest, Space
from pagesight.storage.places import remember_places
from pagesight.storage.state import State
from pagesight.storage.tables.connections import DATABASE_NAME, Damaged, corrupt
from pagesight.storage.tables.snapshots import Database, Snapshot
from pagesight.storage.view import StoreView

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from pagesight.storage.stored import Examination, Exported, Optimized
    from pagesight.storage.writer import StoreWriter


class Store(Closing, Forked):
    """``pagesight.engine.index.Store`` in a folder. Any number of threads and processes may read it while one writes."""

    def __init__(self, folder: str | PathLike[str], damaged: Damaged = corrupt) -> None:
        """Open an index, and bring it to the present format where it can be written.

        damaged: makes the error that is raised for its database, here or later, if that is not what was written.
        Raises StoreNotFound, FormatVersionMismatch, StoreCorrupt.
        """
        path = Path(folder)
        manifest = Manifest.read(path)
        if not (path / DATABASE_NAME).exists():
            raise damaged(path / DATABASE_NAME, "is missing")
        if not (path / DATABASE_NAME).stat().st_size:  # its first page is there before any table
            raise damaged(path / DATABASE_NAME, "is empty")
        if manifest.format_version < FORMAT_VERSION:
            from pagesight.storage.care.upgrade import upgrade

            manifest = upgrade(path, manifest)
        codec_named(manifest.space.codec, manifest.space.token_dim)
        self._folder = IndexFolder(path, manifest, Database(path, manifest.format_version, damaged))
        self._state: State | None = None
        self._state_lock = threading.Lock()
        self._closed = False
        tell_of_forks(self)

    @classmethod
    def create(cls, folder: str | PathLike[str], space: Space, damaged: Damaged = corrupt) -> Self:
        """Make an empty index, or open the one that another process has just made here.

        The manifest is written last: a folder without it is not an index yet, and creation begins again.
        """
        from pagesight.storage.tables.database import create_tables, disk_errors

        codec_named(space.codec, space.token_dim)
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make the folder {path}: {error.strerror}; name another") from error
        check_ours(path)
        with write_lock(path), disk_errors(path):
            if not (path / MANIFEST_NAME).exists():
                for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm"):
                    (path / name).unlink(missing_ok=True)
                database = Database(path)
                create_tables(database.engine, path)
                database.dispose()
                Manifest(spaces=(space,)).write(path)
        return cls(path, damaged)

    @property
    def address(self) -> str:
        return str(self._folder.path)

    @property
    def folder(self) -> Path:
        return self._folder.path

    @property
    def manifest(self) -> Manifest:
        return self._folder.manifest

    @property
    def space(self) -> Space:
        return self._folder.space

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's, with its pool of connections to the database of this index; views have others."""
        return self._folder.engine

    @property
    def n_views(self) -> int:
        """That are open."""
        return self._folder.database.n_snapshots

    def view(self) -> StoreView:
        """Read in one consistent state, whatever a writer does meanwhile. Close it, or use it by ``with``."""
        self._check_open()
        snapshot = self._folder.database.snapshot()
        try:
            generation, state = snapshot.generation(), self._state
            if state is None or state.generation != generation:
                snapshot.close()
                snapshot, state = self._begin_anew()
        except BaseException:
            snapshot.close()
            raise
        return StoreView(self._folder, snapshot, state)

    def _begin_anew(self) -> tuple[Snapshot, State]:
        """A snapshot and the state that it sees: files are opened between two readings of one generation."""
        database = self._folder.database
        with self._state_lock:
            while True:
                with database.snapshot() as before:
                    generation = before.generation()
                state = self._state
                if state is None or state.generation != generation:
                    state = State(self._folder, generation, state)
                snapshot = database.snapshot()
                try:
                    if snapshot.generation() == generation:
                        self._state = state
                        return snapshot, state
                except BaseException:
                    snapshot.close()
                    raise
                snapshot.close()

    @contextmanager
    def writer(self, fault: FaultPoint | None = None) -> Iterator[StoreWriter]:
        """The right to write. Raises StoreLocked if another process has it."""
        from pagesight.storage.recall.growth import grow
        from pagesight.storage.writer import StoreWriter

        self._check_writable()
        with write_lock(self.folder):
            writer = StoreWriter(self._folder, fault)
            try:
                yield writer
            finally:
                writer.close()
            with self._folder.database.snapshot() as snapshot:
                places = remember_places(snapshot, self.folder)
            grow(self.folder, self.space, places.page_ids)

    def optimize(self, fault: FaultPoint | None = None) -> Optimized:
        """Give back the space of deleted pages; views go on. Raises StoreLocked, DiskFull, StoreCorrupt."""
        from pagesight.storage.care.compaction import optimize

        self._check_writable()
        return optimize(self._folder, fault)

    def examine(self, *, drop_damaged: bool = False) -> Examination:
        """Check every stored byte; views go on. Raises StoreLocked."""
        from pagesight.storage.care.doctor import examine

        self._check_writable()
        return examine(self._folder, drop_damaged=drop_damaged)

    def export(self, target: Path, *, overwrite: bool = False, fault: FaultPoint | None = None) -> Exported:
        """Write the present state into one file, while others read and write. Raises ConfigError, StoreCorrupt, DiskFull."""
        from pagesight.storage.care.backup import export

        with self.view() as view:
            return export(view, target, overwrite=overwrite, fault=fault)

    @classmethod
    def restore(cls, backup: Path, folder: str | PathLike[str], fault: FaultPoint | None = None) -> Self:
        """Make an index of what ``export`` wrote. Raises ConfigError if there is one already, StoreCorrupt, DiskFull."""
        from pagesight.storage.care.backup import restore

        restore(backup, Path(folder), fault)
        store = cls(folder)
        with store.writer():  # which makes what is derived
            return store

    def bytes_on_disk(self) -> int:
        """Space that the index takes; holes in files do not count."""
        return self._folder.bytes_on_disk()

    def close(self) -> None:
        """Let go of all files. Views that are open go on until they are closed."""
        self._closed = True
        self._state = None
        self._folder.database.dispose()

    def after_fork(self) -> None:
        self._state_lock = threading.Lock()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(self.address)

    def _check_writable(self) -> None:
        """An index that could not be brought to the present format when it was opened must be now."""
        self._check_open()
        if self.manifest.format_version < FORMAT_VERSION:
            from pagesight.storage.care.upgrade import upgrade

            with self._state_lock:
                manifest, path = upgrade(self.folder, self.manifest), self.folder
                if manifest.format_version < FORMAT_VERSION:
                    with write_lock(path):
                        raise StorageError(f"the index {path} has an older format, and this folder cannot be written")
                before, self._state = self._folder, None
                self._folder = IndexFolder(path, manifest, Database(path))
                before.database.dispose()

"""The index directory: open it, read snapshots of it, write to it.

manifest.json       what made it (storage.manifest)
metadata.db         SQLite: documents, pages, words, failures, state (storage.tables.schema)
tokens-*.seg        token vectors and their boxes (storage.vectors.segments)
singles.f16         single vectors (storage.vectors.page_rows)
means-*.i8          32, 8 and 1 means of each page's token vectors (storage.vectors.page_rows)
recall-*.faiss      inverted lists of the single vectors of a large index, derived (storage.recall.vector_index)
lock                held by the one writer; holds its process id
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from pagesight.storage.errors import StorageError, StoreCorrupt, StoreLocked
from pagesight.storage.manifest import MANIFEST_NAME, Manifest
from pagesight.storage.recall.growth import grow
from pagesight.storage.recall.index import RecallIndex, SinglePart
from pagesight.storage.snapshot import Snapshot
from pagesight.storage.tables.database import DATABASE_NAME, create_tables, open_database
from pagesight.storage.vectors.codecs import codec_named
from pagesight.storage.vectors.segments import SegmentReader
from pagesight.storage.writer import FaultPoint, StoreWriter

LOCK_NAME = "lock"


class Store:
    """An index on disk. Any number of threads and processes may read it while one writes."""

    def __init__(self, folder: Path) -> None:
        """Open an index. Raises StoreNotFound, FormatVersionMismatch, StoreCorrupt."""
        self.folder = folder
        self.manifest = Manifest.read(folder)
        self._codec = codec_named(self.manifest.codec, self.manifest.token_dim)
        if not (folder / DATABASE_NAME).exists():
            raise StoreCorrupt(f"{folder / DATABASE_NAME} is missing; restore it from a copy, or make the index again")
        self.engine = open_database(folder)
        self._recall: tuple[int, RecallIndex] | None = None
        self._recall_lock = threading.Lock()

    @classmethod
    def create(cls, folder: Path, manifest: Manifest) -> Store:
        """Make an empty index, or open the one that another process has just made here.

        The manifest is written last: a folder without it is not an index yet, and creation begins again.
        """
        codec_named(manifest.codec, manifest.token_dim)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"cannot make the folder {folder}: {error.strerror}; name another with --index"
            ) from error
        with _write_lock(folder):
            if not (folder / MANIFEST_NAME).exists():
                for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm"):
                    (folder / name).unlink(missing_ok=True)
                engine = open_database(folder)
                create_tables(engine, folder)
                engine.dispose()
                manifest.write(folder)
        return cls(folder)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Read in one consistent state, whatever a writer does meanwhile."""
        segments = SegmentReader(self.folder)  # before the snapshot begins, so that all it names is open
        try:
            with self.engine.begin() as connection:
                yield Snapshot(self.folder, self.manifest, self._codec, connection, segments)
        finally:
            segments.close()

    def recall_index(self, snapshot: Snapshot) -> RecallIndex:
        """What finds candidates in this snapshot; kept until the index changes."""
        with self._recall_lock:
            if self._recall is None or self._recall[0] != snapshot.generation:
                places = snapshot.places()
                before = None if self._recall is None else self._recall[1].single
                single = SinglePart.of(self.folder, self.manifest, places.page_ids, before)
                self._recall = (snapshot.generation, RecallIndex(self.folder, self.manifest, places, single))
            return self._recall[1]

    @contextmanager
    def writer(self, fault: FaultPoint | None = None) -> Iterator[StoreWriter]:
        """The right to write. Raises StoreLocked if another process has it."""
        with self.write_lock():
            writer = StoreWriter(self.folder, self.manifest, self.engine, fault)
            try:
                yield writer
            finally:
                writer.close()
            with self.snapshot() as snapshot:
                grow(self.folder, self.manifest, snapshot.page_ids())

    def bytes_on_disk(self) -> int:
        """Space that the index takes; holes in files do not count."""
        return sum(path.stat().st_blocks * 512 for path in self.folder.iterdir() if path.is_file())

    def write_lock(self) -> AbstractContextManager[None]:
        """Keep other writers out. Raises StoreLocked if there is one."""
        return _write_lock(self.folder)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def _write_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock file. The operating system lets go of it when the process ends, however it ends."""
    path = folder / LOCK_NAME
    try:
        with FileLock(path, timeout=0):
            path.write_text(f"process {os.getpid()}", encoding="utf-8")
            yield
    except Timeout:
        holder = path.read_text(encoding="utf-8") if path.exists() else ""
        raise StoreLocked(folder, holder or "another process") from None

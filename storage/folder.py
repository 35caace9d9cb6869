"""An index folder that is open: what everybody who works on it needs.

manifest.json       what made it (storage.manifest)
metadata.db         SQLite: documents, pages, words, failures, state (storage.tables)
tokens-*.seg        token vectors and their boxes (storage.vectors.segments)
singles.f16         single vectors (storage.vectors.page_rows)
means-*.i8          32, 8 and 1 means of each page's token vectors (storage.vectors.page_rows)
recall-*.faiss      inverted lists of the single vectors of a large index, derived (storage.recall.vector_index)
places-*.npy        places of all pages of one generation of a large index, derived (storage.places)
lock                held by the one writer; holds its process id
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.storage.errors import StorageError, StoreLocked
from pagesight.storage.manifest import MANIFEST_NAME, Manifest, Space
from pagesight.storage.tables.connections import DATABASE_NAME
from pagesight.storage.tables.snapshots import Database

if TYPE_CHECKING:
    from sqlalchemy import Engine

LOCK_NAME = "lock"
FaultPoint = Callable[[str], None]  # called with the name of each step, so that tests can stop between any two


@dataclass(frozen=True, slots=True)
class IndexFolder:
    path: Path
    manifest: Manifest
    database: Database

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's, of the database."""
        return self.database.engine

    @property
    def space(self) -> Space:
        return self.manifest.space

    def bytes_on_disk(self) -> int:
        """Space that the index takes; holes in files do not count."""
        total = 0
        for path in self.path.iterdir():
            try:
                total += path.stat().st_blocks * 512 if path.is_file() else 0
            except FileNotFoundError:  # a compaction took it away
                continue
        return total


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """Keep other writers out. Raises StoreLocked if there is one, StorageError where nothing can be written.

    The operating system lets go of the lock when the process ends, however it ends.
    """
    from filelock import FileLock, Timeout  # brings asyncio, which nobody needs who only searches

    from pagesight.storage.tables.database import disk_errors

    path = folder / LOCK_NAME
    lock = FileLock(path, timeout=0)
    try:
        with disk_errors(folder):
            lock.acquire()
    except Timeout:
        holder = path.read_text(encoding="utf-8") if path.exists() else ""
        raise StoreLocked(folder, holder or "another process") from None
    except OSError as error:
        raise StorageError(f"cannot write in {folder}: {error.strerror or error}") from error
    try:
        with suppress(OSError):  # a full disk: who finds it locked is not told by whom
            path.write_text(f"process {os.getpid()}", encoding="utf-8")
        yield
    finally:
        lock.release()


def check_ours(folder: Path) -> None:
    """Raise StorageError for a database that is there and nobody's index, before anything is written over it.

    Calibre, too, calls its own metadata.db. What was begun here and not finished has a lock, which stays.
    """
    if (folder / DATABASE_NAME).exists() and not ((folder / MANIFEST_NAME).exists() or (folder / LOCK_NAME).exists()):
        raise StorageError(f"{folder / DATABASE_NAME} belongs to something else than an index; name another folder")


def numbers_in(folder: Path, begin: str, end: str) -> list[int]:
    """Numbers of the files that are named so, as tokens-00000001.seg, ascending. A file named otherwise is somebody else's."""
    names = (path.name.removeprefix(begin).removesuffix(end) for path in folder.glob(f"{begin}*{end}"))
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def sync_folder(folder: Path) -> None:
    """Bring the names of new files to the disk, without which a power cut may leave their bytes and lose them."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

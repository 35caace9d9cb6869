"""Files with one row a page: row number = page id (page ids start at 1; row 0 is unused).

singles.f16    the single vector: float16 (dim,)
means-32.i8    32 means of the page's token vectors (see storage.vectors.pooling), for finding candidates by tokens: an int8 record
               of 32 tokens (see storage.vectors.codecs). A page with fewer tokens repeats its last one.
means-8.i8     8 means of these, in the same form
means-1.i8     their mean

Rows of deleted pages stay as they are until the index is optimized, which makes holes of them; nobody reads them, because the
database no longer names them.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.forking import Forked, tell_of_forks
from pagesight.storage.vectors.codecs import Int8Codec
from pagesight.storage.vectors.pooling import pool

SINGLES_NAME = "singles.f16"
LEVELS = (32, 8, 1)  # means a page, a file each
COPY_ROWS = 1024


class RowFile:
    """Writes rows at given page ids. Rows above the last committed page id are not visible yet."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115 - closed by close()

    def write(self, page_id: int, row: bytes) -> None:
        self._file.seek(page_id * len(row))
        self._file.write(row)

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        try:
            self._file.close()
        except OSError:  # a full disk refuses the buffered rows, which were not committed: closing again drops them
            self._file.close()


def means_name(n_means: int) -> str:
    return f"means-{n_means}.i8"


def row_sizes(single_dim: int, token_dim: int) -> dict[str, int]:
    """Bytes of a row of each file, by its name."""
    means = Int8Codec(token_dim)
    return {SINGLES_NAME: 2 * single_dim} | {means_name(n): means.n_bytes(n) for n in LEVELS}


def pack_single(single: NDArray[np.float32]) -> bytes:
    return single.astype("<f2").tobytes()


def pack_means(tokens: NDArray[np.float32]) -> dict[str, bytes]:
    """A row of each file of means, by its name. tokens: (n, dim) float32; no tokens make zeros."""
    codec = Int8Codec(tokens.shape[1])
    if len(tokens) == 0:
        return {means_name(n): bytes(codec.n_bytes(n)) for n in LEVELS}
    finest, _ = pool(tokens, LEVELS[0])
    return {means_name(n): codec.encode(_filled(pool(finest, n)[0], n)) for n in LEVELS}


def _filled(means: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    return np.concatenate([means, np.repeat(means[-1:], n - len(means), axis=0)])


class PageRows(Forked):
    """The row files as they are now, open; mapped where they are used, so that opening them costs nothing.

    Whoever is given one reads these files, whatever takes their place in the folder meanwhile. Threads may share it.
    """

    def __init__(self, folder: Path, sizes: dict[str, int]) -> None:
        """sizes: as ``row_sizes``. A file that is not there is missed when it is asked for."""
        self._folder, self._sizes = folder, sizes
        self._files: dict[str, IO[bytes]] = {}
        self._maps: dict[str, NDArray[np.uint8]] = {}
        self._lock = threading.Lock()
        for name in sizes:
            with contextlib.suppress(FileNotFoundError):
                self._files[name] = open(folder / name, "rb")  # noqa: SIM115 - closed with the last reference
                weakref.finalize(self, self._files[name].close)
        tell_of_forks(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def map(self, name: str, last_page_id: int) -> NDArray[np.uint8]:
        """A file in memory as (rows, row_bytes) uint8, read where it is touched. Mapped once: a new map is slow to touch.

        Raises StoreCorrupt if it is missing, or ends before the row of ``last_page_id``.
        """
        with self._lock:
            rows = self._maps.get(name)
            if rows is None or len(rows) <= last_page_id:
                rows = self._maps[name] = self._map(name, last_page_id)
            return rows

    def _map(self, name: str, last_page_id: int) -> NDArray[np.uint8]:
        file, row_bytes = self._files.get(name), self._sizes[name]
        n_rows = os.fstat(file.fileno()).st_size // row_bytes if file else 0
        if file is None or n_rows <= last_page_id:
            raise StoreCorrupt(f"{self._folder / name} has {n_rows} rows where page {last_page_id} is committed")
        return np.memmap(file, np.uint8, "r", shape=(n_rows, row_bytes))

    def descriptor(self, name: str, last_page_id: int) -> int:
        """Of an open file that has a row for this page. Raises StoreCorrupt as ``map``."""
        self.map(name, last_page_id)
        return self._files[name].fileno()

    def singles(self, page_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Single vectors of these pages: (n, dim) float32. Raises StoreCorrupt as ``map``."""
        if len(page_ids) == 0:
            return np.empty((0, self._sizes[SINGLES_NAME] // 2), np.float32)
        first, last = int(page_ids.min()), int(page_ids.max())
        rows = np.asarray(self.map(SINGLES_NAME, last))
        together = last - first + 1 == len(page_ids) and bool((np.diff(page_ids) == 1).all())
        chosen = rows[first : last + 1] if together else rows[page_ids]
        return chosen.view("<f2").astype(np.float32)


def keep_rows(folder: Path, name: str, row_bytes: int, page_ids: NDArray[np.int64]) -> int:
    """Write a file anew with the rows of these pages, and holes for the others. Returns the bytes written."""
    path = folder / name
    if len(page_ids) == 0 or not path.exists():
        return 0
    rows = PageRows(folder, {name: row_bytes}).map(name, int(page_ids.max()))
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        for first in range(0, len(page_ids), COPY_ROWS):
            for page_id in page_ids[first : first + COPY_ROWS].tolist():
                file.seek(page_id * row_bytes)
                file.write(rows[page_id].tobytes())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    return len(page_ids) * row_bytes

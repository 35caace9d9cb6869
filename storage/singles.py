"""Single vectors: one file of float16 rows, row number = page id (page ids start at 1; row 0 is unused).

Rows of deleted pages stay as they are until compaction; nobody reads them, because the database no longer names them.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from storage.errors import StoreCorrupt

SINGLES_NAME = "singles.f16"


class SinglesWriter:
    """Writes rows at given page ids. Rows above the last committed page id are not visible yet."""

    def __init__(self, folder: Path, dim: int) -> None:
        path = folder / SINGLES_NAME
        self._dim = dim
        self._file = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115 - closed by close()

    def write(self, page_id: int, single: NDArray[np.float32]) -> None:
        self._file.seek(page_id * self._dim * 2)
        self._file.write(single.astype("<f2").tobytes())

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        try:
            self._file.close()
        except OSError:  # a full disk refuses the buffered rows, which were not committed: closing again drops them
            self._file.close()


def read_singles(folder: Path, dim: int, page_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Rows of these pages: (n, dim) float32. Raises StoreCorrupt if the file is missing or too short."""
    if len(page_ids) == 0:
        return np.empty((0, dim), np.float32)
    path = folder / SINGLES_NAME
    rows = path.stat().st_size // (2 * dim) if path.exists() else 0
    if rows <= page_ids.max():
        raise StoreCorrupt(f"{path} has {rows} rows where page {page_ids.max()} is committed; run: pagesight doctor")
    table = np.memmap(path, "<f2", "r", shape=(rows, dim))
    return table[page_ids].astype(np.float32)

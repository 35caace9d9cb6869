"""What waits on this machine's disk until all of it is there: the pages of a document that a store elsewhere takes as one.

So memory stays flat, and a store that is away for a while matters only at the commit.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pagesight.storage.closing import Closing
from pagesight.storage.tables.database import disk_errors


class Spool(Closing):
    """Values in the order in which they came, in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="pagesight-draft-")  # noqa: SIM115 - closed by close()
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, value: Any) -> None:
        """Raises DiskFull."""
        with disk_errors(Path(tempfile.gettempdir())):
            pickle.dump(value, self._file)
        self._n += 1

    def __iter__(self) -> Iterator[Any]:
        """From the first, any number of times. Raises DiskFull."""
        with disk_errors(Path(tempfile.gettempdir())):
            self._file.seek(0)  # which writes what is still in memory
        for _ in range(self._n):
            yield pickle.load(self._file)  # noqa: S301 - written by ourselves

    def close(self) -> None:
        self._file.close()

"""The stores that must all behave the same. A new one is a class and a row here."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path

from pagesight.storage.memory import MemoryStore
from pagesight.storage.store import Store

_numbers = itertools.count()


class InFolder:
    """The embedded store."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())

    def create(self, space):
        return Store.create(self.folder / "index", space)

    def open(self):
        return Store(self.folder / "index")

    def remove(self):
        shutil.rmtree(self.folder)


class InMemory:
    """The definition."""

    def __init__(self) -> None:
        self.address = f"memory://conformance-{next(_numbers)}"

    def create(self, space):
        return MemoryStore.create(self.address, space)

    def open(self):
        return MemoryStore(self.address)

    def remove(self):
        """It goes with the process."""


PLACES = {"folder": InFolder, "memory": InMemory}

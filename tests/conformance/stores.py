"""The stores that must all behave the same. A new one is a class and a row here."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path

from pagesight.storage.memory import MemoryStore
from pagesight.storage.postgres.store import PostgresStore
from pagesight.storage.qdrant.store import QdrantStore
from pagesight.storage.store import Store
from tests.postgres.server import new_index

_numbers = itertools.count()


class InFolder:
    """The embedded store."""

    writers_wait = False  # for each other: whoever comes second is refused

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

    writers_wait = False

    def __init__(self) -> None:
        self.address = f"memory://conformance-{next(_numbers)}"

    def create(self, space):
        return MemoryStore.create(self.address, space)

    def open(self):
        return MemoryStore(self.address)

    def remove(self):
        """It goes with the process."""


class InPostgres:
    """In a database, with what searches need in a folder that two openings share."""

    writers_wait = True

    def __init__(self) -> None:
        self.address, self._opened = new_index(), []

    def create(self, space):
        self._opened.append(PostgresStore.create(self.address, space))
        return self._opened[-1]

    def open(self):
        self._opened.append(PostgresStore(self.address))
        return self._opened[-1]

    def remove(self):
        """It goes with the server; connections go now."""
        for store in self._opened:
            store.close()


class InQdrant:
    """In the client's local mode, which keeps its cache with the process."""

    writers_wait = True

    def __init__(self) -> None:
        self.address, self._opened = f"qdrant://:memory:/conformance-{next(_numbers)}", []

    def create(self, space):
        self._opened.append(QdrantStore.create(self.address, space))
        return self._opened[-1]

    def open(self):
        self._opened.append(QdrantStore(self.address))
        return self._opened[-1]

    def remove(self):
        for store in self._opened:
            store.close()


class InQdrantEdge(InQdrant):
    """In a folder, by the core of the server."""

    def __init__(self) -> None:
        self.folder, self._opened = Path(tempfile.mkdtemp()), []
        self.address = f"qdrant://{self.folder}/points?cache={self.folder}/cache"

    def remove(self):
        super().remove()
        shutil.rmtree(self.folder)


PLACES = {
    "folder": InFolder,
    "memory": InMemory,
    "postgresql": InPostgres,
    "qdrant": InQdrant,
    "qdrant-edge": InQdrantEdge,
}
SLOW = {
    "postgresql",
    "qdrant",
    "qdrant-edge",
}  # a server; a library that takes a second to import; files that are synced

"""A store in memory: the definition of what every store answers.

    SearchEngine.open("memory://notes")

Everything is exact and nothing is indexed: a page is scored from its token vectors one by one, a filter is asked of every page.
It serves tests, documentation and small things that need not last. The conformance suite holds all stores against it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import StorageError, StoreClosed, StoreLocked, StoreNotFound
from pagesight.storage.manifest import Space
from pagesight.storage.memory.state import MemoryState
from pagesight.storage.memory.view import MemoryView
from pagesight.storage.memory.writer import MemoryWriter
from pagesight.storage.stored import Examination, Exported, Optimized


@dataclass(slots=True)
class _Index:
    """What lies under an address, for the life of the process."""

    space: Space
    state: MemoryState = field(default_factory=MemoryState)
    writing: threading.Lock = field(default_factory=threading.Lock)


_indexes: dict[str, _Index] = {}


class MemoryStore(Closing):
    """``pagesight.engine.index.Store``."""

    def __init__(self, address: str) -> None:
        """Open what was created under this address in this process. Raises StoreNotFound."""
        if address not in _indexes:
            raise StoreNotFound(address)
        self.address, self._index, self._closed = address, _indexes[address], False

    @classmethod
    def create(cls, address: str, space: Space) -> Self:
        """Make an empty index, or open the one that is there."""
        codec_named(space.codec, space.token_dim)
        _indexes.setdefault(address, _Index(space))
        return cls(address)

    @property
    def space(self) -> Space:
        return self._index.space

    def view(self) -> MemoryView:
        self._check_open()
        return MemoryView(self.space, self._index.state)

    @contextmanager
    def writer(self, fault: Callable[[str], None] | None = None) -> Iterator[MemoryWriter]:
        self._check_open()
        if not self._index.writing.acquire(blocking=False):
            raise StoreLocked(Path(self.address), "this process")
        try:
            yield MemoryWriter(self._index, fault or (lambda _: None))
        finally:
            self._index.writing.release()

    def optimize(self, fault: Callable[[str], None] | None = None) -> Optimized:
        """There is nothing to give back."""
        with self.writer(fault):
            return Optimized(bytes_before=0, bytes_after=0, bytes_written=0, n_pages_moved=0)

    def examine(self, *, drop_damaged: bool = False) -> Examination:  # noqa: ARG002 - nothing can be damaged
        with self.writer(), self.view() as view:
            totals = view.totals()
            return Examination(totals.n_documents, totals.n_pages, (), ())

    def export(self, target: Path, *, overwrite: bool = False) -> Exported:  # noqa: ARG002 - as every store's
        """Raises StorageError: it lives as long as the process."""
        raise StorageError(f"{self.address} is in memory and has no files; index into a folder to keep it")

    def bytes_on_disk(self) -> int:
        return 0

    def close(self) -> None:
        """What is stored stays until the process ends."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(self.address)

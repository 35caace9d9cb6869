"""Reading ahead: while pages of one file are encoded, the next pages and files are being read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, TypeVar

from pagesight.indexer.content import OpenedDocument, PageContent
from pagesight.indexer.running.reader import PageProblem, PageReader

Item = TypeVar("Item")


class Reading(Generic[Item]):
    """A file in line. ``pages`` may be iterated once."""

    def __init__(self, item: Item, path: Path | None, ahead: ReadAhead[Item]) -> None:
        self.item = item
        self._path, self._ahead = path, ahead
        self._opening: Future[OpenedDocument] | None = None
        self._unasked: Iterator[tuple[int, int]] | None = None
        self.chunks: deque[Future[list[PageContent | PageProblem]]] = deque()
        if path is not None:
            self.start(path)

    def start(self, path: Path) -> None:
        """Begin to read; also for an item that was not to be read when its turn was far off."""
        self._path, self._opening = path, self._ahead.reader.open(path)

    def opened(self) -> OpenedDocument:
        """Wait until the file is open. Raises DocumentError."""
        if self._opening is None:
            raise ValueError("this item is not to be read")
        return self._opening.result()

    def pages(self) -> Iterator[PageContent | PageProblem]:
        """Its pages in order. Raises DocumentError."""
        self.opened()
        self._ahead.top_up()
        while self.chunks or self.ask_more(1):  # its turn has come, even if files behind it took all the room
            pages = self.chunks.popleft().result()
            self._ahead.top_up()
            yield from pages

    def ask_more(self, limit: int) -> int:
        """Ask for up to ``limit`` chunks more; how many were asked for. Fewer than ``limit``: there are no more,
        or the file is not open yet.
        """
        if self._path is None or self._opening is None or not self._opening.done() or self._opening.exception():
            return 0
        if self._unasked is None:
            self._unasked = self._ahead.reader.chunks(self._opening.result().n_pages)
        asked = 0
        while asked < limit and (span := next(self._unasked, None)) is not None:
            self.chunks.append(self._ahead.reader.read(self._path, *span))
            asked += 1
        return asked

    def in_way(self) -> bool:
        """Whether files behind this one have to wait, because it is still being opened."""
        return self._opening is not None and not self._opening.done()


class ReadAhead(Generic[Item]):
    """Yields a Reading for each item, in order. At most ``2 * n_processes`` chunks are under way or waiting."""

    def __init__(self, reader: PageReader, items: Iterator[Item], path_of: Callable[[Item], Path | None]) -> None:
        """path_of gives the file to read for an item, or None if there is nothing to read for it."""
        self.reader = reader
        self._items, self._path_of = items, path_of
        self._line: deque[Reading[Item]] = deque()
        self._max_chunks, self._max_files = 2 * reader.n_processes, 1 + reader.n_processes

    def __iter__(self) -> Iterator[Reading[Item]]:
        while True:
            self.top_up()
            if not self._line:
                return
            yield self._line[0]
            self._line.popleft()

    def top_up(self) -> None:
        """Keep the processes busy with what comes next."""
        room = self._max_chunks - sum(len(reading.chunks) for reading in self._line)
        for reading in self._line:
            if room <= 0 or reading.in_way():
                break
            room -= reading.ask_more(room)
        while len(self._line) < self._max_files:
            item = next(self._items, None)
            if item is None:
                return
            self._line.append(Reading(item, self._path_of(item), self))

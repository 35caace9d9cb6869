"""Reading many files at once, each in a process that may die without harm.

A thread a process: it sends requests, waits for answers as long as a page may take, and asks a new process when the old
one died or was given up (process.py, patience.py). Files are read in chunks of pages, so that one long scan keeps all processes busy; results come in order.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from pagesight.indexer.content import Attachment, OpenedDocument, PageContent, ReadOptions
from pagesight.indexer.reading.faults import one_line, reason_of
from pagesight.indexer.running.buckets import on_disk
from pagesight.indexer.running.process import ReadingProcess
from pagesight.storage import errors
from pagesight.storage.errors import DocumentError, ReaderCrashed, ReaderStalled
from pagesight.storage.names import printable

CHUNK_PAGES = 4
MAX_DEATHS = 3  # pages of one file that may kill or stall their process before the file is given up
MEMORY_BYTES = 4 << 30
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class PageProblem:
    """A page that could not be read, and why; the other pages of its file can be."""

    number: int
    reason: str


class PageReader:
    """Reads files through several processes. Use as a context manager, from one thread."""

    def __init__(
        self,
        options: ReadOptions,
        *,
        n_processes: int,
        seconds_per_page: float,
        memory_bytes: int = MEMORY_BYTES,
        nice: int = 0,
    ) -> None:
        """nice: how much the processes give way to the work of others, from 0 to 19."""
        self._options, self._seconds, self._memory, self._nice = options, seconds_per_page, memory_bytes, nice
        self.n_processes = n_processes
        self.settings = (options, n_processes, seconds_per_page, memory_bytes, nice)
        self._threads = ThreadPoolExecutor(n_processes, thread_name_prefix="reader")
        self._local = threading.local()
        self._processes: list[ReadingProcess] = []
        self._deaths: Counter[Path] = Counter()
        self._under_way: list[Future[Any]] = []
        self._closed = False

    def open(self, path: Path) -> Future[OpenedDocument]:
        """Open a file; the future raises DocumentError."""
        return self._submit(self._open, path)

    def read(self, path: Path, first: int, last: int) -> Future[list[PageContent | PageProblem]]:
        """Read pages ``first`` to ``last`` (from 1, both included); the future raises DocumentError."""
        return self._submit(self._read, path, first, last)

    def sizes(self, path: Path) -> Future[list[tuple[int, int]]]:
        """(width_px, height_px) of every page as it will be drawn; the future raises DocumentError."""
        return self._submit(self._sizes, path)

    def chunks(self, n_pages: int) -> Iterator[tuple[int, int]]:
        """(first, last) of the pieces a file is read in."""
        for first in range(1, n_pages + 1, CHUNK_PAGES):
            yield first, min(first + CHUNK_PAGES - 1, n_pages)

    def rest(self) -> bool:
        """Let go of the files that were read, and of what was learnt of them; False if some are being read still."""
        if any(not future.done() for future in self._under_way):
            return False
        self._deaths.clear()
        for process in self._processes:
            process.rest()
        return True

    def _submit(self, work: Callable[..., Answer], *arguments: object) -> Future[Answer]:
        future = self._threads.submit(work, *arguments)
        self._under_way = [*(one for one in self._under_way if not one.done()), future]
        return future

    def _open(self, path: Path) -> OpenedDocument:
        try:
            return self._ask(path, {}, _as_opened)
        except ReaderStalled:
            raise
        except ReaderCrashed:  # once more in a fresh process: an earlier file may have left it unwell
            return self._ask(path, {}, _as_opened)

    def _sizes(self, path: Path) -> list[tuple[int, int]]:
        return self._ask(path, {"sizes": True}, _as_sizes)

    def _ask(self, path: Path, request: dict[str, Any], parse: Callable[[dict[str, Any]], Answer]) -> Answer:
        """What a request with one answer is answered. Raises DocumentError."""
        process = self._process()
        with process.asked({"path": _hex(on_disk(path)), **request}), _garbled():
            answer = json.loads(process.answer()[1:])
            problem = _as_error(answer["error"]) if "error" in answer else None
            if problem is None:
                return parse(answer)
        raise problem

    def _read(self, path: Path, first: int, last: int) -> list[PageContent | PageProblem]:
        pages: list[PageContent | PageProblem] = []
        crashed_at, cause = 0, ""
        while first + len(pages) <= last:
            if self._deaths[path] >= MAX_DEATHS:
                raise ReaderCrashed(
                    f"{MAX_DEATHS} of its pages crashed or stalled the reading process{': ' if cause else ''}{cause}"
                )
            try:
                for page in self._read_on(path, first + len(pages), last):
                    pages.append(page)  # noqa: PERF402 - one by one: what came before an error is kept
            except ReaderCrashed as error:
                number = first + len(pages)
                if not isinstance(error, ReaderStalled) and crashed_at != number:
                    crashed_at = number  # once more in a fresh process: an earlier file may have left it unwell
                    continue
                self._deaths[path] += 1
                cause = str(error)
                pages.append(PageProblem(number, cause))
        return pages

    def _read_on(self, path: Path, first: int, last: int) -> Iterator[PageContent | PageProblem]:
        """Ask for these pages; yields them as they come. Raises DocumentError."""
        process = self._process()
        with process.asked({"path": _hex(on_disk(path)), "first": first, "last": last}), _garbled():
            for number in range(first, last + 1):
                page = _as_page(process.answer(), number)
                if isinstance(page, DocumentError):
                    problem = page
                    break
                yield page
            else:
                return
        raise problem

    def _process(self) -> ReadingProcess:
        process: ReadingProcess | None = getattr(self._local, "process", None)
        if process is None:
            process = self._local.process = ReadingProcess(self._options, self._seconds, self._memory, self._nice)
            self._processes.append(process)
            if self._closed:  # too late for close() to see it
                process.close()
        return process

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in list(self._processes):
            process.close()
        self._threads.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _garbled() -> Iterator[None]:
    """What is no answer, whatever is wrong with it, is a fault of the process: raise ReaderCrashed."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ReaderCrashed(f"the reading process sent what is no answer ({reason_of(error)})") from error


def _as_page(frame: bytes, number: int) -> PageContent | PageProblem | DocumentError:
    """A page, or why it is none, or why there will be none of this file."""
    if frame[:1] == b"P":
        page = PageContent.from_bytes(frame[1:])
        if page.number != number:
            raise ValueError(f"page {page.number} instead of {number}")
        return page
    answer = json.loads(frame[1:])
    if "page" not in answer:
        return _as_error(answer["error"])
    if answer["page"] != number:
        raise ValueError(f"page {answer['page']} instead of {number}")
    return PageProblem(number, one_line(answer["error"][1]))


def _as_opened(answer: dict[str, Any]) -> OpenedDocument:
    said = answer["opened"]
    attachments = tuple(Attachment(**one) for one in said["attachments"])
    opened = OpenedDocument(**{**said, "attachments": attachments, "notes": tuple(map(one_line, said["notes"]))})
    for one in attachments:
        if not re.fullmatch(r"[0-9a-f]{64}", one.sha256) or printable(one.name) != one.name or "/" in one.name:
            raise ValueError(f"an attachment {one}")
    f"{opened.title}{opened.author}{opened.date}".encode()  # lone surrogates cannot be stored
    if not isinstance(opened.n_pages, int) or opened.n_pages < 1:
        raise ValueError(f"{opened.n_pages} pages")
    return opened


def _as_sizes(answer: dict[str, Any]) -> list[tuple[int, int]]:
    return [(int(width_px), int(height_px)) for width_px, height_px in answer["sizes"]]


def _as_error(described: list[str]) -> DocumentError:
    """The error that the child described; only document errors come through, whatever it says."""
    kind, message = described
    found = getattr(errors, kind, None)
    kind_of_error = found if isinstance(found, type) and issubclass(found, DocumentError) else DocumentError
    return kind_of_error(one_line(message))


def _hex(path: Path) -> str:
    return os.fsencode(path).hex()

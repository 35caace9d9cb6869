"""Reading many files at once, each in a process that may die without harm.

A thread a process: it sends requests, waits for answers no longer than the limit, and starts a new process when the old
one died. Files are read in chunks of pages, so that one long scan keeps all processes busy; results come in order.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from pagesight.indexer.content import OpenedDocument, PageContent, ReadOptions
from pagesight.indexer.frames import receive, send
from pagesight.indexer.launch import start_worker
from pagesight.storage import errors
from pagesight.storage.errors import DocumentError, ReaderCrashed, ReaderStalled

CHUNK_PAGES = 4
MAX_DEATHS = 3  # pages of one file that may kill or stall their process before the file is given up
MEMORY_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class PageProblem:
    """A page that could not be read, and why; the other pages of its file can be."""

    number: int
    reason: str


class ReaderClosed(RuntimeError):
    """The reader was closed while it read; nobody waits for the answer."""


class ReadingProcess:
    """One child process and the conversation with it. For one thread."""

    def __init__(self, options: ReadOptions, seconds: float, memory_bytes: int) -> None:
        self._setup = {"options": asdict(options), "seconds": seconds, "memory": memory_bytes}
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._lock = threading.Lock()  # between the thread that starts it and the one that closes the reader
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def ask(self, request: dict[str, Any]) -> None:
        if self._process is not None and self._process.poll() is not None:  # it died idle: somebody's kill
            self.stop()
        with self._lock:
            if self._closed:
                raise ReaderClosed
            process = self._process or self._start()
        assert process.stdin is not None
        try:
            send(process.stdin, json.dumps(request).encode())
        except OSError as error:
            self.stop()
            raise ReaderCrashed("the reading process died") from error

    def answer(self) -> bytes:
        """The next frame. Raises ReaderCrashed after stopping a process that died or is silent for too long."""
        try:
            frame = self._answers.get(timeout=self._seconds)
        except queue.Empty:
            self.stop()
            raise ReaderStalled(f"no answer within {self._seconds:g} s; the reading process was stopped") from None
        if frame is None:
            code = self.stop()
            raise ReaderCrashed(f"the reading process crashed ({_exit_text(code)})")
        return frame

    def _start(self) -> subprocess.Popen[bytes]:
        # We run as many processes as there are cores, each with one thread.
        self._process = process = start_worker("pagesight.indexer.reading.worker", {"OMP_NUM_THREADS": "1"}, quiet=True)
        assert process.stdin is not None
        assert process.stdout is not None
        answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers = answers
        stdout = process.stdout

        def listen() -> None:
            while (frame := receive(stdout)) is not None:
                answers.put(frame)
            answers.put(None)

        threading.Thread(target=listen, daemon=True).start()
        send(process.stdin, json.dumps(self._setup).encode())
        return process

    def close(self) -> None:
        """Stop for good."""
        with self._lock:
            self._closed = True
            self.stop()

    def stop(self) -> int:
        """End the process, whatever it does; its exit code. The next request starts another."""
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.kill()
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):  # unsent bytes to a dead process
                    stream.close()
        return code


class PageReader:
    """Reads files through several processes. Use as a context manager, from one thread."""

    def __init__(
        self, options: ReadOptions, *, n_processes: int, seconds_per_page: float, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._options, self._seconds, self._memory = options, seconds_per_page, memory_bytes
        self.n_processes = n_processes
        self._threads = ThreadPoolExecutor(n_processes, thread_name_prefix="reader")
        self._local = threading.local()
        self._processes: list[ReadingProcess] = []
        self._deaths: Counter[Path] = Counter()
        self._closed = False

    def open(self, path: Path) -> Future[OpenedDocument]:
        """Open a file; the future raises DocumentError."""
        return self._threads.submit(self._open, path)

    def read(self, path: Path, first: int, last: int) -> Future[list[PageContent | PageProblem]]:
        """Read pages ``first`` to ``last`` (from 1, both included); the future raises DocumentError."""
        return self._threads.submit(self._read, path, first, last)

    def sizes(self, path: Path) -> Future[list[tuple[int, int]]]:
        """(width_px, height_px) of every page as it will be drawn; the future raises DocumentError."""
        return self._threads.submit(self._sizes, path)

    def chunks(self, n_pages: int) -> Iterator[tuple[int, int]]:
        """(first, last) of the pieces a file is read in."""
        for first in range(1, n_pages + 1, CHUNK_PAGES):
            yield first, min(first + CHUNK_PAGES - 1, n_pages)

    def _open(self, path: Path) -> OpenedDocument:
        process, request = self._process(), {"path": os.fsencode(path).hex()}
        try:
            process.ask(request)
            frame = process.answer()
        except ReaderStalled:
            raise
        except ReaderCrashed:  # once more in a fresh process: an earlier file may have left it unwell
            process.ask(request)
            frame = process.answer()
        answer = json.loads(frame[1:])
        if "error" in answer:
            raise _as_error(answer["error"])
        return OpenedDocument(**answer["opened"])

    def _sizes(self, path: Path) -> list[tuple[int, int]]:
        process = self._process()
        process.ask({"path": os.fsencode(path).hex(), "sizes": True})
        answer = json.loads(process.answer()[1:])
        if "error" in answer:
            raise _as_error(answer["error"])
        return [(width_px, height_px) for width_px, height_px in answer["sizes"]]

    def _read(self, path: Path, first: int, last: int) -> list[PageContent | PageProblem]:
        process = self._process()
        pages: list[PageContent | PageProblem] = []
        number, crashed_at = first, 0
        while number <= last:
            if self._deaths[path] >= MAX_DEATHS:
                raise ReaderCrashed(f"{MAX_DEATHS} of its pages crashed or stalled the reading process")
            try:
                process.ask({"path": os.fsencode(path).hex(), "first": number, "last": last})
                while number <= last:
                    pages.append(_page(process.answer()))
                    number += 1
            except ReaderStalled as error:
                self._deaths[path] += 1
                pages.append(PageProblem(number, str(error)))
                number += 1
            except ReaderCrashed as error:
                if crashed_at != number:  # once more in a fresh process: an earlier file may have left it unwell
                    crashed_at = number
                    continue
                self._deaths[path] += 1
                pages.append(PageProblem(number, str(error)))
                number += 1
        return pages

    def _process(self) -> ReadingProcess:
        process: ReadingProcess | None = getattr(self._local, "process", None)
        if process is None:
            process = self._local.process = ReadingProcess(self._options, self._seconds, self._memory)
            self._processes.append(process)
            if self._closed:  # too late for close() to see it
                process.close()
        return process

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.close()
        self._threads.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _page(frame: bytes) -> PageContent | PageProblem:
    if frame[:1] == b"P":
        return PageContent.from_bytes(frame[1:])
    answer = json.loads(frame[1:])
    if "page" in answer:
        return PageProblem(answer["page"], answer["error"][1])
    raise _as_error(answer["error"])


def _as_error(described: list[str]) -> DocumentError:
    """The error that the child described; only document errors come through, whatever it says."""
    kind, message = described
    found = getattr(errors, kind, None)
    return found(message) if isinstance(found, type) and issubclass(found, DocumentError) else DocumentError(message)


def _exit_text(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"

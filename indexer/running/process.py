"""One reading process and the conversation with it."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import IO, Any

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.frames import receive, send
from pagesight.indexer.launch import kill_with_children, start_worker
from pagesight.indexer.running.patience import SPENT, Patience
from pagesight.storage.errors import ReaderCrashed, ReaderStalled

WORKER = "pagesight.indexer.reading.worker"
REST: dict[str, Any] = {}  # a request that names no file, and is not answered
_LISTENER_S = 5.0  # a dead process's pipe ends at once, unless a process it left behind holds it


class ReaderClosed(RuntimeError):
    """The reader was closed while it read; nobody waits for the answer."""


class ReadingProcess:
    """A child process that is started when it is asked something, and again after it died. For one thread."""

    def __init__(self, options: ReadOptions, seconds: float, memory_bytes: int, nice: int = 0) -> None:
        self._setup = {"options": asdict(options), "seconds": seconds, "memory": memory_bytes, "nice": nice}
        self._seconds = seconds
        self._running: _Running | None = None
        self._closed = False
        self._lock = threading.RLock()  # between the thread that asks and the one that closes the reader

    @contextmanager
    def asked(self, request: dict[str, Any]) -> Iterator[None]:
        """Send a request; inside, take all of its answers with ``answer``.

        Whatever is raised inside leaves answers under way that would be taken for those of the next request, so the
        process is given up then. Raises ReaderCrashed if it died, ReaderClosed.
        """
        try:
            self._send(request)
            yield
        except BaseException:
            self.stop()
            raise

    def answer(self) -> bytes:
        """The next frame. Raises ReaderCrashed if the process died, ReaderStalled if it takes too long, ReaderClosed."""
        running = self._running
        if running is None or self._closed:
            raise ReaderClosed
        while True:
            try:
                frame = running.answers.get(timeout=running.patience.wait_s())
                break
            except queue.Empty:
                if verdict := running.patience.verdict():
                    raise ReaderStalled(f"{verdict}; the reading process was stopped") from None
        if frame is None:
            raise self._death()
        running.patience.page_begins()
        return frame

    def _send(self, request: dict[str, Any]) -> None:
        with self._lock:
            if self._closed:
                raise ReaderClosed
            running = self._running
            if running is not None and not running.is_ready():
                self.stop()
            self._running = running = self._running or _Running(self._seconds)
        try:
            if not running.was_asked:
                setup = {**self._setup, "folder": os.fsencode(running.folder or "").hex()}
                send(running.requests, json.dumps(setup).encode())
                running.was_asked = True
            running.patience.page_begins()
            send(running.requests, json.dumps(request).encode())
        except (OSError, ValueError) as error:  # ValueError: close() closed the pipe
            raise self._death() from error

    def _death(self) -> Exception:
        """What to say of a process whose pipe ended: if we ended it, that is no fault of the file."""
        with self._lock:
            if self._closed:
                return ReaderClosed()
            code = self.stop()
        if code == -signal.SIGPROF:  # the worker's own guard was faster
            return ReaderStalled(f"{SPENT.format(self._seconds)}; the reading process was stopped")
        return ReaderCrashed(f"the reading process crashed ({_exit_text(code)})")

    def rest(self) -> None:
        """Have it close the file that it was asked about last; nothing waits for that."""
        with self._lock:
            if self._running is not None and self._running.was_asked:
                with suppress(OSError, ValueError):  # it died; the next request says so
                    send(self._running.requests, json.dumps(REST).encode())

    def stop(self) -> int:
        """End the process, whatever it does; its exit code. The next request starts another."""
        with self._lock:
            running, self._running = self._running, None
            return 0 if running is None else running.end()

    def close(self) -> None:
        """Stop for good."""
        self._closed = True  # before the lock: a thread that sees its process die now knows why
        self.stop()


class _Running:
    """A process that runs, and the thread that listens to it."""

    def __init__(self, seconds: float) -> None:
        # For its temporary files and those of the programs it runs: killed, none of them can take theirs away.
        self.folder: str | None = None
        with suppress(OSError):  # a disk that is full or read-only; most files need none
            self.folder = tempfile.mkdtemp(prefix="pagesight-")
        try:  # we run as many processes as there are cores, each with one thread
            self._process: subprocess.Popen[bytes] = start_worker(WORKER, {"OMP_NUM_THREADS": "1"}, quiet=True)
        except BaseException:
            self._leave_nothing()
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.requests: IO[bytes] = self._process.stdin
        self.answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.was_asked = False
        self._listener = threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True)
        self._listener.start()
        self.patience = Patience(self._process.pid, seconds)

    def _listen(self, stdout: IO[bytes]) -> None:
        try:
            while (frame := receive(stdout)) is not None:
                self.answers.put(frame)
        finally:
            self.answers.put(None)

    def is_ready(self) -> bool:
        """Whether it lives, and has said nothing that nobody asked for."""
        return self._process.poll() is None and self.answers.empty()

    def end(self) -> int:
        if self._process.poll() is None:
            kill_with_children(self._process.pid)
        code = self._process.wait()
        self._leave_nothing()
        with suppress(OSError):  # unsent bytes to a dead process
            self.requests.close()
        self._listener.join(_LISTENER_S)
        if self._process.stdout is not None and not self._listener.is_alive():  # else closing waits for the listener
            self._process.stdout.close()
        return code

    def _leave_nothing(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def _exit_text(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"

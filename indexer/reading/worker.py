"""The reading process, started by ``indexer.launch``. It opens what strangers made, so that a crash or a hang is its own.

Frames go both ways over a pair of pipes: 4 bytes of length (big-endian), then the payload. Requests are JSON; answers
are ``J`` + JSON or ``P`` + a page (PageContent.to_bytes). No pickle: a file that takes over this process can only send data.

    {"options": {...}, "seconds": 60, "memory": 4294967296, "nice": 0, "folder": hex}    once, first; hex or ""
    {"path": hex}                                              -> J {"opened": {...}}
    {"path": hex, "first": 1, "last": 8}                       -> for each page P... or J {"page": 3, "error": [class, text]}
    {"path": hex, "sizes": true}                               -> J {"sizes": [[width_px, height_px], ...]}
    and, instead of any of these answers, J {"error": [class, text]} if the file cannot be opened
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.frames import receive, send
from pagesight.indexer.launch import kill_children
from pagesight.indexer.priority import process_gives_way
from pagesight.indexer.reading.faults import one_line, reason_of
from pagesight.indexer.reading.page import PagedDocument, drawn_sizes, open_document, read_page
from pagesight.storage.errors import DocumentError

ORPHAN_POLL_S = 2.0


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    for name in ("pymupdf.layout", "pymupdf4llm"):  # an optional model that PyMuPDF loads at import: 0.4 s and 70 MB
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes its import fail, which PyMuPDF allows
    os.dup2(2, 1)  # whatever a library prints must not end up between our frames
    leaving = Leaving(os.getppid())
    setup = json.loads(receive(requests) or b"{}")
    if folder := os.fsdecode(bytes.fromhex(setup["folder"])):
        os.environ["TMPDIR"] = leaving.folder = folder
    limit_memory(setup["memory"])
    process_gives_way(setup["nice"])
    with suppress(BrokenPipeError):  # the parent is gone
        Session(ReadOptions(**setup["options"]), setup["seconds"], answers).serve(requests)
    leaving.now()


class Leaving:
    """Ends this process, when the one that started it is gone, with what it started and its temporary files.

    A thread looks for that, since a library may wait for something that never comes.
    """

    def __init__(self, parent: int) -> None:
        self.folder: str | None = None
        threading.Thread(target=self._after, args=(parent,), daemon=True).start()

    def _after(self, parent: int) -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_POLL_S)
        self.now()

    def now(self) -> None:
        try:
            kill_children(os.getpid())
            if self.folder is not None:
                shutil.rmtree(self.folder, ignore_errors=True)
        finally:
            os._exit(1)


class Session:
    """Answers requests, keeping the last document open."""

    def __init__(self, options: ReadOptions, seconds: float, answers: IO[bytes]) -> None:
        self._options, self._seconds, self._answers = options, seconds, answers
        self._path: Path | None = None
        self._document: PagedDocument | None = None

    def serve(self, requests: IO[bytes]) -> None:
        while (frame := receive(requests)) is not None:
            request = json.loads(frame)
            if "path" not in request:  # nobody waits
                self._close()
                continue
            for answer in self._answer(request):
                limit_time(0)
                send(self._answers, answer)

    def _answer(self, request: dict[str, Any]) -> Iterator[bytes]:
        limit_time(2 * self._seconds)
        try:
            document = self._open(Path(os.fsdecode(bytes.fromhex(request["path"]))))
            if "sizes" in request:
                answer = _as_json({"sizes": drawn_sizes(document, self._options)})
            else:
                answer = _as_json({"opened": asdict(document.info)})
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: it is a library that raises them here
            yield _as_json({"error": describe(error)})
            return
        if "first" not in request:
            yield answer
            return
        for number in range(request["first"], request["last"] + 1):
            limit_time(2 * self._seconds)
            try:
                answer = b"P" + read_page(document, number, self._options).to_bytes()
            except BaseException as error:
                answer = _as_json({"page": number, "error": describe(error)})
            yield answer

    def _open(self, path: Path) -> PagedDocument:
        if self._document is None or path != self._path:
            self._close()
            self._document, self._path = open_document(path, self._options), path
        return self._document

    def _close(self) -> None:
        before, self._document, self._path = self._document, None, None
        if before is not None:
            with suppress(Exception):  # a damaged file that cannot even be closed is no fault of the next one
                before.close()


def describe(error: BaseException) -> tuple[str, str]:
    """Class and text of an error, for the parent to raise again."""
    if isinstance(error, DocumentError):
        return type(error).__name__, one_line(str(error))
    return "UnreadableDocument", f"cannot be read: {reason_of(error)}"


def limit_memory(n_bytes: int) -> None:
    """Let a file that unpacks to any size fail here, not bring the machine down."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes if hard < 0 else min(n_bytes, hard), hard))


def limit_time(seconds: float) -> None:
    """End this process by SIGPROF when it has used so much processor time from now on; 0: it has time again.

    The parent looks at the time as well, and sooner. This is for a parent that is gone while a library loops here: a timer
    of the kernel needs neither Python nor its lock.
    """
    if hasattr(signal, "setitimer"):  # a Unix system
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _as_json(answer: dict[str, Any]) -> bytes:
    return b"J" + json.dumps(answer).encode()


if __name__ == "__main__":
    main()

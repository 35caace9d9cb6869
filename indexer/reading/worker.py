"""The reading process: ``python -m indexer.reading.worker``. It opens what strangers made, so that a crash or a hang is its own.

Frames go both ways over a pair of pipes: 4 bytes of length (big-endian), then the payload. Requests are JSON; answers
are ``J`` + JSON or ``P`` + a page (PageContent.to_bytes). No pickle: a file that takes over this process can only send data.

    {"options": {...}, "seconds": 60, "memory": 4294967296}    once, first
    {"path": hex}                                              -> J {"opened": {...}}
    {"path": hex, "first": 1, "last": 8}                       -> for each page P... or J {"page": 3, "error": [class, text]}
    {"path": hex, "sizes": true}                               -> J {"sizes": [[width_px, height_px], ...]}
    and, instead of any of these answers, J {"error": [class, text]} if the file cannot be opened
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.frames import receive, send
from pagesight.indexer.reading.page import PagedDocument, drawn_sizes, open_document, read_page
from pagesight.storage.errors import DocumentError


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    for name in ("pymupdf.layout", "pymupdf4llm"):  # an optional model that PyMuPDF loads at import: 0.4 s and 70 MB
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes its import fail, which PyMuPDF allows
    os.dup2(2, 1)  # whatever a library prints must not end up between our frames
    setup = json.loads(receive(requests) or b"{}")
    limit_memory(setup["memory"])
    try:
        Session(ReadOptions(**setup["options"]), setup["seconds"], answers).serve(requests)
    except BrokenPipeError:  # the parent is gone
        os._exit(1)


class Session:
    """Answers requests, keeping the last document open."""

    def __init__(self, options: ReadOptions, seconds: float, answers: IO[bytes]) -> None:
        self._options, self._seconds, self._answers = options, seconds, answers
        self._path: Path | None = None
        self._document: PagedDocument | None = None
        self._alarm = open(os.devnull, "w")  # noqa: SIM115 - kept for the life of the process

    def serve(self, requests: IO[bytes]) -> None:
        while (request := receive(requests)) is not None:
            self._answer(json.loads(request))

    def _answer(self, request: dict[str, Any]) -> None:
        path = Path(os.fsdecode(bytes.fromhex(request["path"])))
        try:
            self._arm()
            document = self._open(path)
            if "sizes" in request:
                self._send_json({"sizes": drawn_sizes(document, self._options)})
                return
            if "first" not in request:
                self._send_json({"opened": asdict(document.info)})
                return
        except (DocumentError, MemoryError) as error:
            self._send_json({"error": describe(error)})
            return
        finally:
            faulthandler.cancel_dump_traceback_later()
        for number in range(request["first"], request["last"] + 1):
            try:
                self._arm()
                page = read_page(document, number, self._options)
                send(self._answers, b"P" + page.to_bytes())
            except (DocumentError, MemoryError) as error:
                self._send_json({"page": number, "error": describe(error)})
            finally:
                faulthandler.cancel_dump_traceback_later()

    def _open(self, path: Path) -> PagedDocument:
        if self._document is None or path != self._path:
            if self._document is not None:
                self._document.close()
            self._document, self._path = None, None
            self._document, self._path = open_document(path, self._options), path
        return self._document

    def _arm(self) -> None:
        """If the parent is gone and a library loops, nobody else would end this process. Needs no GIL."""
        faulthandler.dump_traceback_later(2 * self._seconds, exit=True, file=self._alarm)

    def _send_json(self, answer: dict[str, Any]) -> None:
        send(self._answers, b"J" + json.dumps(answer).encode())


def describe(error: Exception) -> tuple[str, str]:
    """Class and text of an error, for the parent to raise again."""
    if isinstance(error, MemoryError):
        return "UnreadableDocument", "needs more memory than a reading process may have"
    return type(error).__name__, str(error)


def limit_memory(n_bytes: int) -> None:
    """Let a file that unpacks to any size fail here, not bring the machine down."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes if hard < 0 else min(n_bytes, hard), hard))


if __name__ == "__main__":
    main()

"""Our own standard output and error: what they can show, and how they fail.

Whatever their encoding, no name breaks them: what it lacks is escaped. Standard output that fails raises OutputFailed, which is
no OSError: so it cannot be mistaken for the end of another pipe. Standard error that fails says nothing any more.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from pagesight.storage.names import nfc

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ESCAPE = "pagesight.escape"


class OutputFailed(Exception):
    """Standard output cannot be written."""

    def __init__(self, cause: OSError) -> None:
        self.reader_left = cause.errno == errno.EPIPE  # such as head, which has seen enough
        super().__init__(f"cannot write to the standard output: {cause.strerror}")


def prepare_streams() -> None:
    """Let sys.stdout and sys.stderr be as described above; for the start of a program."""
    codecs.register_error(ESCAPE, _escape)
    sys.stdout = _stream(sys.stdout, _Output)
    sys.stderr = _stream(sys.stderr, _Errors, line_buffering=True)


def give_up_output() -> None:
    """Let what is still to be written to standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stream(stream: TextIO | None, raw: type[io.FileIO], *, line_buffering: bool = False) -> io.TextIOWrapper:
    if stream is None:  # it was closed when we were started
        return open(os.devnull, "w", encoding="utf-8", errors=ESCAPE)
    stream.flush()
    buffer = io.BufferedWriter(raw(stream.fileno(), "w", closefd=False))
    line_buffering = line_buffering or stream.isatty()
    return io.TextIOWrapper(buffer, encoding=stream.encoding, errors=ESCAPE, line_buffering=line_buffering)


class _Output(io.FileIO):
    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputFailed(error) from error


class _Errors(io.FileIO):
    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _escape(error: UnicodeError) -> tuple[bytes, int]:
    """An error handler of codecs: as ``nfc`` shows it, and what the encoding lacks as ``\\xNN``, ``\\uNNNN``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return nfc(error.object[error.start : error.end]).encode(error.encoding, "backslashreplace"), error.end

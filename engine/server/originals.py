"""The files that pages come from: only bytes that were indexed are ever drawn or handed out.

A file is opened by the path that the index remembers, which a client can never choose, and what was opened has to have the
SHA-256 that was indexed. So a link or another file that was put there since leads nowhere.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from stat import S_ISREG

from pagesight.indexer.running.buckets import on_disk
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.names import outer_file

KNOWN = 10_000  # files whose content need not be hashed again
CHUNK = 1 << 20
Stamp = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Original:
    """An indexed file: where it should be, and its content."""

    path: Path
    sha256: str
    name: str  # for messages


class Originals:
    """Opens them, and remembers which files, unchanged by the clock of the file system, have been hashed. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hashed: OrderedDict[Stamp, str] = OrderedDict()

    def open(self, original: Original) -> BufferedReader:
        """The file, open for reading, with the content that was indexed. Raises UnreadableDocument."""
        try:  # without waiting for the writer of a pipe
            descriptor = os.open(on_disk(original.path), os.O_RDONLY | os.O_NONBLOCK)
            file = os.fdopen(descriptor, "rb")
        except OSError as error:
            raise _gone(original, error) from error
        try:
            if self._sha256(file) == original.sha256:
                return file
        except OSError as error:
            file.close()
            raise _gone(original, error) from error
        except BaseException:
            file.close()
            raise
        file.close()
        raise UnreadableDocument(f"{original.name} was changed since it was indexed; index it again")

    def check(self, original: Original) -> None:
        """Raise UnreadableDocument unless the content that was indexed is there."""
        self.open(original).close()

    def _sha256(self, file: BufferedReader) -> str:
        import hashlib

        stamp = _stamp(file)
        with self._lock:
            known = self._hashed.get(stamp)
        if known is not None:
            return known
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        with self._lock:
            self._hashed[stamp] = sha256
            while len(self._hashed) > KNOWN:
                self._hashed.popitem(last=False)
        return sha256


def _stamp(file: BufferedReader) -> Stamp:
    status = os.fstat(file.fileno())
    if not S_ISREG(status.st_mode):
        raise UnreadableDocument("what lies there now is no regular file")
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _gone(original: Original, error: OSError) -> UnreadableDocument:
    outer = outer_file(on_disk(original.path))
    if outer is not None:
        return UnreadableDocument(f"{original.name} is no file of its own; get the one it is attached to")
    reason = error.strerror or "it cannot be read"
    return UnreadableDocument(f"the file of {original.name} is not there: {reason}; index its folder again")

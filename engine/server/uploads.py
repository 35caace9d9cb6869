"""Files that clients send: written beside, whole or not at all, never over another, under a name that can do no harm."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Collection
from functools import cache
from io import FileIO
from pathlib import Path

from pagesight.engine.server.errors import BadRequest, UnsupportedType
from pagesight.engine.server.originals import CHUNK
from pagesight.indexer.formats import walked_extensions
from pagesight.indexer.running.plan import hash_file
from pagesight.storage.names import printable
from pagesight.storage.tables.database import disk_errors

MAX_NAME_BYTES = 200  # file systems allow 255, and a number may be added
SPARE_BYTES = 256 << 20  # left free on the disk, for the index itself


def safe_name(given: str) -> str:
    """The name a file is kept under: one part of a path, not hidden, with an ending that we read.

    Raises BadRequest, UnsupportedType.
    """
    name = printable(given.replace("\\", "/").rsplit("/", 1)[-1]).strip().lstrip(".")
    stem, dot, extension = name.rpartition(".")
    if not (dot and stem.strip(". ")):
        raise BadRequest(f"{given[:100]!r} is no name of a file, such as report.pdf", "name")
    if f".{extension.lower()}" not in walked_extensions(text=True):
        raise UnsupportedType(f"files that end in .{extension[:20]} are not read here; PDF, images and text are")
    room = MAX_NAME_BYTES - len(extension.encode()) - 1
    return f"{stem.encode()[:room].decode(errors='ignore').rstrip()}.{extension}"


class Uploads:
    """A folder for files of each index, and one for files that are on their way. Any thread."""

    def __init__(self, folder: Path) -> None:
        self._kept, self._coming = folder / "uploads", folder / "incoming"
        self._lock = threading.Lock()

    def clear(self) -> None:
        """What was on its way when the process died was promised to nobody."""
        shutil.rmtree(self._coming, ignore_errors=True)

    def begin(self, n_bytes: int) -> FileIO:
        """A new file to write to. n_bytes: that it will have, 0 if unknown. Raises DiskFull."""
        with disk_errors(self._coming):
            self._coming.mkdir(parents=True, exist_ok=True, mode=0o700)
            if n_bytes + SPARE_BYTES > shutil.disk_usage(self._coming).free:
                raise _no_room(self._coming)
            return open(self._coming / secrets.token_hex(16), "xb", buffering=0)

    def write(self, file: FileIO, data: bytes) -> None:
        """Raises DiskFull."""
        left = memoryview(data)
        with disk_errors(self._coming):
            while left:
                left = left[file.write(left) :]

    def finish(self, file: FileIO, index: str, name: str, known: Callable[[str], Collection[str]]) -> Path:
        """Keep it, under this name or one with a number. The same content under the same name is there once. Raises DiskFull.

        known: the SHA-256 of the documents in the index that have a name, wherever their files lie.
        """
        coming, folder = Path(file.name), self._kept / index
        with disk_errors(folder):
            os.fsync(file.fileno())
            file.close()
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._lock:
                kept = self._place(coming, folder, name, known)
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return kept

    def give_up(self, file: FileIO) -> None:
        """Nothing of it stays."""
        file.close()
        Path(file.name).unlink(missing_ok=True)

    def forget(self, location: Path) -> None:
        """Delete a file that was uploaded; any other stays."""
        if location.parent.parent == self._kept and location.is_file():
            location.unlink(missing_ok=True)

    def _place(self, coming: Path, folder: Path, name: str, known: Callable[[str], Collection[str]]) -> Path:
        stem, _, extension = name.rpartition(".")
        own = cache(lambda: hash_file(coming))
        for number in itertools.count(1):
            target = folder / (name if number == 1 else f"{stem} ({number}).{extension}")
            if any(sha256 != own() for sha256 in known(target.name)):
                continue
            try:
                os.link(coming, target)  # fails if the name is taken, at once
                break
            except FileExistsError:
                if target.is_file() and _same_content(coming, target):
                    break
        coming.unlink()
        return target


def _same_content(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with open(one, "rb") as a, open(other, "rb") as b:
        while piece := a.read(CHUNK):
            if piece != b.read(CHUNK):
                return False
    return True


def _no_room(folder: Path) -> OSError:
    import errno

    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

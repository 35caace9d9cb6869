"""Files in buckets of object storage: found by listing, and read from copies on this machine.

A file in a bucket is named ``s3://bucket/key`` and is, as a Path, ``s3:/bucket/key``: no path of a disk, since it is not
absolute. Whoever opens a file asks ``on_disk`` for it, which gives every other path back as it is. Copies lie in the cache
folder, those used last. A copy has the size and time that the bucket says, by which it is told from other versions.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pagesight.storage.cache_folder import cache_folder
from pagesight.storage.errors import BucketUnreachable, DiskFull, ExtraMissing
from pagesight.storage.names import BUCKETS, is_in_bucket, printable
from pagesight.storage.values import SourceFile

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

MOST_BYTES = 8 << 30  # of copies, with what every process fetches between two looks at them
LOOKS = 8  # at the copies, while a process fetches so many bytes
KEYS = "see to its keys, region and address (AWS_... variables)"
KEPT_S = 600.0  # a copy that was used so recently is not removed for others


def files_in(place: Path) -> Iterator[tuple[SourceFile, str]]:
    """What lies under a bucket, a folder in it, or a name: sorted, each with why it is no document, or "".

    Raises BucketUnreachable, ExtraMissing.
    """
    bucket, key = _split(place)
    with _asked(bucket):
        found = {meta["path"]: meta for meta in _listed(bucket, key)}  # a name may be that of a folder, too
    root = place.parent if list(found) == [key] else place
    for name, meta in sorted(found.items()):
        source = _as_listed(Path(f"{BUCKETS[0]}:", bucket, name), root, meta)
        yield source, "" if source.n_bytes else "the file is empty (0 bytes)"


def as_it_is(source: SourceFile) -> SourceFile:
    """A file in a bucket with its present size and time, its copy being there; unchanged if the bucket no longer has it.

    Raises BucketUnreachable, ExtraMissing, DiskFull.
    """
    bucket, key = _split(source.location)
    with _asked(bucket):
        meta = _head(bucket, key)
    if meta is None:
        shutil.rmtree(_copy_of(source.location).parent, ignore_errors=True)
        return source
    status = _fetch(source.location, meta).stat()
    return replace(source, n_bytes=status.st_size, mtime_ns=status.st_mtime_ns)


def copy_of(source: SourceFile) -> Path:
    """Where a file that was found can be opened: the copy of this very version, or of a later one; of others the file itself.

    Raises as ``as_it_is``.
    """
    if is_in_bucket(source.location):
        copy = _copy_of(source.location)
        if not copy.is_file() or _version(copy) != (source.n_bytes, source.mtime_ns):
            as_it_is(source)
    return on_disk(source.location)


def on_disk(path: Path) -> Path:
    """Where a file can be opened on this machine: its copy, fetched if there is none, or ``path`` itself if it is in no bucket.

    Of what is attached to a file, the place within its copy. A file that the bucket does not have is nowhere.
    Raises as ``as_it_is``.
    """
    if not is_in_bucket(path):
        return path
    names = [path, *(above for above in path.parents if len(above.parts) > 2)]  # a file, or what it is attached to
    for name in names:
        copy = _copy_of(name)
        if copy.is_file():
            return _used(copy) / path.relative_to(name)
    for name in names:
        bucket, key = _split(name)
        with _asked(bucket):
            meta = _head(bucket, key)
        if meta is not None:
            return _fetch(name, meta) / path.relative_to(name)
    return _copy_of(path)


def _fetch(location: Path, meta: ObjectMeta) -> Path:
    """The copy of a file, of the version that ``meta`` is of or a later one."""
    copy = _copy_of(location)
    with suppress(FileNotFoundError):
        if _version(copy) == (meta["size"], _mtime_ns(meta)):
            return _used(copy)
    bucket, key = _split(location)
    part = copy.with_name(f"{os.getpid()}-{threading.get_ident()}.part")
    _room.take(meta["size"])
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with _asked(bucket):
            got = _store(bucket).get(key)
            with open(part, "wb") as file:
                file.writelines(got)
        os.utime(part, ns=(_mtime_ns(got.meta), _mtime_ns(got.meta)))
        os.replace(part, copy)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(_folder(), error.strerror or str(error)) from error
        raise
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return _used(copy)


class _Room:
    """Keeps the copies, of all processes together, within bounds: now and then, since looking at all of them takes its time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0  # bytes to be fetched before the next look

    def take(self, n_bytes: int) -> None:
        with self._lock:
            self._left -= n_bytes
            if self._left < 0:
                self._left = MOST_BYTES // LOOKS
                _remove_oldest(MOST_BYTES - self._left - n_bytes)


_room = _Room()


def _remove_oldest(kept_bytes: int) -> None:
    """Remove the copies that were not used for the longest. Other processes may do so at the same time."""
    copies = []
    with suppress(FileNotFoundError):  # there are none
        for folder in os.scandir(_folder()):
            with suppress(FileNotFoundError, NotADirectoryError):
                n_bytes = sum(file.stat().st_size for file in os.scandir(folder.path))
                copies.append((folder.stat().st_mtime, folder.path, n_bytes))
    total = sum(n_bytes for _, _, n_bytes in copies)
    for used, path, n_bytes in sorted(copies):
        if total <= kept_bytes or time.time() - used < KEPT_S:
            return
        shutil.rmtree(path, ignore_errors=True)
        total -= n_bytes


def _folder() -> Path:
    return cache_folder() / "buckets"


def _copy_of(location: Path) -> Path:
    """In a folder of its own, under its own name, of which the ending may tell what it is."""
    return _folder() / hashlib.sha256(os.fsencode(location)).hexdigest()[:32] / location.name


def _used(copy: Path) -> Path:
    with suppress(OSError):  # removed at this moment, or of another user
        os.utime(copy.parent)
    return copy


def _version(copy: Path) -> tuple[int, int]:
    status = copy.stat()
    return status.st_size, status.st_mtime_ns


def _split(location: Path) -> tuple[str, str]:
    """Bucket and key."""
    return location.parts[1], "/".join(location.parts[2:])


def _as_listed(location: Path, root: Path, meta: ObjectMeta) -> SourceFile:
    path = printable(location.relative_to(root))
    return SourceFile(root=root, path=path, location=location, n_bytes=meta["size"], mtime_ns=_mtime_ns(meta))


def _mtime_ns(meta: ObjectMeta) -> int:
    """In whole seconds: some servers tell parts of them in a listing, and none where a file is asked for."""
    return int(meta["last_modified"].timestamp()) * 1_000_000_000


def _listed(bucket: str, key: str) -> Iterator[ObjectMeta]:
    """Objects below a folder, or the one of this name. (A prefix ends at a part of a name: "a" is none of "ab".)"""
    if key and (meta := _head(bucket, key)) is not None:
        yield meta
    for some in _store(bucket).list(key or None):
        yield from some


def _head(bucket: str, key: str) -> ObjectMeta | None:
    from obstore.exceptions import NotFoundError

    try:
        return _store(bucket).head(key)
    except (NotFoundError, FileNotFoundError):
        return None


@lru_cache(maxsize=64)
def _store(bucket: str) -> ObjectStore:
    """Keys and region from the AWS_... variables of the environment, or from the machine's role."""
    from obstore.store import S3Store

    plain: Any = {"allow_http": os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")}
    retries: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}
    return S3Store(bucket, client_options=plain, retry_config=retries)


@contextmanager
def _asked(bucket: str) -> Iterator[None]:
    """What goes wrong with a bucket, as our errors."""
    try:
        from obstore.exceptions import BaseError, InvalidPathError
    except ImportError as error:
        raise ExtraMissing("obstore", "s3") from error
    try:
        yield
    except (BaseError, ValueError) as error:  # ValueError: the name that was asked for cannot be
        odd = isinstance(error, InvalidPathError | ValueError)
        remedy = "rename it there, or name other folders" if odd else KEYS
        raise BucketUnreachable(f"{BUCKETS[0]}://{bucket}", _reason(error), remedy) from error


def _reason(error: Exception) -> str:
    """What the server says, or else the last of what the library tells of its tries."""
    text = " ".join(str(error).split("\n\nDebug source")[0].split())
    said = re.search(r"<Message>(.*?)</Message>", text)
    return said[1] if said else text.split(" - ")[-1]

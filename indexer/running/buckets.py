"""Files in buckets of object storage: found by listing, and read from copies on this machine.

A file in a bucket is named ``s3://bucket/key`` and is, as a Path, ``s3:/bucket/key``: no path of a disk, since it is not
absolute. Whoever opens a file asks ``on_disk`` for it, which gives every other path back as it is. Copies lie in the cache
folder, those used last; what the bucket says of size and time is what the copy has.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pagesight.storage.cache_folder import cache_folder
from pagesight.storage.errors import BucketUnreachable, DiskFull, ExtraMissing
from pagesight.storage.names import BUCKETS, is_in_bucket, printable
from pagesight.storage.values import SourceFile

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

MOST_BYTES = 8 << 30  # of copies; the file that is fetched now may be larger
KEPT_S = 600.0  # a copy that was used so recently is not removed for others
_lock = threading.Lock()


def files_in(place: Path) -> Iterator[tuple[SourceFile, str]]:
    """What lies under a bucket, a folder in it, or a name: sorted, each with why it is no document, or "".

    Raises BucketUnreachable, ExtraMissing.
    """
    bucket, key = _split(place)
    with _asked(bucket):
        found = sorted(_listed(bucket, key), key=lambda meta: meta["path"])
    one = len(found) == 1 and found[0]["path"] == key
    if not found:
        yield _source(place, place.parent if key else place, 0, 0), "there is nothing under this name in the bucket"
    for meta in found:
        location = _root(bucket) / meta["path"]
        source = _source(location, place.parent if one else place, meta["size"], _ns(meta))
        if PurePosixPath(meta["path"]).as_posix() != meta["path"] or ".." in PurePosixPath(meta["path"]).parts:
            yield source, f"its name in the bucket, {meta['path']!r}, is that of no file"
        else:
            yield source, "" if meta["size"] else "the file is empty (0 bytes)"


def as_it_is(source: SourceFile) -> SourceFile:
    """A file in a bucket with its present size and time, its copy being there; unchanged if the bucket no longer has it.

    Raises BucketUnreachable, ExtraMissing, DiskFull.
    """
    bucket, key = _split(source.location)
    with _asked(bucket):
        meta = _head(bucket, key)
    if meta is None:
        _forget(source.location)
        return source
    _fetch(source.location, meta)
    return _source(source.location, source.root, meta["size"], _ns(meta))


def on_disk(path: Path) -> Path:
    """Where a file can be opened on this machine: its copy, fetched if it is not there, or ``path`` itself if it is in no bucket.

    Of what is attached to a file, the place within its copy. A file that the bucket does not have is nowhere.
    Raises BucketUnreachable, ExtraMissing, DiskFull.
    """
    if not is_in_bucket(path):
        return path
    bucket, _ = _split(path)
    names = [path, *(above for above in path.parents if len(above.parts) > 2)]  # a file, or what it is attached to
    for name in names:
        copy = _copy_of(name)
        if copy.is_file():
            _use(copy)
            return copy / path.relative_to(name)
    for name in names:
        with _asked(bucket):
            meta = _head(*_split(name))
        if meta is not None:
            return _fetch(name, meta) / path.relative_to(name)
    return _copy_of(path)


def _fetch(location: Path, meta: ObjectMeta) -> Path:
    """The copy of a file, of the version that ``meta`` is of or a later one."""
    copy = _copy_of(location)
    with suppress(FileNotFoundError):
        status = copy.stat()
        if (status.st_size, status.st_mtime_ns) == (meta["size"], _ns(meta)):
            _use(copy)
            return copy
    bucket, key = _split(location)
    part = copy.parent / f"{os.getpid()}-{threading.get_ident()}.part"
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        _make_room(meta["size"])
        with _asked(bucket):
            got = _store(bucket).get(key)
            with open(part, "wb") as file:
                file.writelines(got)
        os.utime(part, ns=(_ns(got.meta), _ns(got.meta)))
        os.replace(part, copy)
    except OSError as error:
        raise DiskFull(copy.parent, error.strerror or str(error)) from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    _use(copy)
    return copy


def _make_room(n_bytes: int) -> None:
    """Remove the copies that were not used for the longest, so that the new one has room."""
    with _lock:
        folders = [entry for entry in os.scandir(_folder()) if entry.is_dir()]
        used = sorted((entry.stat().st_mtime, entry.path) for entry in folders)
        sizes = {path: sum(file.stat().st_size for file in os.scandir(path)) for _, path in used}
        total = sum(sizes.values()) + n_bytes
        for last, path in used:
            if total <= MOST_BYTES or time.time() - last < KEPT_S:
                return
            shutil.rmtree(path, ignore_errors=True)
            total -= sizes[path]


def _folder() -> Path:
    return cache_folder() / "buckets"


def _copy_of(location: Path) -> Path:
    """In a folder of its own, under its own name, of which the ending may tell what it is."""
    return _folder() / hashlib.sha256(os.fsencode(location)).hexdigest()[:32] / location.name


def _use(copy: Path) -> None:
    with suppress(FileNotFoundError):
        os.utime(copy.parent)


def _forget(location: Path) -> None:
    shutil.rmtree(_copy_of(location).parent, ignore_errors=True)


def _root(bucket: str) -> Path:
    return Path(f"{BUCKETS[0]}:") / bucket


def _split(location: Path) -> tuple[str, str]:
    """Bucket and key."""
    return location.parts[1] if len(location.parts) > 1 else "", "/".join(location.parts[2:])


def _source(location: Path, root: Path, n_bytes: int, mtime_ns: int) -> SourceFile:
    path = location.relative_to(root).as_posix()
    return SourceFile(root=root, path=printable(path), location=location, n_bytes=n_bytes, mtime_ns=mtime_ns)


def _ns(meta: ObjectMeta) -> int:
    return round(meta["last_modified"].timestamp() * 1e6) * 1000


def _listed(bucket: str, key: str) -> Iterator[ObjectMeta]:
    """Objects below a folder, or the one of this name. (A prefix ends at a part of a name: "a" is none of "ab".)"""
    if key and (meta := _head(bucket, key)) is not None:
        yield meta
    for some in _store(bucket).list(key or None):
        yield from (meta for meta in some if not meta["path"].endswith("/"))


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
        from obstore.exceptions import BaseError
    except ImportError as error:
        raise ExtraMissing("obstore", "s3") from error
    try:
        yield
    except (BaseError, ValueError) as error:  # ValueError: a name that no object can have
        raise BucketUnreachable(f"{BUCKETS[0]}://{bucket}", _reason(error)) from error


def _reason(error: Exception) -> str:
    """What the server says, or else the last of what the library tells of its tries."""
    text = " ".join(str(error).split("\n\nDebug source")[0].split())
    said = re.search(r"<Message>(.*?)</Message>", text)
    return said[1] if said else text.split(" - ")[-1]


__all__ = ["as_it_is", "files_in", "is_in_bucket", "on_disk"]

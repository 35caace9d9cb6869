"""Models converted once and kept: a folder a model below the user's cache folder.

A folder is made under a temporary name and renamed when it is complete, so that two processes may start at once and a kill
leaves nothing half-made. Its files are checked against their hashes each time, so that a damaged folder is made again.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pagesight.engine.models.files.packaged import PackagedFile, sha256_of
from pagesight.storage.cache_folder import cache_folder

log = logging.getLogger(__name__)
_RECORD = "files.json"
_ABANDONED_S = 3600


def cached(name: str, source_stamp: dict[str, object], make: Callable[[Path], None]) -> Path:
    """The folder of a converted model; ``make`` fills an empty folder if there is none yet, or it is damaged.

    source_stamp: identity of what it is made from, and of how; another stamp makes it again.
    """
    key = hashlib.sha256(json.dumps([name, source_stamp], sort_keys=True).encode()).hexdigest()[:12]
    folder = cache_folder() / "models" / f"{name}-{key}"
    if _is_whole(folder):
        return folder
    building = _building_folder(folder.parent, name)
    try:
        make(building)
        record = {
            path.relative_to(building).as_posix(): sha256_of(path)
            for path in sorted(building.rglob("*"))
            if path.is_file()
        }
        (building / _RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return _put_in_place(building, folder) if building.parent == folder.parent else building


def _building_folder(parent: Path, name: str) -> Path:
    """An empty folder beside the final one, or, where that cannot be written, one for this run only."""
    prefix = f".{name}-"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(f"{prefix}*"):  # by a process that was killed
            if left.stat().st_mtime < time.time() - _ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as error:
        log.warning(
            "the cache folder %s cannot be written (%s): %s is converted again at each start", parent, error, name
        )
        building = Path(tempfile.mkdtemp(prefix="pagesight-"))
        atexit.register(shutil.rmtree, building, ignore_errors=True)
        return building


def _put_in_place(building: Path, folder: Path) -> Path:
    for _ in range(3):
        try:
            os.rename(building, folder)
            return folder
        except OSError:
            if _is_whole(folder):  # another process was first
                shutil.rmtree(building, ignore_errors=True)
                return folder
            with contextlib.suppress(OSError):  # a damaged one is in the way
                shutil.rmtree(folder)
    raise OSError(f"cannot replace {folder}; remove it by hand")


def _is_whole(folder: Path) -> bool:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        return all(sha256_of(folder / name) == digest for name, digest in record.items())
    except (OSError, ValueError, AttributeError):
        return False


def verified(source: PackagedFile) -> Path:
    """Where a packaged file is, after its hash was checked. The check is repeated when its size or time changes."""
    path = source.locate()
    status = path.stat()
    stamp = json.dumps([str(path), status.st_size, status.st_mtime_ns, source.sha256])
    note = (
        cache_folder() / "verified" / f"{source.sha256[:16]}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}.json"
    )
    try:
        if note.read_text(encoding="utf-8") == stamp:
            return path
    except OSError:
        pass
    source.verify(path)
    _note(note, stamp)
    return path


def remembered_sha256(path: Path) -> str:
    """SHA-256 of a large file, in hexadecimal; computed again only when its size or time changes."""
    status = path.stat()
    stamp = json.dumps([str(path.resolve()), status.st_size, status.st_mtime_ns])
    note = cache_folder() / "hashes" / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}.json"
    try:
        known_stamp, digest = json.loads(note.read_text(encoding="utf-8"))
        if known_stamp == stamp:
            return str(digest)
    except (OSError, ValueError):
        pass
    digest = sha256_of(path)
    _note(note, json.dumps([stamp, digest]))
    return digest


def _note(path: Path, text: str) -> None:
    """Write a small file whole; without a cache folder, what it says is found out again next time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)

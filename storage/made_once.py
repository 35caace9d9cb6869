"""What takes long to make, made once and kept: a folder each below the user's cache folder.

A folder is made under a temporary name and renamed when it is complete, so that two processes may start at once and a kill
leaves nothing half-made. Its files are checked against their hashes each time, so that a damaged folder is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pagesight.storage.cache_folder import cache_folder

_RECORD = "files.json"
_ABANDONED_S = 3600
# Bytes, while which the interpreter is left to others: hashlib's own steps give it up ten times as often.
HASHED_AT_ONCE = 1 << 22


def made_once(name: str, source_stamp: dict[str, object], make: Callable[[Path], None]) -> Path | None:
    """The folder that ``make`` fills if there is none yet, or it is damaged; None if it cannot be kept.

    source_stamp: identity of what it is made from, and of how; another stamp makes it again.
    """
    key = hashlib.sha256(json.dumps([name, source_stamp], sort_keys=True).encode()).hexdigest()[:12]
    folder = cache_folder() / "models" / f"{name}-{key}"
    if _is_whole(folder):
        return folder
    building = _building_folder(folder.parent, name)
    if building is None:
        return None
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
    return _put_in_place(building, folder)


def _building_folder(parent: Path, name: str) -> Path | None:
    """An empty folder beside the final one."""
    prefix = f".{name}-"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(f"{prefix}*"):  # by a process that was killed
            with contextlib.suppress(OSError):  # by now it has its own name
                if left.stat().st_mtime < time.time() - _ABANDONED_S:
                    shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError:
        return None


def _put_in_place(building: Path, folder: Path) -> Path | None:
    """None, and nothing is left behind, if there is something else that cannot be taken away, such as another user's."""
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
    shutil.rmtree(building, ignore_errors=True)
    return None


def _is_whole(folder: Path) -> bool:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        return all(sha256_of(folder / name) == digest for name, digest in record.items())
    except (OSError, ValueError, AttributeError):
        return False


def sha256_of(path: Path) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(HASHED_AT_ONCE))
    with open(path, "rb", buffering=0) as file:
        while n_read := file.readinto(buffer):
            digest.update(buffer[:n_read])
    return digest.hexdigest()

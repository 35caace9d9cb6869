"""What is kept of models below the user's cache folder: what they were converted to, and what was found out of their files."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from pagesight.engine.models.files.packaged import PackagedFile
from pagesight.storage.cache_folder import cache_folder
from pagesight.storage.made_once import made_once, sha256_of

log = logging.getLogger(__name__)


def cached(name: str, source_stamp: dict[str, object], make: Callable[[Path], None]) -> Path:
    """The folder of a converted model, made once (storage.made_once), or for this run only where it cannot be kept."""
    folder = made_once(name, source_stamp, make)
    if folder is None:
        log.warning(
            "%s cannot be written to the cache folder %s: it is converted again at each start", name, cache_folder()
        )
        folder = Path(tempfile.mkdtemp(prefix="pagesight-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        make(folder)
    return folder


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

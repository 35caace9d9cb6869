"""Backups: one state of an index as one file, made while others read and write, and an index made of it again.

A backup is a tar file with the files of the index folder and their SHA256SUMS, so that tar and sha256sum can read it without us.
What is derived (inverted lists) is left out. It is written beside its name and renamed at the end; an index that is made of one gets
its manifest at the end: killed at any step, there is a backup or none, an index or none.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psutil
from sqlalchemy import func, select

from pagesight.storage.errors import ConfigError, DiskFull, StorageError, StoreCorrupt
from pagesight.storage.folder import FaultPoint, check_ours, sync_folder, write_lock
from pagesight.storage.manifest import MANIFEST_NAME, Manifest
from pagesight.storage.stored import Exported
from pagesight.storage.tables.connections import DATABASE_NAME
from pagesight.storage.tables.database import disk_errors
from pagesight.storage.tables.schema import index_state, page
from pagesight.storage.vectors.page_rows import row_sizes
from pagesight.storage.vectors.segments import RecordRef, segment_path

if TYPE_CHECKING:
    from pagesight.storage.view import StoreView

SUMS_NAME = "SHA256SUMS"
CHUNK = 1 << 20
MAX_SMALL_BYTES = 1 << 20  # of the manifest and the sums
_MEMBER = re.compile(r"manifest\.json|metadata\.db|tokens-\d{8}\.seg|singles\.f16|means-\d+\.i8|SHA256SUMS")

# What is there beside them; of the same generation it would be taken for what belongs to the backup.
_BESIDE = re.compile(r"metadata\.db-(wal|shm)|recall-\d+\.faiss|places-\d+\.npy")


def export(view: StoreView, target: Path, *, overwrite: bool = False, fault: FaultPoint | None = None) -> Exported:
    """Write what a view sees into a file. Every record is compared with its checksum first, so a backup is never of damage.

    Raises ConfigError if the file is there, unless ``overwrite``; StoreCorrupt, DiskFull.
    """
    if target.is_dir():
        raise ConfigError(f"{target} is a folder; name a file in it")
    if target.exists() and not overwrite:
        raise ConfigError(f"{target} is there already; name another file, or say that it may be overwritten")
    reach = fault or (lambda _: None)
    _verify(view)
    reach("verified")
    try:
        with disk_errors(target.parent), _temporary(target) as (tar_path, database):
            _copy_database(view, database)
            reach("database copied")
            with open(tar_path, "wb") as out:
                n_bytes = _write_tar(view, database, out)
                out.flush()
                os.fsync(out.fileno())
            reach("written")
            os.replace(tar_path, target)
            sync_folder(target.parent)
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error.strerror or error}") from error
    totals = view.totals()
    return Exported(n_documents=totals.n_documents, n_pages=totals.n_pages, n_bytes=n_bytes, generation=view.generation)


def restore(backup: Path, folder: Path, fault: FaultPoint | None = None) -> None:
    """Make an index of a backup, in a folder that has none. Every byte is compared with its checksum.

    Raises ConfigError if there is an index, StoreCorrupt for what is no whole backup, FormatVersionMismatch, DiskFull.
    """
    reach = fault or (lambda _: None)
    if (folder / MANIFEST_NAME).exists():
        raise ConfigError(f"there is an index in {folder} already; name another place, or move that one away")
    try:
        with open(backup, "rb") as file, disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            check_ours(folder)
            with write_lock(folder):
                if (folder / MANIFEST_NAME).exists():  # somebody was quicker
                    raise ConfigError(f"there is an index in {folder} already; name another place")
                _remove_left_overs(folder)
                try:
                    manifest = _extract(file, backup, folder)
                except BaseException:
                    _remove_left_overs(folder)  # of which a disk may be full
                    raise
                reach("files written")
                sync_folder(folder)
                reach("before the manifest")
                manifest.write(folder)
                sync_folder(folder)
    except OSError as error:
        raise StorageError(f"cannot make an index of {backup} in {folder}: {error.strerror or error}") from error


# Writing


def _verify(view: StoreView) -> None:
    """Read every record of the state once."""
    rows = view._connection.execute(select(page).order_by(page.c.segment, page.c.offset))
    for row in rows:
        view._state.segments.read(RecordRef(row.segment, row.offset, row.n_bytes, row.crc32), verify=True)


@contextmanager
def _temporary(target: Path) -> Iterator[tuple[Path, Path]]:
    """Two names beside the target, gone at the end; those of processes that died are gone at the beginning."""
    for path in target.parent.glob(f".{_escaped(target.name)}.*.tmp*"):
        pid = path.name.rsplit(".", 3)[-3].partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)
    ours = f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}"  # threads may write to one target, too
    try:
        yield target.with_name(f"{ours}.tar.tmp"), target.with_name(f"{ours}.db.tmp")
    finally:
        for path in target.parent.glob(f"{_escaped(ours)}.*.tmp*"):  # SQLite has files beside its own
            path.unlink(missing_ok=True)


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _copy_database(view: StoreView, path: Path) -> None:
    """The database as the view's transaction sees it."""
    path.unlink(missing_ok=True)
    source = view._snapshot.raw
    try:
        with closing(sqlite3.connect(path)) as copy:
            source.backup(copy)  # in one step, in the transaction that is open: nobody else's commits are seen
            (generation,) = copy.execute("SELECT generation FROM index_state").fetchone()
    except sqlite3.OperationalError as error:
        if "full" in str(error) or "I/O" in str(error):
            raise DiskFull(path.parent, str(error)) from error
        raise StorageError(f"cannot write in {path.parent}: {error}") from error
    if generation != view.generation or generation != view._snapshot.generation():
        raise StorageError(f"the copy of the database has generation {generation}, not {view.generation}; try again")


def _write_tar(view: StoreView, database: Path, out: IO[bytes]) -> int:
    sums: dict[str, str] = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar, open(database, "rb") as copied:
        manifest = json.dumps(asdict(view._folder.manifest), indent=2).encode() + b"\n"
        _add(tar, sums, MANIFEST_NAME, io.BytesIO(manifest), len(manifest))
        _add(tar, sums, DATABASE_NAME, copied, os.fstat(copied.fileno()).st_size)
        for name, descriptor, size in _vector_files(view):
            _add(tar, sums, name, _Descriptor(descriptor), size)
        listed = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
        _add(tar, {}, SUMS_NAME, io.BytesIO(listed), len(listed))
    return out.tell()


def _vector_files(view: StoreView) -> Iterator[tuple[str, int, int]]:
    """(name, open descriptor, committed bytes). The state keeps these files open, so a compaction takes nothing away."""
    connection, state, space = view._connection, view._state, view.space
    last = connection.execute(select(func.max(page.c.id))).scalar_one_or_none() or 0
    current = connection.execute(select(index_state)).one()
    named = set(connection.execute(select(page.c.segment).distinct()).scalars())
    for segment in sorted(named | ({current.segment} if current.segment_bytes else set())):
        descriptor = state.segments.descriptor(segment)
        size = current.segment_bytes if segment == current.segment else os.fstat(descriptor).st_size
        yield segment_path(view._folder.path, segment).name, descriptor, size
    for name, row_bytes in row_sizes(space.single_dim, space.token_dim).items() if last else ():
        yield name, state.rows.descriptor(name, last), (last + 1) * row_bytes


class _Descriptor:
    """An open file from its beginning, whatever others read of it meanwhile."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._at = descriptor, 0

    def read(self, n_bytes: int) -> bytes:
        data = os.pread(self._descriptor, n_bytes, self._at)
        self._at += len(data)
        return data


def _add(tar: tarfile.TarFile, sums: dict[str, str], name: str, source: Any, size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(time.time()), 0o600
    hashed = _Hashed(source)
    tar.addfile(info, hashed)  # type: ignore[arg-type]  # it needs read() alone
    sums[name] = hashed.digest()


class _Hashed:
    """What is read through it is hashed."""

    def __init__(self, source: Any) -> None:
        self._source, self._hash = source, hashlib.sha256()

    def read(self, n_bytes: int) -> bytes:
        data: bytes = self._source.read(n_bytes)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()


# Reading


def _remove_left_overs(folder: Path) -> None:
    """Of a restore that was killed, or of an index without its manifest; nothing else is touched."""
    for path in folder.iterdir():
        if _MEMBER.fullmatch(path.name) or _BESIDE.fullmatch(path.name):
            path.unlink()


def _extract(file: IO[bytes], backup: Path, folder: Path) -> Manifest:
    """Write all files but the manifest, which is returned. Names are ours alone, so that nothing is written elsewhere."""
    found: dict[str, str] = {}
    small: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.isreg() else None
                if source is None or not _MEMBER.fullmatch(member.name) or member.name in found:
                    raise StoreCorrupt(f"{backup} is no backup of an index: it holds {member.name[:100]!r}")
                hashed = _Hashed(source)
                if member.name in (MANIFEST_NAME, SUMS_NAME):
                    small[member.name] = hashed.read(MAX_SMALL_BYTES)
                else:
                    _write(hashed, folder / member.name)
                found[member.name] = hashed.digest()
    except (tarfile.TarError, EOFError) as error:
        raise StoreCorrupt(f"{backup} is no whole backup of an index: {error}") from error
    _check_sums(small, found, backup)
    return Manifest.parse(small[MANIFEST_NAME].decode(errors="replace"), backup)


def _write(source: _Hashed, path: Path) -> None:
    with open(path, "wb") as out:
        while data := source.read(CHUNK):
            out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _check_sums(small: dict[str, bytes], found: dict[str, str], backup: Path) -> None:
    if not {MANIFEST_NAME, DATABASE_NAME, SUMS_NAME} <= found.keys():
        raise StoreCorrupt(f"{backup} is no whole backup of an index: it ends early")
    lines = small[SUMS_NAME].decode("ascii", errors="replace").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    del found[SUMS_NAME]
    damaged = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if damaged:
        raise StoreCorrupt(f"{backup} is damaged: {', '.join(damaged)} is not what was written; use another backup")

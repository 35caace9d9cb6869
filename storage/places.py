"""Where all pages are, without asking SQLite for each: a million rows take it a second.

A state that follows another asks for what has changed only. An index that is opened finds them in a file, if it is large:

    places-GGGGGGGGGG.npy     int64 (4, n_pages): page ids, segments, offsets, counts of token vectors, of generation G; then its CRC-32

The file is derived, and for one generation only: the writer makes it at its end, and nobody misses it. See ``Places``.
"""

from __future__ import annotations

import logging
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.folder import numbers_in
from pagesight.storage.tables.snapshots import Snapshot
from pagesight.storage.vectors.records import Places

logger = logging.getLogger(__name__)

KEPT_PAGES = 50_000  # from which there is a file; reading as many from SQLite takes 0.1 s
BLOCK = 8_192  # page ids that are compared at once, and read anew if something about them has changed
_ROWS = 'SELECT id, segment, "offset", n_tokens FROM page WHERE n_tokens > 0 AND id >= ? AND id < ? ORDER BY id'
_COUNTS = "SELECT count(*), total(segment) FROM page WHERE n_tokens > 0 AND id >= ? AND id < ?"
_END = 1 << 62


def read_places(snapshot: Snapshot, before: Places | None = None) -> Places:
    """All places in the state that a snapshot sees. before: of an earlier state.

    Page ids are never used again and records only move to later segments. So a block of ids in which there are as many pages
    as before, in segments of the same sum, is as it was.
    """
    if before is None or len(before.page_ids) == 0:
        return Places(*_read(snapshot, 0, _END))
    table = np.stack([before.page_ids, before.segments, before.offsets, before.counts])
    end, parts = int(before.page_ids[-1]) + 1, []
    for first in range(0, end, BLOCK):
        bounds = first, min(first + BLOCK, end)
        at = slice(*np.searchsorted(before.page_ids, bounds))
        known = table[:, at]
        (found,) = snapshot.rows(_COUNTS, *bounds)
        parts.append(known if found == (known.shape[1], known[1].sum()) else _read(snapshot, *bounds))
    return Places(*np.concatenate([*parts, _read(snapshot, end, _END)], axis=1))


def load_places(folder: Path, generation: int) -> Places | None:
    """Those of this generation; None if there is no file of it, or none to use."""
    path = _path(folder, generation)
    try:
        with open(path, "rb") as file:
            table, checksum = np.load(file), file.read()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        logger.warning("%s cannot be used (%s); searching goes on without it", path, error)
        return None
    if checksum not in (b"", _checksum(table)):  # an earlier version wrote none
        logger.warning("%s is damaged; searching goes on without it", path)
        return None
    return Places(*table) if table.dtype == np.int64 and table.ndim == 2 and len(table) == 4 else None


def remember_places(snapshot: Snapshot, folder: Path) -> Places:
    """Read them, and put them into the file of this generation if they are many.

    Only for who has the right to write.
    """
    kept, generation = _kept(folder), snapshot.generation()
    newest = load_places(folder, kept[-1]) if kept else None
    if newest is not None and kept[-1] == generation:
        return newest
    places = read_places(snapshot, newest)
    if len(places.page_ids) >= KEPT_PAGES:
        _save(places, _path(folder, generation))
    for other in kept:
        if other != generation:
            _path(folder, other).unlink(missing_ok=True)
    return places


def _save(places: Places, path: Path) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        table = np.stack([places.page_ids, places.segments, places.offsets, places.counts])
        with open(temporary, "wb") as file:
            np.save(file, table)
            file.write(_checksum(table))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:  # a full disk: all else was written
        temporary.unlink(missing_ok=True)
        logger.warning("%s could not be written (%s); indexes are opened without it", path, error)


def _checksum(table: NDArray[np.int64]) -> bytes:
    """Of what is read without a look into the database: a wrong place is another page's vectors."""
    return zlib.crc32(table.tobytes()).to_bytes(4, "little")


def drop_later_places(folder: Path, generation: int) -> None:
    """Take away files of generations that are yet to come: this database took the place of another one."""
    for other in _kept(folder):
        if other > generation:
            _path(folder, other).unlink(missing_ok=True)


def _kept(folder: Path) -> list[int]:
    """Generations of which there is a file, ascending."""
    return numbers_in(folder, "places-", ".npy")


def _path(folder: Path, generation: int) -> Path:
    return folder / f"places-{generation:010d}.npy"


def _read(snapshot: Snapshot, first: int, end: int) -> NDArray[np.int64]:
    """(4, n) of the pages with ids from ``first`` up to, and without, ``end``."""
    cursor = snapshot.raw.execute(_ROWS, (first, end))
    parts = []
    while rows := cursor.fetchmany(BLOCK):
        parts.append(np.array(rows, np.int64).T)
    return np.concatenate([np.empty((4, 0), np.int64), *parts], axis=1)

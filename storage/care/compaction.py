"""Giving back the space of deleted pages, while others go on reading.

Live records of segments with much dead space are copied behind everything else, one segment at a time; one transaction then
names their new places, and only after it the old file goes. Readers keep files open that their state names, so nothing is
taken from under them; the next reader finds a new generation and looks again. A process killed at any moment leaves files
that nobody names: the next run removes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, bindparam, func, select, update

from pagesight.storage.folder import FaultPoint, IndexFolder, write_lock
from pagesight.storage.places import remember_places
from pagesight.storage.recall.growth import grow
from pagesight.storage.stored import Optimized
from pagesight.storage.tables.connections import BUSY_SECONDS
from pagesight.storage.tables.database import disk_errors, raise_generation, write_transaction
from pagesight.storage.tables.schema import index_state, page
from pagesight.storage.vectors.page_rows import keep_rows, row_sizes
from pagesight.storage.vectors.segments import (
    ALIGNMENT,
    RecordRef,
    SegmentReader,
    SegmentWriter,
    segment_path,
    segments_in,
)

DEAD_SHARE = 0.1  # of a segment, from which it is written anew


def optimize(folder: IndexFolder, fault: FaultPoint | None = None) -> Optimized:
    """Compact everything, and bring the inverted lists up to date. Raises StoreLocked, DiskFull, StoreCorrupt."""
    before = folder.bytes_on_disk()
    with write_lock(folder.path), disk_errors(folder.path):
        compaction = _Compaction(folder, fault or (lambda _: None))
        compaction.remove_left_overs()
        for segment in compaction.sparse_segments():
            compaction.move(segment)
        compaction.keep_rows()
        compaction.tidy_database()
        with folder.database.snapshot() as snapshot:
            remember_places(snapshot, folder.path)
    return Optimized(
        bytes_before=before,
        bytes_after=folder.bytes_on_disk(),
        bytes_written=compaction.bytes_written,
        n_pages_moved=compaction.n_pages_moved,
    )


class _Compaction:
    def __init__(self, folder: IndexFolder, reach: FaultPoint) -> None:
        self._index, self._folder, self._reach = folder, folder.path, reach
        self.bytes_written = self.n_pages_moved = 0

    def remove_left_overs(self) -> None:
        """Files of runs that died: temporary ones, and segments that nobody names."""
        with self._index.engine.begin() as connection:
            named = set(connection.execute(select(page.c.segment).distinct()).scalars())
            named.add(connection.execute(select(index_state.c.segment)).scalar_one())
        for segment in segments_in(self._folder):
            if segment not in named:
                segment_path(self._folder, segment).unlink()
        for path in self._folder.glob("*.tmp"):
            path.unlink()

    def sparse_segments(self) -> list[int]:
        """Segments whose dead share is DEAD_SHARE or more."""
        taken = func.sum((page.c.n_bytes + (ALIGNMENT - 1)) // ALIGNMENT * ALIGNMENT)  # as padded()
        with self._index.engine.begin() as connection:
            query = select(page.c.segment, taken).group_by(page.c.segment)
            live = {segment: int(n_bytes) for segment, n_bytes in connection.execute(query)}
        sizes = {segment: segment_path(self._folder, segment).stat().st_size for segment in segments_in(self._folder)}
        return [segment for segment, size in sizes.items() if live.get(segment, 0) < (1 - DEAD_SHARE) * size]

    def move(self, segment: int) -> None:
        """Copy what lives in a segment behind the last committed byte, and remove the segment."""
        with self._index.engine.begin() as connection:
            state = connection.execute(select(index_state)).one()
            query = select(page).where(page.c.segment == segment).order_by(page.c.offset)
            rows = connection.execute(query).all()
        writer = SegmentWriter(self._folder, state.segment, state.segment_bytes)
        reader = SegmentReader(self._folder)
        try:
            if segment == state.segment:
                writer.begin_next()
            moved = [self._copy(row, reader, writer) for row in rows]
            writer.sync()
        finally:
            writer.close()
        self._reach("records copied")
        with write_transaction(self._index.engine, self._folder) as connection:
            raise_generation(connection)
            if moved:
                statement = update(page).where(page.c.id == bindparam("page_id"))
                places: dict[str, Any] = {"segment": bindparam("new_segment"), "offset": bindparam("new_offset")}
                connection.execute(statement.values(places), moved)
            connection.execute(update(index_state).values(segment=writer.segment, segment_bytes=writer.size))
            self._reach("before commit")
        self._reach("committed")
        segment_path(self._folder, segment).unlink()
        self._reach("segment removed")
        self.n_pages_moved += len(moved)

    def _copy(self, row: Any, reader: SegmentReader, writer: SegmentWriter) -> dict[str, int]:
        record = reader.read(RecordRef(row.segment, row.offset, row.n_bytes, row.crc32), verify=True)
        ref = writer.append(record)
        self.bytes_written += len(record)
        return {"page_id": row.id, "new_segment": ref.segment, "new_offset": ref.offset}

    def keep_rows(self) -> None:
        """Make holes of deleted pages' rows, and leave deleted pages out of the inverted lists."""
        space, page_ids, written = self._index.space, self._page_ids(), self.bytes_written
        if len(page_ids) < self._n_pages_ever() * (1 - DEAD_SHARE):
            for name, size in row_sizes(space.single_dim, space.token_dim).items():
                self.bytes_written += keep_rows(self._folder, name, size, page_ids)
                self._reach(f"{name} kept")
        self.bytes_written += grow(self._folder, space, self._page_ids(page.c.n_tokens > 0), anew=True)
        if self.bytes_written > written:
            with write_transaction(self._index.engine, self._folder) as connection:
                raise_generation(connection)  # readers let go of the old files

    def tidy_database(self) -> None:
        """Let SQLite merge the words, and give back its free pages if they are many."""
        connection = self._index.engine.raw_connection()  # VACUUM wants no transaction around it
        try:
            cursor = connection.cursor()
            cursor.execute("INSERT INTO page_terms(page_terms) VALUES ('optimize')")
            n_free, n_used = (
                cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count")
            )
            if n_free > DEAD_SHARE * n_used:
                cursor.execute("VACUUM")
                self.bytes_written += (n_used - n_free) * cursor.execute("PRAGMA page_size").fetchone()[0]
            # A reader may keep the log from being cut: then the next one cuts it.
            cursor.execute("PRAGMA busy_timeout = 0")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        finally:
            connection.close()
        self._reach("database tidied")

    def _page_ids(self, *conditions: ColumnElement[bool]) -> NDArray[np.int64]:
        """Of all pages that the database names, also of those without tokens: their rows are there too."""
        with self._index.engine.begin() as connection:
            query = select(page.c.id).where(*conditions).order_by(page.c.id)
            return np.array(connection.execute(query).scalars().all(), np.int64)

    def _n_pages_ever(self) -> int:
        with self._index.engine.begin() as connection:
            return int(connection.execute(select(index_state.c.next_page_id)).scalar_one()) - 1

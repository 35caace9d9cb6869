"""What a searcher keeps of an index in PostgreSQL: an embedded index without token vectors and words, which follows the database.

    <cache>/<index>-<id of the index>-<format>/      as storage.folder says, without segments, and with the table ``followed``

Processes share it: one that finds it behind brings it up to date, and others wait meanwhile. It belongs to the index, not to the
address: nothing of it says where the database is. It can be thrown away at any time and is made again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, MetaData, Table, delete, insert, select, update

from pagesight.storage.errors import StorageError
from pagesight.storage.following.kept import Kept, RecallRow
from pagesight.storage.manifest import Space
from pagesight.storage.postgres import feed
from pagesight.storage.postgres.database import Snapshot
from pagesight.storage.postgres.packing import means_slices
from pagesight.storage.postgres.records import fetch
from pagesight.storage.tables.rows import delete_documents, in_parts, upsert
from pagesight.storage.tables.schema import document, file, page, page_note, page_picture, page_terms, reading, tag
from pagesight.storage.vectors.page_rows import LEVELS, means_name
from pagesight.storage.view import StoreView

log = logging.getLogger(__name__)
SAID_EVERY_S = 10.0
followed = Table(  # one row: up to which commit of the database. whole: False while it is being brought there
    "followed",
    MetaData(),
    Column("generation", BigInteger, nullable=False),
    Column("mark", BigInteger, nullable=False),
    Column("whole", Boolean, nullable=False),
)
AT_FIRST = {"generation": 0, "mark": 0, "whole": False}


class Ahead(Exception):
    """Another process has brought the cache beyond a snapshot, which has to be taken anew."""


class Cache:
    """Of one index. Any number of threads may use it."""

    def __init__(self, folder: Path, space: Space) -> None:
        """Open it, or make an empty one. Raises StorageError, DiskFull."""
        self._kept, self._space = Kept(folder, space, followed, AT_FIRST), space

    def view(self, snapshot: Snapshot) -> StoreView:
        """The state that a snapshot sees, fetched if it is not here. Raises Ahead, StorageError, DiskFull."""
        view = self._kept.view()
        if self._fits(view, snapshot):
            return view
        view.close()
        with self._kept.alone():
            self._follow(snapshot)
            return self._kept.view()

    @property
    def is_current(self) -> bool:
        """Whether it can still be used; if not, close it, and open it anew."""
        return self._kept.is_current

    def close(self) -> None:
        self._kept.close()

    def bytes_on_disk(self) -> int:
        return self._kept.store.bytes_on_disk()

    def _fits(self, view: StoreView, snapshot: Snapshot) -> bool:
        row = view._connection.execute(select(followed)).one()
        return bool(row.whole) and (row.generation, row.mark) == (snapshot.generation, snapshot.mark)

    def _follow(self, snapshot: Snapshot) -> None:
        with self._kept.reading() as connection:
            at = connection.execute(select(followed)).one()
        if at.generation > snapshot.generation:
            raise Ahead
        if not feed.knows(snapshot.connection, at.generation, at.mark):
            raise StorageError(
                f"{self._kept.folder} follows a later state of the database than there is now, as after restoring a backup; "
                "delete this folder, and it is made again"
            )
        n = feed.n_changed(snapshot.connection, at.generation)
        is_first, began, said, done = not at.whole, time.monotonic(), time.monotonic(), 0
        if is_first and n:
            log.info("fetching what searches need of %s documents into %s", f"{n:,}", self._kept.folder)
        for batch in feed.batches(snapshot.connection, at.generation):
            self._take(batch, snapshot.connection)
            done += len(batch.document_ids)
            if time.monotonic() - said > SAID_EVERY_S:
                said = time.monotonic()
                log.info("%s of %s documents", f"{done:,}", f"{n:,}")
        with self._kept.changing() as connection:
            now = {"generation": snapshot.generation, "mark": snapshot.mark, "whole": True}
            connection.execute(update(followed).values(now))
        self._kept.grow()
        if is_first and n:
            log.info("ready after %.1f s; from now on only changes are fetched", time.monotonic() - began)

    def _take(self, batch: feed.Batch, remote: Connection) -> None:
        """Make these documents here what they are there. Interrupted, the next attempt takes them again."""
        ids, there = batch.document_ids, {row["id"] for row in batch.rows[document.name]}
        with self._kept.changing() as local:
            local.execute(update(followed).values(whole=False))
            delete_documents(local, [i for i in ids if i not in there])
            pages = {row["id"]: row for row in batch.rows[page.name]}
            known = self._known_pages(local, ids)
            _delete_pages(local, sorted(known - pages.keys()))
            for row in batch.rows[document.name]:
                statement = upsert(local, document).values(row)
                local.execute(statement.on_conflict_do_update(index_elements=["id"], set_=row))
            self._replace_rows(local, batch)
            self._add_pages(
                local, remote, [row for page_id, row in sorted(pages.items()) if page_id not in known], batch
            )

    def _known_pages(self, local: Connection, document_ids: Sequence[int]) -> set[int]:
        known: set[int] = set()
        for some in in_parts(document_ids):
            known.update(local.execute(select(page.c.id).where(page.c.document_id.in_(some))).scalars())
        return known

    def _replace_rows(self, local: Connection, batch: feed.Batch) -> None:
        locations = [row["location"] for row in batch.rows[file.name]]
        for some in in_parts(locations):  # a file may have been a name of a document that comes later
            local.execute(delete(file).where(file.c.location.in_(some)))
        for table in (file, reading, tag):
            for some in in_parts(batch.document_ids):
                local.execute(delete(table).where(table.c.document_id.in_(some)))
        for table in (file, reading, tag):
            if batch.rows[table.name]:
                local.execute(insert(table), batch.rows[table.name])

    def _add_pages(self, local: Connection, remote: Connection, new: list[dict[str, Any]], batch: feed.Batch) -> None:
        if not new:
            return
        records = fetch(remote, "terms, single, means", [row["offset"] for row in new])
        ids = {row["id"] for row in new}
        local.execute(insert(page), new)
        for table in (page_note, page_picture):
            rows = [row for row in batch.rows[table.name] if row["page_id"] in ids]
            if rows:
                local.execute(insert(table), rows)
        names, slices = [means_name(n) for n in LEVELS], means_slices(self._space)
        found = []
        for row in new:
            terms, single, packed = records[row["offset"]]
            means = {name: packed[part] for name, part in zip(names, slices, strict=True)}
            found.append(RecallRow(row["id"], terms, single, means))
        self._kept.add_recall_rows(local, found)


def _delete_pages(local: Connection, page_ids: Sequence[int]) -> None:
    for some in in_parts(page_ids):
        local.execute(delete(page_terms).where(page_terms.c.rowid.in_(some)))
        local.execute(delete(page).where(page.c.id.in_(some)))

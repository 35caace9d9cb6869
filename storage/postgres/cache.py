"""What a searcher keeps of an index in PostgreSQL: an embedded index without token vectors and words, which follows the database.

    <cache>/<index>-<id of the index>-<format>/      as storage.folder says, without segments, and with the table ``followed``

Processes share it: one that finds it behind brings it up to date, and others wait meanwhile. It belongs to the index, not to the
address: nothing of it says where the database is. It can be thrown away at any time and is made again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from sqlalchemy import BigInteger, Boolean, Column, Connection, MetaData, Table, delete, insert, select, update

from pagesight.storage.errors import StorageError
from pagesight.storage.manifest import Space
from pagesight.storage.postgres import feed
from pagesight.storage.postgres.database import Snapshot
from pagesight.storage.postgres.packing import means_slices
from pagesight.storage.postgres.records import fetch
from pagesight.storage.recall.growth import grow
from pagesight.storage.store import Store
from pagesight.storage.tables.database import disk_errors, raise_generation, write_transaction
from pagesight.storage.tables.rows import delete_documents, in_parts, upsert
from pagesight.storage.tables.schema import document, file, page, page_note, page_picture, page_terms, reading, tag
from pagesight.storage.vectors.page_rows import LEVELS, SINGLES_NAME, RowFile, means_name, row_sizes
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


class Ahead(Exception):
    """Another process has brought the cache beyond a snapshot, which has to be taken anew."""


class Cache:
    """Of one index. Any number of threads may use it."""

    def __init__(self, folder: Path, space: Space) -> None:
        """Open it, or make an empty one. Raises StorageError, DiskFull."""
        self.folder, self._space = folder, space
        self._sizes = row_sizes(space.single_dim, space.token_dim)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # the words of all pages are in it
        except OSError as error:
            raise StorageError(
                f"cannot make the folder {folder}, where searches keep what they need: {error.strerror}; name another"
            ) from error
        with self._alone():
            self._store = Store.create(folder, space)
            with write_transaction(self._store.engine, folder) as connection:
                followed.create(connection, checkfirst=True)
                if connection.execute(select(followed)).first() is None:
                    connection.execute(insert(followed).values(generation=0, mark=0, whole=False))

    def view(self, snapshot: Snapshot) -> StoreView:
        """The state that a snapshot sees, fetched if it is not here. Raises Ahead, StorageError, DiskFull."""
        view = self._store.view()
        if self._fits(view, snapshot):
            return view
        view.close()
        with self._alone():
            self._follow(snapshot)
            return self._store.view()

    def close(self) -> None:
        self._store.close()

    def bytes_on_disk(self) -> int:
        return self._store.bytes_on_disk()

    def _fits(self, view: StoreView, snapshot: Snapshot) -> bool:
        row = view._connection.execute(select(followed)).one()
        return bool(row.whole) and (row.generation, row.mark) == (snapshot.generation, snapshot.mark)

    def _follow(self, snapshot: Snapshot) -> None:
        with self._store.engine.begin() as connection:
            at = connection.execute(select(followed)).one()
        if at.generation > snapshot.generation:
            raise Ahead
        if not feed.knows(snapshot.connection, at.generation, at.mark):
            raise StorageError(
                f"{self.folder} follows a later state of the database than there is now, as after restoring a backup; "
                "delete this folder, and it is made again"
            )
        n = feed.n_changed(snapshot.connection, at.generation)
        is_first, began, said, done = not at.whole, time.monotonic(), time.monotonic(), 0
        if is_first and n:
            log.info("fetching what searches need of %s documents into %s", f"{n:,}", self.folder)
        for batch in feed.batches(snapshot.connection, at.generation):
            self._take(batch, snapshot.connection)
            done += len(batch.document_ids)
            if time.monotonic() - said > SAID_EVERY_S:
                said = time.monotonic()
                log.info("%s of %s documents", f"{done:,}", f"{n:,}")
        with write_transaction(self._store.engine, self.folder) as connection:
            raise_generation(connection)
            now = {"generation": snapshot.generation, "mark": snapshot.mark, "whole": True}
            connection.execute(update(followed).values(now))
            found = connection.execute(select(page.c.id).where(page.c.n_tokens > 0).order_by(page.c.id))
            page_ids = np.array(found.scalars().all(), np.int64)
        grow(self.folder, self._space, page_ids)
        if is_first and n:
            log.info("ready after %.1f s; from now on only changes are fetched", time.monotonic() - began)

    def _take(self, batch: feed.Batch, remote: Connection) -> None:
        """Make these documents here what they are there. Interrupted, the next attempt takes them again."""
        ids, there = batch.document_ids, {row["id"] for row in batch.rows[document.name]}
        with write_transaction(self._store.engine, self.folder) as local:
            raise_generation(local)
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
        local.execute(insert(page_terms), [{"rowid": row["id"], "terms": records[row["offset"]][0]} for row in new])
        for table in (page_note, page_picture):
            rows = [row for row in batch.rows[table.name] if row["page_id"] in ids]
            if rows:
                local.execute(insert(table), rows)
        slices = dict(zip(map(means_name, LEVELS), means_slices(self._space), strict=True))
        with disk_errors(self.folder), ExitStack() as stack:
            files = {name: stack.enter_context(closing(RowFile(self.folder / name))) for name in self._sizes}
            for row in new:
                _, single, packed = records[row["offset"]]
                files[SINGLES_NAME].write(row["id"], single)
                for name, part in slices.items():
                    files[name].write(row["id"], packed[part])
            for written in files.values():
                written.sync()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process or thread at a time; the others wait. The system lets go of the lock when a process ends."""
        try:
            with disk_errors(self.folder), FileLock(self.folder / "following.lock", thread_local=False):
                yield
        except PermissionError as error:
            raise StorageError(
                f"cannot write to {self.folder}, where searches keep what they need; name a folder of your own"
            ) from error


def _delete_pages(local: Connection, page_ids: Sequence[int]) -> None:
    for some in in_parts(page_ids):
        local.execute(delete(page_terms).where(page_terms.c.rowid.in_(some)))
        local.execute(delete(page).where(page.c.id.in_(some)))

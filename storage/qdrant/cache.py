"""What is kept here of an index in Qdrant: its log, done to an embedded index without token vectors and words.

    <cache>/<name>-<id of the index>-<format>/      as storage.folder says, without segments, with the tables of storage.qdrant.tables

The log tells all that is in the index but what finding pages needs, their terms, single vectors and means: these are fetched from
the points of pages when there is a search, so that who only indexes never does.
"""

from __future__ import annotations

import logging
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, func, select, update

from pagesight.storage.errors import StorageError, StoreCorrupt
from pagesight.storage.following.kept import Kept, RecallRow
from pagesight.storage.manifest import Space
from pagesight.storage.qdrant.log import Entry, Log
from pagesight.storage.qdrant.points import Payload, Points, asking
from pagesight.storage.qdrant.tables import AT_FIRST, followed
from pagesight.storage.tables.schema import page
from pagesight.storage.vectors.page_rows import LEVELS, means_name, row_sizes
from pagesight.storage.view import StoreView

log = logging.getLogger(__name__)
FETCHED_AT_ONCE = 200  # pages: some 2 MB
SAID_EVERY_S = 10.0


class Cache:
    """Of one index. Any number of threads may use it."""

    def __init__(self, folder: Path, space: Space, address: str, points: Points, entries: Log) -> None:
        """Open it, or make an empty one. Raises StorageError, DiskFull."""
        self._kept = Kept(folder, space, followed, AT_FIRST)
        self._address, self._points, self.log = address, points, entries
        self._sizes = row_sizes(space.single_dim, space.token_dim)

    def follow(self) -> int:
        """Do all that has happened; returns its generation. Raises StorageError, DiskFull."""
        with self._kept.reading() as connection:
            at = connection.execute(select(followed)).one()
        if not self._entries(at.generation, at.mark):
            return int(at.generation)
        with self._kept.alone():
            return self._follow()

    def _follow(self) -> int:
        with self._kept.reading() as connection:
            at = connection.execute(select(followed)).one()
        generation, mark = int(at.generation), int(at.mark)
        while entries := self._entries(generation, mark):
            with self._kept.changing() as connection:
                for entry in entries:
                    here = {"generation": entry.generation, "mark": entry.mark, "at": entry.at}
                    connection.execute(update(followed).values(here))
                    entry.change.do(connection, entry.at)
            generation, mark = entries[-1].generation, entries[-1].mark
        return generation

    def _entries(self, generation: int, mark: int) -> list[Entry]:
        try:
            return self.log.after(generation, mark)
        except StoreCorrupt:
            raise
        except StorageError as error:
            raise StorageError(f"{error}; delete {self._kept.folder}, and it is made again") from error

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, int]]:
        """A transaction in which one state is seen, and its generation."""
        with self._kept.reading() as connection:
            yield connection, int(connection.execute(select(followed.c.generation)).scalar_one())

    def view(self, *, filled: bool) -> tuple[StoreView, int, bool]:
        """The present state, its generation, and whether it can be searched, which it is if ``filled``."""
        self.follow()
        while True:
            view = self._kept.view()
            try:
                generation, is_filled = _state_of(view._connection)
            except BaseException:
                view.close()
                raise
            if is_filled or not filled:
                return view, generation, is_filled
            view.close()
            with self._kept.alone():
                self._fill()

    def _fill(self) -> None:
        with self._kept.reading() as connection:
            after = select(followed.c.filled).scalar_subquery()
            n = connection.execute(select(func.count()).select_from(page).where(page.c.id > after)).scalar_one()
        began = said = time.monotonic()
        done, is_long = 0, n > 10 * FETCHED_AT_ONCE
        if is_long:
            log.info("fetching what searches need of %s pages into %s", f"{n:,}", self._kept.folder)
        while n_new := self._fill_some():
            done += n_new
            if time.monotonic() - said > SAID_EVERY_S:
                said = time.monotonic()
                log.info("%s of %s pages", f"{done:,}", f"{n:,}")
        self._kept.grow()
        if is_long:
            log.info("ready after %.1f s; from now on only changes are fetched", time.monotonic() - began)

    def _fill_some(self) -> int:
        """Fetch the next pages; returns how many."""
        with self._kept.reading() as connection:
            at = connection.execute(select(followed)).one()
            query = select(page.c.id, page.c.offset).where(page.c.id > at.filled).order_by(page.c.id)
            wanted = connection.execute(query.limit(FETCHED_AT_ONCE)).all()
        if not wanted:
            return 0
        with asking(self._address):
            found = self._points.retrieve([row.offset for row in wanted], ["recall"])
        missing = [row.id for row in wanted if row.offset not in found]
        if missing:
            if self._follow() == at.generation:
                raise StoreCorrupt(f"the point of page id {missing[0]} is missing in {self._address}")
            return len(wanted)  # it was removed meanwhile
        rows = [self._recall_row(row.id, found[row.offset]) for row in wanted]
        with self._kept.changing() as connection:
            self._kept.add_recall_rows(connection, rows)
            connection.execute(update(followed).values(filled=wanted[-1].id))
        return len(wanted)

    def _recall_row(self, page_id: int, payload: Payload) -> RecallRow:
        try:
            recall = payload["recall"]
            means = {means_name(n): b64decode(row) for n, row in zip(LEVELS, recall["means"], strict=True)}
            row = RecallRow(page_id, recall["terms"], b64decode(recall["single"]), means)
        except (KeyError, TypeError, ValueError) as error:
            raise StoreCorrupt(f"the point of page id {page_id} is not what was written ({error})") from error
        if any(len(means) != self._sizes[name] for name, means in row.means.items()):
            raise StoreCorrupt(f"the means of page id {page_id} are damaged in {self._address}")
        return row

    @property
    def is_current(self) -> bool:
        """Whether it can still be used; if not, close it, and open it anew."""
        return self._kept.is_current

    def close(self) -> None:
        self._kept.close()


def _state_of(connection: Connection) -> tuple[int, bool]:
    at = connection.execute(select(followed)).one()
    last = connection.execute(select(func.max(page.c.id))).scalar() or 0
    return int(at.generation), last <= at.filled

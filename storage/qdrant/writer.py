"""Writing to an index in Qdrant: any number of writers. What is done counts when it has the next number in the log.

What a change needs to know is read from what is kept here; if another writer has taken the number meanwhile, it is read again.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, select

from pagesight.storage.folder import FaultPoint
from pagesight.storage.following.current import Current
from pagesight.storage.manifest import Space
from pagesight.storage.moving.catalogue import PageRow
from pagesight.storage.qdrant.cache import Cache
from pagesight.storage.qdrant.changes import Change, Discard, Fail, Name, Put, Remove, Tag, Touch, document_id, owners
from pagesight.storage.qdrant.draft import QdrantDraft
from pagesight.storage.qdrant.log import Log
from pagesight.storage.qdrant.payload import page_point
from pagesight.storage.qdrant.points import AT_ONCE, NewPoint, Points, asking
from pagesight.storage.qdrant.tables import dropped
from pagesight.storage.qdrant.tidying import tidy
from pagesight.storage.tables.rows import in_parts
from pagesight.storage.tables.schema import document, failure, file
from pagesight.storage.values import DocumentInfo, SourceFile, now

MAX_VALUES = 1 << 20  # of a point's multivector there must be fewer: rows times dimensions (Qdrant 1.19)
NAMES_AT_ONCE = 50_000  # that are removed by one change
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """A change, and SHA-256 of the documents that look different after it."""

    change: Change
    changed: set[str]


class QdrantWriter:
    """``pagesight.indexer.running.pipeline.IndexWriter``; made by ``QdrantStore.writer()``."""

    def __init__(
        self,
        copies: Current[Cache],
        address: str,
        points: Points,
        entries: Log,
        space: Space,
        fault: FaultPoint | None = None,
    ) -> None:
        self._copies, self._address, self._points, self._log = copies, address, points, entries
        self._space, self._fault = space, fault

    @contextmanager
    def draft(self) -> Iterator[QdrantDraft]:
        """A document being written. Nothing of it is in Qdrant before ``commit()``."""
        with QdrantDraft(self._space, MAX_VALUES, self._commit) as draft:
            yield draft

    def _commit(
        self, draft: QdrantDraft, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]]
    ) -> None:
        info = replace(info, added_at=info.added_at or now())
        self._reach("begun")
        while True:
            number, rows = self._send(draft, info.sha256)
            self._reach("pages sent")
            put = Put(info, source, page_failures, rows, number)
            if self._change(partial(_put, put)):
                return

    def _send(self, draft: QdrantDraft, sha256: str) -> tuple[int, list[PageRow]]:
        """Write the pages' points, of which nobody knows yet; returns their first id, and what the log tells of them."""
        number, sent_at = secrets.randbits(61) | 1 << 61, time.time()  # far from the numbers of the log
        rows: list[PageRow] = []
        waiting: list[NewPoint] = []
        n_values = 0
        for page in draft.pages():
            values = page.n_tokens * self._space.token_dim
            if waiting and (len(waiting) == AT_ONCE or n_values + values > MAX_VALUES):  # a request takes 32 MB
                self._upsert(waiting)
                waiting, n_values = [], 0
            waiting.append(page_point(page, number, len(rows), sha256, sent_at, self._space))
            rows.append(PageRow.of(page))
            n_values += values
        self._upsert(waiting)
        return number, rows

    def _upsert(self, points: list[NewPoint]) -> None:
        if points:
            with asking(self._address):
                self._points.upsert(points)

    def add_name(self, sha256: str, source: SourceFile) -> None:
        """Let one more file be a name of a stored document (a copy, or a file that came back)."""

        def step(connection: Connection) -> Step:
            document_id(connection, sha256)
            return Step(Name(sha256, source), {sha256, *owners(connection, [os.fsencode(source.location)])})

        self._change(step)

    def touch(self, source: SourceFile) -> None:
        """Remember the new size and time of a file whose content has not changed."""
        self._change(lambda _: Step(Touch(source), set()))

    def remove_names(self, locations: Sequence[bytes]) -> int:
        """Forget files; documents without a name left go with them. Returns how many documents went."""
        n = 0
        for first in range(0, len(locations), NAMES_AT_ONCE):
            some = locations[first : first + NAMES_AT_ONCE]
            lost: set[str] = set()

            def step(connection: Connection, some: Sequence[bytes] = some, lost: set[str] = lost) -> Step | None:
                lost.clear()
                lost |= owners(connection, some)
                known = _known(connection, some)
                return Step(Remove(known), set(lost)) if known else None

            if self._change(step):
                n += len(lost) - self._n_documents(lost)
        return n

    def set_tags(self, sha256: str, tags: dict[str, str]) -> None:
        """Give a stored document these tags; others it has stay."""

        def step(connection: Connection) -> Step:
            document_id(connection, sha256)
            return Step(Tag(sha256, tags), {sha256})

        self._change(step)

    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None:
        """Note that a file gave no document. drop: forget what it held before, because that content is gone."""

        def step(connection: Connection) -> Step:
            lost = owners(connection, [os.fsencode(source.location)]) if drop else set()
            return Step(Fail(source, status, reason, drop), lost)

        self._change(step)

    def discard(self, sha256s: Sequence[str]) -> None:
        """Let go of documents that are damaged, with their names."""
        self._change(lambda _: Step(Discard(sha256s), set()))

    def names_of(self, sha256: str) -> list[bytes]:
        """Locations of all files with this content."""
        query = select(file.c.location).join_from(file, document).where(document.c.sha256 == sha256)
        return self._read(lambda connection: list(connection.execute(query).scalars()))[0]

    def has_document(self, sha256: str) -> bool:
        return self._n_documents({sha256}) == 1

    def _n_documents(self, sha256s: set[str]) -> int:
        def count(connection: Connection) -> int:
            parts = [select(document.c.id).where(document.c.sha256.in_(some)) for some in in_parts(sorted(sha256s))]
            return sum(len(connection.execute(part).all()) for part in parts)

        return self._read(count)[0]

    def _read(self, ask: Callable[[Connection], T]) -> tuple[T, int]:
        """What the present state answers, and its generation."""

        def act(cache: Cache) -> tuple[T, int]:
            cache.follow()
            with cache.reading() as (connection, generation):
                return ask(connection), generation

        return self._copies.use(act)

    def _change(self, step: Callable[[Connection], Step | None]) -> bool:
        """Write what ``step`` makes of the present state into the log, after nothing else; False if it makes nothing of it."""
        while True:
            made, generation = self._read(step)
            if made is None:
                return False
            self._reach("before commit")
            if self._log.append(generation + 1, sorted(made.changed), made.change):
                break
        self._reach("committed")
        self._copies.use(lambda cache: tidy(cache, self._address, self._points))
        self._reach("tidied")
        return True

    def _reach(self, step: str) -> None:
        if self._fault is not None:
            self._fault(step)


def _put(put: Put, connection: Connection) -> Step | None:
    """None if its pages were taken for those of a writer that died, as after sleeping for an hour: they are sent again."""
    if connection.execute(select(dropped).where(dropped.c.draft == put.draft)).first():
        return None
    return Step(put, {put.info.sha256, *owners(connection, [os.fsencode(put.source.location)])})


def _known(connection: Connection, locations: Sequence[bytes]) -> list[bytes]:
    """Those of these that the index knows anything of."""
    known: set[bytes] = set()
    for some in in_parts(locations):
        for table in (file, failure):
            known.update(connection.execute(select(table.c.location).where(table.c.location.in_(some))).scalars())
    return sorted(known)

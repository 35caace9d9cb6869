"""Files that wait for workers: a table beside the index, from which each worker leases its next file.

SKIP LOCKED lets workers pass by what others are leasing. All times are the database's, so that clocks of machines may differ.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Integer, and_, cast, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upserting

from pagesight.storage.errors import LeaseLost
from pagesight.storage.folder import FaultPoint
from pagesight.storage.jobs import LEASE_S, MOST_TRIES, AtWork, EndedJob, Job, JobCounts, Queued
from pagesight.storage.manifest import Space
from pagesight.storage.postgres.draft import PostgresDraft
from pagesight.storage.postgres.faults import database_errors
from pagesight.storage.postgres.schema import job
from pagesight.storage.postgres.writer import PostgresWriter, turn_of
from pagesight.storage.tables.rows import put_failures
from pagesight.storage.values import SourceFile

BATCH = 2_000  # files of a statement
RECENT = "10 minutes"
GAVE_UP = "{n} workers ended while it was their turn (out of memory, or killed); it is not tried again"
_FREE = or_(job.c.state == "waiting", and_(job.c.state == "leased", job.c.leased_until < func.now()))
_AGAIN = {"state": "waiting", "n_tries": 0, "worker": "", "reason": "", "status": "", "ended_at": None}


class JobTable:
    """``pagesight.engine.working.queue.Jobs``."""

    fault: FaultPoint | None = None  # for tests that end processes at steps of a commit

    def __init__(self, engine: Engine, address: str, space: Space) -> None:
        self._engine, self._address, self._space = engine, address, space

    def put(self, files: Iterable[SourceFile], tags: dict[str, str], *, again: bool = False) -> Queued:
        """Let files wait. Those that are there stay as they are, unless they have changed since they ended, or ``again``."""
        n_new = n_all = 0
        said = _said(tags)
        rest = iter(files)
        while some := list(itertools.islice(rest, BATCH)):
            rows = [_row(source, said) for source in some]
            n_all += len(rows)
            put = upserting(job).values(rows)
            new = {name: put.excluded[name] for name in ("root", "path", "n_bytes", "mtime_ns", "tags")}
            differs = or_(*(job.c[name] != put.excluded[name] for name in ("n_bytes", "mtime_ns", "tags")))
            ended = job.c.state.in_(("done", "failed", "given up"))
            statement = put.on_conflict_do_update(
                index_elements=["location"], set_={**new, **_AGAIN}, where=ended if again else and_(ended, differs)
            )
            with self._transaction() as connection:
                n_new += len(connection.execute(statement.returning(job.c.id)).all())
        return Queued(n_new=n_new, n_there=n_all - n_new)

    def lease(self, worker: str, seconds: float = LEASE_S, like: Job | None = None) -> Job | None:
        """The next file, for so long; None if none waits. like: only one that gets the same tags."""
        free = _FREE if like is None else and_(_FREE, job.c.tags == _said(like.tags))
        with self._transaction() as connection:
            self._give_up(connection)
            found = select(job.c.id).where(free).order_by(job.c.id).limit(1).with_for_update(skip_locked=True)
            values = {
                "state": "leased",
                "worker": worker,
                "lease": secrets.randbits(62),
                "leased_until": _later(seconds),
                "begun": False,
            }
            row = connection.execute(
                update(job).where(job.c.id == found.scalar_subquery()).values(values).returning(job)
            ).first()
        return None if row is None else _job(row)

    def extend(self, worker: str, seconds: float = LEASE_S) -> int:
        """The worker lives. Returns how many files it has."""
        mine = and_(job.c.state == "leased", job.c.worker == worker)
        with self._transaction() as connection:
            return connection.execute(update(job).where(mine).values(leased_until=_later(seconds))).rowcount

    def release(self, worker: str) -> int:
        """Let others have what this worker has: it is stopped, and its files are not to blame. Returns how many."""
        mine = and_(job.c.state == "leased", job.c.worker == worker)
        freed = {"state": "waiting", "worker": "", "n_tries": job.c.n_tries - cast(job.c.begun, Integer)}
        with self._transaction() as connection:
            return connection.execute(update(job).where(mine).values(freed)).rowcount

    def writer(self) -> LeasedWriter:
        """Writes documents, and ends their jobs in the same commit."""
        return LeasedWriter(self._engine, self._address, self._space, self.fault)

    def end(self, held: Job, status: str, reason: str = "") -> None:
        """For a file to which nothing is written. Raises LeaseLost."""
        with self._transaction() as connection:
            end_job(connection, held, status, reason=reason)

    def counts(self) -> JobCounts:
        """How far it all is."""
        by_state = select(job.c.state, func.count(), func.sum(job.c.n_pages), func.sum(job.c.n_bytes)).group_by(
            job.c.state
        )
        recent = select(func.coalesce(func.sum(job.c.n_pages), 0), func.min(job.c.ended_at)).where(
            job.c.ended_at > func.now() - text(f"interval '{RECENT}'")
        )
        at_work = (
            select(
                job.c.worker,
                func.min(job.c.id),
                func.count(),
                func.extract("epoch", func.now() - func.max(job.c.leased_until)) + LEASE_S,
            )
            .where(job.c.state == "leased")
            .group_by(job.c.worker)
            .order_by(job.c.worker)
        )
        with self._transaction() as connection:
            states = {state: (n, int(pages), int(size)) for state, n, pages, size in connection.execute(by_state)}
            n_pages, since = connection.execute(recent).one()
            spent = connection.execute(select(func.extract("epoch", func.now() - since))).scalar() if since else 0
            rows = connection.execute(at_work).all()
            named = select(job.c.id, job.c.path).where(job.c.id.in_([row[1] for row in rows]))
            first: dict[int, str] = dict(connection.execute(named).all())
        none = (0, 0, 0)
        return JobCounts(
            n_waiting=states.get("waiting", none)[0],
            n_leased=states.get("leased", none)[0],
            n_done=states.get("done", none)[0],
            n_failed=states.get("failed", none)[0],
            n_given_up=states.get("given up", none)[0],
            n_pages=sum(pages for _, pages, _ in states.values()),
            n_bytes_left=sum(states.get(state, none)[2] for state in ("waiting", "leased")),
            pages_an_hour=float(n_pages) * 3600 / max(float(spent or 0), 1.0),
            at_work=tuple(
                AtWork(worker=worker, path=first.get(i, ""), n_files=n, seconds=max(0.0, float(seconds)))
                for worker, i, n, seconds in rows
            ),
        )

    def failures(self) -> list[EndedJob]:
        """Files that gave no document, in the order in which they were queued."""
        query = select(job).where(job.c.state.in_(("failed", "given up"))).order_by(job.c.id)
        with self._transaction() as connection:
            return [
                EndedJob(
                    path=r.path,
                    location=Path(os.fsdecode(r.location)),
                    state=r.state,
                    reason=r.reason,
                    n_tries=r.n_tries,
                )
                for r in connection.execute(query)
            ]

    def retry(self) -> int:
        """Let files that failed or were given up wait anew. Returns how many."""
        failed = job.c.state.in_(("failed", "given up"))
        with self._transaction() as connection:
            return connection.execute(update(job).where(failed).values(_AGAIN)).rowcount

    def forget_done(self) -> int:
        """Drop rows of files that are in the index. Returns how many."""
        with self._transaction() as connection:
            return connection.execute(delete(job).where(job.c.state == "done")).rowcount

    def _give_up(self, connection: Connection) -> None:
        """Files whose turn has ended too many workers. The index knows them as failures."""
        lost = and_(job.c.state == "leased", job.c.leased_until < func.now(), job.c.n_tries >= MOST_TRIES)
        found = select(job.c.id).where(lost).with_for_update(skip_locked=True)
        values = {"state": "given up", "status": "failed", "ended_at": func.now(), "lease": 0}
        rows = connection.execute(update(job).where(job.c.id.in_(found)).values(values).returning(job)).all()
        if not rows:
            return
        with turn_of(connection):
            for row in rows:
                reason = GAVE_UP.format(n=row.n_tries)
                connection.execute(update(job).where(job.c.id == row.id).values(reason=reason))
                put_failures(connection, _job(row).source, [(0, "failed", reason)])

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with database_errors(self._address), self._engine.begin() as connection:
            yield connection


class LeasedWriter(PostgresWriter):
    """Ends a file's job in the commit that finishes the file. hold: told of each file that this worker has."""

    def __init__(self, engine: Engine, address: str, space: Space, fault: FaultPoint | None) -> None:
        super().__init__(engine, address, space, fault)
        self._held: dict[bytes, Job] = {}

    def hold(self, leased: Job) -> None:
        self._held[os.fsencode(leased.source.location)] = leased

    @contextmanager
    def draft(self) -> Iterator[PostgresDraft]:
        """The turn of the first file that is held has come: a worker that ends now may have ended by it."""
        first = next(iter(self._held.values()), None)
        if first is not None:
            with self.transaction() as connection:
                mine = and_(job.c.id == first.id, job.c.lease == first.lease, ~job.c.begun)
                connection.execute(update(job).where(mine).values(n_tries=job.c.n_tries + 1, begun=True))
        with super().draft() as draft:
            yield draft

    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None:
        """Nothing, if another worker has the file: it will say what became of it."""
        try:
            super().record_failure(source, status, reason, drop=drop)
        except LeaseLost:
            self.let_go(source)

    def let_go(self, source: SourceFile) -> Job | None:
        """Forget a file; returns its job if it has not ended."""
        return self._held.pop(os.fsencode(source.location), None)

    def _ends(
        self, connection: Connection, source: SourceFile, status: str, *, n_pages: int = 0, reason: str = ""
    ) -> None:
        held = self._held.get(os.fsencode(source.location))
        if held is not None:  # else it is attached to a file
            end_job(connection, held, status, n_pages=n_pages, reason=reason)
            self.let_go(source)  # if the commit fails now, so does the whole round


def end_job(connection: Connection, held: Job, status: str, *, n_pages: int = 0, reason: str = "") -> None:
    """Part of a commit. Raises LeaseLost, which undoes it."""
    mine = and_(job.c.id == held.id, job.c.lease == held.lease, job.c.state == "leased")
    state = "failed" if status == "failed" else "done"
    values = {
        "state": state,
        "status": status,
        "reason": reason,
        "n_pages": n_pages,
        "ended_at": func.now(),
        "worker": "",
    }
    if connection.execute(update(job).where(mine).values(values)).rowcount == 0:
        raise LeaseLost


def _later(seconds: float) -> Any:
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _said(tags: dict[str, str]) -> str:
    return json.dumps(tags, sort_keys=True)


def _row(source: SourceFile, tags: str) -> dict[str, Any]:
    return {
        "location": os.fsencode(source.location),
        "root": os.fsencode(source.root),
        "path": source.path,
        "n_bytes": source.n_bytes,
        "mtime_ns": source.mtime_ns,
        "tags": tags,
        "state": "waiting",
    }


def _job(row: Any) -> Job:
    source = SourceFile(
        root=Path(os.fsdecode(row.root)),
        path=row.path,
        location=Path(os.fsdecode(row.location)),
        n_bytes=row.n_bytes,
        mtime_ns=row.mtime_ns,
    )
    return Job(id=row.id, lease=row.lease, source=source, tags=json.loads(row.tags))

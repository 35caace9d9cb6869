"""What was asked of the server to do, and what became of every file: a SQLite database that outlives the process."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import QueuePool

from pagesight.indexer.running.plan import Outcome, Status
from pagesight.storage.errors import StorageError
from pagesight.storage.tables.connections import BUSY_SECONDS
from pagesight.storage.tables.database import disk_errors
from pagesight.storage.values import now

KEPT_JOBS = 500
MOST_PATHS = 200  # that join a job one by one: its whole list is written for each
_metadata = MetaData()
_job = Table(
    "job",
    _metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("index_name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("paths", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("created_at", String, nullable=False),
    Column("finished_at", String, nullable=False, default=""),
    sqlite_autoincrement=True,
)
_outcome = Table(
    "outcome",
    _metadata,
    Column("number", Integer, primary_key=True),  # grows with time: where a stream of events goes on
    Column("job_id", String, nullable=False),
    Column("location", Text, nullable=False),  # of the file, escaped: with the job it is the file's identity
    Column("document", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("n_pages", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("page_problems", Text, nullable=False),
    Index("outcome_of", "job_id", "location"),
    Index("outcome_after", "job_id", "number"),
    Index("outcome_counts", "job_id", "status"),
    sqlite_autoincrement=True,
)

UNFINISHED = ("queued", "waiting", "running")
FINISHED = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Files and folders to be indexed. kind: upload or path. status: one of UNFINISHED or FINISHED. reason: why it failed."""

    id: str
    index: str
    kind: str
    paths: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)  # fields of IndexConfig
    status: str = "queued"
    reason: str = ""
    created_at: str = ""  # ISO 8601, UTC
    finished_at: str = ""

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What became of one file. number: grows within a job. page_problems: (page, reason) of pages that could not be read."""

    number: int
    document: str
    status: str
    n_pages: int
    reason: str
    page_problems: tuple[tuple[int, str], ...]


class Journal:
    """Any thread may use it. Every method that writes has it on the disk when it returns.

    Raises DiskFull, and StorageError where the database is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / "jobs.db"
        self._engine = create_engine(
            "sqlite://", creator=self._connect, poolclass=QueuePool, pool_size=4, max_overflow=-1
        )
        try:
            with self._writing() as connection:
                _metadata.create_all(connection)
                for index in _outcome.indexes:  # of a journal that was made before there was this index
                    index.create(connection, checkfirst=True)
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._damage_named(), disk_errors(self._folder), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._damage_named(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if isinstance(error, OperationalError):  # locked, or not to be opened
                raise
            raise StorageError(
                f"{self._path} is damaged ({error.orig}); move it away: indexes keep what is in them, and unfinished jobs are forgotten"
            ) from error

    def add(self, index: str, kind: str, paths: Sequence[str], options: dict[str, Any]) -> Job:
        """A new job, queued. Old finished ones are forgotten."""
        job = Job(
            id=secrets.token_hex(8), index=index, kind=kind, paths=tuple(paths), options=options, created_at=now()
        )
        row = {
            "id": job.id,
            "index_name": index,
            "kind": kind,
            "paths": json.dumps(job.paths),
            "options": json.dumps(options),
            "status": job.status,
            "created_at": job.created_at,
        }
        with self._writing() as connection:
            connection.execute(_job.insert(), row)
            old = select(_job.c.id).order_by(_job.c.number.desc()).offset(KEPT_JOBS)
            done = select(_job.c.id).where(_job.c.status.in_(FINISHED), _job.c.id.in_(old))
            connection.execute(delete(_outcome).where(_outcome.c.job_id.in_(done)))
            connection.execute(delete(_job).where(_job.c.id.in_(done)))
        return job

    def extend(self, job_id: str, path: str) -> Job | None:
        """Give one more path to a job that has not begun; None if it has, or has as many as it may."""
        with self._writing() as connection:
            row = connection.execute(select(_job).where(_job.c.id == job_id, _job.c.status == "queued")).one_or_none()
            paths = [] if row is None else json.loads(row.paths)
            if row is None or len(paths) >= MOST_PATHS:
                return None
            written = json.dumps([*paths, path])
            connection.execute(update(_job).where(_job.c.id == job_id).values(paths=written))
        return self.get(job_id)

    def set_status(self, job_id: str, status: str, reason: str = "") -> None:
        finished_at = now() if status in FINISHED else ""
        with self._writing() as connection:
            values = {"status": status, "reason": reason, "finished_at": finished_at}
            connection.execute(update(_job).where(_job.c.id == job_id).values(values))

    def add_outcome(self, job_id: str, outcome: Outcome) -> None:
        """A job that begins again finds its own files unchanged: what became of them then stays."""
        row = {
            "job_id": job_id,
            "location": repr(os.fsencode(outcome.source.location)),
            "document": outcome.source.path,
            "status": outcome.status.value,
            "n_pages": outcome.n_pages,
            "reason": outcome.reason,
            "page_problems": json.dumps([(problem.number, problem.reason) for problem in outcome.page_problems]),
        }
        same = (_outcome.c.job_id == job_id) & (_outcome.c.location == row["location"])
        with self._writing() as connection:
            known = connection.execute(select(_outcome.c.number).where(same)).first()
            if known is not None and outcome.status == Status.UNCHANGED:
                return
            if known is not None:
                connection.execute(delete(_outcome).where(same))
            connection.execute(_outcome.insert(), row)

    def get(self, job_id: str) -> Job | None:
        with self._reading() as connection:
            row = connection.execute(select(_job).where(_job.c.id == job_id)).one_or_none()
        return None if row is None else _as_job(row)

    def jobs(self, limit: int, offset: int = 0) -> list[Job]:
        """The latest first."""
        query = select(_job).order_by(_job.c.number.desc()).limit(limit).offset(offset)
        with self._reading() as connection:
            return [_as_job(row) for row in connection.execute(query)]

    def unfinished(self) -> list[Job]:
        """In the order in which they were asked for."""
        query = select(_job).where(_job.c.status.in_(UNFINISHED)).order_by(_job.c.number)
        with self._reading() as connection:
            return [_as_job(row) for row in connection.execute(query)]

    def outcomes(self, job_id: str, after: int, limit: int) -> list[FileOutcome]:
        """Those with a number above ``after``, in order."""
        query = select(_outcome).where(_outcome.c.job_id == job_id, _outcome.c.number > after)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(_outcome.c.number).limit(limit))
            return [
                FileOutcome(
                    number=row.number,
                    document=row.document,
                    status=row.status,
                    n_pages=row.n_pages,
                    reason=row.reason,
                    page_problems=tuple((page, reason) for page, reason in json.loads(row.page_problems)),
                )
                for row in rows
            ]

    def counts(self, job_id: str) -> dict[str, int]:
        """How many files became what."""
        query = select(_outcome.c.status, func.count()).where(_outcome.c.job_id == job_id).group_by(_outcome.c.status)
        with self._reading() as connection:
            return {row.status: row[1] for row in connection.execute(query)}

    def close(self) -> None:
        self._engine.dispose()


def _as_job(row: Any) -> Job:
    return Job(
        id=row.id,
        index=row.index_name,
        kind=row.kind,
        paths=tuple(json.loads(row.paths)),
        options=json.loads(row.options),
        status=row.status,
        reason=row.reason or "",
        created_at=row.created_at,
        finished_at=row.finished_at or "",
    )

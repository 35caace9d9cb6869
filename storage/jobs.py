"""Files that wait to be indexed by whichever worker comes: what a store that several machines write to keeps of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pagesight.storage.values import SourceFile

MOST_TRIES = 3  # a file that ended so many workers is given up
LEASE_S = 60.0  # a worker that was not heard of for so long has lost its files to others


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A file that this worker has now. lease: tells it from a later one of the same job."""

    id: int
    lease: int
    source: SourceFile
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """n_new: files that wait now. n_there: those that waited, were worked on, or are as they were when they were done."""

    n_new: int
    n_there: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """A worker with a file. path: which one it is at, or has next. seconds: since it was last heard of."""

    worker: str
    path: str
    n_files: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCounts:
    """How far it all is. n_bytes_left: of the files that wait or are worked on. pages_an_hour: in the last ten minutes."""

    n_waiting: int
    n_leased: int
    n_done: int
    n_failed: int
    n_given_up: int
    n_pages: int
    n_bytes_left: int
    pages_an_hour: float
    at_work: tuple[AtWork, ...] = ()

    @property
    def n_open(self) -> int:
        """Files that are not finished."""
        return self.n_waiting + self.n_leased


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJob:
    """A file that gave no document. state: "failed", or "given up" after so many tries."""

    path: str
    location: Path
    state: str
    reason: str
    n_tries: int

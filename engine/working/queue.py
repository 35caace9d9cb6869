"""Files that wait for workers, and how they come to wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pagesight.engine.config import IndexConfig
from pagesight.engine.indexing import found_files
from pagesight.indexer.running.discover import Unusable
from pagesight.indexer.running.pipeline import IndexWriter
from pagesight.storage.errors import ConfigError
from pagesight.storage.values import SourceFile

if TYPE_CHECKING:
    from pagesight.engine.index import Store
    from pagesight.storage.jobs import EndedJob, Job, JobCounts, Queued


class Jobs(Protocol):
    """What queueing and working need of a store. Each call is a transaction; workers on any machine may call at once."""

    def put(self, files: Iterable[SourceFile], tags: dict[str, str], *, again: bool = False) -> Queued: ...
    def lease(self, worker: str, seconds: float, like: Job | None = None) -> Job | None: ...
    def extend(self, worker: str, seconds: float) -> int: ...
    def release(self, worker: str) -> int: ...
    def end(self, held: Job, status: str, reason: str = "") -> None: ...
    def writer(self) -> JobWriter: ...
    def counts(self) -> JobCounts: ...
    def failures(self) -> list[EndedJob]: ...
    def retry(self) -> int: ...
    def forget_done(self) -> int: ...


class JobWriter(IndexWriter, Protocol):
    """Ends the job of a file in the commit that finishes it. hold: in the order in which files will be finished."""

    def hold(self, leased: Job) -> None: ...
    def let_go(self, source: SourceFile) -> Job | None: ...


def jobs_of(store: Store) -> Jobs:
    """Raises ConfigError for a store that keeps none."""
    jobs = getattr(store, "jobs", None)
    if jobs is None:
        raise ConfigError(
            f"the index {store.address} has no place for jobs; workers need one in a database (postgresql://...)"
        )
    found: Jobs = jobs()
    return found


def queue_files(
    store: Store,
    paths: Sequence[Path],
    config: IndexConfig,
    *,
    again: bool,
    passed_over: Counter[str],
    unusable: list[Unusable],
) -> Queued:
    """Let these files, and those in these folders, wait for workers. unusable: gets what cannot be a document.

    Only names, sizes and times are looked at here; workers read the files, under the same names.
    """

    def usable() -> Iterator[SourceFile]:
        for found in found_files(paths, config, passed_over):
            if isinstance(found, Unusable):
                unusable.append(found)
            else:
                yield found

    return jobs_of(store).put(usable(), dict(config.tags), again=again)

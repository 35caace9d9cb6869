"""A worker: leases files, reads, encodes and commits each together with the end of its job, until it is stopped.

What other workers do meanwhile needs no care here: leases keep files apart, and commits are those of the store. If this process
ends, whatever way, its files are leased anew when they were not heard of for a while.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pagesight.engine.config import IndexConfig
from pagesight.engine.indexing import ingest_options, page_reader
from pagesight.engine.working.queue import Jobs, JobWriter, jobs_of
from pagesight.indexer.running.buckets import as_it_is
from pagesight.indexer.running.discover import size_and_time
from pagesight.indexer.running.pipeline import Ingest, PageDone
from pagesight.storage.errors import ConfigError, LeaseLost, StorageError, StoreUnreachable
from pagesight.storage.jobs import LEASE_S, Job
from pagesight.storage.names import is_in_bucket
from pagesight.storage.values import SourceFile

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder
    from pagesight.engine.index import Store
    from pagesight.indexer.running.plan import Outcome
    from pagesight.indexer.running.reader import PageReader

FILES_A_ROUND = 500  # then the index is looked at anew: what others have stored meanwhile is not read again
WAITS_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # for a database that is away


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkConfig:
    """How a worker waits.

    until_empty: end when no file waits and none is worked on. poll_s: between looks at an empty queue. lease_s: after which
    others take the files of a worker that was not heard of; it is heard of three times as often.
    """

    until_empty: bool = False
    poll_s: float = 2.0
    lease_s: float = LEASE_S

    def __post_init__(self) -> None:
        if not (self.poll_s > 0 and self.lease_s > 0):
            raise ConfigError(f"poll_s and lease_s must be positive, not {self.poll_s} and {self.lease_s}")


class Worker:
    """``run`` in one process. on_outcome: told of each file when it is committed. on_note: of waits."""

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        config: IndexConfig,
        work: WorkConfig | None = None,
        *,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
        on_page: Callable[[PageDone], None] | None = None,
        on_note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Raises ConfigError for a store without jobs."""
        self._store, self._encoder, self._config, self._work = store, encoder, config, work or WorkConfig()
        self._jobs = jobs_of(store)
        self._on_outcome, self._on_page, self._on_note = on_outcome, on_page, on_note
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"

    def run(self, stop: threading.Event) -> Counter[str]:
        """Work until ``stop`` is set, or the queue is empty if that is wanted. Returns how many files became what.

        A database that is away is waited for. Raises ConfigError if files are not to be seen from this machine.
        """
        done: Counter[str] = Counter()
        n_waits, was_away = 0, False
        with page_reader(self._config, self._encoder) as reader, _Heart(self._jobs, self.name, self._work.lease_s):
            try:
                while not stop.is_set():
                    try:
                        if was_away:  # files of before are this worker's still, and no turn of theirs
                            self._jobs.release(self.name)
                            was_away = False
                        if self._round(reader, stop, done):
                            n_waits = 0
                            continue
                        if self._work.until_empty and self._jobs.counts().n_open == 0:
                            break
                        n_waits = 0
                        stop.wait(self._work.poll_s)
                    except StoreUnreachable as error:
                        wait_s = WAITS_S[min(n_waits, len(WAITS_S) - 1)]
                        self._on_note(f"{error}; trying again in {wait_s:.0f} s")
                        n_waits, was_away = n_waits + 1, True
                        stop.wait(wait_s)
            finally:
                with suppress(StoreUnreachable):
                    self._jobs.release(self.name)
        return done

    def _round(self, reader: PageReader, stop: threading.Event, done: Counter[str]) -> int:
        """Files that get the same tags, one after the other. Returns how many were leased."""
        first = self._jobs.lease(self.name, self._work.lease_s)
        if first is None:
            return 0
        writer = self._jobs.writer()
        files = _Leased(self._jobs, self.name, self._work.lease_s, writer, first, stop)
        options = replace(ingest_options(self._config), tags=first.tags)
        with self._store.view() as known:
            ingest = Ingest(writer, known, reader, self._encoder, options, self._on_page)
        for outcome in ingest.run(iter(files)):
            held = writer.let_go(outcome.source)
            if held is not None:  # nothing was to be committed
                with suppress(LeaseLost):
                    self._jobs.end(held, outcome.status, outcome.reason)
            done[outcome.status] += 1
            self._on_outcome(outcome)
            if stop.is_set():
                break
        return files.n


class _Leased:
    """Files for this worker, leased as they are asked for."""

    def __init__(
        self, jobs: Jobs, worker: str, lease_s: float, writer: JobWriter, first: Job, stop: threading.Event
    ) -> None:
        self._jobs, self._worker, self._lease_s, self._writer, self._stop = jobs, worker, lease_s, writer, stop
        self._first = first
        self.n = 0

    def __iter__(self) -> Iterator[SourceFile]:
        leased: Job | None = self._first
        while leased is not None:
            self.n += 1
            source = _as_it_is(leased.source)
            self._writer.hold(replace(leased, source=source))
            yield source
            if self._stop.is_set() or self.n >= FILES_A_ROUND:
                return
            leased = self._jobs.lease(self._worker, self._lease_s, like=self._first)


def _as_it_is(source: SourceFile) -> SourceFile:
    """With the size and time that the file has now. Raises ConfigError if its folder is not there: not mounted here.

    Raises BucketUnreachable, ExtraMissing, DiskFull for one in a bucket.
    """
    if is_in_bucket(source.location):
        return as_it_is(source)
    try:
        status = os.stat(source.location)
    except OSError:
        if not os.path.exists(source.root):
            raise ConfigError(
                f"this machine does not see {source.root}, where queued files are; workers need the folders under the same names"
            ) from None
        return source  # gone since it was queued, which reading it will say
    n_bytes, mtime_ns = size_and_time(status)
    return replace(source, n_bytes=n_bytes, mtime_ns=mtime_ns)


class _Heart:
    """Says that a worker lives, from a thread of its own: a long document may take longer than a lease."""

    def __init__(self, jobs: Jobs, worker: str, lease_s: float) -> None:
        self._jobs, self._worker, self._lease_s = jobs, worker, lease_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pagesight-worker-lives", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(self._lease_s / 3):
            with suppress(StorageError):
                self._jobs.extend(self._worker, self._lease_s)

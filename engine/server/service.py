"""What all requests share: the opened indexes, the threads that search, pictures, jobs, numbers."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pagesight.engine.api import SearchEngine
from pagesight.engine.server.errors import NotFound, NotReady
from pagesight.engine.server.jobs import Jobs
from pagesight.engine.server.metrics import Metrics
from pagesight.engine.server.originals import Originals
from pagesight.engine.server.pictures import Pictures
from pagesight.engine.server.queue import WorkQueue
from pagesight.engine.server.settings import SHARDS
from pagesight.engine.server.uploads import Uploads
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.storage.errors import SearchEngineError, StoreNotFound

if TYPE_CHECKING:
    from pagesight.engine.server.settings import ServerSettings

log = logging.getLogger("pagesight.server")
LOOK_SECONDS = 1.0  # between two looks at whether an index is still the same one
RETRY_SECONDS = 10.0  # between two attempts to open what could not be opened
Served = SearchEngine | Coordinator
P = ParamSpec("P")
R = TypeVar("R")


class Service:
    """Made by ``create_app``; routes find it as ``request.app.state.service``.

    hits = await service.run(service.engine("reports").search, "loans due in 2028", k=3)
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings, self.metrics = settings, Metrics()
        limits = settings.limits
        self.work = WorkQueue("work", n_threads=settings.threads, waiting=limits.waiting, seconds=limits.seconds)
        self.originals = Originals()
        self.pictures = Pictures(settings, self.metrics, self.originals)
        self.jobs, self.uploads = Jobs(settings), Uploads(settings.state_folder)
        self._indexes = {
            name: _Index(name, address, limits.seconds, partial(_opened, address, settings))
            for name, address in settings.indexes.items()
        }
        self.closing = threading.Event()
        self._started = False
        self.uploading = self.streaming = 0  # files that are being sent, event streams that are open
        self._measure()

    def start(self) -> None:
        """Open the indexes and load their models, in the background; go on with jobs. Raises ConfigError, DiskFull."""
        if self._started:
            return
        self._started = True
        if self.settings.allow_write:
            self.jobs.start()
            self.uploads.clear()
        for index in self._indexes.values():
            index.open_soon()

    def close(self) -> None:
        """Jobs end between two pages, and go on at the next start."""
        self.closing.set()
        self.work.close()
        self.jobs.close()
        self.pictures.close()
        for index in self._indexes.values():
            index.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the indexes; the first is meant where none is named."""
        return tuple(self._indexes)

    def engine(self, name: str | None = None) -> Served:
        """The opened index of this name, with its model loaded; None or "" means the first one.

        Raises NotFound for another name, NotReady while it is being opened, and what opening it raised.
        """
        return self._index(name).engine()

    def own_engine(self, name: str | None = None) -> SearchEngine:
        """The same, for what can only be done where the index is. Raises NotFound where it is on other servers."""
        engine = self.engine(name)
        if not isinstance(engine, SearchEngine):
            raise NotFound("this server has no index of its own; ask the servers that have its parts")
        return engine

    def name_of(self, name: str | None) -> str:
        """The name of an index, where none may be named. Raises NotFound."""
        return self._index(name).name

    def problem(self, name: str) -> str | None:
        """Why an index cannot be searched now; None if it can, or if there is none yet and this server makes it."""
        try:
            engine = self.engine(name)
            if isinstance(engine, SearchEngine) and not self.settings.allow_write and not self.settings.watch:
                engine.store  # noqa: B018 - raises StoreNotFound
        except SearchEngineError as error:
            return str(error)
        return None

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function in a worker thread, for all that encodes, scores or reads. Raises Busy, TookTooLong."""
        return await self.work.run(function, *args, **kwargs)

    def reload(self) -> None:
        """Open all indexes anew in the background; requests go on with what is open until then."""
        for index in self._indexes.values():
            index.open_soon(anew=True)

    def _measure(self) -> None:
        metrics, names = self.metrics, self.names
        metrics.gauge("pagesight_requests_pending", "Requests that search, or wait to", lambda: self.work.pending)
        metrics.gauge(
            "pagesight_pictures_pending", "Pictures drawn, or waiting to be", lambda: self.pictures.work.pending
        )
        metrics.gauge("pagesight_jobs_pending", "Jobs that run or wait", lambda: self.jobs.pending)
        ready = {name: partial(self._is_ready, name) for name in names}
        metrics.gauges("pagesight_index_ready", "1 if an index can be searched", "index", ready)
        for what in ("n_documents", "n_pages", "n_failed_files"):
            numbers = {name: partial(self._total, name, what) for name in names}
            metrics.gauges(f"pagesight_index_{what.removeprefix('n_')}", "Of an index", "index", numbers)

    def _is_ready(self, name: str) -> float:
        return float(self.problem(name) is None)

    def _total(self, name: str, what: str) -> float:
        try:
            return float(getattr(self.engine(name).totals(), what))
        except SearchEngineError:
            return 0.0

    def _index(self, name: str | None) -> _Index:
        chosen = name or self.settings.default_index
        if chosen not in self._indexes:
            raise NotFound(f"there is no index {chosen!r} here; there are {', '.join(self._indexes)}")
        return self._indexes[chosen]


class _Index:
    """One index, opened in the background, and opened again when another one lies at its address."""

    def __init__(self, name: str, address: str, linger_seconds: float, opened: Callable[[], Served]) -> None:
        self.name, self.address, self._linger, self._opened = name, address, linger_seconds, opened
        self._lock = threading.Lock()
        self._engine: Served | None = None
        self._error: SearchEngineError | None = None
        self._identity: object = None
        self._looked_at, self._looking, self._opening, self._closed = 0.0, False, False, False

    def engine(self) -> Served:
        """What is there; looking and opening are done in threads of their own, since a database may not answer."""
        self._look()
        engine, error = self._engine, self._error
        if engine is not None:
            return engine
        if error is not None:
            raise NotReady(f"the index {self.name!r} cannot be opened: {error}")
        raise NotReady(f"the index {self.name!r} is being opened, or its model loaded")

    def open_soon(self, *, anew: bool = False) -> None:
        with self._lock:
            if self._opening or self._closed or (self._engine is not None and not anew):
                return
            self._opening = True
        threading.Thread(target=self._open, name=f"open {self.name}", daemon=True).start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def _look(self) -> None:
        """Once in a while: is there an index now, another one, or another chance?"""
        now = time.monotonic()
        with self._lock:
            pause = LOOK_SECONDS if self._engine is not None else RETRY_SECONDS
            if self._opening or self._looking or self._closed or now - self._looked_at < pause:
                return
            self._looked_at, self._looking = now, self._engine is not None
            looking = self._looking
        if looking:
            threading.Thread(target=self._compare, name=f"look at {self.name}", daemon=True).start()
        else:
            self.open_soon()

    def _compare(self) -> None:
        """Open what is at the address now, if that is another index. Where nothing can be learnt, what is open goes on."""
        try:
            same = self._identity == _identity(self.address)
        except SearchEngineError as error:
            log.debug("the index %s cannot be looked at: %s", self.name, error)
            same = True
        finally:
            with self._lock:
                self._looking, self._looked_at = False, time.monotonic()
        if not same:
            self.open_soon(anew=True)

    def _open(self) -> None:
        engine, problem = None, None
        try:
            identity = _identity(self.address)
            engine = self._opened()
            engine.encoder  # noqa: B018 - loads the model
        except SearchEngineError as error:
            log.warning("the index %s cannot be opened: %s", self.name, error)
            problem = error
        except BaseException:
            with self._lock:
                self._opening, self._looked_at = False, time.monotonic()
            raise
        if problem is not None and engine is not None:
            engine.close()
        with self._lock:
            self._opening, self._looked_at = False, time.monotonic()
            if problem is not None:
                self._error = problem if self._engine is None else None  # what is open goes on
                return
            before, self._engine = self._engine, engine
            self._error, self._identity = None, identity
            closed = self._closed
        if closed and engine is not None:
            engine.close()
        if before is not None:  # requests that hold it may be at work for as long as a request may take
            timer = threading.Timer(self._linger + 1, before.close)
            timer.daemon = True
            timer.start()


def _opened(address: str, settings: ServerSettings) -> Served:
    """The index at an address: in this process, or on the shards."""
    if not settings.shards:
        return SearchEngine.open(address, reranker=settings.reranker, part=settings.part)
    opinion = None
    if settings.reranker is not None:
        from pagesight.engine.reranker.table import load_reranker

        opinion = load_reranker(settings.reranker)
    return Coordinator.open(
        settings.shards, key=settings.shard_key, partial=settings.partial, patience=settings.patience, reranker=opinion
    )


def _identity(address: str) -> object:
    """What changes when another index lies at an address; new content of the same index is seen by every view itself."""
    if address.startswith(SHARDS):
        return address  # whether it is the same is asked of the shards with each question
    if "://" in address:
        try:
            with SearchEngine.open(address) as engine:
                return engine.store.space
        except StoreNotFound:
            return None
    try:
        status = os.stat(Path(address) / "manifest.json")
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_mtime_ns)

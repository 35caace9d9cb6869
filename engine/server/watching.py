"""``serve --watch``: folders that are kept indexed into the first index, beside the requests."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig, WatchConfig
from pagesight.engine.watching.watcher import Watcher
from pagesight.storage.errors import SearchEngineError

if TYPE_CHECKING:
    from pagesight.engine.server.service import Service
    from pagesight.engine.server.settings import ServerSettings
    from pagesight.indexer.running.plan import Outcome

log = logging.getLogger("pagesight.server")
STOP_SECONDS = 10.0  # until the page that is being read is left to itself
AGAIN_SECONDS = 60.0  # after an error that ended watching


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """What is committed when the server ends stays. The engine is one of its own; it shares the model."""
    if not service.settings.watch:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(service.settings, stop), name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        await asyncio.to_thread(thread.join, STOP_SECONDS)


def _watch(settings: ServerSettings, stop: threading.Event) -> None:
    """Until told to stop; an index that cannot be used now may be usable later."""
    address = settings.indexes[settings.default_index]
    while not stop.is_set():
        try:
            with SearchEngine.open(address) as engine:
                n_processes = settings.jobs or settings.drawing_processes
                config = IndexConfig(
                    prune=True, password=settings.password, n_processes=n_processes, nice=settings.nice
                )
                manners = WatchConfig(nice=settings.nice)
                watcher = Watcher(engine, settings.watch, config, manners, on_outcome=_tell, on_note=log.warning)
                log.info("watching %s", ", ".join(map(str, watcher.folders)))
                watcher.run(stop)
        except SearchEngineError as error:
            log.error("watching stopped, and begins again in %d s: %s", AGAIN_SECONDS, error)  # noqa: TRY400 - no bug
            stop.wait(AGAIN_SECONDS)


def _tell(outcome: Outcome) -> None:
    fields = {"document": outcome.source.path, "status": str(outcome.status), "reason": outcome.reason}
    log.info("watch: %(status)s %(document)s %(reason)s", fields, extra={"fields": fields})

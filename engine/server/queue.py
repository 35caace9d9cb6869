"""Threads that work behind a bounded queue, for the handlers of an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from pagesight.engine.server.errors import Busy, TookTooLong

LOOK_SECONDS = 0.5  # between two looks at whether the client is still there
P = ParamSpec("P")
R = TypeVar("R")


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class WorkQueue:
    """Runs functions in ``n_threads`` threads; at most ``waiting`` more wait. Used from one event loop."""

    def __init__(self, name: str, *, n_threads: int, waiting: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(n_threads, thread_name_prefix=name)
        self._room, self._seconds = n_threads + waiting, seconds
        self.pending = 0  # running and waiting

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns or raises. Raises Busy if no more may wait, TookTooLong if it is not done in time."""
        return await self._wait(self._submit(lambda: function(*args, **kwargs)), None)

    async def run_for(self, present: Callable[[], Awaitable[bool]], function: Callable[[], R]) -> R:
        """The same, unless the client leaves before it is its turn. present: whether it is there. Raises ClientGone."""
        return await self._wait(self._submit(function), present)

    def _submit(self, function: Callable[[], R]) -> Future[R]:
        if self.pending >= self._room:
            raise Busy(f"{self.pending} requests are being answered or wait; try again in a moment")
        loop = asyncio.get_running_loop()

        def done(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody counts any more
                loop.call_soon_threadsafe(self._done)

        self.pending += 1
        future = self._threads.submit(function)
        future.add_done_callback(done)
        return future

    def _done(self) -> None:
        self.pending -= 1

    async def _wait(self, future: Future[R], present: Callable[[], Awaitable[bool]] | None) -> R:
        until = time.monotonic() + self._seconds
        waiting = asyncio.wrap_future(future)
        try:
            while not waiting.done():
                left = until - time.monotonic()
                if left <= 0:
                    raise TookTooLong(f"the answer was not there after {self._seconds:g} seconds")
                await asyncio.wait({waiting}, timeout=min(LOOK_SECONDS, left))
                if present is not None and not waiting.done() and not await present():
                    raise ClientGone
            return waiting.result()
        finally:
            if not waiting.done():  # what has begun goes on, and keeps its place until it ends
                waiting.add_done_callback(_look_at)
                future.cancel()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_at(future: asyncio.Future[R]) -> None:
    """Say that an error was seen; nobody waits for it."""
    if not future.cancelled():
        future.exception()

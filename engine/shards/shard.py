"""One shard: servers that have the same part, asked one after the other, or a second one when the first is slow."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Protocol

from pagesight.engine.client.transport import Transport
from pagesight.engine.shards.wire import Json
from pagesight.storage.errors import (
    BadInput,
    ConfigError,
    QueryError,
    SearchEngineError,
    ServerRefused,
    ServerUnreachable,
    ShardMismatch,
)

log = logging.getLogger("pagesight.shards")
LOOK_SECONDS = 1.0  # between two looks at whether a server that did not answer does now
LOOK_TIMEOUT_S = 3.0
BUSY = 429  # the status of a server that answers, though not this
OF_THE_QUESTION = (QueryError, ConfigError, BadInput, ShardMismatch)  # no other server would answer these differently


class NoAnswer(Exception):
    """No server of a shard answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """seconds: that a round of a question may take. hedge_seconds: after which another replica is asked the same, beside the first."""

    seconds: float = 10.0
    hedge_seconds: float = 0.5

    def __post_init__(self) -> None:
        for name in ("seconds", "hedge_seconds"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be positive, not {getattr(self, name)}")


class Asked(Protocol):
    """What a cluster asks: a shard on servers, or one in this process."""

    @property
    def label(self) -> str:
        """For people: its address, or its addresses."""

    def ask(self, name: str, body: Json) -> Json:
        """See ``desk.answered``. Raises NoAnswer, and errors that are the question's own."""

    def state(self) -> Json:
        """See ``desk.state_of``. Raises NoAnswer."""

    def close(self) -> None: ...


class Shard:
    """Any number of threads may ask at once. accept: told what a server says of itself before it is asked anything; may raise ShardMismatch."""

    def __init__(self, addresses: Sequence[str], key: str | None, patience: Patience) -> None:
        self._patience = patience
        self.replicas = [_Replica(address, key, patience.seconds) for address in addresses]
        self._turn = itertools.count()
        self._pool = ThreadPoolExecutor(8 * len(addresses), thread_name_prefix="shard")
        self.accept: Callable[[Json], None] = lambda _: None

    @property
    def label(self) -> str:
        return "|".join(replica.address for replica in self.replicas)

    def ask(self, name: str, body: Json) -> Json:
        """The first answer. A replica that is slow is left to finish by itself."""
        return self._first(lambda replica: replica.ask(name, body, self.accept))

    def state(self) -> Json:
        return self._first(lambda replica: replica.state(self.accept))

    def open(self, path: str, headers: dict[str, str]) -> HTTPResponse:
        """An answer of a route that is no question to a shard, from any replica. Raises NoAnswer."""
        reasons = []
        for replica in self._order():
            try:
                return replica.transport.open(path, headers)
            except ServerUnreachable as error:
                replica.lost(error)
                reasons.append(str(error))
        raise NoAnswer("; ".join(reasons) or self._down())

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for replica in self.replicas:
            replica.close()

    def _order(self) -> list[_Replica]:
        """Those that are up, another one first each time."""
        up = [replica for replica in self.replicas if replica.problem is None]
        first = next(self._turn) % len(up) if up else 0
        return up[first:] + up[:first]

    def _down(self) -> str:
        return "; ".join(str(replica.problem) for replica in self.replicas)

    def _first(self, question: Callable[[_Replica], Json]) -> Json:
        order = self._order()
        if not order:
            raise NoAnswer(self._down())
        if len(order) == 1:
            try:
                return question(order[0])
            except _Lost as error:
                raise NoAnswer(str(error)) from error
        return self._hedged(order, question)

    def _hedged(self, order: list[_Replica], question: Callable[[_Replica], Json]) -> Json:
        until = time.monotonic() + self._patience.seconds
        running: dict[Future[Json], _Replica] = {}
        reasons: list[str] = []
        waiting = iter(order)

        def start() -> None:
            if (replica := next(waiting, None)) is not None:
                running[self._pool.submit(question, replica)] = replica

        start()
        while running and (left := until - time.monotonic()) > 0:
            done, _ = wait(running, min(self._patience.hedge_seconds, left), FIRST_COMPLETED)
            if not done:
                start()
            for future in done:
                running.pop(future)
                try:
                    return future.result()
                except _Lost as error:
                    reasons.append(str(error))
                    start()
        seconds = f"{self._patience.seconds:g} s"
        reasons += (f"the server {replica.address} did not answer within {seconds}" for replica in running.values())
        raise NoAnswer("; ".join(reasons))


class _Lost(Exception):
    """One server does not answer; another may."""


class _Replica:
    """One server. Once it does not answer, nobody waits for it again before it answers a thread that looks after it."""

    def __init__(self, address: str, key: str | None, seconds: float) -> None:
        self.transport = Transport(address, key, seconds, tries=1)
        self._look = Transport(address, key, min(seconds, LOOK_TIMEOUT_S), tries=1)
        self.address = self.transport.address
        self.problem: str | None = None  # why it is not asked
        self._accepted, self._closed = False, threading.Event()
        self._lock = threading.Lock()

    def ask(self, name: str, body: Json, accept: Callable[[Json], None]) -> Json:
        if not self._accepted:
            self.state(accept)
        return self._answer(lambda: self.transport.json("POST", f"/api/shard/{name}", body))

    def state(self, accept: Callable[[Json], None]) -> Json:
        found = self._answer(lambda: self.transport.json("GET", "/api/shard"))
        accept(found)
        self._accepted = True
        return found

    def lost(self, error: SearchEngineError) -> None:
        with self._lock:
            if self.problem is not None:
                return
            self.problem, self._accepted = str(error), False
        log.warning("%s", error)
        threading.Thread(target=self._watch, name=f"look after {self.address}", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        self.transport.close()
        self._look.close()

    def _answer(self, question: Callable[[], Json]) -> Json:
        try:
            return question()
        except OF_THE_QUESTION:
            raise
        except SearchEngineError as error:
            if not (isinstance(error, ServerRefused) and error.status == BUSY):
                self.lost(error)
            raise _Lost(str(error)) from error

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            try:
                self._look.json("GET", "/api/shard")
            except SearchEngineError as error:
                self.problem = str(error)
            else:
                self.problem = None
                log.info("the server %s answers again", self.address)
                return

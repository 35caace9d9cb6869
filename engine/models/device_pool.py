"""Several devices at once: a process for each, with the model in it, and pages dealt out among them.

Each process has a thread of its own here that talks with it, one conversation after the other. So who waits for an answer may
be interrupted at any time: the conversation is still finished, and its answer is nobody else's. A process with which a
conversation was not finished is ended, and the next request gets a fresh one.
"""

from __future__ import annotations

import logging
import os
import pickle
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from subprocess import Popen
from threading import Lock, Thread
from typing import Any

from pagesight.engine.config import ModelConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.indexer.content import PageContent
from pagesight.indexer.frames import receive, send
from pagesight.indexer.launch import start_worker
from pagesight.storage import errors
from pagesight.storage.errors import ConfigError, DocumentError, ModelError
from pagesight.storage.values import EncodedPage

log = logging.getLogger(__name__)
PAGES_A_DEVICE = 8


class DevicePool:
    """An Encoder whose pages are encoded on all devices, and whose texts on the first.

    Its processes end with it: when nobody holds it any more, at ``close``, and when this process exits.
    """

    def __init__(self, name: str, config: ModelConfig) -> None:
        """config.device: names joined by commas. Raises what loading the model does."""
        devices = [device.strip() for device in config.device.split(",")]
        if not all(devices):
            raise ConfigError(f"the devices {config.device!r} cannot be told apart; name them as in cuda:0,cuda:1")
        self._workers = [_Worker(name, replace(config, device=device), len(devices)) for device in devices]
        self._end = weakref.finalize(self, _close_all, self._workers)
        try:
            loading = [worker.load() for worker in self._workers]
            identities = [future.result() for future in loading]
        except BaseException:
            self.close()
            raise
        identity = identities[0]
        self.name: str = identity["name"]
        self.fingerprint: str = identity["fingerprint"]
        self.single_dim: int = identity["single_dim"]
        self.token_dim: int = identity["token_dim"]
        self.image_pixels: int | None = identity["image_pixels"]
        self.reads_words: bool = identity["reads_words"]
        self.opening_weight: float = identity["opening_weight"]
        self.trained_single: bool = identity["trained_single"]
        self.pages_at_once = PAGES_A_DEVICE * len(devices)
        # What only some models have, and are asked for by isinstance.
        if "task" in identity:
            self.task: str = identity["task"]
        if identity["passages"]:
            self.encode_passages = partial(_answered, self._workers[0], "encode_passages")

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        """Each device takes every n-th page."""
        n = min(len(self._workers), len(pages))
        results: list[Any] = [None] * len(pages)
        shares = [worker.ask("encode_pages", pages[i::n]) for i, worker in enumerate(self._workers[:n])]
        try:
            for i in range(n):
                results[i::n] = shares[i].result()
        finally:
            shares.clear()  # an error in one of them holds this frame, and so would the frame the error
        return results

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        found: list[EncodedQuery] = _answered(self._workers[0], "encode_queries", texts)
        return found

    @property
    def closed(self) -> bool:
        """Whether it is of no more use: it was closed, or the model's files have changed."""
        return any(worker.closed for worker in self._workers)

    def close(self) -> None:
        """End the processes; a second time does nothing."""
        self._end()


class _Died(Exception):
    """The process is gone; the text says how."""


class _Worker:
    """One process at a time, and the thread that talks with it; nobody else touches its pipes before ``close``."""

    def __init__(self, name: str, config: ModelConfig, n_workers: int) -> None:
        self._name, self._config = name, config
        self._environment: dict[str, str] = {}
        if config.device == "cpu" and "OMP_NUM_THREADS" not in os.environ:  # they share the cores
            self._environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // n_workers))
        self._process: Popen[bytes] | None = None
        self._fingerprint: str | None = None
        self._waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._lock = Lock()  # nothing is put behind the end of the queue
        self.closed = False

    def load(self) -> Future[dict[str, Any]]:
        """Start the thread and the process; what the process says of the encoder."""
        # A daemon: this process may end while an answer is awaited that nobody wants any more.
        Thread(target=self._serve, name=f"device {self._config.device}", daemon=True).start()
        return self._submit(self._start)

    def ask(self, method: str, items: Sequence[Any]) -> Future[Any]:
        """The answer, or ModelError if the process died twice, or DocumentError and ModelError that it met."""
        return self._submit(partial(self._answer, (method, list(items))))

    def close(self) -> None:
        """End the process and the thread."""
        with self._lock:
            self.closed = True
            self._waiting.put(None)
        _end(self._process)

    def _submit(self, call: Callable[[], Any]) -> Future[Any]:
        with self._lock:
            self._require_open()
            future: Future[Any] = Future()
            self._waiting.put((call, future))
            return future

    def _serve(self) -> None:
        while (work := self._waiting.get()) is not None:
            _run(*work)
            del work  # which may hold an error, whose frames hold the pool

    def _answer(self, request: tuple[object, ...]) -> Any:
        """From the process that is there; if it died, from a fresh one."""
        if self._process is not None and self._process.poll() is None:
            try:
                return self._converse(request)
            except _Died as died:
                if not self.closed:
                    log.warning("%s; it is started again", died)
        self._start()
        try:
            return self._converse(request)
        except _Died as died:
            raise self._lost(died) from None

    def _start(self) -> dict[str, Any]:
        """A fresh process with the model in it. Raises ModelError if that is not the model it was."""
        self._require_open()
        _end(self._process)  # found dead, its pipes are open
        process = self._process = start_worker("pagesight.engine.models.device_worker", self._environment)
        try:
            self._require_open()  # again: ``close`` may not have seen this process
            identity: dict[str, Any] = self._converse((self._name, self._config))
        except _Died as died:
            raise self._lost(died) from None
        except BaseException:
            _end(process)  # it may live, but without the model
            raise
        if self._fingerprint not in (None, identity["fingerprint"]):
            self.close()
            raise ModelError(
                f"the files of {self._name} are not what they were when the model was loaded; load it again"
            )
        self._fingerprint = identity["fingerprint"]
        return identity

    def _converse(self, request: tuple[object, ...]) -> Any:
        """One request, one answer; what comes between them ends the process, so that no answer is left over.

        Raises _Died, and what the process met.
        """
        process, payload = self._process, pickle.dumps(request)
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, payload)
            frame = receive(process.stdout)
        except (OSError, ValueError):  # it died before it had read all, or ``close`` took the pipes away
            frame = None
        except BaseException:
            _end(process)
            raise
        if frame is None:
            _end(process)
            code = process.returncode
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise _Died(f"the process of device {self._config.device} died ({how})")
        kind, *rest = pickle.loads(frame)  # noqa: S301 - from the process that we started
        if kind == "error":
            raise _as_error(rest[0], rest[1], self._config.device)
        return rest[0]

    def _require_open(self) -> None:
        if self.closed:
            raise ModelError(f"a process of {self._name} has been ended by close(); load the model again")

    def _lost(self, died: _Died) -> ModelError:
        return ModelError(f"{died}; finished documents are safe, try again, without this device if it dies again")


def _answered(worker: _Worker, method: str, items: Sequence[Any]) -> Any:
    return worker.ask(method, items).result()


def _run(call: Callable[[], Any], future: Future[Any]) -> None:
    """Call it, and tell who waits, whatever happens: also an interrupt is for them."""
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
    finally:
        del call, future  # an error holds this frame, and the future the error


def _close_all(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.close()


def _end(process: Popen[bytes] | None) -> None:
    """Kill it if it lives, and close what led to it; a second time does nothing."""
    if process is None:
        return
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):  # unsent bytes to a dead process
                stream.close()


def _as_error(kind: str, message: str, device: str) -> Exception:
    """A file's fault stays one, so that the other files go on; anything else is the model's."""
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, DocumentError):
        return found(message)
    if found is errors.EmptyQuery:
        return errors.QueryError(message)
    return ModelError(f"device {device}: {message}")

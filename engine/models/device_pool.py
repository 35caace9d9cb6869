"""Several devices at once: a process for each, with the model in it, and pages dealt out among them."""

from __future__ import annotations

import atexit
import os
import pickle
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pagesight.engine.config import ModelConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.indexer.content import PageContent
from pagesight.indexer.frames import receive, send
from pagesight.indexer.launch import start_worker
from pagesight.storage import errors
from pagesight.storage.errors import ConfigError, DocumentError, ModelError
from pagesight.storage.values import EncodedPage

PAGES_A_DEVICE = 8


class DevicePool:
    """An Encoder whose pages are encoded on all devices, and whose questions on the first."""

    def __init__(self, name: str, config: ModelConfig) -> None:
        """config.device: names joined by commas. Raises what loading the model does."""
        devices = [device.strip() for device in config.device.split(",")]
        if not all(devices):
            raise ConfigError(f"the devices {config.device!r} cannot be told apart; name them as in cuda:0,cuda:1")
        self._workers = [_Worker(device, len(devices)) for device in devices]
        self._threads = ThreadPoolExecutor(len(devices), thread_name_prefix="device")
        atexit.register(self.close)
        try:
            loading = [
                self._threads.submit(worker.ask, (name, replace(config, device=worker.device)))
                for worker in self._workers
            ]
            identities: list[dict[str, Any]] = [future.result() for future in loading]
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

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        """Each device takes every n-th page."""
        n = min(len(self._workers), len(pages))
        shares = [
            self._threads.submit(worker.ask, ("encode_pages", list(pages[i::n])))
            for i, worker in enumerate(self._workers[:n])
        ]
        results: list[Any] = [None] * len(pages)
        for i, share in enumerate(shares):
            results[i::n] = share.result()
        return results

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        found: list[EncodedQuery] = self._workers[0].ask(("encode_queries", list(texts)))
        return found

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.close()
        self._threads.shutdown(wait=False)


class _Worker:
    """One process and the conversation with it; threads take turns."""

    def __init__(self, device: str, n_workers: int) -> None:
        self.device = device
        environment: dict[str, str] = {}
        if device == "cpu" and "OMP_NUM_THREADS" not in os.environ:  # they share the cores
            environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // n_workers))
        self._lock = threading.Lock()
        self._process = start_worker("pagesight.engine.models.device_worker", environment)

    def ask(self, request: tuple[object, ...]) -> Any:
        """Its answer. Raises ModelError if it died, DocumentError and ModelError that it met."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            try:
                send(self._process.stdin, pickle.dumps(request))
                frame = receive(self._process.stdout)
            except OSError:
                frame = None
        if frame is None:
            code = self._process.wait()
            raise ModelError(
                f"the process of device {self.device} died ({f'signal {-code}' if code < 0 else f'exit code {code}'}); "
                "finished documents are safe, run the same command again, without this device if it dies again"
            )
        kind, *rest = pickle.loads(frame)  # noqa: S301 - from the process that we started
        if kind == "error":
            raise _as_error(rest[0], rest[1], self.device)
        return rest[0]

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
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

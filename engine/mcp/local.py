"""Agents on an index in this process, over stdio, or on a server's by way of us."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from pagesight.engine.api import SearchEngine
from pagesight.engine.mcp.server import Backstage, make_server
from pagesight.engine.searcher import Searcher, open_searcher
from pagesight.storage.errors import ConfigError, SearchEngineError, StoreNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import MCPServer


class LocalIndex:
    """The index at an address, opened when it is there: another program may make it after we have started."""

    def __init__(self, address: str | PathLike[str], *, index: str = "") -> None:
        self._open: Callable[[], Searcher] = lambda: open_searcher(address, index=index)
        self._searcher = self._open()
        self._lock = threading.Lock()
        threading.Thread(target=self._load, name="load the model", daemon=True).start()

    def searcher(self) -> Searcher:
        with self._lock:
            if isinstance(self._searcher, SearchEngine):
                try:
                    self._searcher.store  # noqa: B018 - raises if there is none yet
                except StoreNotFound:
                    self._searcher = self._open()
            return self._searcher

    def engine(self) -> SearchEngine:
        """Raises ConfigError for an index on a server."""
        searcher = self.searcher()
        if not isinstance(searcher, SearchEngine):
            raise ConfigError("an index on a server is changed there")
        return searcher

    def close(self) -> None:
        self._searcher.close()

    def _load(self) -> None:
        """Before the first question, which would wait for it otherwise."""
        try:
            if isinstance(self._searcher, SearchEngine):
                self._searcher.store  # noqa: B018 - nothing to search: nothing to load
                self._searcher.encoder  # noqa: B018
        except SearchEngineError:  # the first question says so
            return


class LocalWriting:
    """Indexes below some folders, in a thread, one thing after another."""

    def __init__(self, index: LocalIndex, folders: Sequence[Path]) -> None:
        self._index, self._folders = index, [folder.resolve() for folder in folders]
        self._lock = threading.Lock()
        self._state = ""
        self._running = False

    def start(self, paths: list[str]) -> str:
        wanted = [self._allowed(path) for path in paths]
        if not wanted:
            raise ConfigError("name at least one file or folder")
        with self._lock:
            if self._running:
                raise ConfigError(f"something is being indexed already: {self._state}; ask again when it has ended")
            self._running, self._state = True, f"running: {', '.join(map(str, wanted))}"
        threading.Thread(target=self._run, args=(self._index.engine(), wanted), name="indexing", daemon=True).start()
        return self._state

    def remove(self, names: list[str]) -> list[str]:
        if not names:
            raise ConfigError("name at least one document")
        return self._index.engine().remove(*names)

    def indexing(self) -> str:
        """What is being indexed, or how the last run ended."""
        return self._state

    def _allowed(self, path: str) -> Path:
        """Links are followed before it is looked where it lies. Raises ConfigError."""
        wanted = Path(path).expanduser().resolve()
        if not any(wanted == folder or folder in wanted.parents for folder in self._folders):
            allowed = ", ".join(map(str, self._folders)) or "none"
            raise ConfigError(f"{path} is not below a folder that may be indexed ({allowed})")
        if not wanted.exists():
            raise ConfigError(f"there is no {path}")
        return wanted

    def _run(self, engine: SearchEngine, paths: list[Path]) -> None:
        n_files = n_failed = 0
        try:
            for outcome in engine.iter_index(paths):
                n_files += 1
                n_failed += outcome.status == "failed"
                self._state = f"running: {n_files} files, {n_failed} of them failed, the last {outcome.source.path}"
            self._state = f"done: {n_files} files, {n_failed} of them failed"
        except SearchEngineError as error:
            self._state = f"failed after {n_files} files: {error}"
        finally:
            self._running = False


def local_server(
    address: str | PathLike[str], *, index: str = "", allow_write: bool = False, folders: Sequence[Path] = ()
) -> MCPServer:
    """For ``run()`` over stdio, or a client in the same process. address: of an index or a server; index: its name there.

    allow_write: offer tools that change the index; files below ``folders`` may be indexed. Raises ConfigError.
    """
    if allow_write and fspath(address).startswith(("http://", "https://")):
        raise ConfigError("an index on a server is changed there, not by way of us")
    local = LocalIndex(address, index=index)
    writing = LocalWriting(local, folders) if allow_write else None

    async def run(function: Callable[[], Any]) -> Any:
        return await anyio.to_thread.run_sync(function)

    return make_server(
        Backstage(
            searcher=local.searcher,
            run=run,
            indexing=writing.indexing if writing else lambda: "",
            writing=writing,
        )
    )

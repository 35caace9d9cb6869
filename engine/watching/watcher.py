"""Watching folders: whenever something in them has changed, the index is brought up to date with them, as a whole.

Indexing is idempotent, so nothing is kept a file but what was last seen of it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.config import IndexConfig, WatchConfig
from pagesight.engine.indexing import checked_paths, found_files, location_of
from pagesight.engine.watching.changes import Changes
from pagesight.engine.watching.looking import Look, Looking
from pagesight.engine.watching.presence import Presence
from pagesight.indexer.priority import give_way
from pagesight.indexer.running.discover import Unusable
from pagesight.indexer.running.plan import Outcome, Status
from pagesight.storage.addresses import folder_of
from pagesight.storage.errors import ConfigError, DiskFull, StoreLocked
from pagesight.storage.names import bucket_url, is_in_bucket
from pagesight.storage.values import SourceFile

if TYPE_CHECKING:
    from pagesight.engine.api import SearchEngine

LOOK_SHARE = 0.2  # of the time may be spent looking, at most, however many events there are


@dataclass(slots=True)
class _Folder:
    path: Path
    looking: Looking
    due: float = 0.0  # by the monotonic clock
    quiet_until: float = 0.0  # events wait until then
    told: bool = False


class _Stopped(Exception):
    """Between two pages."""


class Watcher:
    """Keeps an index up to date with folders.

        stop = threading.Event()
        Watcher(engine, ["/srv/documents"], on_outcome=print).run(stop)  # until somebody sets stop

    One thread runs it. The engine may be searched meanwhile, and other processes may write to the index: the watcher waits.
    """

    def __init__(
        self,
        engine: SearchEngine,
        folders: Sequence[str | PathLike[str]],
        config: IndexConfig | None = None,
        settings: WatchConfig | None = None,
        *,
        on_outcome: Callable[[Outcome], None] | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> None:
        """config: ``prune`` drops files that were deleted, never those of a disk that is not mounted.

        on_outcome: told of each file that changed. on_note: told what is worth knowing, as that the index is locked.
        Raises ConfigError for what is no folder.
        """
        self._engine, self._settings = engine, settings or WatchConfig()
        self._config = config or IndexConfig(prune=True, n_processes=max(1, (os.cpu_count() or 2) // 2))
        self._on_outcome = on_outcome or (lambda _: None)
        self._on_note = on_note or (lambda _: None)
        self._index_folder = folder_of(engine.address)
        self._folders = [_Folder(path, Looking(self._settings.settle_s)) for path in _outermost(folders)]
        self._presence = Presence([folder.path for folder in self._folders], self._index_folder)
        self._wake = threading.Condition()
        self._kept: set[Path] = set()
        self._noted = ""

    @property
    def folders(self) -> list[Path]:
        return [folder.path for folder in self._folders]

    def run(self, stop: threading.Event) -> None:
        """Until ``stop`` is set; what is committed by then stays. Raises ExtraMissing, and what ends indexing for good."""
        give_way(self._settings.nice)
        with Changes(self.folders, self._index_folder, self._tell, self._note) as changes:
            while not stop.is_set():
                ready = [(folder, look) for folder in self._due() if (look := self._look(folder, changes)).ready]
                if ready:
                    self._index(ready, stop)
                self._sleep(stop)

    def _due(self) -> list[_Folder]:
        now = time.monotonic()
        with self._wake:
            found = [f for f in self._folders if f.due <= now or (f.told and f.quiet_until <= now)]
            for folder in found:
                folder.told = False
            return found

    def _look(self, folder: _Folder, changes: Changes) -> Look:
        """Sets when the next look is due."""
        began = time.monotonic()
        found = [item.source if isinstance(item, Unusable) else item for item in self._found(folder.path)]
        self._presence.saw(source.location for source in found if source.mtime_ns)
        look = folder.looking.look(found)
        now = time.monotonic()
        usual = self._settings.rescan_s if changes.hears(folder.path) else self._settings.poll_s
        folder.due = now + (usual if look.after_s is None else min(usual, look.after_s + 0.01))
        folder.quiet_until = now + (now - began) / LOOK_SHARE
        return look

    def _index(self, ready: Sequence[tuple[_Folder, Look]], stop: threading.Event) -> None:
        """One run of the index for these folders, without what may be half-written."""
        unsettled = frozenset[Path]().union(*(look.unsettled for _, look in ready))
        ready = [(folder, look) for folder, look in ready if os.path.isdir(folder.path)]
        if not ready:
            return
        config, deleted = replace(self._config, prune=False), list[Outcome]()
        try:
            outcomes = self._engine.iter_index(
                [folder.path for folder, _ in ready],
                config,
                on_page=lambda _: _check(stop),
                leave_out=lambda path: path in unsettled or self._is_ours(path),
            )
            for outcome in outcomes:
                if outcome.status == Status.GONE:
                    self._sort_out(outcome, ready, deleted)
                elif outcome.status != Status.UNCHANGED and not outcome.remembered:
                    self._on_outcome(outcome)
                _check(stop)
            self._drop(deleted)
        except _Stopped:
            return
        except (StoreLocked, DiskFull) as error:
            self._note(str(error))
            for folder, _ in ready:
                folder.due = time.monotonic() + self._settings.retry_s
            return
        self._noted = ""
        for folder, look in ready:
            folder.looking.given(look)

    def _sort_out(self, outcome: Outcome, ready: Sequence[tuple[_Folder, Look]], deleted: list[Outcome]) -> None:
        """To be dropped, kept for good, or for a later run to say, because it went just now and may have a new name."""
        location = outcome.source.location
        folder, look = next(pair for pair in ready if pair[0].path in location.parents)
        if not look.gone or folder.looking.saw(location):
            return
        if self._config.prune and self._presence.is_deleted(location):
            deleted.append(outcome)
        elif location not in self._kept:
            self._kept.add(location)
            self._on_outcome(outcome)

    def _drop(self, deleted: Sequence[Outcome]) -> None:
        if not deleted:
            return
        with self._engine.store.writer() as writer:
            writer.remove_names([os.fsencode(outcome.source.location) for outcome in deleted])
        for outcome in deleted:
            self._on_outcome(replace(outcome, status=Status.REMOVED))

    def _found(self, folder: Path) -> list[SourceFile | Unusable]:
        return [
            item
            for item in (found_files([folder], self._config) if os.path.isdir(folder) else ())
            if not self._is_ours(location_of(item))
        ]

    def _is_ours(self, path: Path) -> bool:
        """Whether it lies in the index itself."""
        return self._index_folder is not None and self._index_folder in path.parents

    def _tell(self, folder: Path) -> None:
        with self._wake:
            for one in self._folders:
                one.told = one.told or one.path == folder
            self._wake.notify()

    def _note(self, text: str) -> None:
        """Each once in a row."""
        if text != self._noted:
            self._noted = text
            self._on_note(text)

    def _sleep(self, stop: threading.Event) -> None:
        """Until something is due, or somebody tells of an event. ``stop`` is looked at twice a second."""
        while not stop.is_set():
            now = time.monotonic()
            with self._wake:
                due = min(f.quiet_until if f.told and f.quiet_until < f.due else f.due for f in self._folders)
                if due <= now:
                    return
                self._wake.wait(min(0.5, due - now))


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise _Stopped


def _outermost(folders: Sequence[str | PathLike[str]]) -> list[Path]:
    """Absolute; without those that lie in another one. Raises ConfigError."""
    asked = checked_paths(folders)
    for path in filter(is_in_bucket, asked):
        raise ConfigError(
            f"{bucket_url(path)} is in a bucket, which tells nobody of its changes; index it again instead"
        )
    paths = sorted({Path(os.path.abspath(path)) for path in asked})
    if not paths:
        raise ConfigError("name at least one folder to watch")
    for path in paths:
        if os.path.exists(path) and not os.path.isdir(path):
            raise ConfigError(f"{path} is a file; name folders to watch")
    return [path for path in paths if not any(other in path.parents for other in paths)]

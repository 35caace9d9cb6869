"""When to look at which folder: soon after an event, and from time to time anyway.

An event only says that something happened; what, is seen by looking. So lost events, queues that overflow, and files that arrived
before anybody listened cost time and nothing else.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from pagesight.engine.watching.mounts import silent_mounts
from pagesight.storage.errors import ExtraMissing

QUIET_S = 0.2  # without an event, before they are told together
TOGETHER_S = 5.0  # at most, while they go on
UNREADABLE_NAME = "Unable to decode path"  # what watchfiles says of a name that is no UTF-8
ALIVE_S = 1.0  # between two looks whether the folder is still the one that is listened to


class Changes:
    """Listens to folders, a thread each, between ``__enter__`` and ``__exit__``."""

    def __init__(
        self, folders: Sequence[Path], ignored: Path | None, tell: Callable[[Path], None], note: Callable[[str], None]
    ) -> None:
        """ignored: a folder whose events do not matter. tell, note: called in these threads. Raises ExtraMissing."""
        try:
            import watchfiles  # noqa: F401 - used by the threads
        except ImportError as error:
            raise ExtraMissing("watchfiles", "watch") from error
        self._ignored, self._tell, self._note = ignored, tell, note
        self._stop = threading.Event()
        self._deaf = {folder for folder in folders if silent_mounts(folder)}
        self._threads = [
            threading.Thread(target=self._listen, args=(folder,), name=f"events of {folder}", daemon=True)
            for folder in folders
        ]

    def hears(self, folder: Path) -> bool:
        """Whether events can be relied on to come soon, or looking often is all there is."""
        return folder not in self._deaf

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _listen(self, folder: Path) -> None:
        while not self._stop.is_set():
            identity = _identity(folder)
            if identity is None:  # not there, or not yet
                self._stop.wait(ALIVE_S)
                if _identity(folder) is not None:
                    self._tell(folder)
                continue
            try:
                self._listen_to(folder, identity)
            except Exception as error:  # of the system, or of a library that is told of it
                if _identity(folder) is None:
                    continue
                if UNREADABLE_NAME in str(error):  # one event is lost: something was called in no encoding
                    self._tell(folder)
                    self._stop.wait(QUIET_S)
                    continue
                self._deaf.add(folder)
                # inotify's limits, as a rule
                limited = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EMFILE)
                self._note(
                    f"the system gives no events for {folder} ({error}); it is looked at from time to time instead"
                    + ("; on Linux the limit is fs.inotify.max_user_watches" if limited else "")
                )
                self._tell(folder)
                return

    def _listen_to(self, folder: Path, identity: tuple[int, int]) -> None:
        from watchfiles import watch

        for events in watch(
            folder,
            watch_filter=lambda _, path: self._matters(folder, path),
            debounce=int(TOGETHER_S * 1000),
            step=int(QUIET_S * 1000),
            rust_timeout=int(ALIVE_S * 1000),
            stop_event=self._stop,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            if events:
                self._tell(folder)
            if _identity(folder) != identity:  # unmounted, or replaced: the events of what was there do not count
                self._tell(folder)
                return

    def _matters(self, folder: Path, path: str) -> bool:
        """Not our own writing, and nothing hidden, which is passed over anyway."""
        place = Path(path)
        if self._ignored is not None and (place == self._ignored or self._ignored in place.parents):
            return False
        below = place.relative_to(folder) if folder in place.parents else place
        return not any(part.startswith(".") for part in below.parts)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino

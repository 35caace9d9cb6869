"""The copy in use of what is kept here, which this process or another may throw away and make again at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pagesight.storage.closing import Closing
from pagesight.storage.errors import KeptCorrupt
from pagesight.storage.forking import Forked, tell_of_forks

TRIES = 5


class Copy(Protocol):
    """One that is open."""

    @property
    def is_current(self) -> bool:
        """Whether it can still be used. If not, it was found damaged, deleted, or made again by somebody else."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Copy)
T = TypeVar("T")


class Current(Closing, Forked, Generic[C]):
    """Opened when it is first used, and again when it is no more what lies in its folder. Any number of threads may use it."""

    def __init__(self, folder: Path, open_copy: Callable[[], C]) -> None:
        self._folder, self._open_copy = folder, open_copy
        self._copy: C | None = None
        self._closed = False
        self._lock = threading.Lock()
        tell_of_forks(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._copy is not None

    def use(self, act: Callable[[C], T]) -> T:
        """What ``act`` makes of it. Begins again, with another copy, if the one it had was taken away under it.

        So ``act`` does nothing that must not be done twice. Raises KeptCorrupt if that happens again and again.
        """
        for _ in range(TRIES):
            copy = None
            try:
                copy = self._opened()
                return act(copy)
            except KeptCorrupt as error:
                lost: Exception = error
            except Exception as error:
                if copy is None or copy.is_current or self._closed:
                    raise
                lost = error  # of a file that was deleted, a table that is not made yet, a store that another thread has closed
        raise KeptCorrupt(self._folder, "was damaged or deleted while it was used") from lost

    def _opened(self) -> C:
        with self._lock:
            if self._copy is not None and not self._copy.is_current:
                self._copy.close()  # views of it that are open go on
                self._copy = None
            if self._copy is None:
                self._copy = self._open_copy()
            return self._copy

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._copy is not None:
                self._copy.close()

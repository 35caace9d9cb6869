"""Reading processes that stay ready between two runs: starting one takes longer than reading a short file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pagesight.indexer.running.reader import PageReader
from pagesight.storage.forking import Forked, tell_of_forks

IDLE_SECONDS = 10.0  # as long as it may take until a program adds its next file, or a watched folder changes again


class WarmReader(Forked):
    """Keeps the reader of the last run for the next one with the same settings, for a while. Any thread may ask."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._kept: PageReader | None = None
        self._timer: threading.Timer | None = None
        self._closed = False
        tell_of_forks(self)

    def before_fork(self) -> None:
        """A child would ask processes whose answers threads of its parent read."""
        self._end_kept()

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def lent(self, new: PageReader) -> Iterator[PageReader]:
        """The kept reader if it is made as this new one, else this; kept afterwards if the run ends well, else closed."""
        kept = self._taken()
        if kept is not None and kept.settings != new.settings:
            kept.close()
            kept = None
        reader = kept or new
        try:
            yield reader
            keep = reader.rest() and self._keep(reader)
        except BaseException:
            reader.close()
            raise
        if not keep:
            reader.close()

    def close(self) -> None:
        """End the processes; of a run that goes on, at its end."""
        self._closed = True
        self._end_kept()

    def _end_kept(self) -> None:
        if (kept := self._taken()) is not None:
            kept.close()

    def _taken(self) -> PageReader | None:
        with self._lock:
            kept, self._kept = self._kept, None
            timer, self._timer = self._timer, None
        if timer is not None and timer is not threading.current_thread():
            timer.cancel()
            timer.join()  # if it is closing the reader just now, until it has
        return kept

    def _keep(self, reader: PageReader) -> bool:
        with self._lock:
            if self._closed or self._kept is not None:  # another run was faster
                return False
            self._kept = reader
            self._timer = threading.Timer(self._idle_seconds, self._forget, (reader,))
            self._timer.daemon = True
            self._timer.start()
            return True

    def _forget(self, reader: PageReader) -> None:
        with self._lock:
            if self._kept is not reader:
                return
            self._kept = None
        reader.close()

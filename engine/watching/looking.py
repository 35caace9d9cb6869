"""What a folder holds now: which files are new, and which are still being written."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pagesight.storage.values import SourceFile

Stamp = tuple[int, int]  # size, time of the last change in ns


@dataclass(slots=True)
class _Seen:
    stamp: Stamp
    since: float  # when it was first seen so; of one that was old already, for ever
    given: bool = False  # to the index


@dataclass(frozen=True, slots=True)
class Look:
    """ready: there is something for the index to do. gone: files that are not there have been away long enough to be forgotten.

    unsettled: files that may be half-written. after_s: until any of that changes.
    """

    ready: bool
    gone: bool
    unsettled: frozenset[Path]
    after_s: float | None


class Looking:
    """Remembers what was seen in a folder. A file counts as whole when its size and time have not changed for ``settle_s``.

    Compared by our own clock, because a file server's may be wrong. At the first look old files count as whole at once.
    """

    def __init__(self, settle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._settle_s, self._clock = settle_s, clock
        self._seen: dict[Path, _Seen] = {}
        self._fresh = True
        self._gone_since: float | None = None

    def look(self, found: Iterable[SourceFile]) -> Look:
        """found: all files that can be documents, as they are now."""
        now, oldest_ns = self._clock(), time.time_ns() - int(self._settle_s * 1e9)
        before, self._seen = self._seen, {}
        for file in found:
            stamp = (file.n_bytes, file.mtime_ns)
            known = before.pop(file.location, None)
            if known is None or known.stamp != stamp:
                old = self._fresh and 0 < file.mtime_ns < oldest_ns
                known = _Seen(stamp, -math.inf if old else now)
            self._seen[file.location] = known
        if before and self._gone_since is None:
            self._gone_since = now
        ages = {path: now - seen.since for path, seen in self._seen.items() if not seen.given}
        unsettled = {path: age for path, age in ages.items() if age < self._settle_s}
        waiting = list(unsettled.values())
        gone = self._fresh
        if self._gone_since is not None:  # they may have new names, which are not settled yet
            gone = now - self._gone_since >= self._settle_s
            waiting += [] if gone else [now - self._gone_since]
        ready = gone or len(ages) > len(unsettled)
        return Look(ready, gone, frozenset(unsettled), self._settle_s - max(waiting) if waiting else None)

    def saw(self, path: Path) -> bool:
        """Whether it was there at the last look."""
        return path in self._seen

    def given(self, look: Look) -> None:
        """All that was whole at this look is in the index now."""
        self._fresh = False
        if look.gone:
            self._gone_since = None
        for path, seen in self._seen.items():
            seen.given = seen.given or path not in look.unsettled

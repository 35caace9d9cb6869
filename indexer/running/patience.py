"""How long to wait for a page: as long as its process works on it, up to a limit of processor time.

On a busy machine a good page takes any time by the clock, so the clock says only when nothing at all goes on any more.
"""

from __future__ import annotations

import re
import time

IDLE_SHARE = 0.01  # of a processor: a process that used less in a whole round, and does not want more, hangs
_SHORTEST_WAIT_S = 0.05
SPENT, IDLE = "took more than {:g} s of processor time", "did nothing for {:g} s"
_LIMITED = re.compile(r"took more than ([0-9.e+]+) s of processor time|did nothing for")


def is_time_limit(reason: str) -> bool:
    """Whether a page failed because it took too long."""
    return _LIMITED.search(reason) is not None


def worth_retrying(reason: str, seconds: float) -> bool:
    """Whether what failed so may go well with ``seconds`` of processor time a page, or, if it waited for something, now."""
    found = _LIMITED.search(reason)
    return found is not None and (found[1] is None or float(found[1]) < seconds)


class Patience:
    """For one page after the other of one process. ``wait_s`` says how long to wait, then ``verdict`` what that showed."""

    def __init__(self, pid: int, seconds: float) -> None:
        import psutil

        self._process, self._seconds = psutil.Process(pid), seconds
        self.page_begins()

    def page_begins(self) -> None:
        """Count from here."""
        self._begin_s = self._round_s = self._own_time()
        self._round_at = time.monotonic()
        self._used_s = 0.0

    def wait_s(self) -> float:
        """Until the limit can be reached at the soonest, or the round ends."""
        left = min(self._seconds - self._used_s, self._round_at + self._seconds - time.monotonic())
        return max(_SHORTEST_WAIT_S, left)

    def verdict(self) -> str:
        """Why there is no use in waiting on, or ""."""
        spent_s, runs = self._look()
        self._used_s = spent_s - self._begin_s
        if self._used_s > self._seconds:
            return SPENT.format(self._seconds)
        if time.monotonic() - self._round_at >= self._seconds:
            if spent_s - self._round_s < IDLE_SHARE * self._seconds and not runs:
                return IDLE.format(self._seconds)
            self._round_s, self._round_at = spent_s, time.monotonic()
        return ""

    def _look(self) -> tuple[float, bool]:
        """Processor time of the process and of those it started, and whether one of them wants a processor now."""
        import psutil

        spent_s, runs = 0.0, False
        try:
            for process in (self._process, *self._process.children(recursive=True)):
                try:
                    spent_s += _spent(process)
                    runs |= process.status() in (psutil.STATUS_RUNNING, psutil.STATUS_STOPPED)  # stopped: by its user
                except psutil.NoSuchProcess:  # it has just ended; its time is its parent's once that has seen it
                    continue
        except psutil.NoSuchProcess:  # the end of its pipe says so
            return self._round_s, True
        return max(spent_s, self._round_s), runs

    def _own_time(self) -> float:
        """Without children that run now: between two pages there are none."""
        import psutil

        try:
            return _spent(self._process)
        except psutil.NoSuchProcess:
            return 0.0


def _spent(process: object) -> float:
    times = process.cpu_times()  # type: ignore[attr-defined]  # psutil is imported where it is used
    return float(times.user + times.system + times.children_user + times.children_system)

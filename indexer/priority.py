"""Giving way: work that nobody waits for lets everybody else's work go first."""

from __future__ import annotations

import os
import sys
import threading


def give_way(nice: int) -> None:
    """Let this thread, and the threads and processes that it starts, be at least so nice (0 to 19). Only Linux knows threads.

    What reads or writes the disk gives way with it: where nobody says otherwise, Linux derives the one from the other.
    """
    if nice and sys.platform == "linux":
        me = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, me, max(nice, os.getpriority(os.PRIO_PROCESS, me)))


def process_gives_way(nice: int) -> None:
    """The same for this process as a whole, before it has other threads, on every Unix."""
    if nice and hasattr(os, "nice"):
        os.nice(max(0, nice - os.nice(0)))

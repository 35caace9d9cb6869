"""The threads that score pages; the kernel lets go of the interpreter's lock, so they add up."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def n_threads() -> int:
    """OMP_NUM_THREADS if it is set, as for other numeric libraries, else all processors we may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def threads() -> ThreadPoolExecutor:
    """One pool for the process. What runs in it does not wait for it."""
    return ThreadPoolExecutor(n_threads(), thread_name_prefix="score")

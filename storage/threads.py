"""The threads that score pages; the kernel lets go of the interpreter's lock, so they add up."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
SHARES = 3  # of the work for each thread, so that one that is held up does not hold up all


def n_threads() -> int:
    """OMP_NUM_THREADS if it is set, as for other numeric libraries, else all processors we may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_shares() -> int:
    """Into how many parts work is best cut."""
    return SHARES * n_threads() if n_threads() > 1 else 1


def spread(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``work`` of each item, in order, by all threads. What is spread must not spread again: it would wait for itself."""
    if n_shares() == 1 or len(items) == 1:
        return [work(item) for item in items]
    size = -(-len(items) // n_shares())
    shares = [items[first : first + size] for first in range(0, len(items), size)]
    done = _pool().map(lambda share: [work(item) for item in share], shares)
    return [result for share in done for result in share]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads(), thread_name_prefix="score")

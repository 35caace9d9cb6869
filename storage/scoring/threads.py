"""The threads that score pages; the kernel lets go of the interpreter's lock, so they add up."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
SHARES = 3  # of the work for each thread, so that one that is held up does not hold up all


def asked_threads() -> int:
    """OMP_NUM_THREADS, as for other numeric libraries, of a list the first; 0 if it is not set."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(asked) if asked.isdecimal() else 0


def n_threads() -> int:
    """So many as were asked for, else all processors we may use."""
    if asked := asked_threads():
        return asked
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def n_shares() -> int:
    """Into how many parts work is best cut."""
    return SHARES * n_threads() if n_threads() > 1 else 1


def spread(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``work`` of each item, in order, by all threads.

    The caller works too, and begins at once; the others take what is left when they have woken up.
    """
    if n_threads() == 1 or len(items) == 1:
        return [work(item) for item in items]
    results: dict[int, Result] = {}
    numbers = iter(range(len(items)))  # each thread takes the next one

    def run() -> None:
        try:
            for number in numbers:
                results[number] = work(items[number])
        except BaseException:  # also Ctrl-C: nobody begins anything more
            for _ in numbers:
                pass
            raise

    helpers = [_pool().submit(run) for _ in range(n_threads() - 1)]
    try:
        run()
    finally:
        late = [helper for helper in helpers if not helper.cancel()]
        wait(late)
    for helper in late:
        helper.result()
    return [results[number] for number in range(len(items))]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads(), thread_name_prefix="score")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # its threads stayed with the parent

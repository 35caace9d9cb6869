"""What is told when its process forks (gunicorn --preload, multiprocessing's "fork"): the child has its memory, but none of its threads.

So a lock that another thread held there would never be let go of, and a pool's threads would never begin.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from weakref import WeakValueDictionary


class Forked:
    """Base of what is told, from ``tell_of_forks`` on for as long as somebody has it."""

    def before_fork(self) -> None:
        """In the parent: let go of what a child must not have."""

    def after_fork(self) -> None:
        """In the child, before anything else: replace what it cannot use."""


_told: WeakValueDictionary[int, Forked] = WeakValueDictionary()


def tell_of_forks(one: Forked) -> None:
    _told[id(one)] = one


def _all() -> Iterator[Forked]:
    return (one for reference in _told.valuerefs() if (one := reference()) is not None)  # a copy: other threads go on


def _before() -> None:
    for one in _all():
        one.before_fork()


def _after() -> None:
    for one in _all():
        one.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_child=_after)

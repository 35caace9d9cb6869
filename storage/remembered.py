"""What was asked for last, up to so many bytes of it."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

ENTRY_BYTES = 256  # that an entry takes beside its key and its numbers

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by name; those that were used longest ago go first. For one thread at a time."""

    def __init__(self, most_bytes: int, n_bytes: Callable[[Value], int]) -> None:
        """most_bytes: of all together. n_bytes: of one value."""
        self._most_bytes, self._n_bytes = most_bytes, n_bytes
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._used = 0

    def get(self, name: str) -> Value | None:
        found = self._values.get(name)
        if found is not None:
            self._values.move_to_end(name)
        return found

    def put(self, name: str, value: Value) -> None:
        before = self._values.pop(name, None)
        if before is not None:
            self._used -= self._size(name, before)
        self._values[name] = value
        self._used += self._size(name, value)
        while self._used > self._most_bytes:
            self._used -= self._size(*self._values.popitem(last=False))

    def _size(self, name: str, value: Value) -> int:
        return ENTRY_BYTES + sys.getsizeof(name) + self._n_bytes(value)

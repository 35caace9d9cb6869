"""Records of token vectors that were looked at lately, in memory, so that they are not fetched again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from pagesight.storage.forking import Forked, tell_of_forks

ONE_EACH = 4096  # bytes that a record counts for at least: those of its entry, too


class RecordCache(Forked):
    """Records by id, of one store; those that were used longest ago go first. Any number of threads may use it.

    Nothing in it can be out of date: a record is written once and never changed, and its id is not given again in the history of
    the database that is followed (of another history, ``storage.postgres.cache`` says so before anything is read).
    """

    def __init__(self, n_bytes: int) -> None:
        """n_bytes: of all records together, at most; 0 keeps nothing."""
        self.n_bytes = n_bytes
        self._records: OrderedDict[int, memoryview] = OrderedDict()
        self._used = 0
        self._lock = threading.Lock()
        tell_of_forks(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def find(self, record_ids: Iterable[int]) -> dict[int, memoryview]:
        """Those of these that are here."""
        with self._lock:
            found = {record_id: self._records[record_id] for record_id in record_ids if record_id in self._records}
            for record_id in found:
                self._records.move_to_end(record_id)
        return found

    def put(self, records: Iterable[tuple[int, memoryview]]) -> None:
        """Keep these, as far as there is room for any."""
        with self._lock:
            for record_id, record in records:
                if record_id not in self._records:
                    self._records[record_id] = record
                    self._used += _size(record)
            while self._used > self.n_bytes:
                _, oldest = self._records.popitem(last=False)
                self._used -= _size(oldest)


def _size(record: memoryview) -> int:
    return max(len(record), ONE_EACH)

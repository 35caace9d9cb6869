"""Collections that are open in this process."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from pagesight.storage.closing import Closing
from pagesight.storage.qdrant.address import QdrantAddress
from pagesight.storage.qdrant.client import ClientPoints
from pagesight.storage.qdrant.edge import EdgePoints
from pagesight.storage.qdrant.points import Points, asking


class Opened(Closing):
    """A collection as it is shared by all in this process who have it open: Edge allows a folder to be opened once.

    keeper: a folder for what goes with the process, as the client's local mode does.
    """

    def __init__(self, address: QdrantAddress) -> None:
        """Raises ConfigError, ExtraMissing, StoreLocked, StorageError."""
        self._address, self._closed = address, False
        with _lock:
            if address.shown not in _shared:
                with asking(address.shown):
                    _shared[address.shown] = _Shared(_points(address))
            self._of = _shared[address.shown]
            self._of.n_users += 1

    @property
    def points(self) -> Points:
        return self._of.points

    @property
    def keeper(self) -> TemporaryDirectory[str]:
        with _lock:
            if self._of.keeper is None:
                self._of.keeper = TemporaryDirectory(prefix="pagesight-")
            return self._of.keeper

    def again(self) -> Opened:
        """The same for another, who closes it."""
        return Opened(self._address)

    def close(self) -> None:
        """The last one closes the collection."""
        with _lock:
            if self._closed:
                return
            self._closed = True
            self._of.n_users -= 1
            if self._of.n_users == 0 and not self._address.in_memory:
                del _shared[self._address.shown]
                self._of.points.close()


@dataclass(slots=True)
class _Shared:
    points: Points
    n_users: int = 0
    keeper: TemporaryDirectory[str] | None = None


_shared: dict[str, _Shared] = {}
_lock = threading.Lock()


def _points(address: QdrantAddress) -> Points:
    return ClientPoints(address) if address.folder is None else EdgePoints(address.folder)

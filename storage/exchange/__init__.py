"""A folder of segments: an index as immutable files, to be carried to another machine by whatever copies files.

    segment-00000001-0f3c….zip    so many documents whole: token vectors, means, single vectors, words, names, tags, failures
    segment-00000002-77ab….zip    what came later; it counts where both speak of the same

Each file describes itself (storage.exchange.archive), holds a bounded number of documents, is written once, and has in its name the
SHA-256 of its bytes: what was cut off or changed on the way is named and left out. What the folder holds is what its files say one
after the other (storage.moving.catalogue). It is no index to be searched: storage.moving copies into it and out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pagesight.storage.closing import Closing
from pagesight.storage.errors import StorageError, StoreNotFound
from pagesight.storage.exchange.archive import read_header, segment_files
from pagesight.storage.exchange.view import SegmentView
from pagesight.storage.exchange.writer import ExchangeWriter
from pagesight.storage.folder import write_lock
from pagesight.storage.manifest import Space
from pagesight.storage.moving.catalogue import Catalogue

SCHEME = "segments://"


class SegmentFolder(Closing):
    """``pagesight.storage.moving.ends.End``."""

    def __init__(self, address: str) -> None:
        """Open what is there. address: ``segments://FOLDER``. Raises StoreNotFound, StorageError if no file of it can be read."""
        self.address, self.folder = address, Path(address.removeprefix(SCHEME))
        files = segment_files(self.folder)
        if not files:
            raise StoreNotFound(self.folder)
        reasons = []
        for file in files:
            try:
                self.space = read_header(file).space
            except StorageError as error:
                reasons.append(f"{file.path.name}: {error}")
            else:
                return
        raise StorageError(f"no segment in {self.folder} can be read ({reasons[0]}); copy them again")

    @classmethod
    def create(cls, address: str, space: Space) -> Self:
        """Make an empty one, or open the one that is there."""
        folder = Path(address.removeprefix(SCHEME))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot make the folder {folder}: {error.strerror}; name another") from error
        if not segment_files(folder):
            with write_lock(folder):
                if not segment_files(folder):
                    ExchangeWriter(folder, space, Catalogue(), 1).write_empty()
        return cls(address)

    def view(self) -> SegmentView:
        """What the folder holds now."""
        return SegmentView(self.folder, self.space)

    @contextmanager
    def writer(self) -> Iterator[ExchangeWriter]:
        """The right to write. What is whole at the end is kept, also when it ends by an error. Raises StoreLocked."""
        with write_lock(self.folder):
            files = segment_files(self.folder)
            last = max((file.number for file in files), default=0)
            writer = ExchangeWriter(self.folder, self.space, SegmentView(self.folder, self.space).catalogue, last + 1)
            try:
                yield writer
            finally:
                writer.close()

    def close(self) -> None:
        """Nothing is held."""

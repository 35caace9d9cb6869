"""What waits on this machine's disk until all of it is there: the pages of a document that a store elsewhere takes as one.

So memory stays flat, and a store that is away for a while matters only at the commit.
"""

from __future__ import annotations

import pickle
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pagesight.storage.closing import Closing
from pagesight.storage.codecs import codec_named
from pagesight.storage.manifest import Space
from pagesight.storage.packed import check_packed, pack_page
from pagesight.storage.tables.database import disk_errors
from pagesight.storage.values import DocumentInfo, NewPage, PackedPage, SourceFile

PageFailures = Sequence[tuple[int, str]]  # (page number, reason) of pages that could not be read


class Spool(Closing):
    """Values in the order in which they came, in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="pagesight-draft-")  # noqa: SIM115 - closed by close()
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, value: Any) -> None:
        """Raises DiskFull."""
        with disk_errors(Path(tempfile.gettempdir())):
            pickle.dump(value, self._file)
        self._n += 1

    def __iter__(self) -> Iterator[Any]:
        """From the first, any number of times. Raises DiskFull."""
        with disk_errors(Path(tempfile.gettempdir())):
            self._file.seek(0)  # which writes what is still in memory
        for _ in range(self._n):
            yield pickle.load(self._file)  # noqa: S301 - written by ourselves

    def close(self) -> None:
        self._file.close()


class SpooledDraft(Closing):
    """``pagesight.indexer.running.pipeline.DocumentDraft``, of which nothing leaves this machine before ``commit()``."""

    def __init__(self, space: Space, commit: Callable[[Any, DocumentInfo, SourceFile, PageFailures], None]) -> None:
        """commit: is given this draft, and the arguments of ``commit``."""
        self._space, self._commit = space, commit
        self._codec = codec_named(space.codec, space.token_dim)
        self._spool = Spool()

    @property
    def n_pages(self) -> int:
        return len(self._spool)

    def add_page(self, new: NewPage) -> None:
        """Keep a page. Raises DimensionMismatch, PageTooLarge, DiskFull."""
        self._keep(pack_page(new, self._space, self._codec))

    def add_packed(self, new: PackedPage) -> None:
        """Keep a page of another store as it is. Raises StoreCorrupt if it is not of this space, PageTooLarge, DiskFull."""
        check_packed(new, self._space)
        self._keep(new)

    @abstractmethod
    def _keep(self, new: PackedPage) -> None:
        """Put what is needed of a page into the spool."""

    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: PageFailures = ()) -> None:
        """Make the document visible under this name, in place of what the name stood for before."""
        self._commit(self, info, source, page_failures)

    def close(self) -> None:
        self._spool.close()

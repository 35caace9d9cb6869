"""All vector files behind one door: what a writer appends, brings to the disk, or takes back."""

from __future__ import annotations

from pathlib import Path

from pagesight.storage.codecs import codec_named
from pagesight.storage.manifest import Space
from pagesight.storage.tables.database import disk_errors
from pagesight.storage.values import PackedPage
from pagesight.storage.vectors.page_rows import LEVELS, SINGLES_NAME, RowFile, means_name, row_sizes
from pagesight.storage.vectors.segments import RecordRef, SegmentWriter


class VectorFiles:
    """Appends pages behind the committed ones. Raises DiskFull where there is no room."""

    def __init__(self, folder: Path, space: Space, segment: int, segment_bytes: int) -> None:
        self._folder, self.space = folder, space
        self.codec = codec_named(space.codec, space.token_dim)
        self._segments = SegmentWriter(folder, segment, segment_bytes)
        self._rows = {name: RowFile(folder / name) for name in row_sizes(space.single_dim, space.token_dim)}

    @property
    def end(self) -> tuple[int, int]:
        """(segment, bytes) behind the last page that was appended."""
        return self._segments.segment, self._segments.size

    def append(self, page_id: int, page: PackedPage) -> RecordRef:
        """Write a page; returns where."""
        with disk_errors(self._folder):
            self._rows[SINGLES_NAME].write(page_id, page.single)
            for n, row in zip(LEVELS, page.means, strict=True):
                self._rows[means_name(n)].write(page_id, row)
            return self._segments.append(page.record)

    def sync(self) -> None:
        """Bring everything to the disk, before the database names it."""
        with disk_errors(self._folder):
            self._segments.sync()
            for file in self._rows.values():
                file.sync()

    def go_back(self, segment: int, segment_bytes: int) -> None:
        """Cut off what was appended since the last commit, which ended there. Rows need no cut: they are written over."""
        self._segments.go_back(segment, segment_bytes)

    def close(self) -> None:
        self._segments.close()
        for file in self._rows.values():
            file.close()

"""All vector files behind one door: what a writer appends, brings to the disk, or takes back."""

from __future__ import annotations

from pathlib import Path

from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import DimensionMismatch
from pagesight.storage.manifest import Space
from pagesight.storage.tables.database import disk_errors
from pagesight.storage.values import EncodedPage
from pagesight.storage.vectors.page_rows import SINGLES_NAME, RowFile, pack_means, pack_single, row_sizes
from pagesight.storage.vectors.pooling import pooled_page
from pagesight.storage.vectors.segments import RecordRef, SegmentWriter, pack_record


class VectorFiles:
    """Appends pages behind the committed ones. Raises DiskFull where there is no room."""

    def __init__(self, folder: Path, space: Space, segment: int, segment_bytes: int) -> None:
        self._folder, self._space = folder, space
        self._codec = codec_named(space.codec, space.token_dim)
        self._segments = SegmentWriter(folder, segment, segment_bytes)
        self._rows = {name: RowFile(folder / name) for name in row_sizes(space.single_dim, space.token_dim)}

    @property
    def end(self) -> tuple[int, int]:
        """(segment, bytes) behind the last page that was appended."""
        return self._segments.segment, self._segments.size

    def append(self, page_id: int, page: EncodedPage) -> tuple[RecordRef, int]:
        """Write a page; returns where, and how many token vectors. Raises DimensionMismatch."""
        space = self._space
        if page.single.shape != (space.single_dim,):
            raise DimensionMismatch("single vectors", space.single_dim, page.single.size)
        if page.tokens.shape[1:] != (space.token_dim,):
            raise DimensionMismatch("token vectors", space.token_dim, int(page.tokens.shape[-1]))
        with disk_errors(self._folder):
            for name, row in ({SINGLES_NAME: pack_single(page.single)} | pack_means(page.tokens)).items():
                self._rows[name].write(page_id, row)
            stored = pooled_page(page, space.pool_factor)
            return self._segments.append(pack_record(self._codec, stored.tokens, stored.boxes)), len(stored.tokens)

    def sync(self) -> None:
        """Bring everything to the disk, before the database names it."""
        with disk_errors(self._folder):
            self._segments.sync()
            for file in self._rows.values():
                file.sync()

    def mark_committed(self) -> None:
        self._segments.mark_committed()

    def rollback(self) -> None:
        """Cut off what was appended since the last commit. Rows need no cut: they are written over."""
        self._segments.rollback()

    def close(self) -> None:
        self._segments.close()
        for file in self._rows.values():
            file.close()

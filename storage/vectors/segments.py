"""Append-only files of page records.

A record holds what a page needs at search time: its token vectors (see codecs) and where each token is.

    record = tokens (codec) | boxes uint16 (n, 4), page fractions times 65535 | zeros up to a multiple of 64 bytes

Segments are named ``tokens-00000001.seg`` and so on; a new one is begun when the last would pass SEGMENT_BYTES.
The database knows each record's segment, offset, length and CRC-32, and how much of the last segment is committed:
bytes behind that are left-overs of a run that died, which the next writer cuts off.
"""

from __future__ import annotations

import contextlib
import os
import weakref
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.folder import numbers_in, sync_folder
from pagesight.storage.values import PageWords
from pagesight.storage.vectors.codecs import TokenCodec

try:
    from pagesight.storage.scoring import _maxsim
except ImportError:  # no compiler was there at installation
    _maxsim = None  # type: ignore[assignment]

Integers = NDArray[np.int64]
SEGMENT_BYTES = 1 << 30
ALIGNMENT = 64  # records start on cache lines, so that codes can be read in place by vector instructions
BOX_SCALE = 65535


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where a record lies. ``n_bytes`` counts without the padding."""

    segment: int
    offset: int
    n_bytes: int
    crc32: int


def segment_path(folder: Path, segment: int) -> Path:
    return folder / f"tokens-{segment:08d}.seg"


def padded(n_bytes: int) -> int:
    """What a record of this length takes."""
    return (n_bytes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def segments_in(folder: Path) -> list[int]:
    """Numbers of the segments that are there, ascending."""
    return numbers_in(folder, "tokens-", ".seg")


def pack_record(codec: TokenCodec, tokens: NDArray[np.float32], boxes: NDArray[np.float32]) -> bytes:
    """tokens: (n, dim) float32; boxes: (n, 4) float32 in [0, 1]."""
    fractions = np.rint(np.clip(boxes, 0, 1) * BOX_SCALE).astype("<u2")
    return codec.encode(tokens) + fractions.tobytes()


def stored_words(texts: str, boxes: bytes) -> PageWords:
    """The words of a page from its row in the database: a word a line, boxes as of tokens."""
    return words_of_pages([texts], [boxes])[0]


def words_of_pages(texts: Sequence[str | None], boxes: Sequence[bytes | None]) -> list[PageWords]:
    """``stored_words`` of several pages, in one go; None for a page without a row."""
    placed = stored_boxes([some or b"" for some in boxes])
    return [PageWords(tuple(t.split("\n")) if t else (), where) for t, where in zip(texts, placed, strict=True)]


def unpack_boxes(data: bytes | memoryview, n_tokens: int) -> NDArray[np.float32]:
    """The boxes at the end of a record: (n, 4) float32 in [0, 1]."""
    return stored_boxes([memoryview(data)[len(data) - 8 * n_tokens :]])[0]


def stored_boxes(packed: Sequence[bytes | memoryview]) -> list[NDArray[np.float32]]:
    """Boxes of several pages, in one go: (n, 4) float32 in [0, 1] of each."""
    fractions = np.frombuffer(b"".join(packed), "<u2").reshape(-1, 4).astype(np.float32)
    fractions /= np.float32(BOX_SCALE)
    edges = [0, *accumulate(len(boxes) // 8 for boxes in packed)]
    return [fractions[first:stop] for first, stop in pairwise(edges)]


class SegmentWriter:
    """Appends records. Nothing counts until the database names it, so there is nothing to undo but the tail."""

    def __init__(self, folder: Path, segment: int, committed_bytes: int) -> None:
        self._folder = folder
        self._open(segment, committed_bytes)

    def _open(self, segment: int, size: int) -> None:
        """Behind the committed bytes."""
        for later in segments_in(self._folder):  # begun by a run that died
            if later > segment:
                segment_path(self._folder, later).unlink()
        path = segment_path(self._folder, segment)
        self._is_new = not path.exists()
        self._file = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115 - closed by close()
        found = self._file.seek(0, os.SEEK_END)
        if found < size:
            self._file.close()
            raise StoreCorrupt(f"{path} has {found} bytes where {size} were committed")
        self._file.truncate(size)
        self._file.seek(size)
        self.segment, self.size = segment, size

    def append(self, record: bytes) -> RecordRef:
        """Write a record behind the last one."""
        size = padded(len(record))
        if self.size and self.size + size > SEGMENT_BYTES:
            self.begin_next()
        ref = RecordRef(self.segment, self.size, len(record), zlib.crc32(record))
        self._file.write(record + bytes(size - len(record)))
        self.size += size
        return ref

    def begin_next(self) -> None:
        """Go on in a new segment."""
        self.sync()
        self._file.close()
        self.segment, self.size = self.segment + 1, 0
        self._file = open(segment_path(self._folder, self.segment), "w+b")  # noqa: SIM115 - closed by close()
        self._is_new = True

    def sync(self) -> None:
        """Bring everything to the disk. Call before the database commit that names it."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if self._is_new:
            sync_folder(self._folder)
            self._is_new = False

    def go_back(self, segment: int, committed_bytes: int) -> None:
        """Cut off what was appended since the last commit, which ended there."""
        self.close()
        self._open(segment, committed_bytes)

    def close(self) -> None:
        try:
            self._file.close()
        except OSError:  # a full disk refuses the buffered tail, which was not committed: closing again drops it
            self._file.close()


def _read_one_by_one(
    descriptors: Integers, offsets: Integers, sizes: Integers, starts: Integers, buffer: bytearray | memoryview
) -> int:
    """What the extension does, without it."""
    view = memoryview(buffer)
    where = zip(descriptors.tolist(), offsets.tolist(), sizes.tolist(), starts.tolist(), strict=True)
    for i, (descriptor, offset, size, start) in enumerate(where):
        data = os.pread(descriptor, size, offset)
        if len(data) != size:
            return i
        view[start : start + size] = data
    return -1


_read = getattr(_maxsim, "read", _read_one_by_one)


class SegmentFile:
    """An open segment. Readers share it; it is closed when the last of them is gone."""

    __slots__ = ("__weakref__", "descriptor")

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.descriptor)

    def is_at(self, path: Path) -> bool:
        """Whether it is the file of this name: one that a dead run began is replaced by another."""
        return os.path.samestat(os.fstat(self.descriptor), os.stat(path))


class SegmentReader:
    """Reads records by position; any number of threads may share it.

    Every segment that is there is opened at once, so that what a compaction takes away later can still be read.
    """

    def __init__(self, folder: Path, before: SegmentReader | None = None) -> None:
        """before: an earlier reader, whose open segments are used again."""
        self._folder = folder
        known = {} if before is None else before._files
        self._files: dict[int, SegmentFile] = {}
        for segment in segments_in(folder):
            with contextlib.suppress(FileNotFoundError):
                path, file = segment_path(folder, segment), known.get(segment)
                self._files[segment] = file if file and file.is_at(path) else SegmentFile(path)

    def read(self, ref: RecordRef, n_bytes: int | None = None, *, verify: bool = False) -> bytes:
        """The first ``n_bytes`` of a record (default: all). Raises StoreCorrupt if they are not there, or,
        with ``verify``, if they are not what was written.
        """
        n_bytes = ref.n_bytes if n_bytes is None else n_bytes
        data = os.pread(self.descriptor(ref.segment), n_bytes, ref.offset)
        if len(data) != n_bytes:
            path = segment_path(self._folder, ref.segment)
            raise StoreCorrupt(f"{path} ends before byte {ref.offset + n_bytes}")
        if verify and zlib.crc32(data) != ref.crc32:
            path = segment_path(self._folder, ref.segment)
            raise StoreCorrupt(f"{path}: the record at byte {ref.offset} is damaged")
        return data

    def read_many(self, segments: Integers, offsets: Integers, sizes: Integers) -> list[memoryview]:
        """So many bytes of each, all read at once. Raises StoreCorrupt if there are fewer."""
        starts = np.cumsum((sizes + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT)
        buffer = np.empty(int(starts[-1]) if len(starts) else 0, np.uint8).data
        starts = np.concatenate([np.zeros(1, np.int64), starts[:-1]])[: len(sizes)]
        self.read_into(segments, offsets, sizes, buffer, starts)
        return [buffer[start : start + size] for start, size in zip(starts.tolist(), sizes.tolist(), strict=True)]

    def read_into(
        self,
        segments: Integers,
        offsets: Integers,
        sizes: Integers,
        buffer: bytearray | memoryview,
        starts: Integers,
    ) -> None:
        """Read ``sizes[i]`` bytes from ``offsets[i]`` of ``segments[i]`` on to ``buffer[starts[i]:]``.

        Raises StoreCorrupt if there are fewer bytes.
        """
        if len(sizes) and (starts.min() < 0 or (starts + sizes).max() > len(buffer)):  # the extension does not look
            raise ValueError(f"{(starts + sizes).max()} bytes do not fit into {len(buffer)}")
        descriptors = np.array([self.descriptor(segment) for segment in segments.tolist()], np.int64)
        failed = _read(descriptors, np.ascontiguousarray(offsets), sizes, starts, buffer)
        if failed >= 0:
            os.pread(int(descriptors[failed]), int(sizes[failed]), int(offsets[failed]))  # a bad disk says so itself
            path = segment_path(self._folder, int(segments[failed]))
            raise StoreCorrupt(f"{path} ends before byte {offsets[failed] + sizes[failed]}")

    def in_memory(self, segment: int, offset: int) -> bool:
        """Whether the byte there can be had without waiting for the disk; False if the system cannot tell."""
        try:
            return os.preadv(self.descriptor(segment), [bytearray(1)], offset, getattr(os, "RWF_NOWAIT", 0)) == 1
        except OSError:
            return False

    def advise(self, segment: int, offset: int, n_bytes: int) -> None:
        """Say that these bytes will be read soon."""
        os.posix_fadvise(self.descriptor(segment), offset, n_bytes, os.POSIX_FADV_WILLNEED)

    def descriptor(self, segment: int) -> int:
        """Of an open segment. Raises StoreCorrupt if it is missing."""
        file = self._files.get(segment)
        if file is None:
            raise StoreCorrupt(f"{segment_path(self._folder, segment)} is missing")
        return file.descriptor

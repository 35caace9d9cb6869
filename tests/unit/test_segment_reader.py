"""Many records are read at once, with and without the extension."""

import numpy as np
import pytest

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.vectors import segments
from pagesight.storage.vectors.segments import SegmentReader, segment_path

READERS = sorted({segments._read, segments._read_one_by_one}, key=str)


@pytest.fixture(params=READERS, ids=lambda read: read.__name__)
def reader(request, tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "_read", request.param)
    for segment in (1, 2):
        segment_path(tmp_path, segment).write_bytes(bytes(range(100 * (segment - 1), 100 * segment)))
    return SegmentReader(tmp_path)


def read(reader, segments, offsets, sizes, starts, length=60):
    buffer = bytearray(length)
    reader.read_into(*(np.array(column, np.int64) for column in (segments, offsets, sizes)), buffer, np.array(starts))
    return buffer


def test_records_of_several_files_come_where_they_are_wanted(reader):
    found = read(reader, [2, 1, 2], [0, 90, 50], [3, 10, 2], [20, 0, 58])
    assert found[20:23] == bytes([100, 101, 102])
    assert found[:10] == bytes(range(90, 100))
    assert found[58:] == bytes([150, 151])
    assert read(reader, [], [], [], np.array([], np.int64)) == bytes(60)


def test_a_file_that_was_cut_off_is_named(reader):
    with pytest.raises(StoreCorrupt, match=r"tokens-00000002\.seg ends before byte 101"):
        read(reader, [1, 2], [0, 95], [5, 6], [0, 10])


def test_nothing_is_written_outside_the_buffer(reader):
    for starts in ([50], [-1]):
        with pytest.raises(ValueError, match="do not fit"):
            read(reader, [1], [0], [20], starts)

"""What is stored comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pagesight.engine.models.words.windows import spans
from pagesight.storage.codecs import CODECS, codec_named
from pagesight.storage.errors import ConfigError
from pagesight.storage.vectors.segments import pack_record, unpack_boxes

tokens = st.tuples(st.integers(0, 9), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-4, 4, width=32))
)


@given(tokens, st.sampled_from(["int8", "float16"]))
def test_a_codec_gives_back_tokens_within_its_error(rows, name):
    codec = codec_named(name, rows.shape[1])
    data = codec.encode(rows)
    assert len(data) == codec.n_bytes(len(rows))
    error = np.abs(codec.decode(data, len(rows)) - rows)
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0)
    allowed = {"int8": largest / 127 * 0.501, "float16": largest / 1000}[name] + 1e-6
    assert (error <= allowed).all()


@given(tokens, st.sampled_from(sorted(CODECS)), st.data())
def test_a_record_holds_tokens_and_boxes(rows, name, data):
    rows = np.repeat(rows, 4, axis=1)  # packed codes fill whole bytes
    boxes = data.draw(arrays(np.float32, (len(rows), 4), elements=st.floats(0, 1, width=32)))
    record = pack_record(codec_named(name, rows.shape[1]), rows, boxes)
    np.testing.assert_allclose(unpack_boxes(record, len(rows)), boxes, atol=1 / 65535)


def test_an_unknown_codec_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="'int5'; known codecs are int8, int4, int2, float16"):
        codec_named("int5", 128)


def test_a_packed_codec_needs_whole_bytes():
    with pytest.raises(ConfigError, match="7 dimensions do not fill whole bytes with 4 bits each"):
        codec_named("int4", 7)


@given(st.integers(0, 2000), st.integers(2, 200), st.data())
def test_windows_cover_everything_and_overlap(n_pieces, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    found = spans(n_pieces, size, overlap)
    assert all(0 <= start < stop <= n_pieces and stop - start <= size for start, stop in found)
    covered = set()
    for start, stop in found:
        covered.update(range(start, stop))
    assert covered == set(range(n_pieces))
    assert all(before[1] - after[0] >= overlap for before, after in zip(found, found[1:], strict=False))

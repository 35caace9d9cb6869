"""The value types cannot hold nonsense."""

import numpy as np
import pytest

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.values import EncodedPage, PageWords
from pagesight.storage.vectors.records import Places


def test_multivectors_gives_back_the_pages_it_was_made_of():
    pages = [np.ones((2, 3), np.float32), np.zeros((1, 3), np.float32)]
    joined = MultiVectors.from_pages(pages)
    assert len(joined) == 2
    assert joined.dim == 3
    for page, original in zip(joined, pages, strict=True):
        np.testing.assert_array_equal(page, original)
    np.testing.assert_array_equal(joined[-1], pages[1])
    with pytest.raises(IndexError, match="out of range"):
        joined[2]


def test_multivectors_refuses_a_page_without_tokens():
    with pytest.raises(ValueError, match="at least one token"):
        MultiVectors.from_pages([np.ones((2, 3), np.float32), np.empty((0, 3), np.float32)])


@pytest.mark.parametrize(
    ("data", "offsets", "match"),
    [
        (np.ones(3, np.float32), [0, 3], "2-D"),
        (np.ones((3, 2), np.float32), [0, 2], "span 0..3"),
        (np.ones((3, 2), np.float32), [1, 3], "span 0..3"),
    ],
)
def test_multivectors_refuses_offsets_that_do_not_fit(data, offsets, match):
    with pytest.raises(ValueError, match=match):
        MultiVectors(data, np.array(offsets, np.int64))


def test_no_pages_are_an_empty_multivectors():
    assert len(MultiVectors.from_pages([], 7)) == 0
    assert MultiVectors.from_pages([], 7).dim == 7


def test_words_and_tokens_need_a_box_each():
    with pytest.raises(ValueError, match=r"shape \(2, 4\)"):
        PageWords(("a", "b"), np.zeros((1, 4), np.float32))
    with pytest.raises(ValueError, match=r"shape \(2, 4\)"):
        EncodedPage(np.zeros(3, np.float32), np.zeros((2, 3), np.float32), np.zeros((1, 4), np.float32))


def test_places_are_found_by_page_id():
    column = np.array([1, 2, 3])
    places = Places(np.array([4, 7, 9]), column, column * 10, column * 100)
    assert places.find(np.array([9, 4, 9])).tolist() == [2, 0, 2]
    assert places.find(np.array([], np.int64)).tolist() == []
    for missing in ([5], [4, 10]):
        with pytest.raises(StoreCorrupt, match="1 pages are not in the database"):
            places.find(np.array(missing))

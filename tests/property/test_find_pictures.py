"""Where pictures are found: within the page, the same in any order, never where words are what is there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight.indexer.sight.find import MAX_PICTURES, MIN_SQUARE_SHARE, Drawn, find_pictures

NONE = np.empty((0, 4), np.float32)
fractions = st.floats(0, 1, width=32)
boxes = st.lists(st.tuples(fractions, fractions, fractions, fractions), max_size=40).map(
    lambda rows: np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in rows], np.float32).reshape(
        -1, 4
    )
)


def bars(x=0.2, y=0.2, n=8):
    """A bar chart's paths: n bars beside each other on an axis."""
    return np.array(
        [
            (x, y + 0.2, x + 0.4, y + 0.201),
            *((x + 0.05 * i, y + 0.02 * i, x + 0.05 * i + 0.04, y + 0.2) for i in range(n)),
        ],
        np.float32,
    )


@pytest.mark.thorough
@settings(max_examples=60, deadline=None)
@given(images=boxes, paths=boxes, words=boxes, aspect=st.floats(0.2, 5), seed=st.integers(0, 9))
def test_pictures_lie_on_the_page_and_do_not_depend_on_the_order_of_what_is_drawn(images, paths, words, aspect, seed):
    found = find_pictures(Drawn(images, paths, aspect), words)
    assert len(found) <= MAX_PICTURES
    assert [place.share for place in found] == sorted((place.share for place in found), reverse=True)
    for place in found:
        x0, y0, x1, y1 = place.box
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
        assert place.share >= MIN_SQUARE_SHARE * 0.999
    shuffled = np.random.default_rng(seed).permutation(len(paths))
    assert find_pictures(Drawn(images, paths[shuffled], aspect), words) == found


def test_bars_that_stand_near_are_one_drawing_and_two_charts_are_two():
    (one,) = find_pictures(Drawn(NONE, bars(), 0.7), NONE)
    assert not one.embedded
    np.testing.assert_allclose(one.box, (0.2, 0.2, 0.6, 0.401), atol=0.01)
    two = find_pictures(Drawn(NONE, np.concatenate([bars(), bars(y=0.6)]), 0.7), NONE)
    assert len(two) == 2


def test_a_drawing_that_is_mostly_words_is_none():
    x, y = np.meshgrid(np.linspace(0.2, 0.55, 8), np.linspace(0.2, 0.38, 10))
    words = np.stack([x, y, x + 0.04, y + 0.012], axis=-1).reshape(-1, 4).astype(np.float32)
    assert find_pictures(Drawn(NONE, bars(), 0.7), words) == []


def test_tiles_are_one_picture():
    strips = np.array([(0.1, 0.1 + i / 20, 0.6, 0.1 + (i + 1) / 20) for i in range(8)], np.float32)
    (whole,) = find_pictures(Drawn(strips, NONE, 0.7), NONE)
    np.testing.assert_allclose(whole.box, (0.1, 0.1, 0.6, 0.5), atol=1e-3)


def test_what_others_lie_on_is_the_ground_and_no_picture():
    ground, picture = (0, 0, 1, 1), (0.3, 0.3, 0.6, 0.6)
    alone = find_pictures(Drawn(np.array([ground], np.float32), NONE, 1.5), NONE)
    assert [place.box for place in alone] == [ground]
    both = find_pictures(Drawn(np.array([ground, picture], np.float32), NONE, 1.5), NONE)
    np.testing.assert_allclose([place.box for place in both], [picture], atol=1e-6)


def test_a_hundred_thousand_paths_are_as_good_as_their_hull():
    generator = np.random.default_rng(0)
    low = generator.uniform(0.2, 0.6, (100_000, 2))
    paths = np.concatenate([low, low + 0.003], axis=1).astype(np.float32)
    (place,) = find_pictures(Drawn(NONE, paths, 1.0), NONE)
    np.testing.assert_allclose(place.box, (0.2, 0.2, 0.603, 0.603), atol=1e-3)

"""Regions of any page: on it, few, disjoint, in order, and always the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight.engine.regions.choose import MAX_REGIONS, AskedPage, find_regions
from pagesight.engine.regions.evidence import match_lines, stand_out
from pagesight.engine.regions.layout import lay_out
from pagesight.storage.multivectors import lengths_of
from pagesight.storage.values import PageWords

DIM = 8
QUESTIONS = ("", "how many", "a drawing of it")


def box():
    corner = st.floats(0, 1, width=32)
    return st.tuples(corner, corner, corner, corner).map(
        lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
    )


def small_box():
    """Where words may really be: on a line of a grid."""
    return st.builds(
        lambda x, y, w, h: (x / 50, y / 50, min(1.0, (x + w) / 50), min(1.0, y / 50 + h / 100)),
        st.integers(0, 49),
        st.integers(0, 49),
        st.integers(1, 6),
        st.integers(1, 4),
    )


def stored(boxes):
    """As the index has them: in steps of 1 / 65535."""
    grid = np.float32(1 / 65535)
    return np.rint(np.array(boxes, np.float32).reshape(-1, 4) / grid).astype(np.float32) * grid


@st.composite
def pages(draw):
    boxes = draw(st.lists(st.one_of(small_box(), box()), min_size=1, max_size=60))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    texts = tuple(draw(st.sampled_from(["Figure", "3", "word", "", "图一"])) for _ in boxes)
    tokens = rng.standard_normal((len(boxes), DIM)).astype(np.float32)
    query = rng.standard_normal((draw(st.integers(1, 4)), DIM)).astype(np.float32)
    return PageWords(texts, np.array(boxes, np.float32).reshape(-1, 4)), tokens, query, draw(st.sampled_from(QUESTIONS))


def standing_of(query, tokens):
    return stand_out([query @ tokens.T], [lengths_of(tokens)])


def regions_of(words, tokens, query, question, boxes=None, aspect=0.7):
    boxes = words.boxes if boxes is None else boxes
    heat = np.full(len(tokens), 1 / len(tokens), np.float32)
    return find_regions(question, standing_of(query, tokens), [AskedPage(heat, boxes, words, aspect)])[0]


def check(regions, boxes):
    assert 1 <= len(regions) <= MAX_REGIONS
    found = np.array([region.box for region in regions])
    scores = [region.score for region in regions]
    assert np.isfinite(found).all()
    assert (found >= -1e-6).all()
    assert (found <= 1 + 1e-6).all()
    assert (found[:, :2] <= found[:, 2:]).all()
    assert all(0 < score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)
    assert len({region.box for region in regions}) == len(regions)
    middle = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2], axis=1)
    inside = ((found[:, None, :2] < middle) & (middle < found[:, None, 2:])).all(axis=2)  # (n_regions, n_tokens)
    assert (inside.sum(axis=0) <= 1).all()


@pytest.mark.thorough
@settings(max_examples=150, deadline=None)
@given(pages())
def test_regions_of_any_page(page):
    words, tokens, query, question = page
    regions = regions_of(words, tokens, query, question)
    check(regions, words.boxes)
    assert regions == regions_of(words, tokens, query, question)


@settings(max_examples=60, deadline=None)
@given(pages())
def test_every_word_has_one_line_one_row_and_one_block(page):
    words, tokens, query, _ = page
    layout = lay_out([words.boxes], [0.7])
    for groups in (layout.block, layout.row):
        assert groups[0] == 0
        assert set(np.diff(groups)) <= {0, 1}
    assert not (layout.titles & layout.prose).any()
    assert all(np.isfinite(values).all() for values in (layout.lines, layout.blocks, layout.lengths, layout.sizes))
    matches = match_lines(standing_of(query, tokens), [words.boxes], layout, [0])
    assert matches.shape == (len(query), len(layout.lines))
    assert (matches >= 0).all()
    assert (matches.sum(axis=0) <= 1 + 1e-5).all()


RNG = np.random.default_rng(5)
GRID = np.array([(x / 70, y / 75, x / 70 + 0.012, y / 75 + 0.01) for y in range(72) for x in range(70)], np.float32)
DEGENERATE = {
    "one word": np.array([[0.2, 0.2, 0.3, 0.22]], np.float32),
    "5,000 words": GRID[:5000],
    "all in one place": np.repeat(np.array([[0.5, 0.5, 0.6, 0.52]], np.float32), 300, axis=0),
    "without area": np.zeros((40, 4), np.float32),
    "without height": np.array([[i / 50, 0.5, i / 50 + 0.01, 0.5] for i in range(50)], np.float32),
    "as large as the page": np.repeat(np.array([[0, 0, 1, 1]], np.float32), 20, axis=0),
    "from the bottom to the top": GRID[:600][::-1].copy(),
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.filterwarnings("error")
def test_odd_pages(name, question):
    boxes = DEGENERATE[name]
    words = PageWords(("word",) * len(boxes), boxes)
    tokens = RNG.standard_normal((len(boxes), DIM)).astype(np.float32)
    check(regions_of(words, tokens, tokens[:3], question), boxes)


@pytest.mark.filterwarnings("error")
def test_pages_without_words_and_tokens_that_are_all_alike():
    boxes = GRID[:100]
    alike = np.ones((100, DIM), np.float32)
    check(regions_of(PageWords.none(), alike, alike[:2], "", boxes), boxes)
    check(regions_of(PageWords(("word",) * 100, boxes), alike, alike[:2], "", boxes), boxes)
    nothing = np.zeros((100, DIM), np.float32)
    check(regions_of(PageWords(("word",) * 100, boxes), nothing, alike[:2], "", boxes), boxes)

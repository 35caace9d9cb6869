"""Groups that lie end to end, layouts and open space: by definition, and the same with the extension and without it."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagesight.engine.regions import layout as rules
from pagesight.engine.regions import ragged, spaces
from pagesight.engine.regions.layout import Layout, lay_out
from pagesight.engine.regions.spaces import (
    ABOVE,
    BELOW,
    COLUMNS,
    HEIGHT,
    LEFT,
    RIGHT,
    SHARED,
    WIDTH,
    Beside,
    open_spaces,
)
from tests.property.test_region_pages import box as large_box
from tests.property.test_region_pages import small_box, stored


@pytest.fixture(params=["extension", "numpy"])
def by(request, monkeypatch):
    """Pages as the extension looks at them, if it is there, and as numpy does without it."""
    if request.param == "numpy":
        without_extension(monkeypatch)


def without_extension(monkeypatch):
    for module in (ragged, rules, spaces):
        monkeypatch.setattr(module, "_regions", None)


WITH_EXTENSION = pytest.mark.skipif(ragged._regions is None, reason="there is no extension")
EITHER_WAY = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EITHER_WAY
@given(
    st.lists(st.lists(small_box(), max_size=20), min_size=4, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), small_box()), max_size=40),
)
@pytest.mark.usefixtures("by")
def test_middles_in_boxes_by_definition(others, boxes):
    of_boxes, around = np.array([page for page, _ in boxes], np.int64), stored([box for _, box in boxes])
    dots, edges = stored([box for page in others for box in page]), ragged.ends(np.array([len(p) for p in others]))
    box, other = ragged.inside(around, of_boxes, dots, edges)
    expected = [
        (i, j)
        for i, (x0, y0, x1, y1) in enumerate(around)
        for j in range(edges[of_boxes[i]], edges[of_boxes[i] + 1])
        if x0 <= (dots[j, 0] + dots[j, 2]) / 2 <= x1 and y0 <= (dots[j, 1] + dots[j, 3]) / 2 <= y1
    ]
    assert list(zip(box.tolist(), other.tolist(), strict=True)) == expected


@pytest.mark.usefixtures("by")
def test_more_pairs_than_there_is_room_for_at_first():
    everywhere = np.tile(np.array([0, 0, 1, 1], np.float32), (50, 1))
    box, other = ragged.inside(everywhere, np.zeros(50, np.int64), everywhere, np.array([0, 50]))
    assert box.tolist() == [i for i in range(50) for _ in range(50)]
    assert other.tolist() == list(range(50)) * 50


@EITHER_WAY
@given(st.lists(st.lists(st.integers(-3, 3), min_size=1, max_size=9), min_size=1, max_size=5), st.integers(1, 3))
@pytest.mark.usefixtures("by")
def test_groups_by_definition(groups, n_rows):
    """Of several rows: one, and others that are it times a number."""
    factors = np.array([1, -0.37, 1e-7], np.float32)[:n_rows, None]
    rows = factors * np.array([number for group in groups for number in group], np.float32)
    edges = ragged.ends(np.array([len(group) for group in groups]))
    parts = [[row[first:stop] for first, stop in pairwise(edges.tolist())] for row in rows]
    medians = [[sorted(part)[len(part) // 2] for part in row] for row in parts]
    np.testing.assert_array_equal(ragged.largest(rows, edges[:-1]), [[max(part) for part in row] for row in parts])
    np.testing.assert_array_equal(ragged.medians(rows, edges[:-1]), medians)
    stretched = rows.copy()
    reach = ragged.stretch(stretched, edges[:-1])
    expected = [
        [max(part) - median for part, median in zip(*row, strict=True)] for row in zip(parts, medians, strict=True)
    ]
    np.testing.assert_allclose(reach, expected, rtol=1e-6)
    assert ((stretched >= 0) & (stretched <= 1)).all()
    usual, most = (np.repeat(numbers, np.diff(edges), axis=1) for numbers in (medians, reach))
    np.testing.assert_allclose(stretched, np.maximum(rows - usual, 0) / np.maximum(most, 1e-6), atol=1e-5)


@EITHER_WAY
@given(st.lists(st.lists(small_box(), min_size=1, max_size=6), min_size=1, max_size=5))
@pytest.mark.usefixtures("by")
def test_bounds_by_definition(groups):
    boxes, edges = stored([box for group in groups for box in group]), ragged.ends(np.array([len(g) for g in groups]))
    expected = [[*part.min(axis=0)[:2], *part.max(axis=0)[2:]] for part in np.split(boxes, edges[1:-1])]
    np.testing.assert_array_equal(ragged.bounds(boxes, edges[:-1]), expected)


@EITHER_WAY
@given(st.lists(st.lists(small_box(), min_size=1, max_size=6), min_size=1, max_size=5))
@pytest.mark.usefixtures("by")
def test_spread_values_by_definition(groups):
    boxes, edges = stored([box for group in groups for box in group]), ragged.ends(np.array([len(g) for g in groups]))
    x, y, values = np.ascontiguousarray(20 * boxes[:, 0]), np.ascontiguousarray(20 * boxes[:, 1]), 1 + boxes[:, 2]
    expected = [
        sum(values[j] * math.exp(-((x[i] - x[j]) ** 2) - (y[i] - y[j]) ** 2) for j in range(first, stop))
        for first, stop in pairwise(edges.tolist())
        for i in range(first, stop)
    ]
    np.testing.assert_allclose(ragged.spread(x, y, values, edges), expected, rtol=1e-5)


any_box = st.one_of(small_box(), large_box())


@WITH_EXTENSION
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(any_box, min_size=1, max_size=40), st.floats(0.3, 3)), min_size=1, max_size=3))
def test_the_extension_lays_pages_out_as_numpy_does(monkeypatch, pages):
    boxes, aspects = [np.array(page, np.float32) for page, _ in pages], [aspect for _, aspect in pages]
    found = lay_out(boxes, aspects)
    with monkeypatch.context() as patched:
        without_extension(patched)
        same = lay_out(boxes, aspects)
    for name in Layout.__slots__:
        np.testing.assert_array_equal(getattr(found, name), getattr(same, name), err_msg=name)


@WITH_EXTENSION
def test_tables_and_heads_are_the_same_with_the_extension(monkeypatch):
    """Which are rare among boxes that are made up: rows of cells, and more short blocks at the head than are looked at."""
    cells = [(x / 10, 0.3 + y / 50, x / 10 + 0.03, 0.31 + y / 50) for y in range(12) for x in range(1 + y % 5)]
    head = [(x / 60, 0.05, x / 60 + 0.005, 0.06 + x / 1000) for x in range(0, 60, 2)] * 2
    title = [(0.1 + i / 20, 0.2, 0.14 + i / 20, 0.22) for i in range(5)]
    pages = [np.array(page, np.float32) for page in (head + title + cells, title, cells)]
    found = lay_out(pages, [0.7] * 3)
    assert found.in_table.any()
    assert found.titles.any()
    without_extension(monkeypatch)
    same = lay_out(pages, [0.7] * 3)
    for name in Layout.__slots__:
        np.testing.assert_array_equal(getattr(found, name), getattr(same, name), err_msg=name)


@WITH_EXTENSION
@pytest.mark.parametrize("edges", [[0, 3, 5], [0, 2, 6], [0, 0, 5], [0, 7, 5]])
def test_no_word_is_laid_out_that_is_not_there(edges):
    words, n = np.zeros((5, 4), np.float32), len(edges) - 1
    numbers = (np.zeros(n, np.float32), np.zeros(10, np.float32))
    arrays = [
        np.zeros((5, width), kind)
        for width, kind in 2 * [(4, "f4")] + 4 * [(1, "f4")] + 5 * [(1, "i8")] + 3 * [(1, "?")]
    ]
    pages = [np.zeros(n + 1, np.int64) for _ in range(2)]
    given = (words, np.array(edges), *numbers)
    if edges == [0, 3, 5]:
        assert ragged._regions.lay_out(*given, *arrays, *pages)[0] >= 2
        with pytest.raises(ValueError, match="do not fit each other"):
            ragged._regions.lay_out(*given, *[array[:4] for array in arrays], *pages)
    else:
        with pytest.raises(ValueError, match="do not fit each other"):
            ragged._regions.lay_out(*given, *arrays, *pages)


@WITH_EXTENSION
@pytest.mark.parametrize("first", [[0, 0], [1, 0], [-1], [0, 5]])
def test_no_group_is_read_that_does_not_lie_in_its_row(first):
    with pytest.raises(ValueError, match="do not lie end to end within 5"):
        ragged.largest(np.zeros((2, 5), np.float32), np.array(first))
    with pytest.raises(ValueError, match="do not lie end to end within 5"):
        ragged.bounds(np.zeros((5, 4), np.float32), np.array(first))


@WITH_EXTENSION
@pytest.mark.parametrize(("page", "edges"), [(1, [0, 2]), (-1, [0, 2]), (0, [0, 3]), (0, [1, 2]), (0, [0, 3, 2])])
def test_no_page_is_looked_at_that_is_not_there(page, edges):
    boxes = np.zeros((2, 4), np.float32)
    with pytest.raises(ValueError, match="do not fit each other"):
        ragged.inside(boxes, np.full(2, page), boxes, np.array(edges))


@EITHER_WAY
@given(
    st.lists(
        st.tuples(small_box(), st.lists(small_box(), max_size=6), st.sampled_from([BELOW, ABOVE])),
        min_size=1,
        max_size=4,
    )
)
@pytest.mark.usefixtures("by")
def test_open_space_by_definition(asked):
    """The largest of all runs of columns, each as far as the first obstacle in any of its columns."""
    within = np.array([0, 0, 1, 1], np.float32)
    found = open_spaces([Beside(stored(box)[0], side, stored(obstacles), within) for box, obstacles, side in asked])
    for (box, obstacles, side), space, there in zip(asked, *found, strict=True):
        x0, y0, x1, y1 = stored(box)[0].tolist()
        taken = stored(obstacles).tolist()
        if side == ABOVE:
            y0, y1, taken = 1 - y1, 1 - y0, [[a, 1 - d, c, 1 - b] for a, b, c, d in taken]
        best, step = 0.0, 1 / COLUMNS
        limits = [
            min(
                [
                    max(b, y1)
                    for a, b, c, d in taken
                    if d > y1 + 0.005 and a < (i + 0.75) * step and c > (i + 0.25) * step
                ],
                default=1.0,
            )
            for i in range(COLUMNS)
        ]
        for i in range(COLUMNS):
            for j in range(i + 1, COLUMNS + 1):
                width, height = (j - i) * step, min(limits[i:j]) - y1
                shared = min(j * step, x1) - max(i * step, x0)
                if width >= WIDTH and height >= HEIGHT and shared >= SHARED * min(width, x1 - x0) - 1e-7:
                    best = max(best, width * height)
        area = float((space[2] - space[0]) * (space[3] - space[1])) if there else 0.0
        assert area == pytest.approx(best, abs=2e-3) or math.isclose(area, best, rel_tol=1e-2)


@EITHER_WAY
@given(
    st.lists(
        st.tuples(small_box(), st.lists(small_box(), max_size=6), st.sampled_from([BELOW, ABOVE, LEFT, RIGHT])),
        min_size=2,
        max_size=6,
    )
)
@pytest.mark.usefixtures("by")
def test_open_spaces_on_all_sides_are_found_together_as_alone(asked):
    within = np.array([0.1, 0, 1, 0.9], np.float32)
    all_of_them = [Beside(stored(box)[0], side, stored(obstacles), within) for box, obstacles, side in asked]
    spaces, there = open_spaces(all_of_them)
    for one, space, room in zip(all_of_them, spaces, there, strict=True):
        (alone,), (there_alone,) = open_spaces([one])
        assert room == there_alone
        if room:
            assert space.tolist() == alone.tolist()
            edge, at = {BELOW: (1, 3), ABOVE: (3, 1), RIGHT: (0, 2), LEFT: (2, 0)}[one.side]
            assert space[edge] == pytest.approx(one.box[at])


@pytest.mark.usefixtures("by")
def test_numbers_of_other_types_are_the_same_numbers():
    rows, first = np.arange(10.0)[None], np.array([0, 5], np.int32)
    assert ragged.largest(rows, first).tolist() == [[4, 9]]
    assert ragged.medians(rows, first).tolist() == [[2, 7]]
    assert ragged.stretch(rows.copy(), first).tolist() == [[2, 2]]
    assert ragged.bounds(np.tile(rows[0, :4], (2, 1)), first[:1]).tolist() == [[0, 1, 2, 3]]
    boxes = np.array([(0, 0, 0.5, 0.1), (0.5, 0, 1, 0.1)])
    dots, edges = np.tile(boxes, (2, 1)), np.array([0, 4], np.int32)
    assert np.stack(ragged.inside(boxes, edges[:1].repeat(2), dots, edges)).tolist() == [[0, 0, 1, 1], [0, 2, 1, 3]]
    assert lay_out([boxes], [1.0]).page_lines.tolist() == [0, 1]

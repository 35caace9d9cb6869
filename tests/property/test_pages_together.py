"""The pages of an answer are laid out and matched in one go: each as if it were alone, and as rules that look at one thing at a time say."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pagesight.engine.explain import SAME_BOX, WordsOfPages, find_matches, make_snippets, supported, token_heats
from pagesight.engine.regions import layout as rules
from pagesight.engine.regions import ragged
from pagesight.engine.regions.choose import AskedPage, find_regions
from pagesight.engine.regions.evidence import LEAST, match_lines, stand_out
from pagesight.engine.regions.layout import lay_out
from pagesight.engine.regions.spaces import ABOVE, BELOW, COLUMNS, HEIGHT, SHARED, WIDTH, Beside, open_spaces
from pagesight.storage.multivectors import lengths_of
from pagesight.storage.values import PageWords
from tests.property.test_region_pages import QUESTIONS, small_box

DIM, GRID = 8, np.float32(1 / 65535)  # boxes as they are stored


def stored(boxes):
    return np.rint(np.array(boxes, np.float32).reshape(-1, 4) / GRID).astype(np.float32) * GRID


@st.composite
def answers(draw):
    """A question, and pages with words and as many tokens: some of them pieces, some of them nowhere near a word."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    question, pages = rng.standard_normal((draw(st.integers(1, 4)), DIM)).astype(np.float32), []
    for _ in range(draw(st.integers(1, 4))):
        boxes = stored(draw(st.lists(small_box(), min_size=1, max_size=25)))
        texts = tuple(draw(st.sampled_from(["Figure", "3", "word", "half-", "图一"])) for _ in boxes)
        tokens = rng.standard_normal((len(boxes), DIM)).astype(np.float32)
        places = boxes.copy()
        places[::3, 2] = (places[::3, 0] + places[::3, 2]) / 2  # the first half of a word
        places[::7] = stored([0.4, 0.4, 0.41, 0.41])
        pages.append((PageWords(texts, boxes), tokens, places))
    return question, pages, draw(st.sampled_from(QUESTIONS))


def explained(question, pages, wording):
    """Regions, matches and snippets of these pages."""
    products = [question @ tokens.T for _, tokens, _ in pages]
    standing = stand_out(products, [lengths_of(tokens) for _, tokens, _ in pages])
    places = [places for _, _, places in pages]
    boxes = np.concatenate(places)
    heat = supported(token_heats(standing), boxes, standing.pages, [0.7] * len(pages))
    heats = np.split(heat, standing.pages[1:-1])
    asked = [AskedPage(own, at, words, 0.7) for own, (words, _, at) in zip(heats, pages, strict=True)]
    words = WordsOfPages.of([words for words, _, _ in pages])
    names = tuple(map(str, range(len(question))))
    return (
        find_regions(wording, standing, asked),
        find_matches(products, names, places, words, [()] * len(pages)),
        make_snippets(words, heat, boxes, standing.pages),
    )


@settings(max_examples=20)
@given(answers())
def test_pages_are_explained_together_as_each_alone(answer):
    question, pages, wording = answer
    together = zip(*explained(question, pages, wording), strict=True)
    for page, (regions, matches, snippet) in zip(pages, together, strict=True):
        (alone,), (own_matches,), (own_snippet,) = explained(question, [page], wording)
        assert [region.box for region in regions] == [region.box for region in alone]
        assert [r.score for r in regions] == pytest.approx([r.score for r in alone], abs=1e-6)
        assert matches == own_matches
        assert snippet == own_snippet


@settings(max_examples=20)
@given(answers())
def test_matches_and_their_words_by_definition(answer):
    question, pages, wording = answer
    for (words, tokens, places), matches in zip(pages, explained(question, pages, wording)[1], strict=True):
        for row, match in zip(question @ tokens.T, matches, strict=True):
            best = int(row.argmax())
            assert match.score == row[best]
            assert np.abs(np.array(match.box) - places[best]).max() < SAME_BOX
            assert match.word == " ".join(words_in(words, places[best])[:12])


def words_in(words, box):
    """Those whose middle is in the box; else those that its middle is in."""
    near = np.float32(1e-4)
    x0, y0, x1, y1 = box
    if x1 <= x0:
        return []
    middles = (words.boxes[:, :2] + words.boxes[:, 2:]) / 2
    found = [
        t
        for t, (x, y) in zip(words.texts, middles, strict=True)
        if x0 - near <= x <= x1 + near and y0 - near <= y <= y1 + near
    ]
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    around = [t for t, (a, b, c, d) in zip(words.texts, words.boxes, strict=True) if a <= x <= c and b <= y <= d]
    return found or around


@settings(max_examples=20)
@given(answers())
def test_lines_and_their_matches_by_definition(answer):
    question, pages, _ = answer
    layout = lay_out([words.boxes for words, _, _ in pages], [0.7] * len(pages))
    products = [question @ tokens.T for _, tokens, _ in pages]
    standing = stand_out(products, [lengths_of(tokens) for _, tokens, _ in pages])
    at = list(range(len(pages)))
    matches = match_lines(standing, [places for _, _, places in pages], layout, at)
    for page, (words, _, places) in enumerate(pages):
        first, stop = layout.page_lines[page : page + 2]
        lines = layout.lines[first:stop]
        np.testing.assert_array_equal(lines, lines_of(words.boxes))
        closeness = standing.closeness[:, standing.pages[page] : standing.pages[page + 1]]
        total = max(float(standing.weights[:, page].sum()), 1e-9)
        expected = np.zeros((len(question), len(lines)))
        for token, box in enumerate(places):
            line = next((i for i, line in enumerate(lines) if middle_in(box, line)), None)
            if line is not None:
                share = (
                    np.where(closeness[:, token] >= LEAST, closeness[:, token], 0) * standing.weights[:, page] / total
                )
                expected[:, line] = np.maximum(expected[:, line], share)
        np.testing.assert_allclose(matches[:, first:stop], expected, atol=1e-6)


def middle_in(box, line):
    x, y, near = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, np.float32(1e-4)
    return line[0] - near <= x <= line[2] + near and line[1] - near <= y <= line[3] + near


def lines_of(boxes):
    """Word by word: on the same line if it is as high, beside, and near."""
    found = [[boxes[0]]]
    for before, box in zip(boxes, boxes[1:], strict=False):
        low, high = sorted(np.maximum([before[3] - before[1], box[3] - box[1]], np.float32(1e-4)))
        gap = max(box[0] - before[2], before[0] - box[2]) * np.float32(0.7)
        if rules.level(box, before) >= 0.5 and gap <= rules.WORD_GAP * low and high <= 1.7 * low:
            found[-1].append(box)
        else:
            found.append([box])
    return [[*np.min(line, axis=0)[:2], *np.max(line, axis=0)[2:]] for line in found]


@pytest.fixture(params=["extension", "numpy"])
def by(request, monkeypatch):
    """Groups as the extension looks at them, if it is there, and as numpy does without it."""
    if request.param == "numpy":
        monkeypatch.setattr(ragged, "_maxsim", None)


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


@pytest.mark.skipif(ragged._maxsim is None, reason="there is no extension")
@pytest.mark.parametrize("first", [[0, 0], [1, 0], [-1], [0, 5]])
def test_no_group_is_read_that_does_not_lie_in_its_row(first):
    with pytest.raises(ValueError, match="do not lie end to end within 5"):
        ragged.largest(np.zeros((2, 5), np.float32), np.array(first))
    with pytest.raises(ValueError, match="do not lie end to end within 5"):
        ragged.bounds(np.zeros((5, 4), np.float32), np.array(first))


@pytest.mark.skipif(ragged._maxsim is None, reason="there is no extension")
@pytest.mark.parametrize(("page", "edges"), [(1, [0, 2]), (-1, [0, 2]), (0, [0, 3]), (0, [1, 2]), (0, [0, 3, 2])])
def test_no_page_is_looked_at_that_is_not_there(page, edges):
    boxes = np.zeros((2, 4), np.float32)
    with pytest.raises(ValueError, match="do not fit each other"):
        ragged.inside(boxes, np.full(2, page), boxes, np.array(edges))


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(small_box(), st.lists(small_box(), max_size=6), st.sampled_from([BELOW, ABOVE])),
        min_size=1,
        max_size=4,
    )
)
def test_open_space_by_definition(asked):
    """The largest of all runs of columns, each as far as the first obstacle in any of its columns."""
    within = np.array([0, 0, 1, 1], np.float32)
    found = open_spaces([Beside(stored(box)[0], side, stored(obstacles), within) for box, obstacles, side in asked])
    for (box, obstacles, side), space in zip(asked, found, strict=True):
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
        area = 0.0 if space is None else float((space[2] - space[0]) * (space[3] - space[1]))
        assert area == pytest.approx(best, abs=2e-3) or math.isclose(area, best, rel_tol=1e-2)

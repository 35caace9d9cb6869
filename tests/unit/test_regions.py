"""Where on a page the answer is: each rule on a page made by hand. Words answer a question as far as its words are theirs."""

import numpy as np
import pytest

from pagesight.engine.models.hashing import HashingEncoder
from pagesight.engine.regions.choose import MAX_REGIONS, AskedPage, find_regions
from pagesight.engine.regions.evidence import stand_out
from pagesight.engine.regions.layout import lay_out
from pagesight.engine.regions.spaces import ABOVE, BELOW, LEFT, RIGHT, Beside, open_spaces
from pagesight.engine.regions.wording import asks_for_picture, is_caption
from pagesight.storage.multivectors import lengths_of
from pagesight.storage.values import PageWords

ENCODER = HashingEncoder()


def open_space(*asked):
    (space,), (there,) = open_spaces([Beside(*asked)])
    return space if there else None


PROSE = "some other matter fills this paragraph with words that nobody looks for and that go on from here"


class Page:
    """A page of text set by hand: 100 letters across, a line each 0.02."""

    def __init__(self):
        self.texts, self.boxes = [], []

    def write(self, text, x, y, height=0.015):
        """Words from here to the right; a letter is 0.6 of its height wide."""
        for word in text.split():
            width = 0.6 * height * len(word)
            self.texts.append(word)
            self.boxes.append((x, y, x + width, y + height))
            x += width + 0.3 * height
        return self

    def paragraph(self, x, y, *lines):
        for i, line in enumerate(lines):
            self.write(line, x, y + 0.02 * i)
        return self

    def row(self, y, *cells):
        for x, text in cells:
            self.write(text, x, y)
        return self

    def asked(self, question):
        """The boxes of the regions."""
        words = PageWords(tuple(self.texts), np.array(self.boxes, np.float32))
        (query,) = ENCODER.encode_queries([question])
        tokens = np.array([ENCODER.encode_queries([text])[0].tokens[0] for text in self.texts])
        standing = stand_out([query.tokens @ tokens.T], [lengths_of(tokens)])
        heat = np.full(len(tokens), 1 / len(tokens), np.float32)
        (regions,) = find_regions(question, standing, [AskedPage(heat, words.boxes, words, 1.0)])
        return [region.box for region in regions]


def covers(box, x, y):
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def table(page):
    page.paragraph(0.1, 0.1, PROSE, PROSE, PROSE)
    rows = [("item", "2024", "2025"), ("rent", "500", "510"), ("wages", "900", "950"), ("repairs", "70", "20")]
    for i, (label, *values) in enumerate(rows):
        page.row(0.3 + 0.03 * i, (0.1, label), *((0.25 + 0.12 * j, value) for j, value in enumerate(values)))
    return page


def test_a_label_brings_the_values_of_its_row():
    best = table(Page()).asked("repairs")[0]
    assert covers(best, 0.12, 0.397)
    assert covers(best, 0.38, 0.397)
    assert not covers(best, 0.12, 0.367)  # no other row


def test_a_label_brings_what_is_entered_below_it():
    page = Page().paragraph(0.1, 0.1, PROSE, PROSE).row(0.4, (0.1, "centre"), (0.5, "staff"))
    page.row(0.42, (0.1, "4413"), (0.5, "guest"))
    best = page.asked("centre")[0]
    assert covers(best, 0.11, 0.428)
    assert not covers(best, 0.52, 0.41)


def test_values_far_from_a_label_are_anothers():
    page = Page()
    for i, (label, value) in enumerate([("rent", "500"), ("wages", "900"), ("repairs", "70")]):
        page.row(0.3 + 0.03 * i, (0.1, label), (0.8, value))
    assert page.asked("repairs")[0][2] < 0.3


def test_a_caption_brings_its_figure_and_not_the_prose():
    page = Page().paragraph(0.1, 0.08, *[PROSE] * 4)
    page.write("Figure 3: visitors by month", 0.1, 0.6).paragraph(0.1, 0.7, *[PROSE] * 12)
    best = page.asked("visitors month")[0]
    assert covers(best, 0.4, 0.4)  # between the prose and the caption
    assert best[1] >= 0.15
    assert best[3] <= 0.61


def test_a_caption_above_brings_the_table_below():
    page = Page().paragraph(0.1, 0.05, *[PROSE] * 10).write("Table 2. Sensors and drift", 0.1, 0.3)
    for i in range(6):
        page.row(0.35 + 0.03 * i, (0.1, f"kind{i}"), (0.3, f"a{i}"), (0.5, f"b{i}"))
    page.paragraph(0.1, 0.6, *[PROSE] * 16)
    best = page.asked("sensors drift")[0]
    assert covers(best, 0.3, 0.42)
    assert best[3] <= 0.61


def test_a_title_brings_what_is_below_it_down_to_the_next():
    page = Page().write("Growth of members", 0.1, 0.05, height=0.03)
    page.row(0.3, (0.2, "10"), (0.6, "20")).row(0.4, (0.2, "30"), (0.6, "40"))
    page.write("Something else", 0.1, 0.6, height=0.03).paragraph(0.1, 0.7, *[PROSE] * 5)
    best = page.asked("growth members")[0]
    assert covers(best, 0.4, 0.35)
    assert best[1] >= 0.07
    assert best[3] <= 0.61


def test_of_two_equal_lines_that_in_the_named_section_answers():
    page = (
        Page().write("Winter", 0.1, 0.05, height=0.03).paragraph(0.1, 0.1, *[PROSE] * 4, "the fare is 4", *[PROSE] * 4)
    )
    page.write("Summer", 0.1, 0.5, height=0.03).paragraph(0.1, 0.55, *[PROSE] * 4, "the fare is 9", *[PROSE] * 4)
    assert 0.6 < page.asked("summer fare")[0][1] < 0.7
    assert 0.1 < page.asked("winter fare")[0][1] < 0.3


def test_a_title_that_repeats_the_question_does_not_beat_the_answer():
    page = Page().write("Bonus of directors", 0.1, 0.05, height=0.03).paragraph(0.1, 0.12, *[PROSE] * 6)
    page.paragraph(0.1, 0.3, "the bonus of directors fell", *[PROSE] * 20)
    assert page.asked("bonus of directors")[0][1] > 0.25


def test_a_cell_beats_a_long_sentence_with_the_same_words():
    page = table(
        Page().paragraph(0.1, 0.7, "and of all the repairs that anybody might have thought of in a year", PROSE)
    )
    assert 0.38 < page.asked("repairs")[0][1] < 0.41


def test_what_stands_at_the_edge_of_the_page_comes_later():
    page = (
        Page().write("annual accounts", 0.1, 0.01).paragraph(0.1, 0.3, PROSE, PROSE).write("annual accounts", 0.1, 0.6)
    )
    assert page.asked("annual accounts")[0][1] == pytest.approx(0.6, abs=0.01)


def test_lines_that_go_on_with_a_match_belong_to_its_region():
    page = Page().paragraph(0.1, 0.2, PROSE, "red kites fly over the bay", "and red kites fly again", PROSE)
    box = page.asked("red kites fly")[0]
    assert box[1] == pytest.approx(0.22)
    assert box[3] == pytest.approx(0.255)


def test_who_asks_for_a_picture_gets_the_space_beside_the_words():
    page = Page().paragraph(0.1, 0.05, *[PROSE] * 8, "the windmill is shown below and its sails too")
    page.paragraph(0.1, 0.7, *[PROSE] * 12)
    best = page.asked("drawing of the windmill")[0]
    assert covers(best, 0.4, 0.5)
    assert not covers(page.asked("the windmill")[0], 0.4, 0.5)


@pytest.mark.parametrize(
    "text", ["Figure 3: x", "Fig. 7-26. Nuts", "Tabelle 2 y", "图一 审批", "Рис. 4", "Table 2.1: v", "표 3"]
)
def test_captions(text):
    assert is_caption(text)


@pytest.mark.parametrize("text", ["Figures show", "The Figure 3", "Tablets 3", "tab", "图书馆", "3 Figure"])
def test_no_captions(text):
    assert not is_caption(text)


def test_questions_for_pictures():
    assert asks_for_picture("Perspective drawing, of a house")
    assert asks_for_picture("系统架构图在哪里")
    assert not asks_for_picture("a paragraph about photographers and mapping")


def test_words_become_lines_cells_blocks_rows_and_titles():
    page = table(Page().write("Accounts", 0.1, 0.03, height=0.03))
    layout = lay_out([np.array(page.boxes, np.float32)], [1.0])
    assert layout.titles.tolist()[0]
    assert layout.prose.tolist()[:3] == [False, True, False]
    assert len(layout.lines) == 1 + 3 + 12
    assert layout.in_table.tolist() == [False] * 4 + [True] * 12
    assert np.bincount(layout.row)[-4:].tolist() == [3, 3, 3, 3]


def test_columns_of_prose_are_no_rows():
    page = (
        Page()
        .paragraph(0.05, 0.1, *["a few short words here in one column"] * 4)
        .paragraph(0.55, 0.1, *[PROSE[:40]] * 4)
    )
    layout = lay_out([np.array(page.boxes, np.float32)], [1.0])
    assert len(layout.blocks) == 2
    assert not layout.in_table.any()


@pytest.mark.parametrize(
    ("side", "expected"),
    [(BELOW, (0, 0.6, 1, 1)), (ABOVE, (0, 0, 1, 0.4)), (RIGHT, (0.6, 0, 1, 1)), (LEFT, (0, 0, 0.4, 1))],
)
def test_space_on_each_side(side, expected):
    box, page = np.array([0.4, 0.4, 0.6, 0.6], np.float32), np.array([0, 0, 1, 1], np.float32)
    found = open_space(box, side, np.empty((0, 4), np.float32), page)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_space_ends_where_prose_begins():
    box, page = np.array([0.1, 0.1, 0.9, 0.2], np.float32), np.array([0, 0, 1, 1], np.float32)
    prose = np.array([[0.1, 0.5, 0.9, 0.6], [0.6, 0.25, 0.9, 0.9]], np.float32)
    x0, y0, x1, y1 = open_space(box, BELOW, prose, page)
    assert (y0, y1) == pytest.approx((0.2, 0.5), abs=0.01)
    assert (x0, x1) == pytest.approx((0.0, 0.6), abs=0.03)


def test_no_space_where_prose_follows_at_once():
    box, page = np.array([0.1, 0.1, 0.9, 0.2], np.float32), np.array([0, 0, 1, 1], np.float32)
    assert open_space(box, BELOW, np.array([[0, 0.22, 1, 0.9]], np.float32), page) is None
    assert open_space(box, ABOVE, np.empty((0, 4), np.float32), np.array([0, 0.08, 1, 1], np.float32)) is None


def test_patches_of_a_picture_are_grown_together():
    side = np.linspace(0, 1, 11)
    boxes = np.array([(x, y, x + 0.1, y + 0.1) for y in side[:-1] for x in side[:-1]], np.float32)
    rng = np.random.default_rng(0)
    tokens = rng.standard_normal((100, 16)).astype(np.float32)
    query = tokens[[33, 34]]
    heat = np.zeros(100, np.float32)
    heat[[33, 34]], heat[88] = 0.45, 0.1
    words = PageWords(("tiny", "words"), np.array([[0.1, 0.1, 0.15, 0.11], [0.2, 0.1, 0.25, 0.11]], np.float32))
    standing = stand_out([query @ tokens.T], [lengths_of(tokens)])
    (regions,) = find_regions("", standing, [AskedPage(heat, boxes, words, 1.0)])
    np.testing.assert_allclose(regions[0].box, (0.3, 0.3, 0.5, 0.4), atol=1e-6)
    assert len(regions) == 2
    assert len(regions) <= MAX_REGIONS

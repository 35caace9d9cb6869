"""From what stands on a line, left to right, to what is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagesight.indexer.reading.bidi import reading_order_of, with_brackets_facing

HEBREW = "אבגדהוזחט"


def read(visual):
    return "".join(visual[i] for i in reading_order_of(list(visual)))


@pytest.mark.parametrize(
    ("visual", "logical"),
    [
        ("plain words 42", "plain words 42"),
        ("גבא", "אבג"),
        ("דג בא", "אב גד"),
        ("גד 4821 בא", "אב 4821 דג"),
        ("גד 12.5% בא", "אב 12.5% דג"),
        ("גד 24/12/2025 בא", "אב 24/12/2025 דג"),
        ("2020 2021 בא", "אב 2021 2020"),  # two numbers are two words, the first stands on the right
        ("הדג page 7 בא", "אב page 7 גדה"),
        ("2024-ב", "ב-2024"),
        (".בא", "אב."),
        ("we met דג בא at noon", "we met אב גד at noon"),
        ("we met ד 15 בא at noon", "we met אב 15 ד at noon"),
        ("\u0661\u0664\u0663\u0664 \u0645\u0642\u0631", "\u0631\u0642\u0645 \u0661\u0664\u0663\u0664"),
    ],
)
def test_lines_are_read_as_people_read_them(visual, logical):
    assert read(visual) == logical


@given(st.lists(st.text(HEBREW, min_size=1, max_size=5) | st.text("123456789", min_size=1, max_size=5), min_size=1))
def test_hebrew_words_and_numbers_are_what_was_laid_out(words):
    """Laid out as UAX #9 does: words from right to left, numbers in themselves from left to right."""
    visual = " ".join(word if word.isdigit() else word[::-1] for word in reversed(words))
    assert read(visual).split() == (words if any(word[0] in HEBREW for word in words) else words[::-1])


@given(st.text(HEBREW + "abc 12.-(%"))
def test_every_glyph_is_read_once(visual):
    assert sorted(reading_order_of(list(visual))) == list(range(len(visual)))


@pytest.mark.parametrize(
    ("stored", "meant"),
    [("a )b( c", "a (b) c"), ("a (b) c", "a (b) c"), ("1) a 2) b", "1) a 2) b"), ("]x[ (y)", "]x[ (y)")],
)
def test_brackets_face_each_other(stored, meant):
    assert with_brackets_facing(stored) == meant

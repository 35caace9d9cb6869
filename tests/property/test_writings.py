"""Normal forms of what people type: the same for all writings of a thing, different for different things; slips of the pen."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagesight.engine.typed.several import questions_in
from pagesight.engine.typed.slips import one_slip_early, slips_between
from pagesight.engine.typed.spelling import only_ending
from pagesight.engine.typed.writings import MAX_WRITINGS, bare, number_of, writings
from pagesight.storage.words import bare_fold

WHOLE = st.integers(0, 10**12)
DECIMALS = st.sampled_from(["", "5", "56", "05", "5678"])  # of three, 1,567 is a thousand and more
LETTERS = st.text("abcdeäß", min_size=0, max_size=7)


def written(whole, decimals):
    """A number in all its writings."""
    for group, point in (
        (",", "."),
        (".", ","),
        (" ", ","),
        (" ", "."),
        ("\u202f", ","),
        ("'", "."),
        ("", "."),
        ("", ","),
    ):
        yield f"{whole:,}".replace(",", group) + (point + decimals if decimals else "")


@given(WHOLE, DECIMALS)
def test_a_number_has_one_normal_form_in_all_its_writings(whole, decimals):
    forms = {number_of(text) for text in written(whole, decimals)}
    assert len(forms) == 1
    (form,) = forms
    assert (form.whole, form.decimals) == (str(whole), decimals.rstrip("0"))


@given(WHOLE, DECIMALS)
def test_the_normal_form_of_a_normal_form_is_itself(whole, decimals):
    form = number_of(next(written(whole, decimals)))
    assert number_of(f"{form.whole}.{form.decimals}".rstrip(".")) == form


@given(WHOLE, DECIMALS, WHOLE, DECIMALS)
def test_different_numbers_differ(whole, decimals, other, others):
    one, two = number_of(next(written(whole, decimals))), number_of(next(written(other, others)))
    assert (one == two) == ((whole, decimals.rstrip("0")) == (other, others.rstrip("0")))
    assert one == two or not (one.decimals and two.decimals and set(one.phrases) & set(two.phrases))


@given(st.integers(10_000, 10**9), st.sampled_from(["", "56", "05"]))
def test_a_page_with_any_writing_has_one_of_the_phrases_of_any_other(whole, decimals):
    phrases = [set(found.phrases) for text in written(whole, decimals) for found in writings(f"sum of {text} EUR")]
    for text in written(whole, decimals):
        folded = f" {bare_fold(f'a total {text} net')} "
        assert all(any(f" {phrase} " in folded for phrase in some) for some in phrases)


def dates(day):
    name = day.strftime("%B")
    yield f"{day:%Y-%m-%d}"
    yield f"{day:%d.%m.%Y}"
    yield f"{day.day}.{day.month}.{day.year}"
    yield f"{day.day} {name} {day.year}"
    yield f"{name} {day.day}, {day.year}"
    yield f"{day.year}年{day.month}月{day.day}日"


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
def test_a_date_is_found_in_all_its_writings(day):
    for asked in dates(day):
        (found,) = writings(f"meeting on {asked}")
        for text in dates(day):
            folded = f" {bare_fold(f'minutes of {text} signed')} "
            assert any(f" {bare_fold(phrase)} " in folded for phrase in found.phrases), (asked, text)


@pytest.mark.parametrize(
    ("asked", "pages", "others"),
    [
        ("5 kg", ["weighs 5kg", "weighs 5 kg"], ["15 kg", "5 km", "kg 5"]),
        ("3.5mm screw", ["a 3,5 mm screw"], ["35 mm"]),
        ("OR-3471", ["or 3471", "OR3471", "or-3471"], ["OR3472", "for 3471 of"]),
        ("OR 3471", ["or-3471"], ["3471"]),
        ("wrl 15663", ["WRL-15663"], ["15663"]),
        ("CMS-1490S", ["cms 1490 s", "CMS1490S", "CMS-1490S"], ["1490S"]),
        ("5 mars 2024", ["05.03.2024", "5 March 2024"], ["5 May 2024", "03.05.2024"]),
        ("March 5, 2024", ["3/5/2024", "5th March 2024"], ["5/4/2024"]),
        ("am 5. März 2024", ["2024-03-05"], ["2024-03-06"]),
    ],
)
def test_other_writings_are_found_and_other_things_are_not(asked, pages, others):
    (found,) = writings(asked)
    phrases = [f" {bare_fold(phrase)} " for phrase in found.phrases]
    for page in pages:
        assert any(phrase in f" {bare_fold(page)} " for phrase in phrases), page
    for page in others:
        assert not any(phrase in f" {bare_fold(page)} " for phrase in phrases), page


@pytest.mark.parametrize(
    "text",
    ["in 2024", "page 12", "above 3000", "of 300", "version 1.2.3", "27/029/36137", "0815", "7", "!!", "2024-13-45"],
)
def test_what_is_no_name_of_anything_has_no_writings(text):
    assert writings(text) == ()


@given(st.text(max_size=300))
def test_any_text_can_be_read(text):
    assert len(writings(text)) <= MAX_WRITINGS
    assert len(bare(text)) == len(text)
    assert all(found.text in text for found in writings(text))
    assert "".join(questions_in(text)).split() == text.split() or questions_in(text) != [text]


def distance(one, other):
    """Optimal string alignment by its definition."""
    if not one or not other:
        return len(one) + len(other)
    found = min(
        distance(one[1:], other) + 1,
        distance(one, other[1:]) + 1,
        distance(one[1:], other[1:]) + (one[0] != other[0]),
    )
    if len(one) > 1 and len(other) > 1 and one[:2] == other[1::-1]:
        found = min(found, distance(one[2:], other[2:]) + 1)
    return found


@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.integers(1, 2))
def test_slips_are_counted_as_the_definition_does(one, other, most):
    assert slips_between(one, other, most) == min(distance(one, other), most + 1)


@given(st.text("abcd", min_size=3, max_size=6))
def test_early_slips_are_one_slip_away(word):
    assert all(slips_between(word, other, 1) == 1 for other in one_slip_early(word, 3))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("train", "trains", True),
        ("columns", "columna", True),
        ("issues", "issuer", True),
        ("growht", "growth", False),
        ("companz", "company", True),
        ("columns", "columnas", True),
        ("cmpany", "company", False),
    ],
)
def test_endings_are_grammar(one, other, expected):
    assert only_ending(one, other) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("When is it open? What does it cost?", ["When is it open?", "What does it cost?"]),
        ("When is it open?\nWhat does it cost", ["When is it open?", "What does it cost"]),
        ("什么时候开门？票价是多少？去那里怎么走？", None),
        ("Is this one question, and this a part of it?", None),
        ("a line\nand another\nof one text", None),
        ("what? no", None),
        ("how so? why? who was it then? and when?", None),
        ("", None),
    ],
)
def test_several_questions_are_parted_where_they_clearly_are(text, expected):
    assert questions_in(text) == (expected or [text])

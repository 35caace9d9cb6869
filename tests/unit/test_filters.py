"""The filter language: what it finds, and how it explains what it cannot read."""

import numpy as np
import pytest

from pagesight import IndexConfig
from pagesight.storage.errors import BadFilter
from pagesight.storage.filters import parse_filter
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo
from tests.helpers import add_document, new_page, source_file, space


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filters")
    with Store.create(folder, space()) as store:
        with store.writer() as writer:
            first = add_document(writer, "finance/annual 2024.pdf", ["one", "two", "three"])
            writer.set_tags(first, {"customer": "acme", "Year": "2024"})
            add_document(writer, "scans/letter.pdf", ["four red"])
            with writer.draft() as draft:
                draft.add_page(new_page(1, "five"))
                info = DocumentInfo(
                    sha256="c" * 64,
                    media_type="image/png",
                    kind="image",
                    n_pages=1,
                    title="A photo",
                    author="Ann",
                    date="",
                )
                draft.commit(info, source_file("top.png"))
        yield store


def found(store, expression):
    with store.view() as view:
        pages = view.describe(view.page_ids(expression))
    return sorted(f"{page.document}:{page.number}" for page in pages.values())


ANNUAL = [f"finance/annual 2024.pdf:{n}" for n in (1, 2, 3)]
LETTER, PHOTO = "scans/letter.pdf:1", "top.png:1"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('document = "finance/annual 2024.pdf"', ANNUAL),
        ("document ~ finance/*", ANNUAL),
        ("document ~ *.p??", [*ANNUAL, LETTER, PHOTO]),
        ("document !~ finance/*", [LETTER, PHOTO]),
        ("document != top.png", [*ANNUAL, LETTER]),
        ("folder = scans", [LETTER]),
        ("folder = ''", [PHOTO]),
        ("folder ~ s*", [LETTER]),
        ("page <= 2 and document ~ finance/*", ANNUAL[:2]),
        ("page > 2", ANNUAL[2:]),
        ("pages = 3", ANNUAL),
        ("kind = image", [PHOTO]),
        ("picture = chart", [LETTER]),
        ("picture = 'bar chart'", [LETTER]),
        ("picture in (photo, chart)", [LETTER]),
        ("picture ~ *", [LETTER]),
        ("picture = map", []),
        ("picture = ''", []),
        ("picture != chart", [*ANNUAL, PHOTO]),
        ("not picture ~ 'bar *'", [*ANNUAL, PHOTO]),
        ("kind = pdf", [*ANNUAL, LETTER]),
        ("title = 'A photo'", [PHOTO]),
        ("author ~ A*", [PHOTO]),
        ("source = text", [*ANNUAL, LETTER, PHOTO]),
        ("date >= 2024", [*ANNUAL, LETTER]),
        ("date < 2030", [*ANNUAL, LETTER]),
        ("date ~ 2024-05-*", [*ANNUAL, LETTER]),
        ("date = 2024 and date = 2024-05 and date = 2024-05-17", [*ANNUAL, LETTER]),
        ("date != 2024 or date != 2024-05", []),
        ("date <= 2024 and date <= 2024-05", [*ANNUAL, LETTER]),
        ("date > 2024 or date > 2024-05 or date < 2024", []),
        ("date > 2023 and date != 2023 and date >= 2024-05 and date > 2024-04", [*ANNUAL, LETTER]),
        ("date in (2022, 2024-05)", [*ANNUAL, LETTER]),
        ("date in (2022, 2024-05-17)", [*ANNUAL, LETTER]),
        ("date in (2022, 2024-06, 2024-05-16)", []),
        ("tag.customer = acme", ANNUAL),
        ("tag.customer != acme", [LETTER, PHOTO]),
        ("tag.Year in (2023, 2024)", ANNUAL),
        ("not kind = image", [*ANNUAL, LETTER]),
        ("page = 1 and (kind = image or folder = scans)", [LETTER, PHOTO]),
        ("page = 1 or page = 2 and kind = image", [ANNUAL[0], LETTER, PHOTO]),
        ("PAGE = 3 AND Kind = pdf", ANNUAL[2:]),
        ("document = nothing.pdf", []),
        ("page in (2, 3)", ANNUAL[1:]),
        ("title in ('A ''quoted'' photo', \"A photo\")", [PHOTO]),
    ],
)
def test_a_filter_finds_what_it_says(store, expression, expected):
    assert found(store, expression) == sorted(expected)


@pytest.mark.parametrize(
    ("expression", "match"),
    [
        ("", "expected a field"),
        ("colour = red", r"no such field.*got 'colour' at character 1"),
        ("page", r"expected one of .* after 'page', got 'the end' at character 5"),
        ("page = two", "whole number"),
        ("page ~ 2*", "has no glob"),
        ("date = yesterday", "YYYY-MM-DD"),
        ("document = 'open", 'cannot read "\'open".*not closed; within quotes it is written twice'),
        ("(page = 1", r"expected '\)'"),
        ("page = 1 page = 2", "expected 'and', 'or' or the end"),
        ("page in 1", r"expected '\(' after 'in'"),
        ("page in (1", r"expected ',' or '\)'"),
        ("page = )", "expected a value"),
        ("tag. = x", "no such field"),
        ("page = 99999999999999999999", "whole number"),
        (
            "document ~ " + "a" * 10_001,
            r"a glob has at most 10,000 characters, got 'aaaaaaaaaaaa\.\.\.' at character 12",
        ),
        (f"date in ({', '.join(map(str, range(1500, 2000)))})", "more than 400 comparisons"),
    ],
)
def test_a_bad_filter_says_where_and_what(store, expression, match):
    with store.view() as view, pytest.raises(BadFilter, match=match):
        view.page_ids(expression)


def test_tags_are_kept_as_filters_are_read():
    decomposed = "Mu\u0308nchen"
    tags = IndexConfig(tags={decomposed: decomposed}).tags
    asked = parse_filter(f"tag.{decomposed} = {decomposed}")
    assert tags == {asked.tag: asked.values[0]}


def test_the_longest_glob_is_taken(store):
    assert found(store, f"document ~ {'[' * 10_000}") == []


def test_no_filter_is_everything_and_a_filter_without_a_match_is_nothing(store):
    with store.view() as view:
        query = np.ones(16, np.float32)
        assert len(view.nearest(query, 10, None)) == 5
        assert len(view.nearest(query, 10, view.page_ids("page = 77"))) == 0
        assert len(view.nearest_by_words("one two", 10, None).page_ids) == 2
        assert len(view.nearest_by_words("one two", 10, view.page_ids("page = 77")).page_ids) == 0


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("""title = "a 15"" screen\"""", 'a 15" screen'),
        ("title = 'it''s'", "it's"),
        ("title = ''''", "'"),
        ("title = ''", ""),
        ("""title = 'a 15" screen'""", 'a 15" screen'),
        ("""title = "both ' and ""\"""", "both ' and \""),
        ("title = 'back\\'", "back\\"),
    ],
)
def test_quotes_within_quotes_are_written_twice(expression, value):
    assert parse_filter(expression).values == (value,)


def test_text_in_a_filter_is_never_sql(store):
    assert found(store, "document = \"x' OR '1'='1\"") == []

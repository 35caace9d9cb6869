"""One dialect of globs: what Python compares and what SQLite compares are the same."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagesight.storage.globs import glob_matches, sqlite_glob

ALPHABET = "ab-z^!][*?./\nÄé"
CONNECTION = sqlite3.connect(":memory:", check_same_thread=False)


def by_sqlite(pattern, text):
    return bool(CONNECTION.execute("SELECT ? GLOB ?", (text, sqlite_glob(pattern))).fetchone()[0])


@given(st.text(ALPHABET, max_size=8), st.text(ALPHABET, max_size=5))
def test_sqlite_and_python_agree(pattern, text):
    assert by_sqlite(pattern, text) == glob_matches(pattern, text)


@given(st.text(max_size=6))
def test_a_text_without_special_characters_fits_itself_and_the_star(text):
    plain = "".join(c for c in text if c not in "*?[\0")
    for fits in (glob_matches, by_sqlite):
        assert fits(plain, plain)
        assert fits("*", plain)


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("a*", ["a", "a/b.pdf"], ["A", "ba"]),
        ("[^a]*", ["b1.txt"], ["a0.txt", ""]),
        ("[!a]*", ["b1.txt"], ["a0.txt", ""]),
        ("report[1].pdf", ["report1.pdf"], ["report[1].pdf"]),
        ("report[1.pdf", ["report[1.pdf"], ["report1.pdf"]),
        ("[]x]", ["]", "x"], ["[", "]x"]),
        ("[0-9]?", ["7a"], ["a7", "7"]),
        ("[z-a]", [], ["z", "a", "m", ""]),
    ],
)
def test_what_fits(pattern, fits, fits_not):
    for compare in (glob_matches, by_sqlite):
        assert all(compare(pattern, text) for text in fits)
        assert not any(compare(pattern, text) for text in fits_not)


def test_many_stars_take_no_time():
    """Tried at every place again, these take longer than anybody waits."""
    for compare in (glob_matches, by_sqlite):
        assert compare("*[!x]" * 20 + "*e", "e" * 100)
        assert not compare("*[!x]" * 20 + "*q", "e" * 100)

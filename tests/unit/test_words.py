"""Folding of text into BM25 terms."""

import sqlite3

import pytest

from pagesight.storage.words import (
    CREATE_WORDS,
    MAX_QUERY_TERMS,
    fold,
    match_expression,
    query_terms,
    telling,
    terms,
    without_accents,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Quick-brown fox", ["the", "quick", "brown", "fox"]),
        ("of\ufb01ce \uff21\uff22\uff23", ["office", "abc"]),  # a ligature, full-width letters
        ("AT-4711/b", ["at", "4711", "b"]),
        ("\u7a0e\u52a1\u8868", ["\u7a0e\u52a1", "\u52a1\u8868"]),
        ("\u8868", ["\u8868"]),
        ("PDF\u6587\u4ef6", ["pdf", "\u6587\u4ef6"]),
        ("snake_case", ["snake", "case"]),
        ("... --- !", []),
        (
            "\u0e17\u0e35\u0e48\u0e2d\u0e22\u0e39\u0e48",
            ["\u0e17\u0e2d", "\u0e2d\u0e22"],
        ),  # Thai, with vowels and tones above and below
    ],
)
def test_terms(text, expected):
    assert list(terms(text)) == expected


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("\u0130stanbul \u0130l\u00e7esi", "istanbul"),  # Turkish: a small i with its dot twice
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e",
            "\u092d\u093e\u0937\u093e",
        ),  # Hindi: vowel signs
        ("\u0628\u0650\u0633\u0652\u0645\u0650", "\u0628\u0633\u0645"),  # Arabic: with points, asked without
        ("o\u0323\u0301be\u0323\u0300", "o\u0323\u0301be\u0323\u0300"),  # Yoruba: two accents on a letter
    ],
)
def test_marks_do_not_cut_words(page, query):
    database = sqlite3.connect(":memory:")
    database.execute(CREATE_WORDS)
    database.execute("INSERT INTO page_terms (rowid, terms) VALUES (1, ?)", [fold(page)])
    (term,) = query_terms(query)
    assert database.execute("SELECT count(*) FROM page_terms WHERE page_terms MATCH ?", [f'"{term}"']).fetchone() == (
        1,
    )
    database.execute("CREATE VIRTUAL TABLE temp.v USING fts5vocab('main', 'page_terms', 'row')")
    assert without_accents(term) in {row[0] for row in database.execute("SELECT term FROM v")}
    database.close()


def test_a_match_expression_cannot_be_more_than_words():
    database = sqlite3.connect(":memory:")
    database.execute(CREATE_WORDS)
    database.execute("INSERT INTO page_terms (rowid, terms) VALUES (1, ?)", [fold("Stra\u00dfe caf\u00e9 NEAR")])
    for query in ('caf\u00e9" OR "x', "NEAR(a b)", "terms:caf\u00e9", "cafe*", 'a AND "', "stra\u00dfe"):
        expression = match_expression(query_terms(query))
        rows = database.execute("SELECT rowid FROM page_terms WHERE page_terms MATCH ?", [expression]).fetchall()
        assert rows == ([(1,)] if query != 'a AND "' else []), query
    database.close()


def test_a_query_without_words_has_no_expression():
    assert match_expression(query_terms("?!")) is None


def test_a_very_long_query_is_cut_and_stays_within_sqlite_limits():
    expression = match_expression(query_terms(" ".join(f"word{i}" for i in range(5000))))
    assert expression is not None
    assert expression.count(" OR ") == MAX_QUERY_TERMS - 1
    database = sqlite3.connect(":memory:")
    database.execute(CREATE_WORDS)
    assert database.execute("SELECT rowid FROM page_terms WHERE page_terms MATCH ?", [expression]).fetchall() == []
    database.close()


@pytest.mark.parametrize(
    ("n_pages_with", "expected"),
    [
        ({"the": 90, "boiler": 3, "missing": 0}, ["boiler"]),
        ({"the": 51, "of": 50}, ["of"]),
        ({"the": 90, "of": 80, "missing": 0}, ["the", "of"]),  # nothing better
        ({"missing": 0}, []),
        ({}, []),
    ],
)
def test_terms_of_most_pages_are_asked_for_only_if_there_are_no_others(n_pages_with, expected):
    assert telling(n_pages_with, 100) == expected


def test_the_rarest_terms_are_enough_where_there_are_very_many_pages():
    """Of a large index no more pages are ranked than a share of them, unless even the rarest term is on more."""
    assert telling({"a": 45_000, "b": 3, "c": 6_000}, 1_000_000) == ["b", "c"]
    assert telling({"a": 45_000, "b": 3}, 1_000_000) == ["a", "b"]
    assert telling({"a": 450_000, "b": 60_000}, 1_000_000) == ["b"]
    assert telling({"a": 14_000, "b": 3}, 300_000) == ["a", "b"]
    assert telling({"a": 14_000, "b": 3}, 200_000) == ["b"]
    assert telling({"a": 7_000, "b": 2_900, "c": 200}, 20_000) == ["b", "c"]
    assert telling({"a": 7_000, "b": 2_900}, 20_000) == ["a", "b"]

"""Words that a line's end breaks, and characters that nobody sees."""

import numpy as np
import pytest

from pagesight.engine.explain import WordsOfPages, make_snippets
from pagesight.engine.models.hashing import HashingEncoder
from pagesight.indexer.content import PageContent
from pagesight.storage.hyphens import BrokenWord, broken_words, whole_texts
from pagesight.storage.values import PageWords
from pagesight.storage.words import fold, fold_page, match_expression, query_terms, visible


def lines(*texts):
    """Words of lines below each other."""
    words, boxes = [], []
    for row, text in enumerate(texts):
        for column, word in enumerate(text.split()):
            words.append(word)
            boxes.append((column / 10, row / 10, column / 10 + 0.09, row / 10 + 0.05))
    return PageWords(tuple(words), np.array(boxes, np.float32))


def test_a_word_broken_at_a_lines_end_is_whole():
    page = lines("protective eye-", "wear while run-", "ning.")
    assert broken_words(page) == [BrokenWord(1, 2, "eyewear"), BrokenWord(4, 5, "running.")]
    assert whole_texts(page) == ["protective", "eyewear", "eyewear", "while", "running.", "running."]
    assert fold_page(page) == "protective eye wear while run ning eyewear running"


def test_a_long_word_may_be_broken_twice():
    (word,) = broken_words(lines("Donau\u2010", "dampf\u2010", "schiff fährt"))
    assert (word.first, word.last, word.text) == (0, 2, "Donaudampfschiff")


@pytest.mark.parametrize(
    "page",
    [
        lines("eye- wear"),  # on one line: that is how it is written
        lines("in 2020-", "and later"),
        lines("the North-", "South line"),
        lines("a dash -", "then more"),
        lines("the last word-"),
        PageWords.none(),
    ],
)
def test_other_hyphens_break_nothing(page):
    assert broken_words(page) == []


def test_both_halves_of_a_word_are_found_by_the_whole():
    encoder, page = HashingEncoder(), lines("protective eye-", "wear is here")
    (encoded,) = encoder.encode_pages([PageContent(number=1, width_pt=1, height_pt=1, words=page, text_source="text")])
    (query,) = encoder.encode_queries(["eyewear"])
    similar = (encoded.tokens @ query.tokens.T)[:, 0]
    np.testing.assert_allclose(similar[[1, 2]], 1, atol=1e-6)
    assert similar[[0, 3, 4]].max() < 0.9


def test_a_snippet_shows_what_a_soft_hyphen_broke_in_one():
    page = lines("the elec\u2010", "tricity meter of well-", "known make")
    heat = np.eye(1, len(page), 2, dtype=np.float32)[0]
    (snippet,) = make_snippets(WordsOfPages.of([page]), heat, page.boxes, np.array([0, len(heat)]))
    assert snippet.text == "the electricity meter of well-known make"
    assert [snippet.text[a:b] for a, b in snippet.spans] == ["tricity"]


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("thermo\u00adstat", "thermostat"),
        ("a\u200bb\u2060c\ufeff", "abc"),
        ("x\x00y", "xy"),
        ("two words\n", "two words\n"),
    ],
)
def test_what_nobody_sees_is_taken_out(typed, seen):
    assert visible(typed) == seen
    assert fold(typed) == fold(seen)


def test_digits_of_other_scripts_are_found_by_ours_and_in_older_indexes():
    assert fold("١٤٣٤ 四 ०१२") == "1434 四 012"
    assert match_expression(query_terms("١٤٣٤")) == '"1434" OR "١٤٣٤"'

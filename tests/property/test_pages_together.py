"""The pages of an answer are laid out and matched in one go: each as if it were alone, and as rules that look at one thing at a time say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagesight.engine.explain import SAME_BOX, WordsOfPages, find_matches, make_snippets, supported, token_heats
from pagesight.engine.regions import layout as rules
from pagesight.engine.regions.choose import AskedPage, find_regions
from pagesight.engine.regions.evidence import LEAST, match_lines, stand_out
from pagesight.engine.regions.layout import lay_out
from pagesight.storage.multivectors import lengths_of
from pagesight.storage.values import PageWords
from tests.property.test_region_pages import QUESTIONS, small_box, stored

DIM = 8


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

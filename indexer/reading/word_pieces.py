"""Words of a line put together, or cut, by what is seen: pieces that touch, gaps, raised numbers, letters set apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

TOUCHING = 0.04  # of a line's height: a gap that nobody sees
OVERLAP = 0.25  # of a line's height: kerned letters reach so far into each other
SPACED_LETTERS = 4  # so many single letters in a row are looked at
TYPED_LETTERS = 5  # and so many where blanks were typed between them
WIDEST_SPACING = 0.75  # of a line's height, between letters of one word
WORD_GAP = 1.5  # times the narrowest gap of spaced letters: a gap between words
GAP = 0.12  # of a line's size: a gap between words where no blank was drawn
# Numbers of footnotes, which MuPDF leaves on the word: digits at the end of a word, or before one, but for "1st" and the like.
NOTED = re.compile(
    r"(?P<word>[^\W\d_]{3}[^\w\s]{0,2})(?P<mark>\d{1,3})[^\w\s]{0,2}(?!\S)"
    r"|(?<!\S)(?P<first>\d{1,3})(?!(?:st|nd|rd|th|er|e|o|a)\b)[^\W\d_]{2}"
)
RAISED = 0.1  # of the size of the letters beside it: how far up the number of a footnote stands
SMALLER = 0.9  # and how large it is, at most

Word = tuple[float, float, float, float, str, int, int, int]  # as MuPDF gives them: box, text, block, line, number
Placed = tuple[str, float, float, float, float]


# Pieces that touch


def touches(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether b goes on where a stops, from left to right, or up or down in a line that stands on end."""
    height = min(a[3] - a[1], b[3] - b[1])
    if min(a[3], b[3]) - max(a[1], b[1]) > 0.5 * height:
        return bool(
            -OVERLAP * height <= b[0] - a[2] <= TOUCHING * height and b[0] > a[0] + 0.5 * (a[2] - a[0]) and b[2] > a[2]
        )
    width = min(a[2] - a[0], b[2] - b[0])
    if min(a[2], b[2]) - max(a[0], b[0]) > 0.5 * width:
        gap = max(b[1] - a[3], a[1] - b[3])
        return bool(-TOUCHING * width <= gap <= TOUCHING * width)
    return False


def _union(words: Sequence[Word]) -> Word:
    """One word of several."""
    first = words[0]
    return (
        min(word[0] for word in words),
        min(word[1] for word in words),
        max(word[2] for word in words),
        max(word[3] for word in words),
        "".join(word[4] for word in words),
        *first[5:],
    )


def join_touching(words: Sequence[Word], joints: Sequence[bool]) -> list[Word]:
    """joints: whether each word but the first touches the one before."""
    groups = [[words[0]]]
    for joined, word in zip(joints, words[1:], strict=True):
        if joined:
            groups[-1].append(word)
        else:
            groups.append([word])
    return [group[0] if len(group) == 1 else _union(group) for group in groups]


# Gaps without a blank


def along_line(char: Any, direction: tuple[float, float]) -> tuple[float, float]:
    """Where a character of MuPDF's begins and ends along its line. direction: of the line, (dx, dy) of length 1.

    Its box is upright, around a glyph that begins at its origin and may lie aslant: what the glyph's height adds to the box
    is taken off again.
    """
    (dx, dy), (ox, oy), (x0, y0, x1, y1) = direction, char["origin"], char["bbox"]
    begin = ox * dx + oy * dy
    behind, ahead = (ox - x0, x1 - ox) if dx >= 0 else (x1 - ox, ox - x0)
    above, below = (oy - y0, y1 - oy) if dy >= 0 else (y1 - oy, oy - y0)
    dx, dy = abs(dx), abs(dy)
    return begin, begin + ((ahead - above * dy / dx) / dx if dx >= dy else (below - behind * dx / dy) / dy)


def split_at_gaps(key: tuple[int, int], line: Any) -> Iterator[Word]:
    """The words of a line whose gaps MuPDF did not see."""
    text, box, n_words, stop = "", [0.0] * 4, 0, 0.0
    for span in line["spans"]:
        for char in span["chars"]:
            x0, y0, x1, y1 = char["bbox"]
            begin, end = along_line(char, line["dir"])
            if text and (char["c"].isspace() or begin - stop > GAP * span["size"]):
                yield (box[0], box[1], box[2], box[3], text, *key, n_words)
                text, n_words = "", n_words + 1
            if char["c"].isspace():
                continue
            box = [min(box[0], x0), min(box[1], y0), max(box[2], x1), max(box[3], y1)] if text else [x0, y0, x1, y1]
            text, stop = text + char["c"], end
    if text:
        yield (box[0], box[1], box[2], box[3], text, *key, n_words)


# Numbers of footnotes


def raised_numbers(text_page: Any, keys: set[tuple[int, int]]) -> dict[tuple[int, int], list[tuple[Any, str]]]:
    """Of these lines, as far as they have any: (box, text) of what stands higher than the letters beside it, and smaller."""
    blocks = {block["number"]: block.get("lines", ()) for block in text_page.extractDICT()["blocks"]}
    found = {}
    for key in keys:
        spans = blocks[key[0]][key[1]]["spans"] if len(blocks.get(key[0], ())) > key[1] else ()
        found[key] = [
            (mark["bbox"], mark["text"].strip())
            for one, other in pairwise(spans)
            for mark, letters in ((one, other), (other, one))
            if mark["size"] < SMALLER * letters["size"]
            and RAISED * letters["size"] < letters["origin"][1] - mark["origin"][1] < letters["size"]
        ]
    return {key: numbers for key, numbers in found.items() if numbers}


def cut_number(word: Word, raised: Sequence[tuple[Any, str]]) -> Sequence[Word]:
    """The word, or it and the number on it."""
    found = NOTED.search(word[4])
    if found is None:
        return [word]
    group = "mark" if found["mark"] else "first"
    at = found.end(group) if group == "first" else found.start(group)
    for box, text in raised:
        middle = (box[0] + box[2]) / 2
        if (
            text == found[group]
            and word[0] <= middle <= word[2]
            and word[1] - 1 <= (box[1] + box[3]) / 2 <= word[3] + 1
        ):
            x = box[2] if group == "first" else box[0]
            before = (word[0], word[1], x, word[3], word[4][:at], *word[5:])
            return [before, (x, word[1], word[2], word[3], word[4][at:], *word[5:])]
    return [word]


# Letters set apart


def spaced_runs(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Runs of single letters that stand near each other: (start, stop)."""
    runs, start = [], 0
    for i in range(len(words) + 1):
        if i < len(words) and len(words[i][4]) == 1 and words[i][4].isalpha() and ord(words[i][4]) < 0x0E00:
            if i == start or words[i][0] - words[i - 1][2] <= WIDEST_SPACING * (words[i][3] - words[i][1]):
                continue
            runs.append((start, i))
            start = i
            continue
        runs.append((start, i))
        start = i + 1
    return [(a, b) for a, b in runs if b - a >= SPACED_LETTERS]


def join_spaced(words: list[Word], line: Any) -> list[Word]:
    """Join letters of one word: those between gaps that are all about as wide."""
    blanks = [
        (char["bbox"][0] + char["bbox"][2]) / 2
        for span in (line or {"spans": ()})["spans"]
        for char in span["chars"]
        if char["c"].isspace() and not char.get("synthetic")
    ]
    joined: list[Word] = []
    at = 0
    for start, stop in spaced_runs(words):
        letters = words[start:stop]
        gaps = [b[0] - a[2] for a, b in pairwise(letters)]
        narrowest = min(gaps)
        groups = [[letters[0]]]
        for gap, letter in zip(gaps, letters[1:], strict=True):
            if gap > WORD_GAP * max(narrowest, 0.02 * (letter[3] - letter[1])):
                groups.append([letter])
            else:
                groups[-1].append(letter)
        n_typed = sum(any(a[2] <= x <= b[0] for x in blanks) for group in groups for a, b in pairwise(group))
        n_inside = sum(len(group) - 1 for group in groups)
        texts = ["".join(letter[4] for letter in group) for group in groups]
        if 2 * n_typed > n_inside:  # blanks were typed: a word only if it is none of "a b c d e", "x y z"
            whole = all(len(text) >= TYPED_LETTERS and not _alphabetical(text) for text in texts)
        else:
            whole = max(map(len, texts)) >= SPACED_LETTERS - 1
        joined += words[at:start] + ([_union(group) for group in groups] if whole else letters)
        at = stop
    return joined + words[at:]


def _alphabetical(text: str) -> bool:
    return all(ord(a) < ord(b) for a, b in pairwise(text.lower()))

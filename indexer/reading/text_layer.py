"""Words of a PDF page's text layer, from the characters MuPDF finds.

MuPDF cuts words at blanks. Where that goes wrong they are mended from what is seen: pieces that touch are one word, letters
set apart evenly are one word, and lines read from right to left are put together from the places of their glyphs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pagesight.indexer.reading.bidi import RIGHT_TO_LEFT, reading_order_of, with_brackets_facing

TOUCHING = 0.04  # of a line's height: a gap that nobody sees
OVERLAP = 0.25  # of a line's height: kerned letters reach so far into each other
MOSTLY_TOUCHING = 0.6  # of all words on a page: their widths are wrong, as under scans, and tell nothing
SPACED_LETTERS = 4  # so many single letters in a row are looked at
TYPED_LETTERS = 5  # and so many where blanks were typed between them
WIDEST_SPACING = 0.75  # of a line's height, between letters of one word
WORD_GAP = 1.5  # times the narrowest gap of spaced letters: a gap between words
GAP = 0.12  # of a line's size: a gap between words where no blank was drawn
# After letters beyond Latin, Greek, Cyrillic, Hebrew and Arabic proper MuPDF makes no blank of a gap: Vietnamese, Greek with
# breathings, Korean, the scripts of India, arrows and signs. Chinese, Japanese and Thai have none between words.
_GAP_UNSEEN = re.compile("[\u0700-\u0dff\u0f00-\u1fff\u20d0-\u2dff\ua4d0-\ud7ff\ue000-\uf8ff\U00010000-\U0001ffff]\\w")
# Numbers of footnotes, which MuPDF leaves on the word: digits at the end of a word, or before one, but for "1st" and the like.
_NOTED = re.compile(
    r"(?P<word>[^\W\d_]{3}[^\w\s]{0,2})(?P<mark>\d{1,3})[^\w\s]{0,2}(?!\S)"
    r"|(?<!\S)(?P<first>\d{1,3})(?!(?:st|nd|rd|th|er|e|o|a)\b)[^\W\d_]{2}"
)
RAISED, SMALLER = (
    0.1,
    0.9,
)  # of the letters' size beside it: how far up the number of a footnote stands, how large it is
NUDGE = 0.03  # of a line's size: rounding of places
SAME_LINE = 1.2  # of a line's size: pieces of a line are not further apart

Word = tuple[float, float, float, float, str, int, int, int]  # as MuPDF gives them: box, text, block, line, number
Placed = tuple[str, float, float, float, float]


def text_words(page: Any) -> list[Placed]:
    """Words of a pymupdf.Page with their boxes on the page as it was drawn, in the order of the file."""
    import pymupdf

    flags = pymupdf.TEXTFLAGS_WORDS & ~pymupdf.TEXT_PRESERVE_LIGATURES  # behind a ligature it would not see a gap
    text_page = page.get_textpage(flags=flags)
    lines = _lines(text_page)
    rtl = _lines_with(RIGHT_TO_LEFT, lines)
    if rtl:  # of Arabic ligatures it makes whole phrases, and letters that are none
        text_page = page.get_textpage(flags=pymupdf.TEXTFLAGS_WORDS)
        lines = _lines(text_page)
        rtl = _lines_with(RIGHT_TO_LEFT, lines)
    glued = _lines_with(_GAP_UNSEEN, lines)
    spaced = {
        key
        for key, words in lines.items()
        if sum(len(word[4]) == 1 for word in words) >= SPACED_LETTERS and _spaced_runs(words)
    }
    noted = _lines_with(_NOTED, lines)
    raised = _raised_numbers(text_page, noted) if noted else {}
    characters = _characters(text_page) if rtl or spaced or glued else {}
    read: dict[tuple[int, int], list[Placed]] = right_to_left(lines, characters) if rtl else {}
    joints = {key: [_touches(a, b) for a, b in pairwise(words)] for key, words in lines.items()}
    n_pairs, n_joints = sum(map(len, joints.values())), sum(map(sum, joints.values()))
    touching = 0 < n_joints < MOSTLY_TOUCHING * n_pairs
    placed: list[Placed] = []
    for key, words in lines.items():
        if key in read:
            placed += read[key]
            continue
        if key in glued and key in characters:
            words = list(_split_at_gaps(key, characters[key]))  # noqa: PLW2901
            joints[key] = [_touches(a, b) for a, b in pairwise(words)]
        some = _join_touching(words, joints[key]) if touching and any(joints[key]) else words
        if key in spaced:
            some = _join_spaced(some, characters.get(key, []))
        if key in raised:
            some = [part for word in some for part in _cut_number(word, raised[key])]
        placed += [(word[4], word[0], word[1], word[2], word[3]) for word in some]
    return placed


def _lines(text_page: Any) -> dict[tuple[int, int], list[Word]]:
    """Words as MuPDF finds them, by block and line."""
    lines: dict[tuple[int, int], list[Word]] = {}
    for word in text_page.extractWORDS():
        lines.setdefault((word[5], word[6]), []).append(word)
    return lines


def _lines_with(sign: re.Pattern[str], lines: dict[tuple[int, int], list[Word]]) -> set[tuple[int, int]]:
    """Lines with such a character. On most pages there is none, which one look at all of them tells."""
    if not sign.search(" ".join(word[4] for words in lines.values() for word in words)):
        return set()
    return {key for key, words in lines.items() if any(sign.search(word[4]) for word in words)}


def _characters(text_page: Any) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """Lines as MuPDF describes them, by block and line; none if it fails at a character that is none."""
    try:
        blocks = text_page.extractRAWDICT()["blocks"]
    except (SystemError, ValueError):
        return {}
    return {(block["number"], i): line for block in blocks for i, line in enumerate(block.get("lines", ()))}


# Pieces that touch


def _touches(a: Sequence[Any], b: Sequence[Any]) -> bool:
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


def _join_touching(words: Sequence[Word], joints: Sequence[bool]) -> list[Word]:
    """joints: whether each word but the first touches the one before."""
    groups = [[words[0]]]
    for joined, word in zip(joints, words[1:], strict=True):
        if joined:
            groups[-1].append(word)
        else:
            groups.append([word])
    return [group[0] if len(group) == 1 else _union(group) for group in groups]


# Gaps without a blank


def _split_at_gaps(key: tuple[int, int], line: Any) -> Iterator[Word]:
    """The words of a line whose gaps MuPDF did not see."""
    dx, dy = line["dir"]
    text, box, n_words, stop = "", [0.0] * 4, 0, 0.0
    for span in line["spans"]:
        for char in span["chars"]:
            x0, y0, x1, y1 = char["bbox"]
            ends = sorted((x0 * dx + y0 * dy, x1 * dx + y1 * dy))
            if text and (char["c"].isspace() or ends[0] - stop > GAP * span["size"]):
                yield (box[0], box[1], box[2], box[3], text, *key, n_words)
                text, n_words = "", n_words + 1
            if char["c"].isspace():
                continue
            box = [min(box[0], x0), min(box[1], y0), max(box[2], x1), max(box[3], y1)] if text else [x0, y0, x1, y1]
            text, stop = text + char["c"], ends[1]
    if text:
        yield (box[0], box[1], box[2], box[3], text, *key, n_words)


# Numbers of footnotes


def _raised_numbers(text_page: Any, keys: set[tuple[int, int]]) -> dict[tuple[int, int], list[tuple[Any, str]]]:
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


def _cut_number(word: Word, raised: Sequence[tuple[Any, str]]) -> Sequence[Word]:
    """The word, or it and the number on it."""
    found = _NOTED.search(word[4])
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


def _spaced_runs(words: Sequence[Word]) -> list[tuple[int, int]]:
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


def _join_spaced(words: list[Word], line: Any) -> list[Word]:
    """Join letters of one word: those between gaps that are all about as wide."""
    blanks = [
        (char["bbox"][0] + char["bbox"][2]) / 2
        for span in (line or {"spans": ()})["spans"]
        for char in span["chars"]
        if char["c"].isspace() and not char.get("synthetic")
    ]
    joined: list[Word] = []
    at = 0
    for start, stop in _spaced_runs(words):
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


# From right to left


@dataclass(slots=True)
class _Glyph:
    """What is drawn at one place: a letter with its marks. start, stop: along the line."""

    text: str
    start: float
    stop: float
    box: tuple[float, float, float, float]


@dataclass(slots=True)
class _Line:
    """A line of glyphs. direction: of its baseline; base: where that lies, across it."""

    key: tuple[int, int]
    direction: tuple[float, float]
    base: float
    size: float
    glyphs: list[_Glyph] = field(default_factory=list)
    marks: list[_Glyph] = field(default_factory=list)
    rtl: bool = False

    @property
    def start(self) -> float:
        return min(glyph.start for glyph in self.glyphs)

    @property
    def stop(self) -> float:
        return max(glyph.stop for glyph in self.glyphs)


def right_to_left(
    lines: dict[tuple[int, int], list[Word]], characters: dict[tuple[int, int], Any]
) -> dict[tuple[int, int], list[Placed]]:
    """Words of the lines that are read from right to left, and of their pieces elsewhere: by line, [] for such pieces."""
    all_lines = [line for key in lines if key in characters and (line := _line(key, characters[key])).glyphs]
    read: dict[tuple[int, int], list[Placed]] = {}
    for group in _same_lines(all_lines):
        if any(line.rtl for line in group):
            for line in group:
                read[line.key] = []
            read[min(line.key for line in group)] = list(_visual_words(group))
    return read


def _line(key: tuple[int, int], found: Any) -> _Line:
    dx, dy = found["dir"]
    line = _Line(key, (round(dx, 2), round(dy, 2)), 0.0, 0.0)
    before: _Glyph | None = None  # the last letter
    last: _Glyph | None = None  # or the blank behind it
    for span in found["spans"]:
        for char in span["chars"]:
            text = char["c"]
            if unicodedata.category(text) in ("Cc", "Cf", "Cs"):
                continue
            x0, y0, x1, y1 = char["bbox"]
            ends = sorted((x0 * dx + y0 * dy, x1 * dx + y1 * dy))
            ox, oy = char["origin"]
            line.base, line.size = oy * dx - ox * dy, max(line.size, span["size"])
            glyph = _Glyph(" " if text.isspace() else text, ends[0], ends[1], (x0, y0, x1, y1))
            if char.get("synthetic"):
                last = glyph
                continue
            line.rtl = line.rtl or bool(RIGHT_TO_LEFT.match(text))
            width = ends[1] - ends[0]
            same_glyph = before and width < 0.01 * span["size"] and abs(ends[0] - before.stop) < 0.005 * span["size"]
            if unicodedata.combining(text):
                if before is not None and _stands_on(glyph, before, last or before, span["size"]):
                    before.text += text
                else:
                    line.marks.append(glyph)
            elif same_glyph and before is not None and before.text != " " and not text.isspace():
                before.text += text  # a ligature's other letters
            else:
                line.glyphs.append(glyph)
                last = glyph
                before = before if glyph.text == " " and before else glyph
    return line


def _stands_on(mark: _Glyph, letter: _Glyph, last: _Glyph, size: float) -> bool:
    """Whether a mark belongs to the letter before it: it is over that, or over the blank behind it."""
    near = NUDGE * size
    return any(glyph.start - near <= mark.start and mark.stop <= glyph.stop + near for glyph in (letter, last))


def _same_lines(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Lines on one baseline and near each other, which programs that draw glyph by glyph leave apart."""
    ordered = sorted(lines, key=lambda line: (line.direction, round(line.base / max(line.size, 1e-6), 1), line.start))
    waiting = list(ordered)
    while waiting:
        group = [waiting.pop(0)]
        reach = group[0].stop
        rest = []
        for line in waiting:
            near = (
                line.direction == group[0].direction
                and abs(line.base - group[0].base) < 0.25 * min(line.size, group[0].size)
                and line.start - reach < SAME_LINE * min(line.size, group[0].size)
            )
            if near:
                group.append(line)
                reach = max(reach, line.stop)
            else:
                rest.append(line)
        waiting = rest
        yield group


def _visual_words(group: Sequence[_Line]) -> Iterator[Placed]:
    """Words of a line in reading order, from where its glyphs stand."""
    size = max(line.size for line in group)
    glyphs = sorted((glyph for line in group for glyph in line.glyphs), key=lambda glyph: glyph.start + glyph.stop)
    letters = [glyph for glyph in glyphs if glyph.text != " "]
    if not letters:
        return
    for mark in (mark for line in group for mark in line.marks):
        _bearer(letters, (mark.start + mark.stop) / 2 + NUDGE * size).text += mark.text
    blanks = [(glyph.start + glyph.stop) / 2 for glyph in glyphs if glyph.text == " "]
    row: list[_Glyph | None] = [letters[0]]
    for a, b in pairwise(letters):
        gap = b.start - a.stop
        typed = gap > TOUCHING * size and any(a.stop - 0.1 * size <= x <= b.start + 0.1 * size for x in blanks)
        if typed or gap > GAP * size:
            row.append(None)
        row.append(b)
    order = reading_order_of([glyph.text if glyph else " " for glyph in row])
    words: list[list[_Glyph]] = [[]]
    for i in order:
        glyph = row[i]
        if glyph is None:
            words.append([])
        else:
            words[-1].append(glyph)
    words = [word for word in words if word]
    text = with_brackets_facing(" ".join("".join(glyph.text for glyph in word) for word in words))
    for word, spelled in zip(words, text.split(" "), strict=True):
        boxes = [glyph.box for glyph in word]
        x0, y0 = min(box[0] for box in boxes), min(box[1] for box in boxes)
        yield spelled, x0, y0, max(box[2] for box in boxes), max(box[3] for box in boxes)


def _bearer(letters: Sequence[_Glyph], middle: float) -> _Glyph:
    """The letter that a mark stands on: the one it is over, or the nearest."""
    return min(
        letters, key=lambda glyph: (not glyph.start <= middle < glyph.stop, abs(glyph.start + glyph.stop - 2 * middle))
    )

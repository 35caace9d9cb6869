"""Lines that are read from right to left, put together from the places of their glyphs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pagesight.indexer.reading.bidi import RIGHT_TO_LEFT, reading_order_of, with_brackets_facing
from pagesight.indexer.reading.word_pieces import GAP, TOUCHING, Placed, Word, along_line

NUDGE = 0.03  # of a line's size: rounding of places
SAME_LINE = 1.2  # of a line's size: pieces of a line are not further apart
SAME_BASE = 0.25  # of a line's size: nor are their baselines


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
            begin, end = along_line(char, (dx, dy))
            ox, oy = char["origin"]
            line.base, line.size = oy * dx - ox * dy, max(line.size, span["size"])
            glyph = _Glyph(" " if text.isspace() else text, begin, end, char["bbox"])
            if char.get("synthetic"):
                last = glyph
                continue
            line.rtl = line.rtl or bool(RIGHT_TO_LEFT.match(text))
            same_glyph = (
                before and end - begin < 0.01 * span["size"] and abs(begin - before.stop) < 0.005 * span["size"]
            )
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
    waiting = sorted(lines, key=lambda line: (line.direction, line.base))
    taken: set[int] = set()
    for i, first in enumerate(waiting):
        if i in taken:
            continue
        row = [i]
        for j in range(i + 1, len(waiting)):
            line = waiting[j]
            if line.direction != first.direction or line.base - first.base >= SAME_BASE * first.size:
                break
            if j not in taken and line.base - first.base < SAME_BASE * line.size:
                row.append(j)
        taken.update(row)
        group: list[_Line] = []
        reach = 0.0
        for line in sorted((waiting[j] for j in row), key=lambda line: line.start):
            if group and line.start - reach >= SAME_LINE * min(line.size, first.size):
                yield group
                group = []
            reach = max(reach, line.stop) if group else line.stop
            group.append(line)
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

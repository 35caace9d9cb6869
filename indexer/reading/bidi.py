"""From glyphs as they stand on a line, left to right, to text in the order it is read.

A PDF says where glyphs stand, not in which order they are read, and programs draw right-to-left text in either order. What
stands where is the one thing that is sure, so the order is worked out from it: Unicode's algorithm (UAX #9) backwards.
Digits and Latin letters keep their order from left to right, everything else of a right-to-left line is turned round.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_OPENING, _CLOSING = "([{", ")]}"


def reading_order_of(glyphs: Sequence[str]) -> list[int]:
    """Indices of a line's glyphs in the order they are read. glyphs: their texts from left to right, " " between words."""
    kinds = [_kind(text) for text in glyphs]
    n_right, n_left = kinds.count("R"), kinds.count("L")
    if n_right == 0:
        return list(range(len(glyphs)))
    if n_right >= n_left:
        return _turned(glyphs, kinds, 0, len(glyphs))
    order: list[int] = []
    at = 0
    for start, stop in _runs(kinds, "R", "RN. "):
        order += [*range(at, start), *_turned(glyphs, kinds, start, stop)]
        at = stop
    return [*order, *range(at, len(glyphs))]


def with_brackets_facing(text: str) -> str:
    """The text with its brackets mirrored, if that makes more of them open before they close.

    Some programs store a bracket as it is drawn, some as it is meant.
    """
    turned = text.translate(_MIRRORED)
    return turned if _unmatched(turned) < _unmatched(text) else text


def _turned(glyphs: Sequence[str], kinds: Sequence[str], start: int, stop: int) -> list[int]:
    """A right-to-left stretch in reading order: turned round, but for numbers and words that run from left to right."""
    order: list[int] = []
    at = stop
    for first, last in reversed(_left_runs(glyphs, kinds, start, stop)):
        order += [*range(at - 1, last - 1, -1), *range(first, last)]
        at = first
    return [*order, *range(at - 1, start - 1, -1)]


def _left_runs(glyphs: Sequence[str], kinds: Sequence[str], start: int, stop: int) -> list[tuple[int, int]]:
    """Words from left to right, with the blanks between them, and numbers, each for itself."""
    runs = [(a + start, b + start) for a, b in _runs(kinds[start:stop], "L", "LN. ")]
    taken = {i for a, b in runs for i in range(a, b)}
    i = start
    while i < stop:
        if i in taken or kinds[i] != "N":
            i += 1
            continue
        end = i + 1
        while end < stop and end not in taken and (kinds[end] == "N" or _inside_number(glyphs, kinds, end, stop)):
            end += 1
        sign = i > start and i - 1 not in taken and glyphs[i - 1] in ("-", "+", "\u2212", "$", "€", "£", "₪", "#")
        runs.append((i - sign, end + (end < stop and end not in taken and glyphs[end] in ("%", "°"))))
        i = end + 1
    return sorted(runs)


def _inside_number(glyphs: Sequence[str], kinds: Sequence[str], at: int, stop: int) -> bool:
    return glyphs[at] in (".", ",", ":", "/", "-", "\u066b", "\u066c") and at + 1 < stop and kinds[at + 1] == "N"


def _runs(kinds: Sequence[str], edge: str, inside: str) -> list[tuple[int, int]]:
    """Longest stretches that begin and end with ``edge`` and hold ``inside`` only; digits right after them belong to "L"."""
    runs = []
    i = 0
    while i < len(kinds):
        if kinds[i] != edge:
            i += 1
            continue
        stop = j = i + 1
        while j < len(kinds) and kinds[j] in inside:
            j += 1
            if kinds[j - 1] == edge or (edge == "L" and kinds[j - 1] == "N"):
                stop = j
        runs.append((i, stop))
        i = j
    return runs


def _kind(text: str) -> str:
    """R: read from right to left. L: from left to right. N: a digit. A blank is itself; a full stop: anything else."""
    if text == " ":
        return " "
    for character in text:
        match unicodedata.bidirectional(character):
            case "R" | "AL":
                return "R"
            case "L":
                return "L"
            case "EN" | "AN" if character.isdigit():
                return "N"
    return "."


def _unmatched(text: str) -> int:
    depth = n_unmatched = 0
    for character in text:
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            if depth:
                depth -= 1
            else:
                n_unmatched += 1
    return n_unmatched + depth

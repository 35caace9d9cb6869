"""Boxes on a page: cleaning of words, and how much of one box another covers."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.values import LINE_END_HYPHEN, PageWords

POINTS_PER_INCH = 72
COVERED = 0.5  # of a line's width: it is known then
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Cn"))
_SHAPES = re.compile("[\ufb1d-\ufdff\ufe70-\ufefc]")
# Accents that are characters of their own, drawn over the letter behind them, as TeX's older fonts have it.
_ABOVE = dict(
    zip(
        "\u00a8\u00b4\u00b8\u02c6\u02c7\u02d8\u02d9\u02da\u02dc\u02dd\u00af",
        "\u0308\u0301\u0327\u0302\u030c\u0306\u0307\u030a\u0303\u030b\u0304",
        strict=True,
    )
)
_ACCENT = re.compile(f"([{''.join(_ABOVE)}])([A-Za-z\u0131])")
_LEADERS = re.compile(r"([^\w\s])\1{3,}")  # "......" in tables of contents: one vector would go to each few dots


def zoom_for(width: float, height: float, *, max_pixels: int, max_dpi: float) -> float:
    """Scale from points to pixels: ``max_dpi``, or less where the page would have more than ``max_pixels``."""
    return min(max_dpi / POINTS_PER_INCH, math.sqrt(max_pixels / max(width * height, 1e-6)))


def as_shown(box: Sequence[float], rotation: int, width: float, height: float) -> tuple[float, float, float, float]:
    """A box of the page as it was drawn -> of the page as it is shown, which is turned and then ``width`` x ``height``.

    rotation: clockwise, 0, 90, 180 or 270 degrees. MuPDF has a matrix for it, which forgets the page's UserUnit.
    """
    x0, y0, x1, y1 = box
    match rotation % 360:
        case 90:
            return width - y1, x0, width - y0, x1
        case 180:
            return width - x1, height - y1, width - x0, height - y0
        case 270:
            return y0, height - x1, y1, height - x0
        case _:
            return x0, y0, x1, y1


def clean_word(word: str) -> str:
    """Take out what is not seen or cannot be stored: blanks, invisible characters, lone surrogates, rows of dots.

    A soft hyphen at the end is seen there, as a hyphen. Shapes of Arabic and Hebrew letters become the letters.
    """
    if not word.isprintable() or " " in word:
        if word.rstrip()[-1:] == "\u00ad":
            word = word.rstrip()[:-1] + LINE_END_HYPHEN
        word = "".join(c for c in word if not c.isspace() and unicodedata.category(c) not in _INVISIBLE)
    if _ACCENT.search(word):
        word = _ACCENT.sub(_accented, word)
    if _SHAPES.search(word):
        word = "".join(unicodedata.normalize("NFKC", word).split())
    return _LEADERS.sub(r"\1\1\1", word) if len(word) > 3 else word


def _accented(found: re.Match[str]) -> str:
    """The letter with its accent, where there is such a letter."""
    accent, letter = found.groups()
    composed = unicodedata.normalize("NFC", ("i" if letter == "\u0131" else letter) + _ABOVE[accent])
    return composed if len(composed) == 1 else found.group()


def make_words(words: Iterable[tuple[str, float, float, float, float]], width: float, height: float) -> PageWords:
    """Words with boxes in page units -> page fractions; words without a visible character are left out."""
    texts, boxes = [], []
    for word, x0, y0, x1, y1 in words:
        text = clean_word(word)
        if text:
            texts.append(text)
            boxes.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    if not texts:
        return PageWords.none()
    fractions = np.array(boxes, np.float64) / (width, height, width, height)
    return PageWords(tuple(texts), np.clip(fractions, 0, 1).astype(np.float32))


def join_words(first: PageWords, second: PageWords) -> PageWords:
    """Words of both, the first ones first."""
    return PageWords(first.texts + second.texts, np.concatenate([first.boxes, second.boxes]))


def centers_inside(boxes: NDArray[np.floating], area: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which boxes (n, 4) have their centre inside ``area`` (4,)."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    return np.asarray((area[0] <= x) & (x <= area[2]) & (area[1] <= y) & (y <= area[3]))


def covered_width(box: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """Share of a text line's width over which some word of ``others`` (n, 4) lies on it, from 0 to 1."""
    middle = (box[1] + box[3]) / 2
    on_line = others[(others[:, 1] <= middle) & (middle <= others[:, 3])]
    left, right = np.maximum(on_line[:, 0], box[0]), np.minimum(on_line[:, 2], box[2])
    covered, reach = 0.0, float(box[0])
    for start, stop in sorted(zip(left.tolist(), right.tolist(), strict=True)):
        covered += max(0.0, stop - max(start, reach))
        reach = max(reach, stop)
    return covered / max(float(box[2] - box[0]), 1e-9)


def beside(words: PageWords, known: PageWords) -> PageWords:
    """Those of ``words`` that do not lie on words that are known."""
    new = [i for i, box in enumerate(words.boxes) if covered_width(box, known.boxes) < COVERED]
    return PageWords(tuple(words.texts[i] for i in new), words.boxes[new])


def is_garbage(texts: Iterable[str]) -> bool:
    """Whether a text layer is unreadable: fonts without a Unicode map give private-use or replacement characters."""
    text = "".join(texts)
    odd = sum(c == "\ufffd" or unicodedata.category(c) in ("Co", "Cn", "Cc") for c in text)
    return odd > 0.3 * len(text)

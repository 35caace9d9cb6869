"""Whether a text layer says what is drawn.

Fonts name their glyphs, and some name them wrongly: every letter the next one, codes for letters, one letter for all. Such a
text surprises in every language (plausible.py, some tenths of a millisecond a page). Where it does, a strip of the page is read
from its pixels, and only if that gives other words, and words of a language, the text layer is wrong. Tables, formulas, part
numbers and source code surprise as well, but are drawn as they say; what OCR cannot read stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.plausible import surprise
from pagesight.storage.values import PageWords

SURPRISING = 0.8  # nats: 98% of the pages of a thousand files lie below, no page of shifted letters does
MIN_PAIRS = 15  # of letters: fewer say nothing
STRIP_WORDS, STRIP_HEIGHT = 80, 0.3  # how much is read from the pixels, in words and of the page's height
MIN_PROOF = 4  # words of three letters that OCR must find
AGREES = 0.3  # of OCR's words in the text layer: then it says what is drawn
LESS = 0.4  # nats by which OCR's words must surprise less
_WORD = re.compile(r"[^\W\d_]{3,}")
ReadArea = Callable[[NDArray[np.float32]], PageWords]


def fault_of(words: PageWords, read_area: ReadArea) -> str:
    """Why the words of a text layer are not what is drawn, or "". read_area: words in the pixels of an area (page fractions)."""
    unlikely, n_pairs = surprise(" ".join(words.texts))
    if unlikely < SURPRISING or n_pairs < MIN_PAIRS:
        return ""
    area, inside = _strip(words)
    seen = read_area(area)
    seen_text = " ".join(seen.texts)
    drawn = [word for word in _WORD.findall(_plain(seen_text)) if len(word) > 2]
    if len(drawn) < MIN_PROOF:
        return ""
    said = _plain(" ".join(inside))
    if sum(word in said for word in drawn) > AGREES * len(drawn) or surprise(seen_text)[0] > min(
        SURPRISING, unlikely - LESS
    ):
        return ""
    return f"its text layer says {_quoted(inside)} where {_quoted(seen.texts)} is drawn"


def _strip(words: PageWords) -> tuple[NDArray[np.float32], list[str]]:
    """An area across the page with many words, and the texts in it."""
    first = max(0, (len(words) - STRIP_WORDS) // 2)
    some = words.boxes[first : first + STRIP_WORDS]
    top = float(np.median(some[:, 1])) - STRIP_HEIGHT / 2
    top = min(max(top, float(some[:, 1].min()) - 0.01), 1 - STRIP_HEIGHT)
    top = max(0.0, top)
    middle = (words.boxes[:, 1] + words.boxes[:, 3]) / 2
    inside = [words.texts[i] for i in np.flatnonzero((middle >= top) & (middle <= top + STRIP_HEIGHT))]
    return np.array([0, top, 1, min(1.0, top + STRIP_HEIGHT)], np.float32), inside


def _plain(text: str) -> str:
    """In lower case, without accents, ligatures as letters."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def _quoted(texts: object) -> str:
    shown = " ".join(list(texts)[:4])  # type: ignore[call-overload]
    return f'"{shown[:40]}"'

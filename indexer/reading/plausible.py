"""How much a text looks like one in some language, from which letters follow each other.

The statistic is of all languages at once: for each alphabet, how surprising a letter is after another in the vocabulary of
the default model (250,000 pieces of a hundred languages, each as frequent as its tokenizer's language model says). For Chinese,
Japanese and Korean, whose characters are too many for that, how rare each is. It says where to look, and proves nothing: names
of parts and formulas surprise, too. ``python -m benchmarks.letters`` makes the table.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TABLE = Path(__file__).with_name("letters.npz")
ALPHABETS = (  # first and last code point; letters are lower case, without accents
    (0x61, 0x7A),
    (0x370, 0x3FF),
    (0x400, 0x4FF),
    (0x530, 0x58F),
    (0x5D0, 0x5EA),
    (0x621, 0x6FF),
    (0x900, 0x97F),
    (0x980, 0x9FF),
    (0xB80, 0xBFF),
    (0xE00, 0xE7F),
    (0x10A0, 0x10FF),
)
CHARACTERS = ((0x3040, 0x30FF), (0x3400, 0x9FFF), (0xAC00, 0xD7A3))  # kana, Chinese, Korean
STEP = 16.0  # of the table, in steps a nat
MOST = 255 / STEP  # nats: the surprise of what never is
MAX_CHARS = 1500
_BEYOND_LATIN, _SIGNS = 0x370, (0x2000, 0x303F)
_ACCENTS = re.compile(f"[{''.join(c for c in map(chr, range(0x300, 0x900)) if unicodedata.category(c) == 'Mn')}]+")
_ALPHABET_STARTS = np.array([first for first, _ in ALPHABETS], np.int64)
_ALPHABET_STOPS = np.array([last for _, last in ALPHABETS], np.int64)


def surprise(text: str) -> tuple[float, int]:
    """Mean surprise of a text, in nats above what is usual in its alphabets, and of how many pairs and characters that is.

    Prose in any language lies about 0, letters that stand for others about 2 or more.
    """
    table = _table()
    codes = letters(text[:MAX_CHARS])
    if not (
        (codes >= _BEYOND_LATIN) & ((codes < _SIGNS[0]) | (codes > _SIGNS[1]))
    ).any():  # most pages, five times as fast
        latin = (codes >= ALPHABETS[0][0]) & (codes <= ALPHABETS[0][1])
        at = np.flatnonzero(latin[:-1] & latin[1:])
        pairs = table["pairs0"][codes[at] - ALPHABETS[0][0], codes[at + 1] - ALPHABETS[0][0]]
        return (float(pairs.mean()) / STEP - float(table["usual"][0]), len(at)) if len(at) else (0.0, 0)
    place = np.searchsorted(_ALPHABET_STARTS, codes, side="right") - 1
    known = (place >= 0) & (codes <= _ALPHABET_STOPS[np.maximum(place, 0)])
    place = np.where(known, place, -1)
    values = []
    pairs = known[:-1] & known[1:]
    same = pairs & (place[:-1] == place[1:])
    for i in np.unique(place[:-1][same]).tolist():
        at = np.flatnonzero(same & (place[:-1] == i))
        first = ALPHABETS[i][0]
        stored = table[f"pairs{i}"]
        values.append(stored[codes[at] - first, codes[at + 1] - first] / STEP - float(table["usual"][i]))
    values.append(np.full(int((pairs & ~same).sum()), MOST / 2))
    for k, (first, last) in enumerate(CHARACTERS):
        some = codes[(codes >= first) & (codes <= last)]
        values.append(table[f"single{k}"][some - first] / STEP - float(table["usual_single"][k]))
    everything = np.concatenate(values)
    return (float(everything.mean()), len(everything)) if len(everything) else (0.0, 0)


def letters(text: str) -> NDArray[np.int64]:
    """Code points of a text in lower case, without accents."""
    text = text.lower()
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
        text = unicodedata.normalize("NFC", text) if any(0x1100 <= ord(c) <= 0x11FF for c in text) else text
    return np.frombuffer(text.encode("utf-32-le", "replace"), "<u4").astype(np.int64)


@cache
def _table() -> dict[str, NDArray[Any]]:
    with np.load(TABLE) as stored:
        return {name: stored[name] for name in stored.files}

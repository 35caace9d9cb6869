"""Words of a PDF page's text layer, from the characters MuPDF finds.

MuPDF cuts words at blanks. Where that goes wrong they are mended from what is seen: pieces that touch are one word, letters
set apart evenly are one word, and lines read from right to left are put together from the places of their glyphs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from pagesight.indexer.reading.bidi import RIGHT_TO_LEFT
from pagesight.indexer.reading.right_to_left import right_to_left
from pagesight.indexer.reading.word_pieces import (
    NOTED,
    SPACED_LETTERS,
    Placed,
    Word,
    cut_number,
    join_spaced,
    join_touching,
    raised_numbers,
    spaced_runs,
    split_at_gaps,
    touches,
)

MOSTLY_TOUCHING = 0.6  # of all words on a page: their widths are wrong, as under scans, and tell nothing
SLANTED = 0.05  # of a line's direction, across: 3 degrees, as scans lie askew at most
# After letters beyond Latin, Greek, Cyrillic, Hebrew and Arabic proper MuPDF makes no blank of a gap: Vietnamese, Greek with
# breathings, Korean, the scripts of India, arrows and signs. Chinese, Japanese and Thai have none between words.
_GAP_UNSEEN = re.compile("[\u0700-\u0dff\u0f00-\u1fff\u20d0-\u2dff\ua4d0-\ud7ff\ue000-\uf8ff\U00010000-\U0001ffff]\\w")


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
        if sum(len(word[4]) == 1 for word in words) >= SPACED_LETTERS and spaced_runs(words)
    }
    noted = _lines_with(NOTED, lines)
    raised = raised_numbers(text_page, noted) if noted else {}
    characters = _described(text_page.extractRAWDICT) if rtl or spaced or glued else {}
    read: dict[tuple[int, int], list[Placed]] = right_to_left(lines, characters) if rtl else {}
    joints = {key: [touches(a, b) for a, b in pairwise(words)] for key, words in lines.items()}
    slanted = _slanted(text_page) if any(map(any, joints.values())) else set()
    joints.update((key, [False] * len(joints[key])) for key in slanted & joints.keys())
    n_pairs, n_joints = sum(map(len, joints.values())), sum(map(sum, joints.values()))
    touching = 0 < n_joints < MOSTLY_TOUCHING * n_pairs
    placed: list[Placed] = []
    for key, words in lines.items():
        if key in read:
            placed += read[key]
            continue
        if key in glued and key in characters:
            words = list(split_at_gaps(key, characters[key]))  # noqa: PLW2901
            joints[key] = [key not in slanted and touches(a, b) for a, b in pairwise(words)]
        some = join_touching(words, joints[key]) if touching and any(joints[key]) else words
        if key in spaced:
            some = join_spaced(some, characters.get(key, []))
        if key in raised:
            some = [part for word in some for part in cut_number(word, raised[key])]
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


def _slanted(text_page: Any) -> set[tuple[int, int]]:
    """Lines that climb or fall: the upright boxes of their words overlap, and tell nothing of gaps."""
    lines = _described(text_page.extractDICT)
    return {key for key, line in lines.items() if min(map(abs, line["dir"])) > SLANTED}


def _described(extract: Callable[[], Any]) -> dict[tuple[int, int], Any]:
    """Lines as MuPDF describes them, by block and line; none if it fails at a character that is none."""
    try:
        blocks = extract()["blocks"]
    except (SystemError, ValueError):
        return {}
    return {(block["number"], i): line for block in blocks for i, line in enumerate(block.get("lines", ()))}

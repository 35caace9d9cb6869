"""Words that a hyphen breaks at the end of a line: both halves are kept where they stand, and the whole is searched for."""

from __future__ import annotations

from dataclasses import dataclass

from pagesight.storage.values import LINE_END_HYPHEN, PageWords

_HYPHENS = ("-", LINE_END_HYPHEN)
_GRID = 65535  # boxes are compared as they are stored, so that the answer is the same before and after
SAME_LINE = 0.3  # of the lower word's height: words that share more of it stand on one line


@dataclass(frozen=True, slots=True)
class BrokenWord:
    """Words ``first`` to ``last`` (inclusive) of a page are one: ``text``."""

    first: int
    last: int
    text: str


def broken_words(words: PageWords) -> list[BrokenWord]:
    """Words that go on in a line below or beside: a letter, a hyphen, and then a small letter somewhere else."""
    found: list[BrokenWord] = []
    texts = words.texts
    for i in [i for i, text in enumerate(texts[:-1]) if text.endswith(_HYPHENS)]:  # few of them
        text = texts[i]
        if not text[-2:-1].isalpha() or not texts[i + 1][:1].islower() or _on_one_line(words, i):
            continue
        if found and found[-1].last == i:
            before = found.pop()
            found.append(BrokenWord(before.first, i + 1, before.text[:-1] + texts[i + 1]))
        else:
            found.append(BrokenWord(i, i + 1, text[:-1] + texts[i + 1]))
    return found


def whole_texts(words: PageWords) -> list[str]:
    """The texts of words, with the whole word in the place of each part of a broken one."""
    texts = list(words.texts)
    for word in broken_words(words):
        texts[word.first : word.last + 1] = [word.text] * (word.last + 1 - word.first)
    return texts


def _on_one_line(words: PageWords, i: int) -> bool:
    (_, top, _, bottom), (_, next_top, _, next_bottom) = (words.boxes[i : i + 2] * _GRID).round().tolist()
    shared = min(bottom, next_bottom) - max(top, next_top)
    return bool(shared > SAME_LINE * min(bottom - top, next_bottom - next_top))

"""Which engine reads a page: RapidOCR what its models know, Tesseract, where it is installed, other scripts.

RapidOCR's models were trained on Chinese, Japanese and languages in Latin script. Shown anything else they give a few letters
that look alike, without confidence. That is noticed from the reading itself; Tesseract then says which script it sees, and
reads it with its packs. What nobody here can read is said, and not stored as noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.layout import TextLine
from pagesight.indexer.reading.plausible import surprise
from pagesight.storage.errors import UnreadableDocument

DOUBTFUL = 0.92  # mean confidence: prose in a script the models know has 0.95 and more
UNSURE = 0.75  # below this, and surprising, it is noise
NOISE = 0.5  # nats of surprise: see plausible.surprise
FEW_LETTERS = 0.3  # of all characters: of a script it does not know RapidOCR sees dots and dashes
MIN_CHARS = 12
LANGUAGES = {  # of Tesseract's packs, by the script it sees
    "Arabic": ("ara", "fas", "urd", "script/Arabic"),
    "Armenian": ("hye", "script/Armenian"),
    "Bengali": ("ben", "asm", "script/Bengali"),
    "Cyrillic": ("rus", "ukr", "bul", "srp", "bel", "mkd", "kaz", "mon", "script/Cyrillic"),
    "Devanagari": ("hin", "mar", "nep", "san", "script/Devanagari"),
    "Georgian": ("kat", "script/Georgian"),
    "Greek": ("ell", "grc", "script/Greek"),
    "Hangul": ("kor", "script/Hangul"),
    "Hebrew": ("heb", "yid", "script/Hebrew"),
    "Korean": ("kor", "script/Hangul"),
    "Tamil": ("tam", "script/Tamil"),
    "Thai": ("tha", "script/Thai"),
}
MOST_LANGUAGES = 3  # at once: each costs time and accuracy


class Engine(Protocol):
    """See OcrEngine. n_seen: lines that the last reading detected."""

    n_seen: int

    def read(self, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]: ...


class ManyScripts(Protocol):
    """Tesseract, with the packs that it has."""

    languages: list[str]

    def script_of(self, image: NDArray[np.uint8]) -> str: ...
    def read(
        self, image: NDArray[np.uint8], known: NDArray[np.floating], languages: Sequence[str] = ()
    ) -> list[TextLine]: ...


class UnknownScript(Exception):
    """Lines were seen that nothing here can read. Its text says so."""


class EitherOcr:
    """RapidOCR first, and Tesseract where that does not know the script. Raises UnknownScript."""

    def __init__(self, first: Engine, tesseract: Callable[[], ManyScripts] | None) -> None:
        self._first, self._tesseract = first, tesseract

    def read(self, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]:
        lines = self._first.read(image, known)
        seen = self._first.n_seen
        noise = is_noise(lines, seen)
        if not noise and (not lines or confidence(lines) >= DOUBTFUL):
            return lines
        if self._tesseract is not None:
            other: list[TextLine] = []
            with suppress(UnreadableDocument):  # it has no packs, or fails: what there is of the first is kept
                other = self._by_script(self._tesseract(), image, known)
            if other and (noise or confidence(other) > confidence(lines) - 0.1) and not is_noise(other):
                return other
        if noise:
            raise UnknownScript(
                "there is writing on it in a script that no OCR here can read; Tesseract can, with a pack of its language"
            )
        return lines

    @staticmethod
    def _by_script(tesseract: ManyScripts, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]:
        """What Tesseract reads, if it sees a script that RapidOCR does not know and has a pack for it."""
        wanted = LANGUAGES.get(tesseract.script_of(image), ())
        languages = [name for name in wanted if name in tesseract.languages][:MOST_LANGUAGES]
        if not languages:
            return []
        return tesseract.read(image, known, [*languages, *(["eng"] if "eng" in tesseract.languages else [])])


def confidence(lines: list[TextLine]) -> float:
    """Mean over characters, from 0 to 1."""
    n_chars = sum(len(line.text) for line in lines)
    return sum(line.score * len(line.text) for line in lines) / n_chars if n_chars else 0.0


def is_noise(lines: list[TextLine], n_seen: int = 0) -> bool:
    """Whether a reading is of a script that the engine does not know. n_seen: lines it saw, read or not."""
    text = " ".join(line.text for line in lines)
    plain = "".join(text.split())
    if len(plain) < MIN_CHARS:
        return n_seen >= 3 and len(plain) < n_seen
    if sum(map(str.isalnum, plain)) < FEW_LETTERS * len(plain):
        return n_seen >= 2 and confidence(lines) < 0.95
    return confidence(lines) < UNSURE and surprise(text)[0] > NOISE

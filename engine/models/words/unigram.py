"""SentencePiece's Unigram tokenizer for single words.

Source: Kudo 2018, "Subword Regularization", arXiv:1804.10959: of all ways to cut a word into known pieces, the one with the
largest sum of log probabilities, found by Viterbi's algorithm. Pieces never cross blanks, so words can be cut alone and
remembered. Loading a vocabulary of 250,000 pieces into the common tokenizer libraries takes 0.7 to 1.8 s, which a search from
the command line would pay each time; even a dict of them takes 0.2 s to make. A saved vocabulary is looked up where it lies on
the disk, in a hash table, and nothing of it is read but what is asked for. A test holds it against one of those libraries.
"""

from __future__ import annotations

import json
import math
import mmap
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

BLANK = "\u2581"  # stands for the blank before a word
UNKNOWN_PENALTY = 10.0  # an unknown character costs this much more than the least probable piece
CONTROL = frozenset({"<s>", "</s>", "<pad>", "<unk>", "<mask>"})  # never found in text, whatever it says
MAX_REMEMBERED = 200_000
SAVED = 2  # version of the files of a saved vocabulary
_DESCRIBED, _TEXT, _STARTS, _SCORES, _SLOTS = "vocabulary.json", "pieces.txt", "starts.u32", "scores.f32", "slots.u32"
MAX_WORD_CHARS = 1000  # longer ones (a page without a blank) are cut, to bound the time


@dataclass(frozen=True, slots=True, eq=False)
class UnigramVocabulary:
    """pieces: n strings, their index is their id. scores: (n,) log probabilities. normal_forms: code point -> text."""

    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    normal_forms: dict[int, str]
    unknown: int

    def ids(self) -> dict[str, int]:
        """Of the pieces that may be found in text."""
        return {piece: i for i, piece in enumerate(self.pieces) if piece not in CONTROL}

    def save(self, folder: Path) -> None:
        """Write the files that ``UnigramTokenizer.load`` looks pieces up in; all numbers are little-endian.

        pieces.txt: UTF-8, each ended by a line feed. starts.u32: (n + 1,) where each begins. scores.f32: (n,). slots.u32: a
        power of two of slots, each 0 or the id of a piece plus 1, which is in the first free one from its CRC-32 on.
        """
        encoded = [piece.encode() + b"\n" for piece in self.pieces]
        (folder / _TEXT).write_bytes(b"".join(encoded))
        (folder / _STARTS).write_bytes(np.array([0, *accumulate(map(len, encoded))], "<u4").tobytes())
        (folder / _SCORES).write_bytes(self.scores.astype("<f4").tobytes())
        slots = [0] * (1 << (2 * len(encoded)).bit_length())
        for i in self.ids().values():
            slot = zlib.crc32(encoded[i][:-1])
            while slots[slot % len(slots)]:
                slot += 1
            slots[slot % len(slots)] = i + 1
        (folder / _SLOTS).write_bytes(np.array(slots, "<u4").tobytes())
        described = {"unknown": self.unknown, "longest": max(map(len, self.pieces)), "normal_forms": self.normal_forms}
        (folder / _DESCRIBED).write_text(json.dumps(described), encoding="utf-8")


class Pieces(Protocol):
    """A vocabulary to look pieces up in."""

    longest: int  # characters
    unknown: int
    normal_forms: dict[int, str]

    @property
    def scores(self) -> Sequence[float]: ...

    def find(self, piece: str) -> int | None:
        """Its id; None if it is none, or only for control."""


class _PiecesInMemory:
    """A vocabulary that was just read from a model's files."""

    def __init__(self, vocabulary: UnigramVocabulary) -> None:
        self.find = vocabulary.ids().get
        self.longest, self.unknown = max(map(len, vocabulary.pieces)), vocabulary.unknown
        self.scores: list[float] = vocabulary.scores.tolist()
        self.normal_forms = vocabulary.normal_forms


class _PiecesOnDisk:
    """A vocabulary that was saved."""

    def __init__(self, folder: Path) -> None:
        described = json.loads((folder / _DESCRIBED).read_text(encoding="utf-8"))
        self.longest, self.unknown = int(described["longest"]), int(described["unknown"])
        self.normal_forms = {int(code): text for code, text in described["normal_forms"].items()}
        self.scores = _mapped(folder / _SCORES).cast("f")
        self._text = _mapped(folder / _TEXT)
        self._starts, self._slots = (_mapped(folder / name).cast("I") for name in (_STARTS, _SLOTS))
        self._found: dict[str, int | None] = {}

    def find(self, piece: str) -> int | None:
        found = self._found.get(piece, -1)
        if found == -1:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            found = self._found[piece] = self._look_up(piece.encode())
        return found

    def _look_up(self, piece: bytes) -> int | None:
        slot = zlib.crc32(piece)
        while at := self._slots[slot % len(self._slots)]:
            if self._text[self._starts[at - 1] : self._starts[at] - 1] == piece:
                return at - 1
            slot += 1
        return None


def _mapped(path: Path) -> memoryview:
    with open(path, "rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class UnigramTokenizer:
    """Cuts words into pieces."""

    start_id, end_id = 0, 2  # <s> and </s> of XLM-R's vocabulary

    def __init__(self, pieces: Pieces) -> None:
        self._find, self._scores, self._unknown = pieces.find, pieces.scores, pieces.unknown
        self._longest, self._normal_forms = pieces.longest, pieces.normal_forms
        self._least_score = float(np.min(np.asarray(pieces.scores)))
        self._unknown_score = self._least_score - UNKNOWN_PENALTY
        self._remembered: dict[str, list[tuple[int, str]]] = {}

    @classmethod
    def of(cls, vocabulary: UnigramVocabulary) -> Self:
        return cls(_PiecesInMemory(vocabulary))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Over a vocabulary that was saved there."""
        return cls(_PiecesOnDisk(folder))

    def pieces(self, word: str) -> list[tuple[int, str]]:
        """(id, text) of each piece of a word; the blank before the word is not in the text. At least one piece."""
        found = self._remembered.get(word)
        if found is None:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[word] = self._cut(word)
        return found

    def weight(self, piece_id: int) -> float:
        """The square root of how surprising a piece is, in nats. An unknown one is as rare as the rarest known."""
        surprise = -(self._least_score if piece_id == self._unknown else self._scores[piece_id])
        return math.sqrt(max(surprise, 1.0))

    def surprise(self, word: str) -> tuple[float, int]:
        """The sum of the surprise of a word's pieces, in nats, and how many they are."""
        ids = [piece_id for piece_id, _ in self.pieces(word)]
        scores = [self._unknown_score if piece_id == self._unknown else self._scores[piece_id] for piece_id in ids]
        return -sum(scores), len(ids)

    def _cut(self, word: str) -> list[tuple[int, str]]:
        text = BLANK + "".join(word.translate(self._normal_forms).split())[:MAX_WORD_CHARS]
        best = [0.0] + [-np.inf] * len(text)
        came_from = [0] * (len(text) + 1)
        for start in range(len(text)):
            here = best[start]
            for stop in range(start + 1, min(len(text), start + self._longest) + 1):
                piece = self._find(text[start:stop])
                if piece is not None and here + self._scores[piece] > best[stop]:
                    best[stop], came_from[stop] = here + self._scores[piece], start
            if here + self._unknown_score > best[start + 1]:
                best[start + 1], came_from[start + 1] = here + self._unknown_score, start
        found = []
        stop = len(text)
        while stop:
            start = came_from[stop]
            cut = text[start:stop]
            piece = self._find(cut)
            found.append((self._unknown if piece is None else piece, cut.removeprefix(BLANK)))
            stop = start
        return found[::-1]

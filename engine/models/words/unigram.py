"""SentencePiece's Unigram tokenizer for single words.

Source: Kudo 2018, "Subword Regularization", arXiv:1804.10959: of all ways to cut a word into known pieces, the one with the
largest sum of log probabilities, found by Viterbi's algorithm. Pieces never cross blanks, so words can be cut alone and
remembered. Loading a vocabulary of 250,000 pieces into the common tokenizer libraries takes 0.7 to 1.8 s, which a search from
the command line would pay each time; here it is a dict, read in 0.1 s. A test holds it against one of those libraries.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLANK = "\u2581"  # stands for the blank before a word
UNKNOWN_PENALTY = 10.0  # an unknown character costs this much more than the least probable piece
CONTROL = frozenset({"<s>", "</s>", "<pad>", "<unk>", "<mask>"})  # never found in text, whatever it says
MAX_REMEMBERED = 200_000
MAX_WORD_CHARS = 1000  # longer ones (a page without a blank) are cut, to bound the time


@dataclass(frozen=True, slots=True, eq=False)
class UnigramVocabulary:
    """pieces: n strings, their index is their id. scores: (n,) log probabilities. normal_forms: code point -> text."""

    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    normal_forms: dict[int, str]
    unknown: int

    def save(self, folder: Path) -> None:
        """Write files that ``load`` reads quickly."""
        (folder / "pieces.txt").write_text("\n".join(self.pieces), encoding="utf-8", newline="\n")
        (folder / "scores.f32").write_bytes(self.scores.astype("<f4").tobytes())
        described = {"unknown": self.unknown, "normal_forms": self.normal_forms}
        (folder / "normal_forms.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> UnigramVocabulary:
        described = json.loads((folder / "normal_forms.json").read_text(encoding="utf-8"))
        return cls(
            tuple((folder / "pieces.txt").read_bytes().decode().split("\n")),
            np.fromfile(folder / "scores.f32", "<f4"),
            {int(code): text for code, text in described["normal_forms"].items()},
            described["unknown"],
        )


class UnigramTokenizer:
    """Cuts words into pieces."""

    start_id, end_id = 0, 2  # <s> and </s> of XLM-R's vocabulary

    def __init__(self, vocabulary: UnigramVocabulary) -> None:
        self._pieces, self._unknown = vocabulary.pieces, vocabulary.unknown
        self._ids = {piece: i for i, piece in enumerate(vocabulary.pieces) if piece not in CONTROL}
        self._scores: list[float] = vocabulary.scores.tolist()
        self._longest = max(map(len, vocabulary.pieces))
        self._unknown_score = min(self._scores) - UNKNOWN_PENALTY
        self._normal_forms = vocabulary.normal_forms
        self._remembered: dict[str, list[tuple[int, str]]] = {}

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
        surprise = -(min(self._scores) if piece_id == self._unknown else self._scores[piece_id])
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
                piece = self._ids.get(text[start:stop])
                if piece is not None and here + self._scores[piece] > best[stop]:
                    best[stop], came_from[stop] = here + self._scores[piece], start
            if here + self._unknown_score > best[start + 1]:
                best[start + 1], came_from[start + 1] = here + self._unknown_score, start
        found = []
        stop = len(text)
        while stop:
            start = came_from[stop]
            cut = text[start:stop]
            found.append((self._ids.get(cut, self._unknown), cut.removeprefix(BLANK)))
            stop = start
        return found[::-1]

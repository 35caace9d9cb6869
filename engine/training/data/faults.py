"""What is wrong with the examples of a source, found before anything starts."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from pagesight.engine.models.jina_v4.pictures import MAX_ASPECT
from pagesight.engine.training.data.examples import Example, Picture, Piece, Text, piece_key
from pagesight.storage.errors import BadTrainingData

MIN_SIDE_PX = 4  # a thinner picture has nothing on it


class Checked(Protocol):
    """Of a Source, what is needed here."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    def __len__(self) -> int: ...
    def __getitem__(self, i: int, /) -> Example: ...


class Faults:
    """The first ``limit`` in words, the others counted."""

    def __init__(self, limit: int) -> None:
        self._limit, self._shown, self._n = limit, list[str](), 0

    def add(self, fault: str) -> None:
        self._n += 1
        if self._n <= self._limit:
            self._shown.append(fault)

    def lines(self) -> list[str]:
        more = self._n - len(self._shown)
        return [*self._shown, f"and {more} more"] if more else list(self._shown)


def faults_of(source: Checked, limit: int, known: Sequence[str] = ()) -> list[str]:
    """See ``Source.problems``. known: faults that were found before."""
    faults = Faults(limit)
    for fault in known:
        faults.add(fault)
    pictures: dict[int, str] = {}  # key of one that was looked at -> what is wrong with it
    pairs = array("Q")
    for i in range(len(source)):
        try:
            example = source[i]
        except BadTrainingData as error:
            for fault in error.problems:
                faults.add(fault)
            continue
        for fault in _faults_of(example, source.kind, pictures):
            faults.add(f"{example.where}: {fault}")
        if example.positives and source.kind != "graded":
            pairs.append((piece_key(example.query) + 3 * piece_key(example.positives[0])) % 2**64)
    twice = len(pairs) - len(np.unique(np.frombuffer(pairs, np.uint64)))
    if twice:
        one = "example is" if twice == 1 else "examples are"
        faults.add(f"{source.name}: {twice} {one} there already: the same question with the same answer")
    return faults.lines()


def _faults_of(example: Example, kind: str, pictures: dict[int, str]) -> list[str]:
    faults = [*_faults_of_piece("the query", example.query, pictures)]
    if not example.positives:
        faults.append("no positive: nothing answers the query")
    if (example.grade is not None) != (kind == "graded"):
        faults.append("a grade among examples without" if kind != "graded" else "no grade among graded pairs")
    for what, pieces in (("a positive", example.positives), ("a negative", example.negatives)):
        for piece in pieces:
            faults += _faults_of_piece(what, piece, pictures)
            if kind != "graded" and isinstance(piece, Picture) != (kind == "pictures"):
                is_, are = ("a text", "pictures") if isinstance(piece, Text) else ("a picture", "texts")
                faults.append(f"{what} is {is_} where the others are {are}; put them into a source of their own")
                break
    if example.negatives and set(map(piece_key, example.negatives)) & set(map(piece_key, example.positives)):
        faults.append("a negative is one of the positives too")
    return faults


def _faults_of_piece(what: str, piece: Piece, pictures: dict[int, str]) -> list[str]:
    if isinstance(piece, Text):
        return [] if piece.text.strip() else [f"{what} is empty"]
    key = piece_key(piece)
    if key not in pictures:
        pictures[key] = _fault_of_picture(piece)
    return [f"{what} cannot be used: {pictures[key]}"] if pictures[key] else []


def _fault_of_picture(picture: Picture) -> str:
    try:
        width_px, height_px = picture.size()
    except BadTrainingData as error:
        return error.problems[0]
    shorter, longer = sorted((width_px, height_px))
    if shorter < MIN_SIDE_PX or longer > MAX_ASPECT * shorter:
        return f"{picture.key} has {width_px} x {height_px} pixels, too thin to be read"
    return ""

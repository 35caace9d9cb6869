"""Which columns of a row are the question, what answers it and what does not; and pieces from what stands in them."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pagesight.engine.training.data.examples import Example, Picture, Piece, Text
from pagesight.engine.training.data.row_file import Row
from pagesight.storage.errors import BadTrainingData

QUERY = ("query", "anchor", "question", "query_text", "func_documentation_string", "docstring")
POSITIVE_IDS = ("positive_passages", "positive_document_ids", "positive_ids")
POSITIVE = ("positive", "positives", "pos", *POSITIVE_IDS, "image", "func_code_string", "code", "answer", "passage")
NEGATIVE = re.compile(r"negatives?|neg|negative_(passages|document_ids|ids|\d+)")
GRADED = ("sentence1", "sentence2", "score")
PAGE_NAMES = ("pdf", "document")
_EXPECTED = 'a text, {"text": ...}, {"image": FILE} or {"pdf": FILE, "page": NUMBER}'

PageOf = Callable[[Path, int], Picture]
"""The picture of a page (from 1) of a document."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Makes pieces of cells. root: what paths are relative to. page_of: None where pages of documents cannot be."""

    root: Path
    page_of: PageOf | None = None

    def many(self, value: object, *, picture: bool = False) -> tuple[Piece, ...]:
        """Of one piece or a list of them; None is none. picture: texts are paths of pictures. Raises ValueError."""
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(self.one(inner, picture=picture) for inner in value)
        return (self.one(value, picture=picture),)

    def one(self, value: object, *, picture: bool = False) -> Piece:
        if isinstance(value, str):
            return self._picture(value) if picture and value else Text(value)
        if isinstance(value, dict):
            if isinstance(value.get("image"), str):
                return self._picture(value["image"])
            if (place := page_place(value)) is not None and self.page_of is not None:
                return self.page_of(self.root / place[0], place[1])
            if isinstance(value.get("text"), str):
                title = value.get("title")
                return Text(f"{title}\n{value['text']}" if title and isinstance(title, str) else value["text"])
        raise ValueError(f"expected {_EXPECTED}, got {str(value)[:80]}")

    def _picture(self, path: str) -> Picture:
        full = str(self.root / path)
        return Picture(path=full, key=full)


def page_place(value: object) -> tuple[str, int] | None:
    """(document, page from 1) of a cell that names a page; None for others. Raises ValueError for a page that cannot be."""
    if not isinstance(value, dict) or "page" not in value:
        return None
    name = next((value[name] for name in PAGE_NAMES if isinstance(value.get(name), str)), None)
    if name is None:
        return None
    page = value["page"]
    if not isinstance(page, int) or isinstance(page, bool) or page < 1:
        raise ValueError(f"the page must be a number from 1, not {page!r}")
    return name, page


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table of questions and what answers them, or of graded pairs (grade is not "")."""

    query: str
    positive: str
    grade: str = ""
    pieces: Pieces = field(kw_only=True)
    by_id: Callable[[object], Piece] | None = field(default=None, kw_only=True)
    """Looks up what is an id, in columns of negatives and of POSITIVE_IDS; None where none is. Raises ValueError."""

    def example(self, row: Row, where: str) -> Example:
        """Raises BadTrainingData with ``where``."""
        try:
            return self._example(row, where)
        except BadTrainingData:
            raise
        except ValueError as error:
            raise BadTrainingData([f"{where}: {error}"]) from error

    def _example(self, row: Row, where: str) -> Example:
        (query, *rest) = self.pieces.many(_cell(row, self.query)) or (Text(""),)
        if rest:
            raise ValueError(f"{self.query} is a list; expected one question")
        if self.grade:
            other = self.pieces.many(_cell(row, self.positive))
            return Example(query, other, grade=_grade(row, self.grade), where=where)
        positives = self._answers(_cell(row, self.positive), ids=self.positive in POSITIVE_IDS)
        negatives = [piece for name in row if NEGATIVE.fullmatch(name) for piece in self._answers(row[name], ids=True)]
        return Example(query, positives, tuple(negatives), where=where)

    def _answers(self, cell: object, *, ids: bool) -> tuple[Piece, ...]:
        if ids and self.by_id is not None:
            cells = cell if isinstance(cell, list) else [] if cell is None else [cell]
            return tuple(self.pieces.one(one) if isinstance(one, dict) else self.by_id(one) for one in cells)
        return self.pieces.many(cell, picture=self.positive == "image")


def find_columns(names: Sequence[str], where: str) -> tuple[str, str]:
    """The columns of the question and of what answers it. Raises BadTrainingData with those that are there and known."""
    query = next((name for name in QUERY if name in names), None)
    positive = next((name for name in POSITIVE if name in names and name != query), None)
    if query is None or positive is None:
        lacking = "the question" if query is None else "what answers it"
        known = ", ".join(QUERY if query is None else POSITIVE)
        found = ", ".join(names) or "none"
        raise BadTrainingData([f"{where}: no column for {lacking}: known are {known}; found: {found}"])
    return query, positive


def misspelt(names: Iterable[str]) -> list[str]:
    """What is wrong with names that are none of ours, and nearly one."""
    known = ("negative", "negatives", "negative_passages", "negative_ids", *POSITIVE)
    problems = []
    for name in names:
        if name not in known and name not in QUERY and not NEGATIVE.fullmatch(name):
            near = difflib.get_close_matches(name, known, 1, 0.85)
            problems += [f"the column {name!r} is not known; is it {near[0]!r}?"] if near else []
    return problems


def _cell(row: Row, name: str) -> Any:
    if name not in row:
        raise ValueError(f"{name} is missing; found: {', '.join(row) or 'none'}")
    return row[name]


def _grade(row: Row, name: str) -> float:
    value = _cell(row, name)
    try:
        grade = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"the {name} {str(value)[:80]!r} is no number") from error
    if not math.isfinite(grade):
        raise ValueError(f"the {name} is {grade}, which is no grade")
    return grade

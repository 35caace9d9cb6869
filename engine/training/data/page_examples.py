"""Examples whose answers are pages of documents, which are drawn when the source is opened.

A folder of documents with the ``queries.jsonl`` that it is evaluated by: pages of grade 0 are negatives. And any table of
questions in which pages stand as {"pdf": FILE, "page": NUMBER}.
"""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pagesight.engine.evaluation.folder import JudgedPage, question_of
from pagesight.engine.training.data.columns import page_place
from pagesight.engine.training.data.examples import Example, Piece, Text
from pagesight.engine.training.data.pages import DrawnPages
from pagesight.engine.training.data.row_file import Row, RowFile
from pagesight.indexer.formats import TEXT_EXTENSIONS
from pagesight.storage.errors import BadTrainingData, DatasetError

Wanted = dict[Path, set[int]]


@dataclass(frozen=True, slots=True, eq=False)
class FolderExamples:
    """An example a question that a page answers. asked: rows of such questions, and of those that cannot be read."""

    root: Path
    rows: RowFile
    pages: DrawnPages
    asked: array[int]

    @classmethod
    def open(cls, root: Path, rows: RowFile, pages: DrawnPages) -> tuple[FolderExamples, Wanted]:
        """The examples, and the pages that are to be drawn for them."""
        asked, wanted = array("q"), defaultdict[Path, set[int]](set)
        for i, row in enumerate(rows.rows()):
            try:
                judged = _judged(root, row)
            except (BadTrainingData, DatasetError):
                asked.append(i)
                continue
            if any(page.grade > 0 for page in judged):
                asked.append(i)
                for page in judged:
                    wanted[root / page.document].add(page.page)
        return cls(root, rows, pages, asked), wanted

    def __len__(self) -> int:
        return len(self.asked)

    def __getitem__(self, i: int, /) -> Example:
        row = self.asked[i]
        fields, where = self.rows.row(row), self.rows.where(row)
        try:
            judged = _judged(self.root, fields)
        except DatasetError as error:
            raise BadTrainingData([f"{where}: {error}"]) from error
        found: dict[bool, list[Piece]] = {True: [], False: []}
        for page in judged:
            found[page.grade > 0].append(self.pages.picture(self.root / page.document, page.page))
        return Example(Text(str(fields["query"])), tuple(found[True]), tuple(found[False]), where=where)


def _judged(root: Path, row: Row | BadTrainingData) -> tuple[JudgedPage, ...]:
    if isinstance(row, BadTrainingData):
        raise row
    _, judged = question_of(root, row)
    for page in judged:
        if Path(page.document).suffix.lower() in TEXT_EXTENSIONS:
            raise DatasetError(f"{page.document} is a text, which has no pictures of pages")
    return judged


def pages_in(rows: RowFile, root: Path) -> Wanted:
    """The pages that stand in any cell of a table of JSON."""
    wanted = defaultdict[Path, set[int]](set)
    for i in range(len(rows) if _mentions_pages(rows.path) else 0):
        raw = rows.raw(i)
        if b'"page"' not in raw:
            continue
        try:
            for document, page in _places(json.loads(raw)):
                wanted[root / document].add(page)
        except ValueError:
            continue  # the example says what is wrong with it
    return wanted


def _mentions_pages(path: Path) -> bool:
    """Most tables do not, and this is told faster than by reading their rows."""
    with open(path, "rb") as file:
        return any(b'"page"' in line for line in file)


def _places(cell: object) -> Iterator[tuple[str, int]]:
    if isinstance(cell, dict) and (place := page_place(cell)) is not None:
        yield place
    elif isinstance(cell, dict | list):
        for inner in cell.values() if isinstance(cell, dict) else cell:
            yield from _places(inner)

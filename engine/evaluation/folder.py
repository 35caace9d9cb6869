"""A folder of documents with a ``queries.jsonl``: the layout to write for documents of one's own.

    {"id": "q17", "query": "...", "kind": "table", "language": "fr",
     "relevant": [{"document": "public/report.pdf", "page": 2, "grade": 2}]}

A relevant page may have ``"boxes": [[x0, y0, x1, y1], ...]``, where on it the answer is, in page fractions from the top left.

``document`` is relative to the folder, ``page`` counts from 1, ``grade`` is 1 where it is left out. kind and language are
optional. A query with nothing relevant is not asked, unless it has ``"unanswerable": true``: then a search should know that
nothing here answers it. Where a document is a text file or code, all of those in the folder
are documents, and ``line`` may stand in place of ``page``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pagesight.engine.evaluation.dataset import Dataset, EvalQuery
from pagesight.engine.evaluation.places import Box
from pagesight.engine.json_lines import id_in, json_lines, text_in, whole
from pagesight.indexer.formats import EXTENSIONS, TEXT_EXTENSIONS
from pagesight.indexer.reading.text_file import page_of
from pagesight.indexer.running.discover import as_on_disk, discover
from pagesight.storage.errors import DatasetError
from pagesight.storage.names import printable
from pagesight.storage.values import SourceFile

QUERIES_NAME = "queries.jsonl"
GROUPS = ("kind", "language")


@dataclass(frozen=True, slots=True)
class FolderCorpus:
    """Documents where they are; items are their pages."""

    root: Path
    reads_text: bool = False
    foreign: tuple[str, ...] = (QUERIES_NAME,)

    @property
    def stamp(self) -> object:
        extensions = EXTENSIONS | TEXT_EXTENSIONS if self.reads_text else EXTENSIONS
        files = (found for found in discover([self.root], extensions) if isinstance(found, SourceFile))
        return [[file.path, file.n_bytes, file.mtime_ns] for file in files]

    def place(self, folder: Path) -> Path:  # noqa: ARG002 - nothing has to be written
        return self.root

    def item(self, location: Path, page: int) -> str | None:
        if not location.is_relative_to(self.root):
            return None
        return f"{printable(location.relative_to(self.root).as_posix())}:{page}"


@dataclass(frozen=True, slots=True)
class JudgedPage:
    """document: relative to the folder. page: from 1. grade: 0 was judged and does not answer. boxes: of the answer on it."""

    document: str
    page: int
    grade: int
    boxes: tuple[Box, ...] = ()

    @property
    def item(self) -> str:
        return f"{printable(self.document)}:{self.page}"


def read_folder(root: Path) -> Dataset:
    """Raises DatasetError with the line and what is missing in it."""
    root = Path(os.path.abspath(root))
    path = root / QUERIES_NAME
    queries: list[EvalQuery] = []
    unanswerable: list[EvalQuery] = []
    qrels: dict[str, dict[str, int]] = {}
    for number, fields in json_lines(path):
        try:
            query, judged = question_of(root, fields)
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}: {error}") from error
        if fields.get("unanswerable") is True:
            unanswerable.append(query)
            continue
        queries.append(query)
        qrels[query.id] = {page.item: page.grade for page in judged}
    documents = {item.rpartition(":")[0] for grades in qrels.values() for item in grades}
    corpus = FolderCorpus(root, reads_text=any(Path(name).suffix.lower() in TEXT_EXTENSIONS for name in documents))
    return Dataset(name=root.name, queries=tuple(queries), qrels=qrels, corpus=corpus, unanswerable=tuple(unanswerable))


def question_of(root: Path, fields: Any) -> tuple[EvalQuery, tuple[JudgedPage, ...]]:
    """A line of ``queries.jsonl``. Raises DatasetError that says what is missing in it."""
    try:
        query = EvalQuery(
            id=id_in(fields, "id"),
            text=text_in(fields, "query"),
            groups={name: str(fields[name]) for name in GROUPS if fields.get(name)},
        )
        if fields.get("unanswerable") is True and not fields.get("relevant"):
            return query, ()
        judged = tuple(_judged(root, relevant) for relevant in fields["relevant"])
        return replace(query, boxes={page.item: page.boxes for page in judged if page.boxes}), judged
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"{_problem(error)}; expected an object with id, query and relevant "
            '(a list of {"document", "page", "grade"})'
        ) from error


def _judged(root: Path, relevant: dict[str, Any]) -> JudgedPage:
    document = os.path.relpath(root / str(relevant["document"]), root)  # ./a.pdf is a.pdf
    page = page_of(whole(relevant["line"])) if "line" in relevant else whole(relevant["page"])
    if page < 1:
        raise DatasetError(f"pages and lines count from 1, of {document!r} too")
    if document.startswith("../") or not os.path.isfile(as_on_disk(root / document)):
        raise DatasetError(f"there is no document {document!r} in {root}")
    boxes = tuple(_box(box) for box in relevant.get("boxes", ()))
    return JudgedPage(document, page, whole(relevant.get("grade", 1)), boxes)


def _box(given: Any) -> Box:
    x0, y0, x1, y1 = (float(value) for value in given)
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise ValueError(f"a box is [x0, y0, x1, y1] in page fractions from the top left, not {given}")
    return x0, y0, x1, y1


def _problem(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)

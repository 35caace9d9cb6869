"""BEIR as examples: a question, all that answers it by the judgments, and what was judged not to.

corpus, queries, qrels as in evaluation (benchmarks.py), of the split that is learnt from. A row of the corpus is a text, or
a picture: by the bytes in a parquet cell, or by name in the column ``image``, relative to the folder or to its ``images/``.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.evaluation.benchmarks import CORPUS_ID, QUERY_ID, QUERY_TEXT, beir_tables
from pagesight.engine.training.data.columns import Pieces
from pagesight.engine.training.data.examples import Example, Piece
from pagesight.engine.training.data.row_file import Ids, RowFile, column_of, read
from pagesight.engine.training.data.unpack import rows_of
from pagesight.storage.errors import BadTrainingData


class KeyedRows:
    """Rows of a file by their ids, as pieces."""

    def __init__(self, rows: RowFile, root: Path, ids: Sequence[str], what: str) -> None:
        """ids: names of columns, of which the table has one."""
        self.rows, self._what = rows, what
        self.id_column = column_of(rows, ids, f"the id of {what}")
        self._ids = Ids(str(read(row).get(self.id_column)) for row in rows.rows())
        self._pieces, self._root = Pieces(root), root

    def find(self, one: object) -> int | None:
        return self._ids.find(str(one))

    def faults(self) -> list[str]:
        n = self._ids.n_twice()
        return [f"{self.rows.path}: {n} ids occur more than once"] if n else []

    def piece(self, i: int) -> Piece:
        """A picture, or title and text. Raises BadTrainingData."""
        row, where = self.rows.row(i), self.rows.where(i)
        try:
            if row.get("image") is not None:
                return self._picture(row["image"])
            return self._pieces.one(next((row | {"text": row[name]} for name in QUERY_TEXT if name in row), row))
        except ValueError as error:
            if isinstance(error, BadTrainingData):
                raise
            raise BadTrainingData([f"{where}: {error}"]) from error

    def by_id(self, one: object) -> Piece:
        """Raises ValueError for an id that there is not."""
        found = self.find(one)
        if found is None:
            raise ValueError(f"there is no {self._what} with the id {str(one)!r} in {self.rows.path}")
        return self.piece(found)

    def _picture(self, cell: object) -> Piece:
        if isinstance(cell, str) and not (self._root / cell).is_file() and (self._root / "images" / cell).is_file():
            cell = f"images/{cell}"
        return self._pieces.one(cell, picture=True)


@dataclass(frozen=True, slots=True, eq=False)
class JudgedExamples:
    """An example a judged query. queries: (n,) rows. first: (n + 1,), judgments of query i are first[i]:first[i + 1] of
    corpus, its rows, and relevant, whether they answer.
    """

    query_rows: KeyedRows
    corpus_rows: KeyedRows
    queries: NDArray[np.int64]
    first: NDArray[np.int64]
    corpus: NDArray[np.int64]
    relevant: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.queries)

    def __getitem__(self, i: int, /) -> Example:
        row = int(self.queries[i])
        query = self.query_rows.piece(row)
        judged = slice(int(self.first[i]), int(self.first[i + 1]))
        found: dict[bool, list[Piece]] = {True: [], False: []}
        for item, relevant in zip(self.corpus[judged].tolist(), self.relevant[judged].tolist(), strict=True):
            found[relevant].append(self.corpus_rows.piece(item))
        return Example(query, tuple(found[True]), tuple(found[False]), where=self.query_rows.rows.where(row))


def read_judged(root: Path, split: str) -> tuple[JudgedExamples, list[str]]:
    """The examples, and what is wrong with the judgments. Raises BadTrainingData, DiskFull."""
    tables = beir_tables(root, "", split)
    lacking = [name for name, table in tables.items() if table is None]
    if lacking:
        raise BadTrainingData([f"{root} has no {', no '.join(lacking)}"])
    corpus, queries, qrels = (rows_of(table) for table in tables.values() if table is not None)
    asked = KeyedRows(queries, root, QUERY_ID, "query")
    answers = KeyedRows(corpus, root, CORPUS_ID, "document")
    examples, faults = _judged(asked, answers, qrels)
    return examples, [*asked.faults(), *answers.faults(), *faults]


def _judged(queries: KeyedRows, corpus: KeyedRows, qrels: RowFile) -> tuple[JudgedExamples, list[str]]:
    query_id = column_of(qrels, QUERY_ID[2:], "the query id")
    corpus_id = column_of(qrels, CORPUS_ID[2:], "the corpus id")
    faults: list[str] = []
    asked, found, relevant = array("q"), array("q"), array("b")
    for i, row in enumerate(qrels.rows()):
        try:
            fields = read(row)
            query, item = queries.find(fields.get(query_id)), corpus.find(fields.get(corpus_id))
            if query is None or item is None:
                lacking, one = ("query", query_id) if query is None else ("document", corpus_id)
                raise ValueError(f"there is no {lacking} with the id {fields.get(one)!r}")  # noqa: TRY301
            grade = float(fields.get("score", 1))
        except BadTrainingData as error:
            faults += error.problems
        except (TypeError, ValueError, OverflowError) as error:
            faults.append(f"{qrels.where(i)}: {error}")
        else:
            asked.append(query)
            found.append(item)
            relevant.append(grade > 0)
    of_queries, is_relevant = np.array(asked, np.int64), np.array(relevant, np.bool_)
    answered = np.isin(of_queries, of_queries[is_relevant])  # a query that nothing answers teaches nothing
    order = np.flatnonzero(answered)[np.argsort(of_queries[answered], kind="stable")]
    rows, first = np.unique(of_queries[order], return_index=True)
    return JudgedExamples(
        queries,
        corpus,
        rows,
        np.append(first, len(order)),
        np.array(found, np.int64)[order],
        is_relevant[order],
    ), faults

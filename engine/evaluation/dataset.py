"""What is measured on: queries, the items that answer them, and a corpus that is indexed as files.

An item is what a query is judged against: a page of a document (``reports/2024.pdf:12``) in a folder of documents, a row
of the corpus (by its id) in the layouts of benchmarks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pagesight.engine.evaluation.places import Box
from pagesight.storage.errors import DatasetError

MAX_GRADE = 1_000  # trec_eval has a place for every grade up to the largest one, and goes through them for each query
Qrels = Mapping[str, Mapping[str, int]]  # query id -> item -> grade; a grade of 0 is judged and not relevant


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalQuery:
    """A question. groups: what it can be averaged by, such as kind and language. boxes: where on an item its answer is."""

    id: str
    text: str
    groups: Mapping[str, str] = field(default_factory=dict)
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)


class Corpus(Protocol):
    """The documents of a dataset as files, since files are what is indexed."""

    @property
    def reads_text(self) -> bool:
        """Whether text files among them are documents."""

    @property
    def foreign(self) -> tuple[str, ...]:
        """Names of files among them that are no documents, such as the queries."""

    @property
    def stamp(self) -> object:
        """JSON that changes when the documents do."""

    def place(self, folder: Path) -> Path:
        """The folder to index. A corpus of rows writes them below ``folder``, one in memory at a time."""

    def item(self, location: Path, page: int) -> str | None:
        """The item that page ``page`` of the file at ``location`` belongs to; None if the file is not of this corpus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One set of queries over one corpus.

    Queries that nobody judged are left out, as benchmarks do; a query whose judged items all have grade 0 stays, and
    scores 0. unanswerable: questions that no page answers, to see whether a search knows it; they are in no measure of
    quality. Raises DatasetError for ids that occur twice, ids and grades that trec_eval cannot take, or if nothing is left.
    """

    name: str
    queries: tuple[EvalQuery, ...]
    qrels: Qrels
    corpus: Corpus
    unanswerable: tuple[EvalQuery, ...] = ()

    def __post_init__(self) -> None:
        ids = Counter(query.id for query in (*self.queries, *self.unanswerable))
        twice = [query_id for query_id, n in ids.items() if n > 1]
        if twice:
            raise DatasetError(f"{self.name}: {len(twice)} query ids occur more than once, the first is {twice[0]!r}")
        for query_id, grades in self.qrels.items():
            for item, grade in grades.items():
                if grade > MAX_GRADE:
                    raise DatasetError(f"{self.name}: a grade is at most {MAX_GRADE}, not {grade} (query {query_id!r})")
                if not (_is_plain(query_id) and _is_plain(item)):
                    raise DatasetError(f"{self.name}: no program can take the id {query_id!r} or {item!r}")
        if not self.judged:
            raise DatasetError(
                f"{self.name}: none of its {len(self.queries)} queries is judged; qrels and queries have no id in common"
            )

    @property
    def judged(self) -> tuple[EvalQuery, ...]:
        """The queries that are asked."""
        return tuple(query for query in self.queries if self.qrels.get(query.id))


def _is_plain(name: str) -> bool:
    """Whether C programs can take it: half a character crashes trec_eval, and a null ends a name for it."""
    return "\0" not in name and (name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name))

"""The layouts of benchmarks: BEIR and its form on the hub (ViDoRe, JinaVDR), and the question-answering form.

BEIR, three tables, each wherever ``tables`` finds it, for a language subset below it or before it
(``de/corpus/``, ``de-corpus/``):

    corpus   _id | id | corpus-id | corpus_id;   image, or title and text
    queries  _id | id | query-id | query_id;     text | query;   language, kind, ... as groups
    qrels    query-id | query_id;  corpus-id | corpus_id;  score

Question answering, one table (``data/``, or ``de/`` for a language subset):

    query (empty for a page that only distracts), image, image_filename
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pagesight.engine.evaluation.dataset import Dataset, EvalQuery
from pagesight.engine.evaluation.rows import CorpusRow, RowCorpus
from pagesight.engine.evaluation.tables import Table, find_table
from pagesight.engine.json_lines import whole
from pagesight.storage.errors import DatasetError

QUERY_ID = ("_id", "id", "query-id", "query_id")
CORPUS_ID = ("_id", "id", "corpus-id", "corpus_id")
QUERY_TEXT = ("text", "query")
GROUP_COLUMNS = {"language": "language", "kind": "kind", "query_types": "type", "query_format": "format"}
BEIR_TABLES = {
    "corpus": ("corpus",),
    "queries": ("queries", "query"),
    "qrels": ("qrels", "default", "data"),  # mteb's own data sets keep judgments in the configuration "default"
}
QA_FOLDERS = ("data", "default")


def beir_places(root: Path, table: str, subset: str) -> list[Path]:
    """Where a table may lie, the subset's own place first."""
    names = BEIR_TABLES[table]
    own = [place for name in names for place in (root / subset / name, root / f"{subset}-{name}")] if subset else []
    return [*own, *(root / name for name in names)]


def beir_tables(root: Path, subset: str, split: str) -> dict[str, Table | None]:
    """corpus, queries and qrels, where they are."""
    return {table: find_table(beir_places(root, table, subset), split) for table in BEIR_TABLES}


def read_beir(root: Path, name: str, subset: str, split: str) -> Dataset | None:
    """The dataset in these three tables; None if there is neither a corpus nor queries.

    Raises DatasetError with what is missing and where it was looked for.
    """
    tables = beir_tables(root, subset, split)
    corpus, queries, qrels = tables.values()
    if corpus is None and queries is None:
        return None
    if corpus is None or queries is None or qrels is None:
        lacking = next(table for table, found in tables.items() if found is None)
        looked = ", ".join(
            f"{place.relative_to(root)}[.jsonl|.tsv|.parquet|/]" for place in beir_places(root, lacking, subset)
        )
        raise DatasetError(f"{root} has no {lacking}; looked for {looked}")
    return Dataset(
        name=name,
        queries=tuple(_queries(queries)),
        qrels=_qrels(qrels),
        corpus=_beir_corpus(corpus, root),
    )


def _queries(table: Table) -> Iterator[EvalQuery]:
    id_column, text_column = table.column(QUERY_ID, "the query id"), table.column(QUERY_TEXT, "the query")
    for row in table.rows((id_column, text_column, *GROUP_COLUMNS)):
        if row[text_column]:
            named = {group: _as_text(row[column]) for column, group in GROUP_COLUMNS.items() if row[column]}
            yield EvalQuery(id=_id(row, id_column, table), text=_as_text(row[text_column]), groups=named)


def _qrels(table: Table) -> dict[str, dict[str, int]]:
    columns = (
        table.column(("query-id", "query_id"), "the query id"),
        table.column(("corpus-id", "corpus_id"), "the corpus id"),
        table.column(("score",), "the grade"),
    )
    qrels: dict[str, dict[str, int]] = {}
    for row in table.rows(columns):
        query_id, item = _id(row, columns[0], table), _id(row, columns[1], table)
        try:
            qrels.setdefault(query_id, {})[item] = whole(row[columns[2]])
        except ValueError as error:
            raise DatasetError(f"{table.files[0]}: the score of query {query_id!r}: {error}") from error
    return qrels


def _beir_corpus(table: Table, root: Path) -> RowCorpus:
    id_column = table.column(CORPUS_ID, "the corpus id")
    content = table.column(("image", "text"), "the content")

    def rows() -> Iterator[CorpusRow]:
        for row in table.rows((id_column, content, "title")):
            row_id = _id(row, id_column, table)
            if content == "image":
                yield CorpusRow(row_id, _image_bytes(row["image"], root, row_id), "")
            else:
                parts = (row["title"], row["text"])
                yield CorpusRow(row_id, None, "\n".join(_as_text(part) for part in parts if part))

    return RowCorpus(rows, table.stamp())


def read_qa(root: Path, name: str, subset: str, split: str) -> Dataset | None:
    """The dataset in one table of questions and pages; None if there is none.

    As ViDoRe's and JinaVDR's own evaluation do it: pages are told apart by their file names, a question that occurs
    more than once is asked once, and its answer is then the page of its last row.
    """
    places = [root / subset] if subset else [root / name for name in (*QA_FOLDERS, split)]
    table = find_table(places, split)
    if table is None or not {"query", "image"} <= set(table.columns()):
        return None
    named = "image_filename" in table.columns()
    extra = [column for column in ("image_filename", *GROUP_COLUMNS) if column in table.columns()]
    answers: dict[str, str] = {}
    groups: dict[str, dict[str, str]] = {}
    for number, row in enumerate(table.rows(("query", *extra))):
        if row["query"]:
            answers[row["query"]] = _page_name(row, number) if named else str(number)
            found = {GROUP_COLUMNS[c]: _as_text(row[c]) for c in extra if c in GROUP_COLUMNS and row[c]}
            groups.setdefault(row["query"], found)
    queries = tuple(EvalQuery(id=f"q{i}", text=text, groups=groups[text]) for i, text in enumerate(answers, start=1))
    qrels = {query.id: {answers[query.text]: 1} for query in queries}

    def rows() -> Iterator[CorpusRow]:
        columns = ("image", "image_filename") if named else ("image",)
        for number, row in enumerate(table.rows(columns)):
            page = _page_name(row, number) if named else str(number)
            yield CorpusRow(page, _image_bytes(row["image"], root, page), "")

    return Dataset(name=name, queries=queries, qrels=qrels, corpus=RowCorpus(rows, table.stamp()))


def find_subsets(root: Path) -> list[str]:
    """Language subsets: folders that hold tables of their own, or that are named for a subset and a table."""
    subsets = set()
    for folder in (path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if any((folder / table).exists() or any(folder.glob(f"{table}.*")) for table in ("corpus", "queries")):
            subsets.add(folder.name)
        for table in ("corpus", "queries"):
            if folder.name.endswith(f"-{table}"):
                subsets.add(folder.name.removesuffix(f"-{table}"))
    reserved = {*(name for names in BEIR_TABLES.values() for name in names), *QA_FOLDERS}
    if not subsets and not any((root / name).exists() for name in reserved):
        subsets = {path.name for path in root.iterdir() if path.is_dir() and any(path.glob("*.parquet"))}
    return sorted(subsets - reserved)


def _id(row: dict[str, Any], column: str, table: Table) -> str:
    if row[column] is None:
        raise DatasetError(f"{table.files[0]} has a row without {column}")
    return str(row[column])


def _page_name(row: dict[str, Any], number: int) -> str:
    return str(row["image_filename"] or number)


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _image_bytes(value: object, root: Path, row: str) -> bytes:
    """Of an image cell: the hub's {bytes, path}, plain bytes, or the path of a file in the dataset's folder."""
    path: object = value
    if isinstance(value, dict):
        if isinstance(value.get("bytes"), bytes):
            return bytes(value["bytes"])
        path = value.get("path")
    if isinstance(value, bytes):
        return value
    if isinstance(path, str) and (file := root / path).is_file():
        return file.read_bytes()
    raise DatasetError(f"the image of corpus row {row!r} is neither in its table nor a file in {root}: {path!r}")

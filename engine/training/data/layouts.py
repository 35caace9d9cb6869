"""Layouts of training data, a row each: how one is recognised, and how it is opened."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pagesight.engine.evaluation.benchmarks import CORPUS_ID, beir_tables
from pagesight.engine.evaluation.folder import QUERIES_NAME
from pagesight.engine.evaluation.layouts import HUB_NAME, hub_folder
from pagesight.engine.evaluation.tables import Table, find_table, table_of_file
from pagesight.engine.training.data.beir import KeyedRows, read_judged
from pagesight.engine.training.data.columns import (
    GRADED,
    POSITIVE,
    POSITIVE_IDS,
    QUERY,
    Columns,
    Pieces,
    find_columns,
    misspelt,
)
from pagesight.engine.training.data.page_examples import FolderExamples, pages_in
from pagesight.engine.training.data.pages import DrawnPages, OnDrawn
from pagesight.engine.training.data.row_file import RowFile
from pagesight.engine.training.data.sources import KINDS, ExampleSource, Kind, RowExamples, Source
from pagesight.engine.training.data.unpack import can_be_read, rows_of
from pagesight.storage.errors import BadTrainingData, ConfigError, DatasetError

HUB_PREFIX = "hf://"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a source is, and what is wanted of it."""

    path: Path
    name: str
    split: str
    kind: Kind | None
    pages: DrawnPages
    on_drawn: OnDrawn | None

    @cached_property
    def table(self) -> Table | None:
        """The one table of examples here, if there is one."""
        if self.path.is_file():
            return table_of_file(self.path)
        places = [self.path / self.split, self.path / "data", self.path / "default"]
        try:
            return find_table(places, self.split) or self._loose()
        except DatasetError as error:
            raise BadTrainingData([str(error)]) from error

    @cached_property
    def columns(self) -> frozenset[str]:
        """Names of its columns; none if there is no such table."""
        if self.table is None:
            return frozenset()
        try:
            unpacked = can_be_read(self.table)
            return frozenset(RowFile(self.table.files[0]).columns() if unpacked else self.table.columns())
        except DatasetError as error:
            raise BadTrainingData([str(error)]) from error

    def _loose(self) -> Table | None:
        """Files that lie in the folder, whatever their names."""
        for ending in ("parquet", "jsonl", "csv", "tsv"):
            if files := sorted(self.path.glob(f"*.{ending}")):
                return Table(tuple(files))
        return None


@dataclass(frozen=True, slots=True)
class Layout:
    """about: what it looks like, for messages. fits: whether this is one. open: raises BadTrainingData."""

    name: str
    about: str
    fits: Callable[[Place], bool]
    open: Callable[[Place], Source]


def open_source(
    path: str,
    *,
    layout: str = "auto",
    name: str | None = None,
    split: str = "train",
    kind: Kind | None = None,
    pages: DrawnPages | None = None,
    on_drawn: OnDrawn | None = None,
) -> Source:
    """The examples in a file, a folder, or a dataset of the hub ("hf://owner/name", or a folder below it: "hf://owner/name/de").

    layout: a name of LAYOUTS; "auto" tells by what is there. kind: of the answers; None tells by the first examples.
    pages: where pages of documents are drawn, and how large. What is not there yet is unpacked and drawn now, which may take
    long the first time, goes on where it was stopped, and costs nothing the next time; on_drawn is told of each few pages.
    Raises BadTrainingData that says what was found and what is known, ConfigError, ExtraMissing, DiskFull.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    found = located(path)
    if not found.exists():
        raise BadTrainingData([f"there is no file or folder {path}"])
    place = Place(
        path=found,
        name=name or _name(path, found),
        split=split,
        kind=kind,
        pages=pages or DrawnPages(),
        on_drawn=on_drawn,
    )
    return _layout(layout, place).open(place)


def _layout(name: str, place: Place) -> Layout:
    known = {row.name: row for row in LAYOUTS}
    if name != "auto":
        if name not in known:
            raise ConfigError(f"there is no layout {name!r}; there are {', '.join(known)}")
        return known[name]
    found = next((row for row in LAYOUTS if row.fits(place)), None)
    if found is None:
        there = ", ".join(sorted(place.columns)) or "none"
        expected = "".join(f"\n  {row.name:8} {row.about}" for row in LAYOUTS)
        raise BadTrainingData(
            [f"{place.path} is in no layout that is known (columns found: {there}); expected one of{expected}"]
        )
    return found


def _name(path: str, found: Path) -> str:
    if path.startswith(HUB_PREFIX):
        return path.partition("/")[2].partition("/")[2].partition("/")[2]  # without owner, and not that of a snapshot
    return found.resolve().name.removesuffix("".join(found.suffixes) if found.is_file() else "")


def located(path: str) -> Path:
    """The folder or file, fetched from the hub if that is where it is."""
    if not path.startswith(HUB_PREFIX):
        return Path(path)
    owner, _, rest = path.removeprefix(HUB_PREFIX).partition("/")
    name, _, below = rest.partition("/")
    if not HUB_NAME.fullmatch(f"{owner}/{name}"):
        raise BadTrainingData([f"{path} is no dataset of the hub; expected {HUB_PREFIX}owner/name"])
    try:
        return hub_folder(f"{owner}/{name}") / below
    except DatasetError as error:
        raise BadTrainingData([str(error)]) from error


def _open_beir(place: Place) -> Source:
    examples, faults = read_judged(place.path, place.split)
    return ExampleSource(place.name, examples, place.kind, faults)


def _open_folder(place: Place) -> Source:
    rows = RowFile(place.path / QUERIES_NAME)
    examples, wanted = FolderExamples.open(place.path, rows, place.pages)
    place.pages.draw(wanted, place.on_drawn)
    return ExampleSource(place.name, examples, place.kind or "pictures")


def _open_graded(place: Place) -> Source:
    rows = _rows(place)
    lacking = [name for name in GRADED if name not in rows.columns()]
    if lacking:
        found = ", ".join(rows.columns()) or "none"
        raise BadTrainingData(
            [f"{rows.path}: no column {', '.join(lacking)}; known are {', '.join(GRADED)}; found: {found}"]
        )
    return ExampleSource(place.name, RowExamples(rows, Columns(*GRADED, pieces=Pieces(rows.path.parent))), "graded")


def _open_rows(place: Place) -> Source:
    """Every row is an example."""
    return _source_of(place, _rows(place), None)


def _open_ids(place: Place) -> Source:
    """Rows hold ids of a corpus beside them, as what is mined for a BEIR folder does."""
    rows, table = _rows(place), _corpus(place)
    corpus = None if table is None else KeyedRows(rows_of(table), _folder(place), (*CORPUS_ID, "docid"), "document")
    return _source_of(place, rows, corpus)


def _open_pictures(place: Place) -> Source:
    """A row is a picture and perhaps a question about it; negatives are ids of other rows, if rows have ids."""
    rows = _rows(place)
    query, _ = find_columns(rows.columns(), str(rows.path))
    corpus = KeyedRows(rows, rows.path.parent, ("id",), "page") if "id" in rows.columns() else None
    asked = array("q", (i for i, row in enumerate(rows.rows()) if isinstance(row, BadTrainingData) or row.get(query)))
    return _source_of(place, rows, corpus, asked)


def _source_of(place: Place, rows: RowFile, corpus: KeyedRows | None, chosen: Sequence[int] | None = None) -> Source:
    if not len(rows):
        raise BadTrainingData([f"{rows.path} has no rows"])
    query, positive = find_columns(rows.columns(), str(rows.path))
    root = rows.path.parent
    place.pages.draw(pages_in(rows, root), place.on_drawn)
    pieces = Pieces(root, place.pages.picture)
    columns = Columns(query, positive, pieces=pieces, by_id=None if corpus is None else corpus.by_id)
    faults = [f"{rows.where(0)}: {fault}" for fault in misspelt(rows.columns())]
    if corpus is not None:
        faults += corpus.faults()
    return ExampleSource(place.name, RowExamples(rows, columns, chosen), place.kind, faults)


def _rows(place: Place) -> RowFile:
    if place.table is None:
        raise BadTrainingData([f"{place.path} has no table (.jsonl, .tsv, .csv, .parquet)"])
    return rows_of(place.table)


def _corpus(place: Place) -> Table | None:
    return find_table([_folder(place) / "corpus"], place.split)


def _folder(place: Place) -> Path:
    return place.path if place.path.is_dir() else place.path.parent


def _is_beir(place: Place) -> bool:
    return place.path.is_dir() and all(beir_tables(place.path, "", place.split).values())


def _is_folder(place: Place) -> bool:
    path = place.path / QUERIES_NAME
    return path.is_file() and "relevant" in Table((path,)).columns()


LAYOUTS = (
    Layout("beir", "corpus, queries and qrels (.jsonl, .tsv, .parquet, or folders of them)", _is_beir, _open_beir),
    Layout("pdf", "a folder of documents with queries.jsonl, as it is evaluated", _is_folder, _open_folder),
    Layout("graded", "a table of sentence1, sentence2, score", lambda p: set(GRADED) <= p.columns, _open_graded),
    Layout(
        "vdr",
        "a table of id, query, image and negatives, which are ids of its other rows",
        lambda p: {"id", "query", "image", "negatives"} <= p.columns,
        _open_pictures,
    ),
    Layout("colpali", "a table of query and image", lambda p: {"query", "image"} <= p.columns, _open_pictures),
    Layout(
        "ids",
        "a table of query, positive_passages and negative_passages, which are ids of a corpus beside it",
        lambda p: bool(p.columns & set(POSITIVE_IDS)) and _corpus(p) is not None,
        _open_ids,
    ),
    Layout(
        "code",
        "a table of func_documentation_string and func_code_string, or query and code",
        lambda p: bool(p.columns & set(QUERY)) and bool(p.columns & {"func_code_string", "code"}),
        _open_rows,
    ),
    Layout(
        "jsonl",
        "a table of query, positive(s) and negative(s), or anchor, positive, negative_1, ...",
        lambda p: bool(p.columns & set(QUERY)) and bool(p.columns & set(POSITIVE)),
        _open_rows,
    ),
)

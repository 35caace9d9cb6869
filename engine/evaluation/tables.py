"""Tables of a dataset as they lie in folders, in any of the formats they come in, read row by row.

corpus.jsonl    corpus.tsv    corpus.parquet    corpus/test-00000-of-00003.parquet    qrels/test.tsv    (also .gz)
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pagesight.storage.errors import DatasetError, ExtraMissing

FORMATS = ("parquet", "jsonl", "json", "tsv", "csv")
BATCH_ROWS = 8  # of a parquet file in memory: images have megabytes
_FILE = re.compile(rf"(?P<split>.+?)(?:-\d+-of-\d+)?\.(?P<format>{'|'.join(FORMATS)})(?P<gz>\.gz)?")


@dataclass(frozen=True, slots=True)
class Table:
    """Files of one format that hold one table, in order."""

    files: tuple[Path, ...]

    def columns(self) -> tuple[str, ...]:
        """Names of the columns, by the first file."""
        path = self.files[0]
        if _format(path) == "parquet":
            return tuple(_parquet(path).schema_arrow.names)
        return tuple(next(_text_rows(path), {}))

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """One dict a row with these columns, all if None; where a row or the table lacks one it is None.

        Raises DatasetError with the place of a bad row.
        """
        for path in self.files:
            for row in _parquet_rows(path, columns) if _format(path) == "parquet" else _text_rows(path):
                yield row if columns is None else {column: row.get(column) for column in columns}

    def column(self, names: Sequence[str], what: str) -> str:
        """Which of ``names`` the table has. Raises DatasetError with those it has."""
        found = self.columns()
        for name in names:
            if name in found:
                return name
        raise DatasetError(
            f"{self.files[0]} has no column for {what}: expected one of {', '.join(names)}, got {', '.join(found) or 'none'}"
        )

    def stamp(self) -> list[object]:
        """Changes when the files do."""
        return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in self.files]


def table_of_file(path: Path) -> Table | None:
    """The table in one file; None if its ending is none of ours."""
    return Table((path,)) if _FILE.fullmatch(path.name) else None


def find_table(places: Sequence[Path], split: str) -> Table | None:
    """The table that lies at the first of these places (paths without an ending) where there is one.

    A place is a file with one of our endings, or several parts of one, or a folder of such files named by their split; a
    folder with one split only has the right one, whatever its name. Raises DatasetError if it has several and not this one.
    """
    for place in places:
        if place.parent.is_dir() and (files := _splits(place.parent).get(place.name)):
            return _table(files)
        if place.is_dir() and (splits := _splits(place)):
            if split not in splits and len(splits) > 1:
                raise DatasetError(f"{place} has no split {split!r}, but {', '.join(splits)}")
            return _table(splits.get(split) or next(iter(splits.values())))
    return None


def _splits(folder: Path) -> dict[str, list[Path]]:
    """Files of our formats by their name without the number of the part."""
    splits: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if (match := _FILE.fullmatch(path.name)) and path.is_file():
            splits.setdefault(match["split"], []).append(path)
    return splits


def _table(files: Sequence[Path]) -> Table:
    """Of those in the format that comes first in FORMATS."""
    chosen = min((_format(path) for path in files), key=FORMATS.index)
    return Table(tuple(path for path in files if _format(path) == chosen))


def _format(path: Path) -> str:
    match = _FILE.fullmatch(path.name)
    assert match is not None
    return match["format"]


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import lib, parquet
    except ImportError as error:
        raise ExtraMissing("pyarrow", "eval") from error
    try:
        return parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)  # else it loads row groups whole
    except (lib.ArrowException, OSError) as error:
        raise DatasetError(f"{path} cannot be read as parquet: {error}") from error


def _parquet_rows(path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    file = _parquet(path)
    there = None if columns is None else [name for name in columns if name in file.schema_arrow.names]
    for batch in file.iter_batches(BATCH_ROWS, columns=there, use_threads=False):
        yield from batch.to_pylist()


def _text_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from _decoded_rows(path)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not in UTF-8") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:  # gzip has two classes of its own for damaged files
        raise DatasetError(f"{path} cannot be read: {error}") from error


def _decoded_rows(path: Path) -> Iterator[dict[str, Any]]:
    with _open_text(path) as file:
        if _format(path) in ("tsv", "csv"):
            csv.field_size_limit(sys.maxsize)
            if _format(path) == "tsv":
                rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            else:
                rows = csv.DictReader(file)
            for number, row in enumerate(rows, start=2):
                if None in row or None in row.values():
                    raise DatasetError(f"{path}, line {number}: expected {len(rows.fieldnames or ())} fields")
                yield row
            return
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DatasetError(f"{path}, line {number}: {error}") from error
            if not isinstance(row, dict):
                raise DatasetError(f"{path}, line {number}: expected an object, got {type(row).__name__}")
            yield row


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")  # spreadsheets write a mark first

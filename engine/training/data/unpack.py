"""Tables that cannot be read at any row (parquet, several files, packed ones) become one that can: lines of JSON, and a file a picture.

It happens once, and costs the disk space of a second copy; a picture that is in many rows becomes one file.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import os
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from filelock import FileLock

from pagesight.engine.evaluation.rows import image_file
from pagesight.engine.evaluation.tables import Table
from pagesight.engine.training.data.row_file import ENDINGS, RowFile
from pagesight.storage.cache_folder import cache_folder
from pagesight.storage.errors import BadTrainingData, DatasetError
from pagesight.storage.tables.database import disk_errors

_ROWS, _RECORD = "rows.jsonl", "unpacked.json"
Record = dict[str, Any]


class UnpackedRows(RowFile):
    """Rows of a table that was unpacked; for messages they are where they came from."""

    def __init__(self, folder: Path, record: Record) -> None:
        super().__init__(folder / _ROWS)
        self._files = [path for path, _ in record["files"]]
        self._ends = list(accumulate(n for _, n in record["files"]))

    def where(self, i: int) -> str:
        """File, and row from 1."""
        at = bisect.bisect_right(self._ends, i)
        return f"{self._files[at]}, row {i + 1 - (self._ends[at - 1] if at else 0)}"


def can_be_read(table: Table) -> bool:
    """Whether any row of it can be read as it is."""
    return len(table.files) == 1 and table.files[0].suffix in ENDINGS


def rows_of(table: Table) -> RowFile:
    """The table's rows, unpacked if need be into the user's cache folder. Raises BadTrainingData, DiskFull."""
    if can_be_read(table):
        return RowFile(table.files[0])
    files = [str(path.resolve()) for path in table.files]
    key = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]
    folder = cache_folder() / "training" / f"{table.files[0].parent.name}-{key}"
    stamp = [str(folder), files, table.stamp()]
    record_path = folder / _RECORD
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):  # several processes of one training start at once
            record = json.loads(record_path.read_text(encoding="utf-8")) if record_path.exists() else {}
            if record.get("stamp") != stamp:
                record_path.unlink(missing_ok=True)
                record = {"stamp": stamp, "files": _unpack(table, folder)}
                part = record_path.with_suffix(".part")  # a full disk leaves no half of it
                part.write_text(json.dumps(record), encoding="utf-8")
                os.replace(part, record_path)
    return UnpackedRows(folder, record)


def _unpack(table: Table, folder: Path) -> list[tuple[str, int]]:
    """Write rows and pictures; (file, number of its rows) of the table's files."""
    counts = []
    with open(folder / _ROWS, "w", encoding="utf-8") as out:
        for path in table.files:
            n = 0
            for row in _rows(path):
                n += 1
                cells = {name: _cell(value, path, folder) for name, value in row.items()}
                out.write(json.dumps(cells, default=str) + "\n")
            counts.append((str(path), n))
    return counts


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from Table((path,)).rows()
    except DatasetError as error:
        raise BadTrainingData([str(error)]) from error


def _cell(value: object, path: Path, folder: Path) -> object:
    """A cell as JSON; a picture as {"image": file}."""
    if isinstance(value, bytes):
        return {"image": _written(value, folder)}
    if isinstance(value, dict):
        if isinstance(value.get("bytes"), bytes):
            return {"image": _written(value["bytes"], folder)}
        if value.keys() == {"bytes", "path"} and isinstance(value["path"], str):
            return {"image": str((path.parent / value["path"]).resolve())}
        return {name: _cell(inner, path, folder) for name, inner in value.items()}
    if isinstance(value, list):
        return [_cell(inner, path, folder) for inner in value]
    return value


def _written(picture: bytes, folder: Path) -> str:
    """The path of a file of a picture below the folder, named for its content."""
    name = hashlib.sha256(picture).hexdigest()[:32]
    try:
        extension, data = image_file(picture, name)
    except DatasetError:
        extension, data = ".damaged", picture  # whoever checks the source says in which row it is
    path = folder / "pictures" / name[:2] / f"{name}{extension}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(data)
        os.replace(part, path)
    return str(path)

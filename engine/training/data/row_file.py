"""Tables of text on disk of which any row can be read at once, however many there are: 16 bytes of memory a row."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import sys
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import BadTrainingData

Row = dict[str, Any]
ENDINGS = (".jsonl", ".json", ".tsv", ".csv")
_BOM = b"\xef\xbb\xbf"


class RowFile:
    """Rows of a .jsonl, .tsv or .csv file (UTF-8; the latter two with names of columns in the first line).

    The file must not change while it is in use. Raises BadTrainingData with file and line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.format = path.suffix.lower()
        self._fields: list[str] = []
        self._starts, self._numbers = array("q"), array("q")  # of each row: its first byte, its line from 1
        if self.format not in ENDINGS:
            raise BadTrainingData([f"{path} is none of {', '.join(ENDINGS)}" + _packed(path)])
        try:
            with open(path, "rb") as file:
                self._index(file)
        except OSError as error:
            raise BadTrainingData([f"{path}: {error.strerror}"]) from error
        self._end = path.stat().st_size
        self._open()

    def _open(self) -> None:
        """Rows are read by pread: threads and forked processes share the file and no place in it."""
        self._fd = os.open(self.path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._fd)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_fd"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    def __len__(self) -> int:
        return len(self._starts)

    def columns(self) -> tuple[str, ...]:
        """Names of the columns; of a .jsonl file those of its first row."""
        if self.format in (".tsv", ".csv"):
            return tuple(self._fields)
        return tuple(self.row(0)) if len(self) else ()

    def where(self, i: int) -> str:
        """file:line of a row."""
        return f"{self.path}:{self._numbers[i]}"

    def raw(self, i: int) -> bytes:
        """The bytes of a row."""
        end = self._starts[i + 1] if i + 1 < len(self) else self._end
        return os.pread(self._fd, end - self._starts[i], self._starts[i])

    def row(self, i: int) -> Row:
        """Row ``i`` from 0."""
        return self._parsed(i, self.raw(i))

    def rows(self) -> Iterator[Row | BadTrainingData]:
        """All rows in order; what is wrong with a row in its place."""
        for i in range(len(self)):
            try:
                yield self.row(i)
            except BadTrainingData as error:
                yield error

    def _parsed(self, i: int, data: bytes) -> Row:
        try:
            text = data.decode()
            if self.format in (".tsv", ".csv"):
                return self._fields_of(text)
            row = json.loads(text)
        except UnicodeDecodeError as error:
            raise BadTrainingData([f"{self.where(i)}: it is not in UTF-8"]) from error
        except (ValueError, csv.Error, RecursionError) as error:
            raise BadTrainingData([f"{self.where(i)}: {error}"]) from error
        if not isinstance(row, dict):
            raise BadTrainingData([f"{self.where(i)}: expected an object, got {type(row).__name__}"])
        return row

    def _fields_of(self, text: str) -> Row:
        values = next(csv.reader(io.StringIO(text, newline=""), **_dialect(self.format)))
        if len(values) != len(self._fields):
            raise ValueError(f"expected {len(self._fields)} fields, got {len(values)}")
        return dict(zip(self._fields, values, strict=True))

    def _index(self, file: IO[bytes]) -> None:
        if file.read(len(_BOM)) != _BOM:
            file.seek(0)
        start = file.tell()
        if self.format in (".jsonl", ".json"):
            for number, line in enumerate(file, start=1):
                if line.strip():
                    self._starts.append(start)
                    self._numbers.append(number)
                start += len(line)
            return
        csv.field_size_limit(sys.maxsize)
        lines = _Lines(file, start)
        try:
            for fields in csv.reader(lines, **_dialect(self.format)):  # a field in quotes may hold ends of lines
                if not self._fields:
                    self._fields = fields
                elif fields:
                    self._starts.append(start)
                    self._numbers.append(lines.first)
                start, lines.first = lines.position, lines.number + 1
        except (csv.Error, UnicodeDecodeError) as error:
            raise BadTrainingData([f"{self.path}:{lines.first}: {error}"]) from error


class _Lines:
    """Lines of a file as text, and how far it was read."""

    def __init__(self, file: IO[bytes], position: int) -> None:
        self._file, self.position, self.number, self.first = file, position, 0, 1

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.position += len(line)
            self.number += 1
            yield line.decode()


class Ids:
    """Which row has which id: 16 bytes an id, told apart by 64 bits of a hash."""

    def __init__(self, ids: Iterable[str]) -> None:
        hashes = np.fromiter((_hash(one) for one in ids), np.uint64)
        self._rows = np.argsort(hashes, kind="stable")
        self._hashes: NDArray[np.uint64] = hashes[self._rows]

    def find(self, one: str) -> int | None:
        """The first row with this id."""
        wanted = np.uint64(_hash(one))
        place = int(np.searchsorted(self._hashes, wanted))
        if place == len(self._hashes) or self._hashes[place] != wanted:
            return None
        return int(self._rows[place])

    def n_twice(self) -> int:
        """Rows whose id is that of a row before."""
        return int((self._hashes[1:] == self._hashes[:-1]).sum())


def column_of(rows: RowFile, names: Sequence[str], what: str) -> str:
    """Which of these columns a file has. Raises BadTrainingData with those it has."""
    found = rows.columns()
    for name in names:
        if name in found:
            return name
    raise BadTrainingData(
        [f"{rows.path}: no column for {what}: known are {', '.join(names)}; found: {', '.join(found) or 'none'}"]
    )


def read(row: Row | BadTrainingData) -> Row:
    """One of ``rows``, raised if it is an error."""
    if isinstance(row, BadTrainingData):
        raise row
    return row


def _hash(one: str) -> int:
    return int.from_bytes(hashlib.blake2b(one.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _dialect(format_: str) -> dict[str, Any]:
    return {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if format_ == ".tsv" else {"strict": True}


def _packed(path: Path) -> str:
    return "; unpack it" if path.suffix in (".gz", ".zst", ".zip") else ""

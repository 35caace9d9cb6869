"""A source: examples from one place, of one kind, any of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pagesight.engine.training.data.columns import Columns
from pagesight.engine.training.data.examples import Example, Picture
from pagesight.engine.training.data.faults import faults_of
from pagesight.engine.training.data.row_file import RowFile
from pagesight.storage.errors import BadTrainingData

Kind = Literal["text", "pictures", "graded"]
KINDS: tuple[Kind, ...] = ("text", "pictures", "graded")
_LOOKED_AT = 100  # rows by which a source's kind is told


class Source(Protocol):
    """Examples of one kind: answers are texts, or pictures, or the examples are graded pairs.

    A batch is of one source. Examples are read when they are asked for, in whatever process.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    def __len__(self) -> int: ...
    def __getitem__(self, i: int, /) -> Example:
        """Example ``i``, from 0. Raises IndexError, BadTrainingData with file and line."""

    def problems(self, limit: int) -> list[str]:
        """Read everything once, pictures no further than their header, and say what is wrong by file and line.

        The first ``limit`` faults, and how many more there are.
        """


class Examples(Protocol):
    """What a layout makes of its files. Raises BadTrainingData with file and line."""

    def __len__(self) -> int: ...
    def __getitem__(self, i: int, /) -> Example: ...


@dataclass(frozen=True, slots=True)
class RowExamples:
    """One example a row of a file. chosen: of these rows only; None: of all."""

    rows: RowFile
    columns: Columns
    chosen: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.rows) if self.chosen is None else len(self.chosen)

    def __getitem__(self, i: int, /) -> Example:
        row = i if self.chosen is None else self.chosen[i]
        return self.columns.example(self.rows.row(row), self.rows.where(row))


class ExampleSource:
    """A Source over the examples of a layout. known: faults that the layout found when it was opened."""

    def __init__(self, name: str, examples: Examples, kind: Kind | None = None, known: Sequence[str] = ()) -> None:
        self.name = name
        self._examples, self._known = examples, tuple(known)
        self.kind: Kind = kind or _kind_of(examples)

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, i: int, /) -> Example:
        return self._examples[range(len(self))[i]]

    def problems(self, limit: int) -> list[str]:
        faults = faults_of(self, limit, self._known)
        return [f"{self.name} has no examples"] if not len(self) and not faults else faults

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self):,} {self.kind} examples>"


def _kind_of(examples: Examples) -> Kind:
    """By the first example that can be read; which rows differ is a fault that ``problems`` says."""
    for i in range(min(_LOOKED_AT, len(examples))):
        try:
            example = examples[i]
        except BadTrainingData:
            continue
        if example.grade is not None:
            return "graded"
        if example.positives:
            return "pictures" if isinstance(example.positives[0], Picture) else "text"
    return "text"

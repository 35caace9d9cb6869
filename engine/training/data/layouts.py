"""Layouts of training data, a row each: how one is recognised, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pagesight.engine.training.data.columns import Columns, Pieces, find_columns
from pagesight.engine.training.data.row_file import RowFile
from pagesight.engine.training.data.sources import ExampleSource, Kind, RowExamples, Source
from pagesight.storage.errors import BadTrainingData


def open_source(
    path: str, *, layout: str = "auto", name: str | None = None, split: str = "train", kind: Kind | None = None
) -> Source:
    """The examples in a file or folder. Raises BadTrainingData."""
    place = Path(path)
    rows = RowFile(place)
    query, positive = find_columns(rows.columns(), str(place))
    examples = RowExamples(rows, Columns(query, positive, pieces=Pieces(place.parent)))
    return ExampleSource(name or place.stem, examples, kind)

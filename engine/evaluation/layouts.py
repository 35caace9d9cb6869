"""Which layout a dataset has, told by what lies in its folder."""

from __future__ import annotations

from pathlib import Path

from engine.evaluation.dataset import Dataset
from engine.evaluation.folder import QUERIES_NAME, read_folder
from storage.errors import DatasetError


def open_datasets(path: Path) -> list[Dataset]:
    """The datasets in a folder. Raises DatasetError that says what is missing."""
    if not path.is_dir():
        raise DatasetError(f"there is no folder {path}")
    if (path / QUERIES_NAME).is_file():
        return [read_folder(path)]
    raise DatasetError(f"{path} has no {QUERIES_NAME}")

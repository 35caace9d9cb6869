"""Runs and judgments in the files of TREC, which every evaluation tool reads.

    run     query Q0 item rank score tag        qrels     query 0 item grade

Fields are separated by blanks, so a blank or a percent sign within an id is written as ``%20`` or ``%25``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from pagesight.engine.evaluation.dataset import Qrels
from pagesight.engine.evaluation.metrics import Run
from pagesight.engine.json_lines import read_lines
from pagesight.storage.errors import DatasetError


def write_run(path: Path, run: Run, tag: str) -> None:
    """Items of each query, best first, equal scores as trec_eval orders them."""
    with open(path, "w", encoding="utf-8") as file:
        for query_id, items in run.items():
            ranked = sorted(items.items(), key=lambda pair: (pair[1], pair[0]), reverse=True)
            file.writelines(
                f"{_quote(query_id)} Q0 {_quote(item)} {rank} {float(score)!r} {_quote(tag)}\n"
                for rank, (item, score) in enumerate(ranked, start=1)
            )


def write_qrels(path: Path, qrels: Qrels) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for query_id, items in qrels.items():
            file.writelines(f"{_quote(query_id)} 0 {_quote(item)} {grade}\n" for item, grade in items.items())


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Scores by query and item. Raises DatasetError with the line that is not of this form."""
    run: dict[str, dict[str, float]] = {}
    for number, fields in _lines(path, 6, "query Q0 item rank score tag"):
        try:
            run.setdefault(fields[0], {})[fields[2]] = float(fields[4])
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}: the score {fields[4]!r} is not a number") from error
    return run


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Grades by query and item. Raises DatasetError with the line that is not of this form."""
    qrels: dict[str, dict[str, int]] = {}
    for number, fields in _lines(path, 4, "query 0 item grade"):
        try:
            qrels.setdefault(fields[0], {})[fields[2]] = int(fields[3])
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}: the grade {fields[3]!r} is not a whole number") from error
    return qrels


def _lines(path: Path, n_fields: int, form: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(read_lines(path), start=1):
        fields = line.split()
        if len(fields) != n_fields and fields:
            raise DatasetError(f"{path}, line {number}: expected {n_fields} fields ({form}), got {len(fields)}")
        if fields:
            yield number, [unquote(field) for field in fields]


def _quote(name: str) -> str:
    return re.sub(r"[\s%]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)

"""Files that training data comes in, made up."""

from __future__ import annotations

import io
import json
from pathlib import Path

from tests.helpers import text_image


def lines(path: Path, *rows: object) -> Path:
    """A file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def png(text: str) -> dict[str, object]:
    """A picture as a cell of a parquet file on the hub."""
    out = io.BytesIO()
    text_image(text, (300, 60), 20).save(out, "PNG")
    return {"bytes": out.getvalue(), "path": None}


def parquet(path: Path, columns: dict[str, list[object]]) -> Path:
    """A parquet file with these columns."""
    import pyarrow as pa
    from pyarrow import parquet as files

    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_table(pa.table(columns), path)
    return path

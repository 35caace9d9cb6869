"""Rows of what was seen on pages."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, inspect, select

from pagesight.storage.tables.schema import page_picture
from pagesight.storage.values import SeenPicture


def has_pictures(connection: Connection) -> bool:
    """Whether the index has the table: those that were made before pictures were looked at have not."""
    return inspect(connection).has_table(page_picture.name)


def picture_row(page_id: int, picture: SeenPicture) -> dict[str, Any]:
    """A row of the table."""
    box = np.array(picture.box, "<f4").tobytes()
    return {
        "page_id": page_id,
        "kind": picture.kind,
        "family": picture.family,
        "box": box,
        "sure": picture.sure,
        "text": picture.text,
    }


def picture_of(row: Any) -> SeenPicture:
    """The other way round."""
    x0, y0, x1, y1 = np.frombuffer(row.box, "<f4").tolist()
    return SeenPicture(kind=row.kind, family=row.family, box=(x0, y0, x1, y1), sure=row.sure, text=row.text)


def pictures_of(connection: Connection, page_ids: NDArray[np.int64]) -> dict[int, tuple[SeenPicture, ...]]:
    """What was seen on each of these pages, if anything was."""
    wanted = select(func.json_each(json.dumps(page_ids.tolist())).table_valued("value").c.value)
    query = select(page_picture).where(page_picture.c.page_id.in_(wanted)).order_by(page_picture.c.id)
    found: defaultdict[int, list[SeenPicture]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.page_id].append(picture_of(row))
    return {page_id: tuple(pictures) for page_id, pictures in found.items()}

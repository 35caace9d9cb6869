"""Rows of what was seen on pages."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.tables.snapshots import Snapshot
from pagesight.storage.values import SeenPicture

_PICTURES_SQL = (
    "SELECT page_id, kind, family, box, sure, text FROM page_picture "
    "WHERE page_id IN (SELECT value FROM json_each(?)) ORDER BY id"
)


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


def picture_of(kind: str, family: str, box: bytes, sure: float, text: str) -> SeenPicture:
    """The other way round."""
    x0, y0, x1, y1 = np.frombuffer(box, "<f4").tolist()
    return SeenPicture(kind=kind, family=family, box=(x0, y0, x1, y1), sure=sure, text=text)


def pictures_of(snapshot: Snapshot, page_ids: NDArray[np.int64]) -> dict[int, tuple[SeenPicture, ...]]:
    """What was seen on each of these pages, if anything was."""
    found: defaultdict[int, list[SeenPicture]] = defaultdict(list)
    for page_id, *picture in snapshot.rows(_PICTURES_SQL, json.dumps(page_ids.tolist())):
        found[page_id].append(picture_of(*picture))
    return {page_id: tuple(pictures) for page_id, pictures in found.items()}

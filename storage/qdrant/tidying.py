"""After a change: what Qdrant's own queries see of pages is brought to what the log says; what nobody needs any more is deleted.

The log alone says what is in the index. A writer that is killed before it has tidied leaves that to the next one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from pagesight.storage.qdrant.cache import Cache
from pagesight.storage.qdrant.changes import Swept
from pagesight.storage.qdrant.payload import GONE, NEW, TIDIED, draft_name, named, shown
from pagesight.storage.qdrant.points import NewPoint, Payload, Points, asking
from pagesight.storage.qdrant.tables import retired
from pagesight.storage.tables.rows import in_parts
from pagesight.storage.tables.schema import document, file, page, tag

IDS_AT_ONCE = 1000


def tidy(cache: Cache, address: str, points: Points) -> int:
    """Until there is nothing left to do: others may write meanwhile, and whoever comes last has seen all of it.

    Returns the generation up to which all is tidy.
    """
    while True:
        head = cache.follow()
        with asking(address):
            at = points.retrieve([named(TIDIED)]).get(named(TIDIED), {"generation": 0})["generation"]
        if at >= head:
            return head
        changed = {sha256 for entry in cache.log.between(at, head) for sha256 in entry.changed}
        with cache.reading() as (connection, _):
            gone = connection.execute(select(retired.c.point).where(retired.c.generation > at)).scalars().all()
            seen = _shown(connection, sorted(changed))
        with asking(address):
            for some in _parts(gone):
                points.set_payload({"what": GONE}, some)
            for draft, fields in seen:
                points.set_payload(fields, {"draft": draft_name(draft)})
            points.upsert([NewPoint(named(TIDIED), {"what": TIDIED, "generation": head})])


def sweep(cache: Cache, address: str, points: Points, grace_s: float) -> None:
    """Delete the points of pages that were removed, or sent and not committed, longer than ``grace_s`` ago.

    So long a view that was opened before goes on, and so long a writer may take from sending pages to their commit. One that took
    longer finds in the log that its pages were given up.
    """
    generation = tidy(cache, address, points)  # so that what was committed is not taken for abandoned
    before = time.time() - grace_s
    limit = datetime.fromtimestamp(before, UTC).isoformat(timespec="seconds")
    with cache.reading() as (connection, _):
        old = connection.execute(select(retired.c.point).where(retired.c.at < limit)).scalars().all()
    with asking(address):
        abandoned: dict[int, list[int]] = {}
        for point, payload in points.scroll({"what": NEW}, ["draft", "sent_at"]):
            if payload["sent_at"] < before:
                abandoned.setdefault(int(payload["draft"], 16), []).append(int(point))
        for some in _parts(old):
            points.delete(some)
    if not old and not abandoned:
        return
    if cache.log.append(generation + 1, (), Swept(limit, sorted(abandoned))):
        with asking(address):
            for some in _parts([point for found in abandoned.values() for point in found]):
                points.delete(some)


def _shown(connection: Connection, sha256s: Sequence[str]) -> list[tuple[int, Payload]]:
    """Of those of these documents that are there and have pages: the number of their draft, and what their pages show of them."""
    found = []
    for some in in_parts(sha256s):
        rows = connection.execute(
            select(document, func.min(page.c.offset).label("draft"))
            .join_from(document, page)
            .where(document.c.sha256.in_(some))
            .group_by(document.c.id)
        ).all()
        for row in rows:
            names = connection.execute(select(file.c.path).where(file.c.document_id == row.id).order_by(file.c.path))
            tags = connection.execute(select(tag.c.name, tag.c.value).where(tag.c.document_id == row.id))
            about = {name: getattr(row, name) for name in ("title", "author", "date", "kind")}
            info = {**about, "tags": dict(map(tuple, tags))}
            found.append((row.draft, shown(info, names.scalars().all())))
    return found


def _parts(ids: Sequence[Any]) -> list[Sequence[Any]]:
    return [ids[first : first + IDS_AT_ONCE] for first in range(0, len(ids), IDS_AT_ONCE)]

"""Reading the pages of an index folder as they are stored, for another store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sqlalchemy import inspect, select

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.state import State
from pagesight.storage.tables.pictures import pictures_of
from pagesight.storage.tables.rows import in_parts
from pagesight.storage.tables.schema import document, page, page_note, page_terms, page_text
from pagesight.storage.tables.snapshots import Snapshot
from pagesight.storage.values import PackedPage
from pagesight.storage.vectors.page_rows import LEVELS, SINGLES_NAME, means_name
from pagesight.storage.vectors.segments import RecordRef


def packed_pages(snapshot: Snapshot, state: State, sha256: str) -> Iterator[PackedPage]:
    """The pages of a document in order of their ids, each record compared with its checksum. Raises StoreCorrupt."""
    connection = snapshot.connection
    query = select(page).join_from(page, document).where(document.c.sha256 == sha256).order_by(page.c.id)
    rows = connection.execute(query).all()
    for some in in_parts(rows):
        ids = [row.id for row in some]
        texts = {row.page_id: row for row in connection.execute(select(page_text).where(page_text.c.page_id.in_(ids)))}
        terms = {
            row.rowid: row.terms for row in connection.execute(select(page_terms).where(page_terms.c.rowid.in_(ids)))
        }
        notes: dict[int, str] = {}
        if inspect(connection).has_table(page_note.name):
            noted = connection.execute(select(page_note).where(page_note.c.page_id.in_(ids)))
            notes = {row.page_id: row.note for row in noted}
        seen = pictures_of(snapshot, np.array(ids, np.int64)) if state.has_pictures(snapshot) else {}
        vectors = {name: state.rows.map(name, ids[-1]) for name in (SINGLES_NAME, *map(means_name, LEVELS))}
        for row in some:
            if not (row.id in texts and row.id in terms):
                raise StoreCorrupt(f"the words of page {row.number} are missing")
            yield PackedPage(
                number=row.number,
                width_pt=row.width_pt,
                height_pt=row.height_pt,
                text_source=row.text_source,
                n_tokens=row.n_tokens,
                record=state.segments.read(RecordRef(row.segment, row.offset, row.n_bytes, row.crc32), verify=True),
                single=vectors[SINGLES_NAME][row.id].tobytes(),
                means=tuple(vectors[means_name(n)][row.id].tobytes() for n in LEVELS),
                words=texts[row.id].words,
                word_boxes=texts[row.id].boxes,
                terms=terms[row.id],
                note=notes.get(row.id, ""),
                pictures=seen.get(row.id, ()),
            )

"""Reading the pages of an index in PostgreSQL as they are stored, for another store."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import accumulate, pairwise

from sqlalchemy import Connection, select

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.manifest import Space
from pagesight.storage.postgres.records import fetch
from pagesight.storage.tables.pictures import picture_of
from pagesight.storage.tables.schema import document, page, page_note, page_picture
from pagesight.storage.values import PackedPage, SeenPicture
from pagesight.storage.vectors.page_rows import LEVELS, means_name, row_sizes

BATCH_PAGES = 50


def means_slices(space: Space) -> list[slice]:
    """Where each of the rows of means is in the column that has them end to end, as LEVELS."""
    sizes = row_sizes(space.single_dim, space.token_dim)
    return [slice(a, b) for a, b in pairwise(accumulate((sizes[means_name(n)] for n in LEVELS), initial=0))]


def packed_pages(connection: Connection, space: Space, sha256: str) -> Iterator[PackedPage]:
    """The pages of a document in order of their ids, each record compared with its checksum. Raises StoreCorrupt."""
    query = select(page).join_from(page, document).where(document.c.sha256 == sha256).order_by(page.c.id)
    rows, slices = connection.execute(query).all(), means_slices(space)
    for first in range(0, len(rows), BATCH_PAGES):
        some = rows[first : first + BATCH_PAGES]
        ids = [row.id for row in some]
        records = fetch(connection, "tokens, single, means, words, boxes, terms", [row.offset for row in some])
        noted = connection.execute(select(page_note).where(page_note.c.page_id.in_(ids)))
        notes = {row.page_id: row.note for row in noted}
        seen: dict[int, tuple[SeenPicture, ...]] = {}
        for row in connection.execute(
            select(page_picture).where(page_picture.c.page_id.in_(ids)).order_by(page_picture.c.id)
        ):
            seen[row.page_id] = (
                *seen.get(row.page_id, ()),
                picture_of(row.kind, row.family, row.box, row.sure, row.text),
            )
        for row in some:
            tokens, single, means, words, boxes, terms = records[row.offset]
            if zlib.crc32(tokens) != row.crc32:
                raise StoreCorrupt(f"the token vectors of page id {row.id} are damaged in the database")
            yield PackedPage(
                number=row.number,
                width_pt=row.width_pt,
                height_pt=row.height_pt,
                text_source=row.text_source,
                n_tokens=row.n_tokens,
                record=tokens,
                single=single,
                means=tuple(means[part] for part in slices),
                words=words,
                word_boxes=boxes,
                terms=terms,
                note=notes.get(row.id, ""),
                pictures=seen.get(row.id, ()),
            )

"""A document being written to PostgreSQL: its pages wait in a file of this machine until all of them are encoded.

So memory stays flat, a transaction lasts no longer than it takes to send the pages, and a server that is away for a while matters
only at the commit.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any, Self

from sqlalchemy import Connection, text

from pagesight.storage.manifest import Space
from pagesight.storage.spool import PageFailures, SpooledDraft
from pagesight.storage.tables.pictures import picture_row
from pagesight.storage.values import DocumentInfo, PackedPage, SourceFile

_IDS = text("SELECT nextval(pg_get_serial_sequence('page_record', 'id')) FROM generate_series(1, :n)")
_COPY = "COPY page_record (id, tokens, words, boxes, terms, single, means) FROM STDIN (FORMAT BINARY)"
_TYPES = ("int8", "bytea", "text", "bytea", "text", "bytea", "bytea")


class PostgresDraft(SpooledDraft):
    """Ids are not known before the commit: rows are made for it then."""

    def __init__(self, space: Space, commit: Callable[[Self, DocumentInfo, SourceFile, PageFailures], None]) -> None:
        super().__init__(space, commit)
        self._pages: list[dict[str, Any]] = []
        self._notes: list[tuple[int, str]] = []  # by place in _pages, as the next
        self._pictures: list[tuple[int, dict[str, Any]]] = []

    def _keep(self, new: PackedPage) -> None:
        row = (new.record, new.words, new.word_boxes, new.terms, new.single, b"".join(new.means))
        self._spool.add(row)
        at = len(self._pages)
        self._pages.append(
            {
                "number": new.number,
                "width_pt": new.width_pt,
                "height_pt": new.height_pt,
                "text_source": new.text_source,
                "n_tokens": new.n_tokens,
                "segment": 0,
                "n_bytes": len(new.record),
                "crc32": zlib.crc32(new.record),
            }
        )
        if new.note:
            self._notes.append((at, new.note))
        self._pictures += ((at, picture_row(0, picture)) for picture in new.pictures)

    def write_records(self, connection: Connection) -> list[int]:
        """Send what is large; returns the ids of the pages' records."""
        ids = [int(i) for i in connection.execute(_IDS, {"n": self.n_pages}).scalars()]
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for record_id, (tokens, words, boxes, terms, single, means) in zip(ids, self._spool, strict=True):
                copy.write_row((record_id, tokens, _storable(words), boxes, _storable(terms), single, means))
        return ids

    def page_rows(self, document_id: int, first_page_id: int, record_ids: Sequence[int]) -> list[dict[str, Any]]:
        """Of the table page."""
        rows = enumerate(zip(self._pages, record_ids, strict=True), start=first_page_id)
        return [
            {**row, "id": page_id, "document_id": document_id, "offset": record_id}
            for page_id, (row, record_id) in rows
        ]

    def note_rows(self, first_page_id: int) -> list[dict[str, Any]]:
        """Of the table page_note."""
        return [{"page_id": first_page_id + at, "note": note} for at, note in self._notes]

    def picture_rows(self, first_page_id: int) -> list[dict[str, Any]]:
        """Of the table page_picture."""
        return [{**row, "page_id": first_page_id + at} for at, row in self._pictures]


def _storable(words: str) -> str:
    """PostgreSQL has no character 0 in texts, and no document has it on purpose."""
    return words.replace("\0", "")

"""A document while it is being written: pages one by one, then one commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, insert, update

from pagesight.storage.packed import check_packed, pack_page
from pagesight.storage.tables.pictures import picture_row
from pagesight.storage.tables.rows import Names, put_document, put_failures, put_tags
from pagesight.storage.tables.schema import index_state, page, page_note, page_picture, page_terms, page_text
from pagesight.storage.values import DocumentInfo, NewPage, PackedPage, SourceFile
from pagesight.storage.vectors.vector_files import VectorFiles

Reach = Callable[[str], None]


class Draft:
    """Made by ``StoreWriter.draft()``. Vectors go to the disk as pages come; only their rows are kept in memory."""

    def __init__(
        self,
        first_page_id: int,
        vectors: VectorFiles,
        names: Names,
        transaction: Callable[[], AbstractContextManager[Connection]],
        reach: Reach,
    ) -> None:
        self._first_page_id, self._vectors, self._names = first_page_id, vectors, names
        self._transaction, self._reach = transaction, reach
        self._pages: list[dict[str, Any]] = []
        self._texts: list[dict[str, Any]] = []
        self._terms: list[dict[str, Any]] = []
        self._notes: list[dict[str, Any]] = []
        self._pictures: list[dict[str, Any]] = []
        self.committed = False

    @property
    def n_pages(self) -> int:
        return len(self._pages)

    def add_page(self, new: NewPage) -> None:
        """Write a page's vectors. Raises DimensionMismatch, DiskFull."""
        self._append(pack_page(new, self._vectors.space, self._vectors.codec))

    def add_packed(self, new: PackedPage) -> None:
        """Write a page of another store as it is. Raises StoreCorrupt if it is not of this space, DiskFull."""
        check_packed(new, self._vectors.space)
        self._append(new)

    def _append(self, new: PackedPage) -> None:
        page_id = self._first_page_id + len(self._pages)
        ref = self._vectors.append(page_id, new)
        self._pages.append(
            {
                "id": page_id,
                "number": new.number,
                "width_pt": new.width_pt,
                "height_pt": new.height_pt,
                "text_source": new.text_source,
                "n_tokens": new.n_tokens,
                "segment": ref.segment,
                "offset": ref.offset,
                "n_bytes": ref.n_bytes,
                "crc32": ref.crc32,
            }
        )
        self._texts.append({"page_id": page_id, "words": new.words, "boxes": new.word_boxes})
        self._terms.append({"rowid": page_id, "terms": new.terms})
        if new.note:
            self._notes.append({"page_id": page_id, "note": new.note})
        self._pictures += (picture_row(page_id, picture) for picture in new.pictures)

    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]] = ()) -> None:
        """Make the document visible under this name, in place of what the name stood for before.

        page_failures: (page number, reason) of pages that could not be read.
        """
        self._vectors.sync()
        self._reach("vectors on disk")
        with self._transaction() as connection:
            self._reach("transaction begun")
            document_id = put_document(connection, info, source)
            if self._pages:
                connection.execute(insert(page), [{**row, "document_id": document_id} for row in self._pages])
                connection.execute(insert(page_text), self._texts)
                connection.execute(insert(page_terms), self._terms)
            if self._notes:
                connection.execute(insert(page_note), self._notes)
            if self._pictures:
                connection.execute(insert(page_picture), self._pictures)
            self._reach("pages inserted")
            put_tags(connection, document_id, info.tags)
            self._names.put(connection, document_id, source)
            put_failures(connection, source, [(number, "failed", reason) for number, reason in page_failures])
            segment, segment_bytes = self._vectors.end
            next_page_id = self._first_page_id + len(self._pages)
            state = {"next_page_id": next_page_id, "segment": segment, "segment_bytes": segment_bytes}
            connection.execute(update(index_state).values(state))
            self._reach("before commit")
        self.committed = True
        self._reach("committed")

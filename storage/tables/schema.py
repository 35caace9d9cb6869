"""The tables of ``metadata.db``.

A document is content (one SHA-256); a file is a name for it, so that a copy costs no second encoding. Page ids are
handed out from ``index_state`` and never used again: they are also row numbers of the single vectors.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    column,
    table,
)

metadata = MetaData()

document = Table(
    "document",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", String, nullable=False, unique=True),
    Column("media_type", String, nullable=False),
    Column("kind", String, nullable=False),  # of media type: pdf, image, text
    Column("n_bytes", BigInteger, nullable=False),
    Column("n_pages", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("author", String, nullable=False),
    Column("date", String, nullable=False),  # YYYY-MM-DD or empty
    Column("added_at", String, nullable=False),  # ISO 8601, UTC
    sqlite_autoincrement=True,
)

file = Table(
    "file",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", ForeignKey("document.id", ondelete="CASCADE"), nullable=False),
    Column("location", LargeBinary, nullable=False, unique=True),  # absolute path, as the file system spells it
    Column("nearby", LargeBinary, nullable=False),  # the same relative to the index folder, for when both have moved
    Column("root", LargeBinary, nullable=False),  # absolute folder that was indexed
    Column("path", String, nullable=False),  # relative to root, forward slashes, printable
    Column("n_bytes", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
)
Index("file_document", file.c.document_id)

reading = Table(  # by which version of reading a document was read; no row: the first. Older indexes have no such table
    "reading",
    metadata,
    Column("document_id", ForeignKey("document.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, nullable=False),
)

page = Table(
    "page",
    metadata,
    Column("id", Integer, primary_key=True),  # from index_state.next_page_id
    Column("document_id", ForeignKey("document.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),  # from 1
    Column("width_pt", Float, nullable=False),
    Column("height_pt", Float, nullable=False),
    Column("text_source", String, nullable=False),  # text, ocr, text+ocr, none
    Column("n_tokens", Integer, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("n_bytes", BigInteger, nullable=False),
    Column("crc32", BigInteger, nullable=False),
    UniqueConstraint("document_id", "number"),
)

page_text = Table(  # fat rows, kept apart so that listing pages does not read them
    "page_text",
    metadata,
    Column("page_id", ForeignKey("page.id", ondelete="CASCADE"), primary_key=True),
    Column("words", String, nullable=False),  # one word a line
    Column("boxes", LargeBinary, nullable=False),  # uint16 (n_words, 4), page fractions times 65535
)

page_note = Table(  # what is to be said of a page, as why it was read from its pixels. Older indexes have no such table
    "page_note",
    metadata,
    Column("page_id", ForeignKey("page.id", ondelete="CASCADE"), primary_key=True),
    Column("note", String, nullable=False),
)

page_picture = Table(  # what was seen on a page. Older indexes have no such table
    "page_picture",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("page_id", ForeignKey("page.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String, nullable=False),
    Column("family", String, nullable=False),
    Column("box", LargeBinary, nullable=False),  # float32 (4,), page fractions
    Column("sure", Float, nullable=False),
    Column("text", String, nullable=False),
)
Index("page_picture_page", page_picture.c.page_id)

page_terms = table("page_terms", column("rowid", Integer), column("terms", String))  # FTS5: see storage.words

tag = Table(
    "tag",
    metadata,
    Column("document_id", ForeignKey("document.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

failure = Table(  # what could not be read, and why: a whole file (page_number 0) or one page of an indexed file
    "failure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("location", LargeBinary, nullable=False),  # as in file
    Column("path", String, nullable=False),
    Column("page_number", Integer, nullable=False),
    Column("status", String, nullable=False),  # failed, skipped
    Column("reason", String, nullable=False),
    Column("n_bytes", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("at", String, nullable=False),  # ISO 8601, UTC
    UniqueConstraint("location", "page_number"),
)

index_state = Table(  # one row
    "index_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generation", Integer, nullable=False),  # grows by one with every commit
    Column("next_page_id", Integer, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("segment_bytes", BigInteger, nullable=False),
)

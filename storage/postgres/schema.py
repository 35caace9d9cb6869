"""The tables of an index in PostgreSQL, each index in a schema of its own.

They are those of the embedded store (storage.tables.schema), with names compared byte by byte as SQLite does. Instead of segments
there is ``page_record``: ``page.offset`` is a record's id, ``page.segment`` is 0. A record is written before its page has an id,
so that what is large keeps nobody waiting.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import TEXT

from pagesight.storage.tables.schema import document, failure, file, page, page_note, page_picture, reading, tag

SCHEMA_VERSION = 1
UPGRADES: dict[int, tuple[str, ...]] = {}  # version -> the statements that make the next one of it
AS_EMBEDDED = (document, file, reading, page, page_note, page_picture, tag, failure)
tables = MetaData()

for embedded in AS_EMBEDDED:
    for column in embedded.to_metadata(tables).columns:
        if isinstance(column.type, String):
            column.type = TEXT(collation="C")
        elif column.name == "id":
            column.type, column.autoincrement = BigInteger(), "auto" if embedded is not page else False

about = Table(  # one row
    "about",
    tables,
    Column("version", Integer, nullable=False),  # of these tables
    Column("store_id", TEXT, nullable=False),  # of this index, wherever it is restored
    Column("manifest", TEXT, nullable=False),  # as in storage.manifest
)

state = Table(  # one row. Whoever changes the index changes it first, and so has his turn until he commits
    "state",
    tables,
    Column("generation", BigInteger, nullable=False),  # grows by one with every commit
    Column("next_page_id", BigInteger, nullable=False),
)

change = Table(  # what each commit changed: whoever has read up to a generation reads on from there
    "change",
    tables,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("document_id", BigInteger, primary_key=True, autoincrement=False),  # 0 for a commit without
    Column("mark", BigInteger, nullable=False),  # random, of the commit: tells histories of two databases apart
)

page_record = Table(
    "page_record",
    tables,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("tokens", LargeBinary, nullable=False),  # a record, as in storage.vectors.segments
    Column("words", TEXT, nullable=False),  # as page_text.words
    Column("boxes", LargeBinary, nullable=False),  # as page_text.boxes
    Column("terms", TEXT, nullable=False),  # as page_terms.terms
    Column("single", LargeBinary, nullable=False),  # as a row of singles.f16
    Column("means", LargeBinary, nullable=False),  # as rows of means-32.i8, means-8.i8 and means-1.i8, end to end
)
Index("page_offset", tables.tables["page"].c.offset)

job = Table(  # files for workers; a document and the end of its job are one commit
    "job",
    tables,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("location", LargeBinary, nullable=False, unique=True),
    Column("root", LargeBinary, nullable=False),
    Column("path", TEXT, nullable=False),
    Column("n_bytes", BigInteger, nullable=False),  # when it was queued, as the next
    Column("mtime_ns", BigInteger, nullable=False),
    Column("tags", TEXT, nullable=False),  # JSON
    Column("state", TEXT, nullable=False),  # waiting, leased, done, failed, given up
    Column("n_tries", Integer, nullable=False, server_default="0"),  # how often its turn came
    Column("begun", Boolean, nullable=False, server_default=false()),  # its turn has come in this lease
    Column("worker", TEXT, nullable=False, server_default=""),
    Column("lease", BigInteger, nullable=False, server_default="0"),
    Column("leased_until", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("n_pages", Integer, nullable=False, server_default="0"),
    Column("status", TEXT, nullable=False, server_default=""),  # what became of the file, as in indexing
    Column("reason", TEXT, nullable=False, server_default=""),
    Column("queued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("job_open", job.c.id, postgresql_where=job.c.state.in_(("waiting", "leased")))
Index("job_ended", job.c.ended_at)


def once(schema: str) -> list[str]:
    """What SQLAlchemy has no words for. Vectors are not worth compressing; a record goes with its page."""
    vectors = ", ".join(f"ALTER COLUMN {name} SET STORAGE EXTERNAL" for name in ("tokens", "single", "means"))
    return [
        f"ALTER TABLE page_record {vectors}",
        f"""CREATE FUNCTION drop_records() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            DELETE FROM "{schema}".page_record WHERE id IN (SELECT "offset" FROM gone); RETURN NULL; END $$""",  # noqa: S608
        """CREATE TRIGGER drop_records AFTER DELETE ON page REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION drop_records()""",
    ]

"""Tables that what is kept here of an index in Qdrant has beside those of the embedded store."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, event

metadata = MetaData()

followed = Table(  # one row: up to which change of the log
    "followed",
    metadata,
    Column("generation", BigInteger, nullable=False),
    Column("mark", BigInteger, nullable=False),
    Column("at", String, nullable=False),  # when it happened
    Column("filled", BigInteger, nullable=False),  # up to this page id there is what finding pages needs
)
AT_FIRST = {"generation": 0, "mark": 0, "at": "", "filled": 0}

retired = Table(  # points of pages that are not in the index any more. They stay for a while, for views that were open
    "retired",
    metadata,
    Column("point", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),  # since which
    Column("at", String, nullable=False),
)

dropped = Table(  # drafts whose pages were deleted because nobody had committed them
    "dropped",
    metadata,
    Column("draft", BigInteger, primary_key=True, autoincrement=False),
)

_RETIRE = (
    "CREATE TRIGGER IF NOT EXISTS retire AFTER DELETE ON page BEGIN "
    'INSERT INTO retired SELECT OLD."offset", generation, at FROM followed; END'
)


@event.listens_for(metadata, "after_create")
def make_trigger(_: MetaData, connection: Connection, **_options: object) -> None:
    connection.exec_driver_sql(_RETIRE)

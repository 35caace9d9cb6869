"""Connections to the database of an index, making its tables, and finding them as this version needs them."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, insert, select, text

from pagesight.storage.closing import Closing
from pagesight.storage.errors import ConfigError, FormatVersionMismatch, StoreNotFound
from pagesight.storage.manifest import Manifest, Space
from pagesight.storage.postgres.address import PostgresAddress
from pagesight.storage.postgres.faults import database_errors
from pagesight.storage.postgres.schema import SCHEMA_VERSION, UPGRADES, about, change, once, state, tables

_MARK = select(change.c.mark).where(change.c.generation == state.c.generation).limit(1).scalar_subquery()
_STATE = select(state.c.generation, _MARK.label("mark"))


def open_engine(address: PostgresAddress) -> Engine:
    """An engine whose connections see the index's schema and no other."""
    import psycopg

    def connect() -> Any:
        connection: Any = psycopg.connect(**address.parameters, autocommit=True)
        connection.execute(f'SET search_path TO "{address.index}"')
        connection.autocommit = False
        return connection

    return create_engine("postgresql+psycopg://", creator=connect, pool_size=8, max_overflow=-1, pool_pre_ping=True)


@dataclass(frozen=True, slots=True)
class About:
    """What an index says of itself."""

    store_id: str
    space: Space


def find(engine: Engine, address: PostgresAddress) -> About:
    """The index, its tables brought to this version. Raises StoreNotFound, FormatVersionMismatch, and what databases say."""
    with database_errors(address.shown), engine.begin() as connection:
        found = _about(connection, address)
        if found is None:
            raise StoreNotFound(address.shown)
        if found.version < SCHEMA_VERSION:
            _lock(connection, address)
            found = upgrade(connection, address, UPGRADES, SCHEMA_VERSION)
    if found.version > SCHEMA_VERSION:
        raise FormatVersionMismatch(address.shown, found.version, SCHEMA_VERSION)
    manifest = Manifest.parse(found.manifest, Path("manifest"))
    return About(found.store_id, manifest.space)


def create(engine: Engine, address: PostgresAddress, space: Space) -> None:
    """Make an empty index in one transaction, or leave the one that is there. Raises ConfigError, and what databases say."""
    with database_errors(address.shown), engine.begin() as connection:
        _lock(connection, address)
        if _about(connection, address) is not None:
            return
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != "UTF8":
            raise ConfigError(f"the database {address.shown} keeps texts in {encoding}; make one with encoding UTF8")
        _make_schema(connection, address)
        tables.create_all(connection, checkfirst=False)
        for statement in once(address.index):
            connection.exec_driver_sql(statement)
        manifest = json.dumps(asdict(Manifest(spaces=(space,))))
        row = {"version": SCHEMA_VERSION, "store_id": uuid.uuid4().hex, "manifest": manifest}
        connection.execute(insert(about).values(row))
        connection.execute(insert(state).values(generation=0, next_page_id=1))


def upgrade(connection: Connection, address: PostgresAddress, steps: dict[int, tuple[str, ...]], to: int) -> Any:
    """Bring the tables to version ``to``; connection: with the lock, in a transaction. Returns the row of ``about``."""
    version: int = connection.execute(select(about.c.version)).scalar_one()  # another may have done it meanwhile
    for number in range(version, to):
        for statement in steps[number]:
            connection.exec_driver_sql(statement)
    if version < to:
        connection.execute(about.update().values(version=to))
    return _about(connection, address)


def _about(connection: Connection, address: PostgresAddress) -> Any:
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": f'"{address.index}".about'}).scalar() is None:
        return None
    return connection.execute(select(about)).one()


def _lock(connection: Connection, address: PostgresAddress) -> None:
    """Until the end of the transaction nobody else makes or upgrades this index."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"pagesight {address.index}"})


def _make_schema(connection: Connection, address: PostgresAddress) -> None:
    """Some may use a schema that was made for them, and make none."""
    named = {"name": address.index}
    if not connection.execute(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), named).first():
        connection.exec_driver_sql(f'CREATE SCHEMA "{address.index}"')
    other = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = :name LIMIT 1"), named).scalar()
    if other is not None:
        raise ConfigError(
            f"the schema {address.index} of {address.shown} has tables of something else, as {other}; "
            "name another: postgresql://...?index=NAME"
        )


class Snapshot(Closing):
    """A transaction in which the index stays as it is. generation: of that state; mark: of the commit that made it."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._pool = engine, engine.pool
        reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.connection = reading.connect()
        try:
            self.generation, mark = self.connection.execute(_STATE).one()
            self.mark: int = mark or 0
        except BaseException:
            self.connection.close()
            raise

    def close(self) -> None:
        if not (self.connection.closed or self.connection.invalidated):
            driver: Any = self.connection.connection.driver_connection
            if driver is None or driver.closed:
                self.connection.invalidate()  # it was lost: there is nothing to roll back
            elif self._engine.pool is not self._pool:
                self.connection.detach()  # the store was closed meanwhile: nobody would take it from its pool again
        self.connection.close()

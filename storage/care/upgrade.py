"""From one format to the next, in place: no page is read or encoded again.

Each step changes the database in one transaction, which also says (``user_version``) that it was done; the manifest is
replaced at the end. A process killed at any moment leaves a step that was done or was not, and the next one goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import OperationalError

from pagesight.storage.errors import StorageError, StoreLocked
from pagesight.storage.folder import FaultPoint, write_lock
from pagesight.storage.manifest import FORMAT_VERSION, Manifest
from pagesight.storage.names import nfc
from pagesight.storage.tables.connections import KIND_SQL
from pagesight.storage.tables.database import open_database, raise_generation, write_transaction
from pagesight.storage.tables.schema import failure, file


def upgrade(folder: Path, manifest: Manifest, fault: FaultPoint | None = None) -> Manifest:
    """Bring an index to the present format; returns its manifest.

    Where it cannot be written, or somebody else writes it, it stays as it is and is read as it is.
    """
    reach = fault or (lambda _: None)
    if not os.access(folder, os.W_OK):
        return manifest
    try:
        with write_lock(folder):
            manifest = Manifest.read(folder)  # another process may have done it meanwhile
            for version in range(manifest.format_version, FORMAT_VERSION):
                _step(folder, version, reach)
            if manifest.format_version < FORMAT_VERSION:
                manifest = replace(manifest, format_version=FORMAT_VERSION)
                manifest.write(folder)
                reach("manifest written")
    except (StoreLocked, StorageError, OSError, OperationalError):  # a disk that is full, or not ours to write
        return Manifest.read(folder)
    return manifest


def _step(folder: Path, version: int, reach: FaultPoint) -> None:
    engine = open_database(folder)
    try:
        with write_transaction(engine, folder) as connection:
            done = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if done <= version:
                STEPS[version](connection)
                raise_generation(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {version + 1}")
            reach(f"before commit of format {version + 1}")
        reach(f"database has format {version + 1}")
    finally:
        engine.dispose()


def _to_2(connection: Connection) -> None:
    """Documents know their kind; names are in Unicode's composed form. The manifest lists spaces."""
    connection.exec_driver_sql("ALTER TABLE document ADD COLUMN kind VARCHAR NOT NULL DEFAULT ''")
    connection.exec_driver_sql(f"UPDATE document SET kind = {KIND_SQL}")  # noqa: S608 - ours
    for table in (file, failure):
        for row_id, path in connection.execute(select(table.c.id, table.c.path)).all():
            if nfc(path) != path:
                connection.execute(update(table).where(table.c.id == row_id).values(path=nfc(path)))


STEPS: dict[int, Callable[[Connection], None]] = {1: _to_2}

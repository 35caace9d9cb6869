"""Records of chosen pages, read from the database as they are, and scored by the kernel of every store while others arrive."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.postgres.record_cache import RecordCache
from pagesight.storage.scoring import torch_kernel
from pagesight.storage.scoring.kernel import KERNELS, ON_TORCH
from pagesight.storage.scoring.layout import Records
from pagesight.storage.scoring.threads import n_shares, spread
from pagesight.storage.vectors.codecs import TokenCodec
from pagesight.storage.vectors.records import PART_BYTES, side_by_side

_COPY = "COPY (SELECT id, tokens FROM page_record WHERE id = ANY(%s)) TO STDOUT (FORMAT BINARY)"
_HEADER = Struct("!11s4xi")  # of COPY's binary form: signature, length of what follows
_ROW = Struct("!hiqi")  # number of columns, size of the id, id, size of the record
Integers = NDArray[np.int64]
Float = NDArray[np.float32]


def rows_of(connection: Connection, columns: str, record_ids: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """(id, columns of page_record) as they arrive, in binary form: waiting for all of them first takes half as long again."""
    cursor: Any = connection.connection.cursor(binary=True)  # psycopg's
    with cursor:
        query = f"SELECT id, {columns} FROM page_record WHERE id = ANY(%s)"  # noqa: S608 - columns are ours
        yield from cursor.stream(query, (list(record_ids),))


def fetch(
    connection: Connection, columns: str, record_ids: Sequence[int], *, missing_ok: bool = False
) -> dict[int, tuple[Any, ...]]:
    """Columns of page_record, by record id. Raises StoreCorrupt for one that is not there, unless ``missing_ok``."""
    found = {row[0]: row[1:] for row in rows_of(connection, columns, record_ids)} if len(record_ids) else {}
    if not missing_ok:
        _check_all(len(set(record_ids)) - len(found))
    return found


@contextmanager
def arriving(connection: Connection, record_ids: Sequence[int]) -> Iterator[Iterator[tuple[int, memoryview]]]:
    """(id, token record) of these, which the server begins to send: by COPY, of which psycopg hands on every row as libpq has it.

    Rows of a query are copied once more, into memory that is new to the process.
    """
    if not record_ids:
        yield iter(())
        return
    cursor: Any = connection.connection.cursor()  # psycopg's
    with cursor, cursor.copy(_COPY, (list(record_ids),)) as rows:
        yield map(_record, filter(_has_row, rows))


def _has_row(message: memoryview) -> bool:
    """All but the end of a copy, and the beginning of one without rows; a message has one row at most."""
    return len(message) >= _ROW.size + (_HEADER.size if _begins(message) else 0)


def _record(message: memoryview) -> tuple[int, memoryview]:
    at = _HEADER.size + _HEADER.unpack_from(message)[1] if _begins(message) else 0
    _, _, record_id, size = _ROW.unpack_from(message, at)
    return record_id, message[at + _ROW.size :][:size]


def _begins(message: memoryview) -> bool:
    return message[:11].tobytes() == b"PGCOPY\n\xff\r\n\0"


class RecordReader:
    """Token records in one snapshot; what is fetched is kept for others, unless it would take the place of all they need."""

    def __init__(self, connection: Callable[[], Connection], cache: RecordCache) -> None:
        self._connection, self._cache = connection, cache

    def read(self, record_ids: Sequence[int], n_bytes: int) -> Generator[tuple[int, memoryview]]:
        """Each of these, in any order. n_bytes: of all, about. Raises StoreCorrupt for one that is not there."""
        wanted = set(record_ids)
        known = self._cache.find(wanted)
        missing = sorted(wanted - known.keys())
        n_found = 0
        with arriving(self._connection(), missing) as records:
            yield from known.items()  # to be scored while the server looks for the others
            for record in records:
                n_found += 1
                if n_bytes <= self._cache.n_bytes:
                    self._cache.put([record])
                yield record
        _check_all(len(missing) - n_found)


def remote_maxima(
    reader: RecordReader,
    codec: TokenCodec,
    query: Float,
    record_ids: Integers,
    counts: Integers,
    *,
    precise: bool,
    device: str | None,
) -> Float:
    """As storage.vectors.scored.stored_maxima, bit for bit: (n_query_tokens, n_pages). counts: token vectors of each page."""
    kernel = KERNELS[0] if device is None else ON_TORCH + device
    unique, first, inverse = np.unique(record_ids, return_index=True, return_inverse=True)
    place = {record_id: at for at, record_id in enumerate(unique.tolist())}
    n_tokens = counts[first]
    maxima = np.empty((len(query), len(unique)), np.float32)

    def score(records: Records) -> Float:
        return codec.maxima(query, records, precise=precise, kernel=kernel)

    part_bytes = PART_BYTES if device is None else torch_kernel.PART_BYTES
    with closing(reader.read(unique.tolist(), codec.n_bytes(int(n_tokens.sum())))) as found:
        for arrived in _parts(found, part_bytes):
            at = np.array([place[record_id] for record_id, _ in arrived], np.int64)
            records = _together(codec, arrived, n_tokens[at])
            shares = np.array_split(np.arange(len(at)), min(n_shares() if device is None else 1, len(at)))
            parts = [Records(records.data, records.starts[share], records.counts[share]) for share in shares]
            maxima[:, at] = np.concatenate(spread(score, parts), axis=1)
    # Row by row in memory, as every store's: sums depend on it in their last bits.
    return np.take(maxima, inverse, axis=1)


def _parts(arrived: Iterator[tuple[int, memoryview]], part_bytes: int) -> Iterator[list[tuple[int, memoryview]]]:
    part: list[tuple[int, memoryview]] = []
    n_bytes = 0
    for record_id, record in arrived:
        part.append((record_id, record))
        n_bytes += len(record)
        if n_bytes >= part_bytes:
            yield part
            part, n_bytes = [], 0
    if part:
        yield part


def _together(codec: TokenCodec, arrived: Sequence[tuple[int, memoryview]], counts: Integers) -> Records:
    """Valid until this thread asks for the next."""
    sizes = counts * codec.n_bytes(1)
    buffer, starts = side_by_side(sizes)
    for (record_id, record), start, size in zip(arrived, starts.tolist(), sizes.tolist(), strict=True):
        if len(record) < size:
            raise StoreCorrupt(f"record {record_id} in the database has {len(record)} bytes where {size} are needed")
        buffer[start : start + size] = record[:size]
    return Records(buffer, starts, counts)


def _check_all(n_missing: int) -> None:
    if n_missing:
        raise StoreCorrupt(f"{n_missing} records of pages are not in the database")

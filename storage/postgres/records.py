"""Records of chosen pages, read from the database as they are, and scored by the kernel of every store while others arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.scoring import torch_kernel
from pagesight.storage.scoring.kernel import KERNELS, ON_TORCH
from pagesight.storage.scoring.layout import Records
from pagesight.storage.scoring.threads import n_shares, spread
from pagesight.storage.vectors.codecs import TokenCodec

PART_BYTES = 2 << 20  # scored at a time, while the server sends the next ones
KEPT_BYTES = 64 << 20  # of a view: the first hits are scored again, and described
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


class RecordReader:
    """Token records in one snapshot; each is fetched once, as far as there is room to keep them."""

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection
        self._kept: dict[int, bytes] = {}
        self._room = KEPT_BYTES

    def read(self, record_ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Each of these, in any order. Raises StoreCorrupt for one that is not there."""
        wanted = set(record_ids)
        missing = [record_id for record_id in wanted if record_id not in self._kept]
        yield from ((record_id, self._kept[record_id]) for record_id in wanted if record_id in self._kept)
        n_found = 0
        for record_id, record in rows_of(self._connection(), "tokens", missing) if missing else ():
            n_found += 1
            if len(record) <= self._room:
                self._kept[record_id], self._room = record, self._room - len(record)
            yield record_id, record
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

    for arrived in _parts(reader.read(unique.tolist()), PART_BYTES if device is None else torch_kernel.PART_BYTES):
        at = np.array([place[record_id] for record_id, _ in arrived], np.int64)
        records = _side_by_side(codec, arrived, n_tokens[at])
        shares = np.array_split(np.arange(len(at)), min(n_shares() if device is None else 1, len(at)))
        parts = [Records(records.data, records.starts[share], records.counts[share]) for share in shares]
        maxima[:, at] = np.concatenate(spread(score, parts), axis=1)
    return np.take(
        maxima, inverse, axis=1
    )  # row by row in memory, as every store's: sums depend on it in their last bits


def _parts(arriving: Iterator[tuple[int, bytes]], part_bytes: int) -> Iterator[list[tuple[int, bytes]]]:
    part: list[tuple[int, bytes]] = []
    n_bytes = 0
    for record_id, record in arriving:
        part.append((record_id, record))
        n_bytes += len(record)
        if n_bytes >= part_bytes:
            yield part
            part, n_bytes = [], 0
    if part:
        yield part


def _side_by_side(codec: TokenCodec, arrived: Sequence[tuple[int, bytes]], counts: Integers) -> Records:
    """One buffer, in which every page begins on a cache line."""
    sizes = np.array([codec.n_bytes(count) for count in counts.tolist()], np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum((sizes + 63) // 64 * 64)])
    buffer = bytearray(int(starts[-1]))
    for (record_id, record), start, size in zip(arrived, starts.tolist(), sizes.tolist(), strict=False):
        if len(record) < size:
            raise StoreCorrupt(f"record {record_id} in the database has {len(record)} bytes where {size} are needed")
        buffer[start : start + size] = memoryview(record)[:size]
    return Records(buffer, starts[:-1], counts)


def _check_all(n_missing: int) -> None:
    if n_missing:
        raise StoreCorrupt(f"{n_missing} records of pages are not in the database")

"""Records of chosen pages, fetched from the database as they are, and scored by the kernel of every store."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
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

FETCHED_BYTES = 8 << 20  # asked for at a time: enough to hide the way there, and little memory
Integers = NDArray[np.int64]
Float = NDArray[np.float32]


def fetch(
    connection: Connection, columns: str, record_ids: Sequence[int], *, missing_ok: bool = False
) -> dict[int, tuple[Any, ...]]:
    """Columns of page_record, by record id, in binary form. Raises StoreCorrupt for one that is not there, unless ``missing_ok``."""
    cursor: Any = connection.connection.cursor(binary=True)  # psycopg's
    with cursor:
        cursor.execute(f"SELECT id, {columns} FROM page_record WHERE id = ANY(%s)", (list(record_ids),))  # noqa: S608
        found = {row[0]: row[1:] for row in cursor}
    missing = len(set(record_ids)) - len(found)
    if missing and not missing_ok:
        raise StoreCorrupt(f"{missing} records of pages are not in the database")
    return found


def remote_maxima(
    connection: Connection,
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
    maxima = np.empty((len(query), len(record_ids)), np.float32)
    sizes = np.array([codec.n_bytes(count) for count in counts.tolist()], np.int64)
    for part in _parts(sizes, FETCHED_BYTES if device is None else torch_kernel.PART_BYTES):
        records = _records(connection, record_ids[part], counts[part], sizes[part])

        def score(pages: Integers, records: Records = records) -> Float:
            chosen = Records(records.data, records.starts[pages], records.counts[pages])
            return codec.maxima(query, chosen, precise=precise, kernel=kernel)

        shares = [share for share in np.array_split(np.arange(len(records)), n_shares()) if len(share)]
        maxima[:, part] = np.concatenate(
            spread(score, shares) if device is None else [score(np.arange(len(records)))], axis=1
        )
    return maxima


def _parts(sizes: Integers, part_bytes: int) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.cumsum(sizes) // part_bytes)) + 1
    return [slice(a, b) for a, b in pairwise([0, *edges.tolist(), len(sizes)]) if a < b]


def _records(connection: Connection, record_ids: Integers, counts: Integers, sizes: Integers) -> Records:
    """One buffer, in which every page begins on a cache line."""
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum((sizes + 63) // 64 * 64)])
    buffer = bytearray(int(starts[-1]))
    fetched = fetch(connection, "tokens", record_ids.tolist())
    for record_id, start, size in zip(record_ids.tolist(), starts.tolist(), sizes.tolist(), strict=False):
        (tokens,) = fetched[record_id]
        if len(tokens) < size:
            raise StoreCorrupt(f"record {record_id} in the database has {len(tokens)} bytes where {size} are needed")
        buffer[start : start + size] = memoryview(tokens)[:size]
    return Records(buffer, starts[:-1], counts)

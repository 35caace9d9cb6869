"""Putting pages into the inverted lists on the disk, by the writer, so that nobody else has to.

New pages are added to the lists that are there, once there are enough of them; training anew happens only when the index has
outgrown its lists. Either way it is a new file in place of the old one, written whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from storage.codecs import Int8Codec
from storage.manifest import Manifest
from storage.page_rows import POOLED, POOLED_NAME, map_rows, pooled_bytes, read_singles
from storage.recall_index import FLAT_PAGES, TAIL_PAGES, Float, PageIds
from storage.vector_index import (
    ROWS_A_LIST,
    TRAINED_FOR_GROWTH,
    VectorIndex,
    fill,
    load,
    sample_size,
    save,
    saved,
    train,
)

BATCH_PAGES = 2048
Read = Callable[[PageIds], tuple[Float, PageIds]]  # vectors of these pages, and the page of each vector


def grow(folder: Path, manifest: Manifest, page_ids: PageIds, *, anew: bool = False) -> int:
    """Bring the files up to these pages if enough were added; ``anew``: leave deleted pages out. Returns bytes written."""
    if len(page_ids) <= FLAT_PAGES:
        return 0
    return sum(_grow(folder, name, page_ids, read, anew=anew) for name, read in _readers(folder, manifest).items())


def _grow(folder: Path, name: str, page_ids: PageIds, read: Read, *, anew: bool) -> int:
    below = int(page_ids[-1]) + 1
    reached = next((reached for _, reached in saved(folder, name)), 0)
    added = page_ids[np.searchsorted(page_ids, reached) :]
    if not anew and reached and len(added) <= TAIL_PAGES:
        return 0
    old = None if anew else load(folder, name, whole=True)
    rows_a_page = len(read(page_ids[:1])[0])
    if old is not None and len(page_ids) * rows_a_page <= old.index.nlist * ROWS_A_LIST * TRAINED_FOR_GROWTH:
        grown = fill(old.index, _batches(read, added), below)
    else:
        grown = _made(read, page_ids, rows_a_page, below)
    return save(grown, folder, name)


def _made(read: Read, page_ids: PageIds, rows_a_page: int, below: int) -> VectorIndex:
    n_rows = len(page_ids) * rows_a_page
    chosen = np.random.default_rng(1).choice(page_ids, sample_size(n_rows) // rows_a_page, replace=False)
    index = train(read(np.sort(chosen))[0], n_rows)
    return fill(index, _batches(read, page_ids), below)


def _batches(read: Read, page_ids: PageIds) -> Iterator[tuple[Float, PageIds]]:
    for first in range(0, len(page_ids), BATCH_PAGES):
        yield read(page_ids[first : first + BATCH_PAGES])


def _readers(folder: Path, manifest: Manifest) -> dict[str, Read]:
    codec = Int8Codec(manifest.token_dim)
    row_bytes = pooled_bytes(manifest.token_dim)

    def singles(page_ids: PageIds) -> tuple[Float, PageIds]:
        return read_singles(folder, manifest.single_dim, page_ids), page_ids

    def tokens(page_ids: PageIds) -> tuple[Float, PageIds]:
        rows = map_rows(folder / POOLED_NAME, row_bytes, int(page_ids.max()))
        vectors = [codec.decode(rows[page_id].tobytes(), POOLED) for page_id in page_ids.tolist()]
        return np.concatenate(vectors), np.repeat(page_ids, POOLED)

    return {"single": singles, "tokens": tokens}

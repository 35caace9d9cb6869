"""Putting pages into the inverted lists on the disk, by the writer, so that nobody else has to.

New pages are added to the lists that are there, once there are enough of them; training anew happens only when the index has
outgrown its lists. Either way it is a new file in place of the old one, written whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pagesight.storage.manifest import Space
from pagesight.storage.recall.index import TAIL_PAGES, fits_flat
from pagesight.storage.recall.vector_index import (
    ROWS_A_LIST,
    TRAINED_FOR_GROWTH,
    Float,
    PageIds,
    fill,
    load,
    sample_size,
    save,
    saved,
    train,
)
from pagesight.storage.vectors.page_rows import PageRows, row_sizes

BATCH_PAGES = 4096


def grow(folder: Path, space: Space, page_ids: PageIds, *, anew: bool = False) -> int:
    """Bring the file up to these pages if enough were added; ``anew``: leave deleted pages out. Returns bytes written."""
    if fits_flat(len(page_ids), space.single_dim):
        return 0
    rows = PageRows(folder, row_sizes(space.single_dim, space.token_dim))

    def batches(pages: PageIds) -> Iterator[tuple[Float, PageIds]]:
        for first in range(0, len(pages), BATCH_PAGES):
            batch = pages[first : first + BATCH_PAGES]
            yield rows.singles(batch), batch

    reached = next((reached for _, reached in saved(folder)), 0)
    added = page_ids[np.searchsorted(page_ids, reached) :]
    if not anew and reached and len(added) <= TAIL_PAGES:
        return 0
    below = int(page_ids[-1]) + 1
    old = None if anew else load(folder, whole=True)
    if old is not None and len(page_ids) <= old.index.nlist * ROWS_A_LIST * TRAINED_FOR_GROWTH:
        return save(fill(old.index, batches(added), below), folder)
    sample = np.random.default_rng(1).choice(page_ids, sample_size(len(page_ids)), replace=False)
    index = train(rows.singles(np.sort(sample)), len(page_ids))
    return save(fill(index, batches(page_ids), below), folder)

"""Putting pages into the inverted lists on the disk, by the writer, so that nobody else has to.

New pages are added to the lists that are there, once there are enough of them; training anew happens only when the index has
outgrown its lists, or most of their rows are of deleted pages. Either way it is a new file in place of the old one, written
whole. An index that needs no lists any more loses them.
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
    VectorIndex,
    fill,
    load,
    sample_size,
    save,
    saved,
    train,
)
from pagesight.storage.vectors.page_rows import PageRows, row_sizes

BATCH_PAGES = 4096
MOST_ROWS_A_PAGE = 2  # of lists that are added to: they have rows of deleted pages, and visiting those takes as long


def grow(folder: Path, space: Space, page_ids: PageIds, *, anew: bool = False) -> int:
    """Bring the file up to these pages if enough were added; ``anew``: leave deleted pages out. Returns bytes written."""
    if fits_flat(len(page_ids), space.single_dim):
        for path, _ in saved(folder):  # it had more pages once
            path.unlink(missing_ok=True)
        return 0
    rows = PageRows(folder, row_sizes(space.single_dim, space.token_dim))

    def batches(pages: PageIds) -> Iterator[tuple[Float, PageIds]]:
        for first in range(0, len(pages), BATCH_PAGES):
            batch = pages[first : first + BATCH_PAGES]
            yield rows.singles(batch), batch

    def added(lists: VectorIndex) -> PageIds:
        return page_ids[np.searchsorted(page_ids, lists.below) :]

    if not anew and (mapped := load(folder)) is not None and len(added(mapped)) <= TAIL_PAGES:
        return 0
    below = int(page_ids[-1]) + 1
    old = None if anew else load(folder, whole=True)
    if old is not None and _serves(old, len(page_ids), len(added(old))):
        return save(fill(old.index, batches(added(old)), below), folder)
    sample = np.random.default_rng(1).choice(page_ids, sample_size(len(page_ids)), replace=False)
    index = train(rows.singles(np.sort(sample)), len(page_ids))
    return save(fill(index, batches(page_ids), below), folder)


def _serves(lists: VectorIndex, n_pages: int, n_added: int) -> bool:
    """Whether they are worth adding to: trained for so many pages, and not mostly of pages that are gone."""
    outgrown = n_pages > lists.index.nlist * ROWS_A_LIST * TRAINED_FOR_GROWTH
    return not outgrown and lists.n_rows + n_added <= MOST_ROWS_A_PAGE * n_pages

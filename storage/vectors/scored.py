"""MaxSim over pages as they lie on disk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.scoring import torch_kernel
from pagesight.storage.scoring.kernel import KERNELS, ON_TORCH
from pagesight.storage.scoring.threads import spread
from pagesight.storage.vectors.records import PART_BYTES, PageRecords


def stored_maxima(
    query: NDArray[np.float32], records: PageRecords, *, precise: bool = True, device: str | None = None
) -> NDArray[np.float32]:
    """The best dot product of each query token on each page, without expanding the pages, in the order that was asked for.

    Equal to those of the decoded vectors up to rounding of the query (storage.scoring.kernel): (n_query_tokens, n_pages).
    Parts of the pages are read and scored by as many threads as there are processors. device: of torch, to score them there;
    None means the kernel. Raises DimensionMismatch, StoreCorrupt.
    """
    kernel = KERNELS[0] if device is None else ON_TORCH + device

    def score(part: slice) -> NDArray[np.float32]:
        return records.codec.maxima(query, records.read(part), precise=precise, kernel=kernel)

    records.prefetch()
    maxima = np.empty((len(query), len(records.order)), np.float32)
    parts = records.parts(PART_BYTES if device is None else torch_kernel.PART_BYTES)
    for part, best in zip(parts, spread(score, parts), strict=True):
        maxima[:, records.order[part]] = best
    return maxima

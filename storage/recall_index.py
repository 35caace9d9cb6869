"""FAISS over the single vectors: the recall stage. Derived data, made from the single vectors whenever it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class RecallIndex:
    """Exact inner-product search over single vectors, with page ids as keys."""

    def __init__(self, page_ids: NDArray[np.int64], singles: NDArray[np.float32]) -> None:
        import faiss

        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(singles.shape[1]))
        self._index.add_with_ids(singles, page_ids)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The ``k`` nearest pages, best first, ties by page id: page ids (<= k,), scores (<= k,).

        allowed: page ids that may be returned; None means all of them, an empty array none.
        """
        import faiss

        k = min(k, len(self) if allowed is None else len(allowed))
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        parameters: Any = faiss.SearchParameters  # its keywords are added at run time
        options = None if allowed is None else parameters(sel=faiss.IDSelectorBatch(allowed))
        scores, page_ids = self._index.search(vector[None, :], k, params=options)
        found = page_ids[0] >= 0
        scores, page_ids = scores[0][found], page_ids[0][found]
        order = np.lexsort((page_ids, -scores))
        return page_ids[order], scores[order]

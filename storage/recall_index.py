"""Finding candidates: by single vector (FAISS), and by tokens.

Tokens: every page has POOLED means of its token vectors in pooled.i8. MaxSim over these few comes close to MaxSim over all, and
the kernel scans tens of thousands of pages in milliseconds. Where there are more, FAISS inverted lists over the same means
choose the pages to be scanned, so that the cost stops growing with the index.

Everything here is derived from row files and belongs to one state of the index (one generation).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from storage import kernel
from storage.kernel import CodeLayout, Records
from storage.manifest import Manifest
from storage.page_rows import POOLED, POOLED_NAME, map_rows, pooled_bytes, read_singles
from storage.threads import n_threads, threads
from storage.vector_index import VectorIndex, flat, load

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]
FLAT_PAGES = 20_000  # up to here every page is compared: by single vector, and by its pooled token vectors
TAIL_PAGES = 5_000  # added pages that are searched beside the inverted lists before they are put into them
K_TOKEN = 128  # rows of the inverted lists taken for each query token
MAX_FILTERS = 64  # whose pages are remembered


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """FAISS indexes, which serve several generations. single and tail hold disjoint pages.

    tokens: over the pooled token vectors, None while all are scanned.
    """

    single: VectorIndex
    tail: VectorIndex
    tokens: VectorIndex | None

    @classmethod
    def of(cls, folder: Path, manifest: Manifest, page_ids: PageIds, before: Parts | None) -> Parts:
        """For these pages, keeping of ``before`` what still serves. Raises StoreCorrupt."""
        below = int(page_ids[-1]) + 1 if len(page_ids) else 0
        if before is not None and below == before.tail.below:
            return before

        def index_pages(first: int) -> VectorIndex:
            chosen = page_ids[np.searchsorted(page_ids, first) :]
            return flat(read_singles(folder, manifest.single_dim, chosen), chosen, below)

        single = before.single if before is not None else load(folder, "single")
        if single is None or len(page_ids) - np.searchsorted(page_ids, single.below) > TAIL_PAGES:
            single = load(folder, "single") or index_pages(0)
        tokens = load(folder, "tokens") if len(page_ids) > FLAT_PAGES else None
        return cls(single, index_pages(single.below), tokens)


@dataclass(frozen=True, slots=True, eq=False)
class RecallIndex:
    """``page_ids``: all pages of this state that have something to find, ascending."""

    folder: Path
    manifest: Manifest
    page_ids: PageIds
    parts: Parts
    _filtered: dict[str, PageIds] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.page_ids)

    def allowed(self, filters: str, find: Callable[[str], PageIds]) -> PageIds:
        """Pages that fit a filter, ascending; found once in this state."""
        if filters not in self._filtered:
            if len(self._filtered) >= MAX_FILTERS:
                self._filtered.clear()
            self._filtered[filters] = find(filters)
        return self._filtered[filters]

    def search(self, vector: Float, k: int, allowed: PageIds | None) -> tuple[PageIds, Float]:
        """The ``k`` nearest pages by single vector, best first, ties by page id: page ids (<= k,), scores (<= k,).

        allowed: page ids that may be returned, ascending; None means all of them, an empty array none.
        """
        k = min(k, len(self) if allowed is None else len(allowed))
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if allowed is not None and len(allowed) <= TAIL_PAGES:
            scores = read_singles(self.folder, self.manifest.single_dim, allowed) @ vector
            return _best(allowed, scores, k)
        page_ids, scores = np.empty(0, np.int64), np.empty(0, np.float32)
        asked = k
        while True:
            found = [part.search(vector[None, :], asked, allowed) for part in (self.parts.single, self.parts.tail)]
            page_ids = np.concatenate([keys[0] for keys, _ in found])
            scores = np.concatenate([values[0] for _, values in found])
            alive = self._alive(page_ids)
            if alive.sum() >= k or asked >= max(self.parts.single.n_rows, self.parts.tail.n_rows):
                return _best(page_ids[alive], scores[alive], k)
            asked *= 4  # deleted pages stood in the way

    def search_tokens(self, tokens: Float, k: int, allowed: PageIds | None, others: PageIds) -> PageIds:
        """The best ``k`` pages by MaxSim over their pooled token vectors, best first, ties by page id.

        tokens: (n_query_tokens, token_dim) float32. others: pages that something else has found, scored in any case.
        """
        pages = self.page_ids if allowed is None else allowed
        inverted = self.parts.tokens
        if inverted is not None and len(pages) > FLAT_PAGES:
            keys, _ = inverted.search(tokens, K_TOKEN, allowed)
            newer = pages[np.searchsorted(pages, inverted.below) :]
            found = np.unique(np.concatenate([keys.ravel(), others, newer]))
            pages = found[self._alive(found)]
        return _best(pages, self.pooled_maxima(tokens, pages).sum(axis=0), k)[0]

    def pooled_maxima(self, tokens: Float, pages: PageIds) -> Float:
        """``engine.maxsim.token_maxima`` over the pooled token vectors of these pages: (n_query_tokens, n_pages)."""
        if len(pages) == 0:
            return np.empty((len(tokens), 0), np.float32)
        layout = CodeLayout(self.manifest.token_dim)
        row_bytes = pooled_bytes(layout.dim)
        rows = map_rows(self.folder / POOLED_NAME, row_bytes, int(pages.max()))

        def score(part: PageIds) -> Float:
            records = Records(rows, part * row_bytes, np.full(len(part), POOLED))
            return kernel.maxima(tokens, records, layout, precise=False)

        return np.concatenate(list(threads().map(score, np.array_split(pages, n_threads()))), axis=1)

    def _alive(self, page_ids: PageIds) -> NDArray[np.bool_]:
        at = np.minimum(np.searchsorted(self.page_ids, page_ids), len(self.page_ids) - 1)
        return np.asarray(self.page_ids[at] == page_ids)


def _best(page_ids: PageIds, scores: Float, k: int) -> tuple[PageIds, Float]:
    order = np.lexsort((page_ids, -scores))[:k]
    return page_ids[order], scores[order]

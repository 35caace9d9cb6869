"""Finding candidates: by single vector, and by tokens.

Single vector: FAISS, flat while that is quick, inverted lists beyond.
Tokens: MaxSim over a few means of each page's token vectors comes close to MaxSim over all. The kernel scans 8 means of every
page, then 32 means of the best COARSE_PAGES. Measured on 30,000 made-up pages, the best 200 so found hold 98.5 to 99.2 % of
the exact top 10; FAISS inverted lists over the means held 79 % with the same time, and needed training.

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
from storage.page_rows import COARSE, COARSE_NAME, POOLED, POOLED_NAME, map_rows, read_singles
from storage.threads import spread
from storage.vector_index import VectorIndex, flat, load

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]
FLAT_COMPONENTS = 20_000_000  # of all single vectors, up to which each is compared: 52,000 pages at 384 dimensions
TAIL_PAGES = 5_000  # added pages that are searched beside the inverted lists before they are put into them
COARSE_PAGES = 4_096  # pages that are scored by their 32 means
SCANNED_AT_ONCE = 8_192  # pages a thread takes, of 8 means
POOLED_AT_ONCE = 512  # the same, of 32
MAX_FILTERS = 64  # whose pages are remembered


def fits_flat(n_pages: int, dim: int) -> bool:
    """Whether every single vector is compared."""
    return n_pages * dim <= FLAT_COMPONENTS


@dataclass(frozen=True, slots=True, eq=False)
class SinglePart:
    """FAISS indexes over the single vectors of disjoint pages, which serve several generations."""

    main: VectorIndex
    tail: VectorIndex

    @classmethod
    def of(cls, folder: Path, manifest: Manifest, page_ids: PageIds, before: SinglePart | None) -> SinglePart:
        """For these pages, keeping of ``before`` what still serves. Raises StoreCorrupt."""
        below = int(page_ids[-1]) + 1 if len(page_ids) else 0
        if before is not None and below == before.tail.below:
            return before

        def index_pages(first: int) -> VectorIndex:
            chosen = page_ids[np.searchsorted(page_ids, first) :]
            return flat(read_singles(folder, manifest.single_dim, chosen), chosen, below)

        main = None if before is None else before.main
        if main is None or len(page_ids) - np.searchsorted(page_ids, main.below) > TAIL_PAGES:
            saved = None if fits_flat(len(page_ids), manifest.single_dim) else load(folder)
            main = saved or index_pages(0)
        return cls(main, index_pages(main.below))


@dataclass(frozen=True, slots=True, eq=False)
class RecallIndex:
    """``page_ids``: all pages of this state that have something to find, ascending."""

    folder: Path
    manifest: Manifest
    page_ids: PageIds
    single: SinglePart
    _filtered: dict[str, PageIds] = field(default_factory=dict)
    _maps: dict[str, NDArray[np.uint8]] = field(default_factory=dict)

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
            return _best(allowed, read_singles(self.folder, self.manifest.single_dim, allowed) @ vector, k)
        asked = k
        while True:
            found = [part.search(vector[None, :], asked, allowed) for part in (self.single.main, self.single.tail)]
            page_ids = np.concatenate([keys[0] for keys, _ in found])
            scores = np.concatenate([values[0] for _, values in found])
            alive = self._alive(page_ids)
            if alive.sum() >= k or asked >= max(self.single.main.n_rows, self.single.tail.n_rows):
                return _best(page_ids[alive], scores[alive], k)
            asked *= 4  # deleted pages stood in the way

    def search_tokens(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        """The best ``k`` pages by MaxSim over means of their token vectors, best first, ties by page id.

        tokens: (n_query_tokens, token_dim) float32. allowed: as in ``search``.
        """
        pages = self.page_ids if allowed is None else allowed
        if len(pages) > COARSE_PAGES:
            pages = np.sort(_best(pages, self._coarse_scores(tokens)[pages], COARSE_PAGES)[0])
        return _best(pages, self.pooled_maxima(tokens, pages).sum(axis=0), k)[0]

    def pooled_maxima(self, tokens: Float, pages: PageIds) -> Float:
        """``engine.maxsim.token_maxima`` over the 32 means of these pages: (n_query_tokens, n_pages)."""
        if len(pages) == 0:
            return np.empty((len(tokens), 0), np.float32)
        layout = CodeLayout(self.manifest.token_dim)
        rows = self._mapped(POOLED_NAME, POOLED)
        row_bytes = rows.shape[1]

        def score(part: PageIds) -> Float:
            records = Records(rows, part * row_bytes, np.full(len(part), POOLED))
            return kernel.maxima(tokens, records, layout, precise=False)

        parts = [pages[first : first + POOLED_AT_ONCE] for first in range(0, len(pages), POOLED_AT_ONCE)]
        return np.concatenate(spread(score, parts), axis=1)

    def _coarse_scores(self, tokens: Float) -> Float:
        """MaxSim over the 8 means of every page there ever was, by page id."""
        layout = CodeLayout(self.manifest.token_dim)
        rows = self._mapped(COARSE_NAME, COARSE)
        parts = [rows[first : first + SCANNED_AT_ONCE] for first in range(0, len(rows), SCANNED_AT_ONCE)]
        return np.concatenate(spread(lambda part: kernel.scan(tokens, part, COARSE, layout), parts))

    def _mapped(self, name: str, n_means: int) -> NDArray[np.uint8]:
        """Rows of means up to the last page of this state; mapped once, because a new map is slow to touch."""
        if name not in self._maps:
            last = int(self.page_ids[-1])
            row_bytes = CodeLayout(self.manifest.token_dim).n_bytes(n_means)
            self._maps[name] = map_rows(self.folder / name, row_bytes, last)[: last + 1]
        return self._maps[name]

    def _alive(self, page_ids: PageIds) -> NDArray[np.bool_]:
        at = np.minimum(np.searchsorted(self.page_ids, page_ids), len(self.page_ids) - 1)
        return np.asarray(self.page_ids[at] == page_ids)


def _best(page_ids: PageIds, scores: Float, k: int) -> tuple[PageIds, Float]:
    """The first ``k`` by score, ties by page id. A partition comes first: sorting 100,000 scores takes 8 ms."""
    if len(scores) > 4 * k:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        chosen = np.flatnonzero(scores >= least)
        page_ids, scores = page_ids[chosen], scores[chosen]
    order = np.lexsort((page_ids, -scores))[:k]
    return page_ids[order], scores[order]

"""Finding candidates: by single vector, and by tokens.

Single vector: FAISS, flat while that is quick, inverted lists beyond.
Tokens: MaxSim over a few means of each page's token vectors comes close to MaxSim over all. The kernel scores every page by
the mean of its token vectors, the best of these by 8 means, and the best of these by 32 (benchmarks/recall.py compares
with other ways).

Everything here is derived from row files and belongs to one state of the index (one generation).
"""

from __future__ import annotations

import math
import random
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.forking import Forked, tell_of_forks
from pagesight.storage.recall.vector_index import FileMark, Float, PageIds, VectorIndex, flat, load, newest
from pagesight.storage.scoring import kernel
from pagesight.storage.scoring.layout import CodeLayout, Records
from pagesight.storage.scoring.threads import n_shares, spread
from pagesight.storage.vectors.page_rows import LEVELS, PageRows, means_name

FLAT_COMPONENTS = 20_000_000  # of all single vectors, up to which each is compared: 52,000 pages at 384 dimensions
TAIL_PAGES = 5_000  # added pages that are searched beside the inverted lists before they are put into them
SAMPLED = 8_192  # scores that tell where the best begin
LEAST_PART_BYTES = 1 << 20  # of what a thread scores: less is done before another has woken up


def fits_flat(n_pages: int, dim: int) -> bool:
    """Whether every single vector is compared."""
    return n_pages * dim <= FLAT_COMPONENTS


@dataclass(frozen=True, slots=True)
class Sieve:
    """Pages are scored by ``n_means`` means; of all pages that may be found one of ``one_of`` goes on, within bounds."""

    n_means: int
    one_of: int
    at_least: int
    at_most: int

    def kept(self, n_pages: int, k: int) -> int:
        """How many of ``n_pages`` go on where ``k`` are asked for."""
        return max(min(self.at_most, max(self.at_least, n_pages // self.one_of)), 2 * k)


SIEVES = Sieve(1, one_of=10, at_least=8_192, at_most=40_000), Sieve(8, one_of=40, at_least=2_048, at_most=4_096)


@dataclass(frozen=True, slots=True, eq=False)
class SinglePart:
    """FAISS indexes over the single vectors of disjoint pages, which serve several generations.

    lists: the newest file of inverted lists when ``main`` was made, whether it could be used or not.
    """

    main: VectorIndex
    tail: VectorIndex
    lists: FileMark | None

    @classmethod
    def of(cls, folder: Path, dim: int, rows: PageRows, page_ids: PageIds, before: SinglePart | None) -> SinglePart:
        """For these pages, keeping of ``before``, of an earlier generation, what still serves. Raises StoreCorrupt."""
        below = int(page_ids[-1]) + 1 if len(page_ids) else 0
        lists = None if fits_flat(len(page_ids), dim) else newest(folder)
        serves = before is not None and before.lists == lists  # else it would keep a file that others took away
        if before is not None and serves and below == before.tail.below:
            return before

        def index_pages(first: int) -> VectorIndex:
            chosen = page_ids[np.searchsorted(page_ids, first) :]
            return flat(rows.singles(chosen), chosen, below)

        main = before.main if before is not None and serves else None
        if main is None or len(page_ids) - np.searchsorted(page_ids, main.below) > TAIL_PAGES:
            saved = None if lists is None else load(folder)
            main = saved or index_pages(0)
        return cls(main, index_pages(main.below), lists)

    def search(self, vector: Float, k: int, pages: PageIds, *, every: bool) -> tuple[PageIds, Float]:
        """The ``k`` nearest of these pages, ascending, and more, in no order: page ids and scores. every: of all of the state."""
        later = pages[np.searchsorted(pages, self.main.below) :]
        found = self.main.search(vector, k, pages, every=every), self.tail.search(vector, k, later)
        return np.concatenate([ids for ids, _ in found]), np.concatenate([scores for _, scores in found])


class OnceSingle(Forked):
    """Makes the ``SinglePart`` of one state for the first search that asks for it: few pages are all candidates, and never do.

    It knows nothing of who holds it: a circle would keep the files of each state open until Python looks for circles.
    """

    def __init__(self, folder: Path, dim: int, rows: PageRows, before: OnceSingle | None) -> None:
        """before: of an earlier state, of which what still serves is kept."""
        self._folder, self._dim, self._rows = folder, dim, rows
        self._made: SinglePart | None = None
        self._before: SinglePart | None = None if before is None else before._made or before._before
        self._lock = threading.Lock()
        tell_of_forks(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def of(self, page_ids: PageIds) -> SinglePart:
        """page_ids: all pages of this state. Raises StoreCorrupt."""
        with self._lock:
            if self._made is None:
                self._made = SinglePart.of(self._folder, self._dim, self._rows, page_ids, self._before)
                self._before = None
            return self._made


@dataclass(frozen=True, slots=True, eq=False)
class RecallIndex:
    """page_ids: all pages of this state that have something to find, ascending. Any number of threads may search it."""

    page_ids: PageIds
    rows: PageRows
    token_dim: int
    single: OnceSingle

    def nearest(self, vector: Float, k: int, allowed: PageIds | None) -> PageIds:
        """The ``k`` nearest pages by single vector, best first, ties by page id: (<= k,).

        allowed: page ids that may be returned, ascending; None means all of them, an empty array none.
        """
        if allowed is not None and len(allowed) <= TAIL_PAGES:
            return _best(allowed, self.rows.singles(allowed) @ vector, k)
        every, pages = (True, self.page_ids) if allowed is None else (False, allowed)
        return _best(*self.single.of(self.page_ids).search(vector, k, pages, every=every), k)

    def nearest_by_means(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        """The best ``k`` pages by MaxSim over means of their token vectors, best first, ties by page id.

        tokens: (n_query_tokens, token_dim) float32. allowed: as in ``nearest``.
        """
        pages = self.page_ids if allowed is None else allowed
        for sieve, n_kept in [(sieve, sieve.kept(len(pages), k)) for sieve in SIEVES]:
            if len(pages) > n_kept:
                pages = pages[_where_best(self._scan(tokens, pages, sieve.n_means), n_kept)]
        return _best(pages, self.means_maxima(tokens, pages).sum(axis=0), k)

    def means_maxima(self, tokens: Float, pages: PageIds) -> Float:
        """What MaxSim adds up, over the most means there are of these pages: (n_query_tokens, n_pages)."""
        if len(pages) == 0:
            return np.empty((len(tokens), 0), np.float32)
        n_means, layout = LEVELS[0], CodeLayout(self.token_dim)
        rows = self._means(n_means)
        row_bytes = rows.shape[1]

        def score(part: PageIds) -> Float:
            records = Records(rows, part * row_bytes, np.full(len(part), n_means))
            return kernel.maxima(tokens, records, layout, precise=False)

        return np.concatenate(spread(score, _parts(pages, row_bytes)), axis=1)

    def _scan(self, tokens: Float, pages: PageIds, n_means: int) -> Float:
        """MaxSim over so many means of these pages, ascending: (n_pages,) float32."""
        layout, rows = CodeLayout(self.token_dim), self._means(n_means)
        if n_means == 1:  # then there is nothing to take the best of, and dot products can be added up beforehand
            tokens = tokens.sum(axis=0, keepdims=True)
        parts = _parts(pages, rows.shape[1])
        return np.concatenate(spread(lambda part: kernel.scan(tokens, rows, part, layout), parts))

    def _means(self, n_means: int) -> NDArray[np.uint8]:
        """Rows of means up to the last page of this state."""
        last = int(self.page_ids[-1])
        return self.rows.map(means_name(n_means), last)[: last + 1]


def _parts(pages: PageIds, row_bytes: int) -> list[PageIds]:
    """What threads score side by side."""
    return np.array_split(pages, max(1, min(n_shares(), len(pages) * row_bytes // LEAST_PART_BYTES)))


def _where_best(scores: Float, k: int) -> NDArray[np.int64]:
    """Where the ``k`` best of at least as many scores are, ascending; of equal ones the first.

    A sample tells which scores can be among them, so that few of a million are put in order.
    """
    sample = scores[(_sampled_at() * len(scores)).astype(np.int64)]
    expected = k / len(scores) * SAMPLED
    n_better = math.ceil(expected + 3 * math.sqrt(expected))  # by three standard deviations too many
    least = np.partition(sample, -n_better)[-n_better] if n_better <= SAMPLED else -np.inf
    where = np.flatnonzero(scores >= least)
    if len(where) < k:  # the sample was an odd one
        where = np.arange(len(scores))
    some = scores[where]
    least = np.partition(some, len(some) - k)[len(some) - k]
    kept = some >= least
    n_equal = k - np.count_nonzero(some > least)
    kept[np.flatnonzero(some == least)[n_equal:]] = False
    return np.asarray(where[kept])


@cache
def _sampled_at() -> NDArray[np.float64]:
    """Random, but always the same: every n-th page would be the first of its document where all have n pages.

    By Python: importing numpy's takes 13 ms, which a program that asks once would notice.
    """
    generator = random.Random(1)  # noqa: S311 - nothing is secret here
    return np.array([generator.random() for _ in range(SAMPLED)])


def _best(page_ids: PageIds, scores: Float, k: int) -> PageIds:
    """The first ``k`` by score, ties by page id. A partition comes first: sorting 100,000 scores takes 8 ms."""
    if len(scores) > 4 * k:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        chosen = np.flatnonzero(scores >= least)
        page_ids, scores = page_ids[chosen], scores[chosen]
    return page_ids[np.lexsort((page_ids, -scores))[:k]]

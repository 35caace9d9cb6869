"""How long an indexing run will still take: from the files that are left, and from what pages took so far.

A page whose words are read from its pixels takes many times as long as one with a text layer, and files of one ending have
pages of like size and kind. So what is learnt is, for each ending, how many bytes a page has and how many of the pages were
read from pixels; and, for the run, how long a page of either kind takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

FEWEST_PAGES, FEWEST_SECONDS = 4, 5.0  # before which nothing is said
PIECE = 8  # pages, as many as are encoded at once: shorter times say nothing of single pages


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """seconds: of the run. by_ocr: of them, for pages that are read from their pixels."""

    seconds: float
    by_ocr: float


@dataclass(slots=True)
class _Kind:
    """Files of one ending, as far as they are finished."""

    n_bytes: float = 0.0
    n_pages: float = 0.0
    n_by_ocr: float = 0.0


@dataclass(slots=True)
class _Piece:
    """Pages that were finished one after the other."""

    began: float
    plain: int = 0
    by_ocr: int = 0


@dataclass(slots=True, eq=False)
class RunClock:
    """Told of every page and file that is finished; says how long the rest will take.

    waiting: sizes in bytes of the files that are to be read. began: of the clock that ``now`` is of, in seconds.
    """

    waiting: Mapping[Path, int]
    began: float
    _left: dict[Path, int] = field(init=False)
    _kinds: dict[str, _Kind] = field(init=False, default_factory=lambda: defaultdict(_Kind))
    _file: tuple[Path, int, int, int] | None = field(init=False, default=None)  # pages done, of all, by OCR
    _piece: _Piece = field(init=False)
    _n: int = field(init=False, default=0)
    _squares: np.ndarray = field(init=False)  # of least squares: pages of both kinds, and their seconds
    _products: np.ndarray = field(init=False)
    _sums: np.ndarray = field(init=False)  # plain pages, pages by OCR, seconds

    def __post_init__(self) -> None:
        self._left, self._piece = dict(self.waiting), _Piece(self.began)
        self._squares, self._products, self._sums = np.zeros((2, 2)), np.zeros(2), np.zeros(3)

    def page_done(self, path: Path, number: int, n_pages: int, *, by_ocr: bool, now: float) -> None:
        """Page ``number`` of a file of so many."""
        before = self._file[3] if self._file is not None and self._file[0] == path else 0
        self._file = (path, number, n_pages, before + by_ocr)
        self._n += 1
        self._piece.by_ocr += by_ocr
        self._piece.plain += not by_ocr
        if self._piece.plain + self._piece.by_ocr >= PIECE:
            self._learn(now)

    def file_done(self, path: Path, n_bytes: int, n_pages: int, *, now: float) -> None:
        """It is stored, or could not be read; n_pages is 0 where nothing was read."""
        self._left.pop(path, None)
        if n_pages:
            kind = self._kinds[path.suffix.lower()]
            kind.n_bytes += n_bytes
            kind.n_pages += n_pages
            if self._file is not None and self._file[0] == path:
                kind.n_by_ocr += self._file[3]
        self._file = None
        if self._piece.plain + self._piece.by_ocr:
            self._learn(now)

    def left(self, now: float) -> TimeLeft | None:
        """None as long as too little is known."""
        if self._n < FEWEST_PAGES or now - self.began < FEWEST_SECONDS:
            return None
        pages = np.zeros(2)  # plain, by OCR
        for path, n_bytes in self._left.items():
            if self._file is None or self._file[0] != path:
                pages += self._expected(path, n_bytes)
        if self._file is not None:
            _, number, n_pages, n_by_ocr = self._file
            share = n_by_ocr / number
            pages += (n_pages - number) * np.array([1 - share, share])
        plain, by_ocr = (pages * self._seconds_a_page()).tolist()
        return TimeLeft(plain + by_ocr, by_ocr)

    def _expected(self, path: Path, n_bytes: int) -> np.ndarray:
        """Pages of both kinds of a file that was not opened: as of those with its ending, else of all."""
        kind = self._kinds.get(path.suffix.lower()) or self._all_kinds()
        n_pages = max(1.0, n_bytes * kind.n_pages / kind.n_bytes) if kind.n_bytes else 1.0
        share = kind.n_by_ocr / kind.n_pages if kind.n_pages else float(self._sums[1] / max(self._sums[:2].sum(), 1))
        return n_pages * np.array([1 - share, share])

    def _all_kinds(self) -> _Kind:
        kinds = self._kinds.values()
        return _Kind(*(sum(getattr(kind, name) for kind in kinds) for name in ("n_bytes", "n_pages", "n_by_ocr")))

    def _learn(self, now: float) -> None:
        pages, seconds = np.array([self._piece.plain, self._piece.by_ocr], float), now - self._piece.began
        self._squares += np.outer(pages, pages)
        self._products += pages * seconds
        self._sums += (*pages, seconds)
        self._piece = _Piece(now)

    def _seconds_a_page(self) -> np.ndarray:
        """Of either kind: what explains the times so far best, and adds up to them."""
        pages, seconds = self._sums[:2], float(self._sums[2])
        mean = seconds / max(pages.sum(), 1)
        known = pages > 0
        found = np.full(2, mean)
        if known.all() and abs(np.linalg.det(self._squares)) > 1e-6:
            found = np.linalg.solve(self._squares, self._products)
            if (found <= 0).any():  # noise: one kind seems to take no time, so the other took all
                found = np.where(found > 0, seconds / pages, 0.0)
        total = float((pages * found).sum())
        return np.asarray(found * (seconds / total) if total > 0 else np.full(2, mean))

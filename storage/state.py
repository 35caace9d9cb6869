"""One generation of an index in memory: its open files, and what is made from them once and shared by all who search.

Files are taken away or replaced only after a commit that raises the generation, and every commit raises it. So files that were
opened between two readings of the same generation are those of that generation, whatever happens to the folder later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.folder import IndexFolder
from pagesight.storage.forking import Forked, tell_of_forks
from pagesight.storage.places import load_places, read_places
from pagesight.storage.recall.index import OnceSingle, RecallIndex
from pagesight.storage.remembered import Remembered
from pagesight.storage.tables.snapshots import Snapshot
from pagesight.storage.vectors.page_rows import PageRows, row_sizes
from pagesight.storage.vectors.records import Places
from pagesight.storage.vectors.segments import SegmentReader
from pagesight.storage.words import match_expression, row_length

PageIds = NDArray[np.int64]
Counts = tuple[PageIds, PageIds]

FILTER_BYTES = 64_000_000  # of the pages of filters that are remembered: eight filters that let a million through
MAX_TERMS = 20_000  # of which it is remembered on how many pages they are
COUNT_BYTES = 64_000_000  # of the pages of terms of which it is remembered how often they have them: four million
MAX_PREFIXES = 500  # whose terms are remembered
_VOCABULARY_SQL = "SELECT term, doc FROM page_vocabulary WHERE term >= ? AND term < ?"
_PAGES_WITH_SQL = "SELECT count(*) FROM (SELECT 1 FROM page_terms WHERE page_terms MATCH ? LIMIT ?)"
_INSTANCES_SQL = "SELECT doc FROM page_instances WHERE term = ?"
_LENGTHS_SQL = "SELECT id, sz FROM page_terms_docsize ORDER BY id"


class State(Forked):
    """Shared by views and threads: what is missing is made by the first who needs it, while others wait."""

    def __init__(self, folder: IndexFolder, generation: int, before: State | None) -> None:
        """Opens all files. before: an earlier generation, of which what still serves is kept."""
        space = folder.space
        self.generation = generation
        self._folder = folder
        self.segments: SegmentReader = SegmentReader(folder.path, None if before is None else before.segments)
        self.rows = PageRows(folder.path, row_sizes(space.single_dim, space.token_dim))
        single_before = None if before is None else before._single
        self._single: OnceSingle = OnceSingle(folder.path, space.single_dim, self.rows, single_before)
        self._places: Places | None = None
        self._places_before: Places | None = None if before is None else before._places or before._places_before
        self._recall: RecallIndex | None = None
        self._has_pictures: bool | None = None
        self._lock = threading.RLock()
        self._filtered: Remembered[PageIds] = Remembered(FILTER_BYTES, lambda pages: pages.nbytes)
        self._pages_with: dict[str, int] = {}
        self._word_counts: Remembered[Counts] = Remembered(COUNT_BYTES, lambda found: found[0].nbytes + found[1].nbytes)
        self._word_lengths: Counts | None = None
        self._vocabulary: dict[str, dict[str, int]] = {}
        tell_of_forks(self)

    def after_fork(self) -> None:
        self._lock = threading.RLock()

    def places(self, snapshot: Snapshot) -> Places:
        """Where all pages are that have something to find. snapshot: of this generation."""
        with self._lock:
            if self._places is None:
                saved = load_places(self._folder.path, self.generation)
                self._places = saved or read_places(snapshot, self._places_before)
                self._places_before = None
            return self._places

    def has_pictures(self, snapshot: Snapshot) -> bool:
        """Whether anything was seen on its pages. Indexes that were made before pictures were looked at have no table of them."""
        with self._lock:
            if self._has_pictures is None:
                has_table = snapshot.value("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'page_picture'")
                self._has_pictures = bool(has_table and snapshot.value("SELECT 1 FROM page_picture LIMIT 1"))
            return self._has_pictures

    def recall_index(self, snapshot: Snapshot) -> RecallIndex:
        """What finds candidates in this state."""
        with self._lock:
            if self._recall is None:
                page_ids = self.places(snapshot).page_ids
                self._recall = RecallIndex(page_ids, self.rows, self._folder.space.token_dim, self._single)
            return self._recall

    def allowed(self, expression: str, find: Callable[[], PageIds]) -> PageIds:
        """Pages that fit a filter, ascending; remembered for the filters that were asked for last."""
        with self._lock:
            found = self._filtered.get(expression)
        if found is None:
            found = find()  # not while others wait; if two find it at once, they find the same
            with self._lock:
                self._filtered.put(expression, found)
        return found

    def terms_from(self, snapshot: Snapshot, prefix: str) -> dict[str, int]:
        """Terms that begin so, and on how many pages each is; remembered."""
        known = self._vocabulary
        if len(known) > MAX_PREFIXES:
            known = self._vocabulary = {}
        if prefix not in known:
            known[prefix] = dict(snapshot.rows(_VOCABULARY_SQL, prefix, prefix + "\U0010ffff"))
        return known[prefix]

    def word_counts(self, snapshot: Snapshot, term: str) -> Counts:
        """The pages that have a term, ascending, and how often each; remembered for the terms that were asked for last."""
        with self._lock:
            found = self._word_counts.get(term)
        if found is None:
            places = np.array(snapshot.values(_INSTANCES_SQL, term), np.int64)
            pages, counts = np.unique(places, return_counts=True)
            found = pages, counts.astype(np.int64)
            with self._lock:
                self._word_counts.put(term, found)
        return found

    def word_lengths(self, snapshot: Snapshot) -> Counts:
        """All pages, ascending, and how many terms each has; read once."""
        with self._lock:
            if self._word_lengths is None:
                rows = snapshot.rows(_LENGTHS_SQL)
                pages = np.array([page_id for page_id, _ in rows], np.int64)
                self._word_lengths = pages, np.array([row_length(size) for _, size in rows], np.int64)
            return self._word_lengths

    def pages_with(self, snapshot: Snapshot, asked: Sequence[str]) -> dict[str, int]:
        """For each term on how many pages it is; counted once, and only up to more than half of all, where it tells nothing."""
        n_pages, known = len(self.places(snapshot).page_ids), self._pages_with
        if len(known) > MAX_TERMS:
            known = self._pages_with = {}
        for term in asked:
            if term not in known:
                known[term] = int(snapshot.value(_PAGES_WITH_SQL, match_expression([term]), n_pages // 2 + 1))
        return {term: known[term] for term in asked}

"""How windows of pieces go through the model: each alone, side by side on the processor's cores, and the same one once.

A window of 128 tokens alone costs no more than in a batch, since what one operator leaves for the next stays near the core.
So nothing is padded or masked, and a window's vectors cannot depend on its neighbours. Windows beside each other use two
cores better than two threads within each operator do, which wait for each other hundreds of times a window.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np

from pagesight.engine.models.words.bert_graph import INPUT_WORDS, OUTPUT
from pagesight.engine.models.words.weights import Float, WordTable
from pagesight.storage.forking import Forked, tell_of_forks

REMEMBERED_WINDOWS = 128  # 25 MB: about the last 20 pages

Ids = Sequence[int]


class WindowRunner(Forked):
    """The model, for one window after the other."""

    def __init__(self, session: Any, table: WordTable, threads: int) -> None:
        """session: an onnxruntime.InferenceSession of a graph by bert_graph. threads: windows at once, 0 for one a core."""
        self.session, self._table = session, table
        self._threads = threads or os.cpu_count() or 1
        self._begin()
        self.dim = int(session.get_outputs()[0].shape[-1])
        tell_of_forks(self)

    def _begin(self) -> None:
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="windows")

    def after_fork(self) -> None:
        self._begin()

    def run(self, windows: Sequence[Ids]) -> list[Float]:
        """Vectors of all pieces of each window: (n_pieces, dim) float32."""
        if self._threads == 1 or len(windows) < 2:
            return [self._one(window) for window in windows]
        return list(self._pool.map(self._one, windows))

    def _one(self, window: Ids) -> Float:
        vectors = self._table.rows(np.array(window, np.int64))[None]
        (result,) = self.session.run([OUTPUT], {INPUT_WORDS: vectors})
        return np.asarray(result[0], np.float32)


class LastWindows(Forked):
    """Remembers the vectors of the windows that came last: pages that come again, and empty forms, are encoded once."""

    def __init__(self, run: Callable[[Sequence[Ids]], list[Float]], limit: int = REMEMBERED_WINDOWS) -> None:
        self._run, self._limit = run, limit
        self._known: dict[tuple[int, ...], Float] = {}  # the latest last
        self._lock = Lock()
        tell_of_forks(self)

    def after_fork(self) -> None:
        self._lock = Lock()

    def run(self, windows: Sequence[Ids]) -> list[Float]:
        """As WindowRunner.run, but not to be written to."""
        keys = [tuple(window) for window in windows]
        with self._lock:
            found = {key: self._known[key] for key in keys if key in self._known}
        new = [key for key in dict.fromkeys(keys) if key not in found]
        found |= zip(new, self._run(new), strict=True)
        with self._lock:
            for key, vectors in found.items():
                vectors.flags.writeable = False
                self._known.pop(key, None)
                self._known[key] = vectors
            for key in list(self._known)[: max(0, len(self._known) - self._limit)]:
                del self._known[key]
        return [found[key] for key in keys]


def spans(n_pieces: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Spans that cover ``n_pieces``, each of at most ``size``, neighbours sharing at least ``overlap``."""
    if n_pieces == 0:
        return []
    if n_pieces <= size:
        return [(0, n_pieces)]
    starts = [*range(0, n_pieces - size, size - overlap), n_pieces - size]
    return [(start, start + size) for start in starts]

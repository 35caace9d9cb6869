"""FAISS over rows of vectors with page ids as keys: flat for few, inverted lists for many.

An index is never changed once it is made, so that any number of threads may search it. It may hold pages that were deleted
since, or were added after the state that asks: whoever asks says which may be found. It is derived from the row files: a lost or
damaged one costs time, and nothing else.

    recall-NNNNNNNNNN.faiss     holds pages with ids below N
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.folder import sync_folder

logger = logging.getLogger(__name__)

Float = NDArray[np.float32]
PageIds = NDArray[np.int64]
FileMark = tuple[str, int, int, int]  # name, inode, time of the last change, size
ROWS_A_LIST = 400  # of inverted lists, when they are trained
TRAINED_FOR_GROWTH = 4  # they serve until there are this many times as many rows
SAMPLE_A_LIST = 48  # training vectors a list; FAISS wants at least 39
VISITED_ROWS, VISITED_SHARE = 50_000, 1 / 8  # that are compared with what is searched for, whichever is less,
VISITED_A_RESULT, FEWEST_LISTS = 8, 16  # and at least so many for each that is asked for, in so many lists


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """``below``: it holds all pages with ids smaller than this that were there when it was made."""

    index: Any
    below: int

    @property
    def n_rows(self) -> int:
        return int(self.index.ntotal)

    def search(self, vector: Float, k: int, pages: PageIds, *, every: bool = False) -> tuple[PageIds, Float]:
        """The ``k`` best of these pages by inner product, best first: page ids and scores, (<= k,) each.

        pages: that may be found, ascending; those that it does not hold are passed over. every: these are all of a state.
        """
        import faiss

        n_there = int(np.searchsorted(pages, self.below))
        k = min(k, n_there)
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        parameters: Any = faiss.SearchParameters  # its keywords, as those of the next, are added at run time
        options: dict[str, Any] = {}
        inverted = faiss.try_extract_index_ivf(self.index)
        # As many as it holds are all that it holds, since page ids are never used again. But lists on the disk may be of a later
        # state than these pages, and have as many others instead of some of them: new ones, or those that are not asked for.
        later = inverted is not None and not (every and self.below <= pages[-1] + 1)
        if later or n_there < self.n_rows:
            bitmap: Any = faiss.IDSelectorBitmap  # it takes an array: changed at run time, too
            options["sel"] = bitmap(_bits(pages[:n_there]))
        if inverted is not None:
            parameters = faiss.SearchParametersIVF
            visited = max(min(VISITED_ROWS, self.n_rows * VISITED_SHARE), VISITED_A_RESULT * k)
            n_lists = max(FEWEST_LISTS, inverted.nlist * visited / self.n_rows) * self.n_rows / n_there
            options["nprobe"] = min(inverted.nlist, math.ceil(n_lists))
        scores, keys = self.index.search(np.ascontiguousarray(vector[None, :]), k, params=parameters(**options))
        found = keys[0] >= 0
        return keys[0][found], scores[0][found]


def _bits(page_ids: PageIds) -> NDArray[np.uint8]:
    """A bit for each page up to the last of these. FAISS' sets of ids take 100 times as long to make for half a million."""
    chosen = np.zeros(int(page_ids[-1]) + 1, np.bool_)
    chosen[page_ids] = True
    return np.packbits(chosen, bitorder="little")


def flat(vectors: Float, page_ids: PageIds, below: int) -> VectorIndex:
    """Exact search, in memory, in half precision."""
    import faiss

    index: Any = faiss.IndexIDMap(
        faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    )
    if len(vectors):
        index.add_with_ids(vectors, page_ids)
    return VectorIndex(index, below)


def train(sample: Float, n_rows: int) -> Any:
    """Empty inverted lists for about ``n_rows`` rows that look like the sample, with codes of a byte a component."""
    import faiss

    dim = sample.shape[1]
    n_lists = max(1, min(n_rows // ROWS_A_LIST, len(sample) // SAMPLE_A_LIST))
    index: Any = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim), dim, n_lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter, index.cp.spherical = 8, True
    index.cp.max_points_per_centroid = SAMPLE_A_LIST * 2
    index.train(sample)
    return index


def sample_size(n_rows: int) -> int:
    """Rows to train on."""
    return min(n_rows, n_rows // ROWS_A_LIST * SAMPLE_A_LIST)


def fill(index: Any, rows: Iterable[tuple[Float, PageIds]], below: int) -> VectorIndex:
    """Add batches of vectors and their keys."""
    for vectors, page_ids in rows:
        index.add_with_ids(np.ascontiguousarray(vectors), page_ids)
    return VectorIndex(index, below)


def save(index: VectorIndex, folder: Path) -> int:
    """Put it on the disk in place of older ones. Returns the bytes written."""
    import faiss

    path = folder / f"recall-{index.below:010d}.faiss"
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    faiss.write_index(index.index, str(temporary))
    size = temporary.stat().st_size
    with open(temporary, "rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(folder)
    for older, _ in saved(folder):
        if older != path:
            older.unlink(missing_ok=True)
    return size


def is_whole(path: Path) -> bool:
    """Whether FAISS can read all of it."""
    import faiss

    try:
        faiss.read_index(str(path))
    except RuntimeError:
        return False
    return True


def load(folder: Path, *, whole: bool = False) -> VectorIndex | None:
    """The newest one on the disk, mapped into memory, or read ``whole`` to be added to; None if there is none to use."""
    import faiss

    for path, below in saved(folder):
        try:
            flags = 0 if whole else faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
            return VectorIndex(faiss.read_index(str(path), flags), below)
        except RuntimeError as error:  # damaged, cut off, or taken away by a writer in this moment
            logger.warning("%s cannot be used (%s); searching goes on without it", path, str(error).strip()[-200:])
    return None


def saved(folder: Path) -> Iterator[tuple[Path, int]]:
    """The files and the page ids they reach to, the newest first."""
    found = ((path, path.stem.partition("-")[2]) for path in sorted(folder.glob("recall-*.faiss"), reverse=True))
    return ((path, int(reached)) for path, reached in found if reached.isdecimal())


def newest(folder: Path) -> FileMark | None:
    """What tells the newest file from all others, also from one that had its name before; None if there is none."""
    for path, _ in saved(folder):
        with contextlib.suppress(FileNotFoundError):  # a writer took it away in this moment
            status = path.stat()
            return path.name, status.st_ino, status.st_mtime_ns, status.st_size
    return None

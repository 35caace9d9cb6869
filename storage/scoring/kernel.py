"""MaxSim of a query over encoded pages, by the C kernel where it was compiled, by numpy where not.

The kernel reads scales and codes where they lie and multiplies integers; see ``_maxsim.c`` for how. Every kernel gives the
same up to rounding, and releases the interpreter's lock, so that threads add up. Each was compared with the plain loops on a
few made-up pages when the module was loaded: one that differs is not among KERNELS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import DimensionMismatch
from pagesight.storage.multivectors import lengths_of
from pagesight.storage.scoring import torch_kernel
from pagesight.storage.scoring.layout import CodeLayout, Records

try:
    from pagesight.storage.scoring import _maxsim
except ImportError:  # no compiler was there at installation
    _maxsim = None  # type: ignore[assignment]

KERNELS: tuple[str, ...] = (*(_maxsim.kernels() if _maxsim else ()), "numpy")  # that run here, the fastest first
ON_TORCH = "torch:"
MAX_QUERY = 1024  # query rows the C kernel takes at once
SIDE_BY_SIDE = ("avx512vnni", "avxvnni", "avx2", "neon")  # kernels that scan many small pages,
FEWEST_PAGES, MAX_SCAN_DIM = 32, 512  # and what they take
QUERY_MAX = 127 * 256  # an int16 whose upper byte is an int8 that is never -128


def maxima(
    query: NDArray[np.float32],
    records: Records,
    layout: CodeLayout,
    *,
    precise: bool = True,
    kernel: str = KERNELS[0],
) -> NDArray[np.float32]:
    """The best dot product of each query token on each page, which MaxSim adds up: (n_query_tokens, n_pages) float32.

    query: (n_query_tokens, dim) float32, rows of any length. It is rounded to 15 bits a component; with ``precise=False`` a
    kernel may round it to 8 bits, which is faster and moves a maximum by about 0.0007 of the row's length, or to 7: by 0.0014.
    kernel: one of KERNELS, or "torch:" and the name of a device (storage.scoring.torch_kernel). Raises DimensionMismatch.
    """
    if query.ndim != 2 or query.shape[1] != layout.dim:
        raise DimensionMismatch("query tokens", layout.dim, query.shape[-1])
    _check_bounds(records, layout)
    if kernel.startswith(ON_TORCH):
        return torch_kernel.maxima(query, records, layout, kernel.removeprefix(ON_TORCH))
    if kernel == "numpy":
        return _numpy_maxima(query, records, layout)
    found = np.empty((len(records), len(query)), np.float32)
    starts, counts = np.ascontiguousarray(records.starts, np.int64), np.ascontiguousarray(records.counts, np.int64)
    table = b"" if layout.table is None else layout.table.tobytes()
    for first in range(0, len(query), MAX_QUERY):
        codes, scales = _rounded(query[first : first + MAX_QUERY])
        part = np.empty((len(records), len(scales)), np.float32)
        _maxsim.maxima(
            kernel, records.data, starts, counts, layout.dim, layout.bits, table, codes, scales, precise, part
        )
        found[:, first : first + MAX_QUERY] = part
    return found.T


def scan(
    query: NDArray[np.float32],
    rows: NDArray[np.uint8],
    chosen: NDArray[np.int64],
    layout: CodeLayout,
    *,
    kernel: str = KERNELS[0],
) -> NDArray[np.float32]:
    """MaxSim of a query over many small int8 pages, with the query in 8 bits: (n_chosen,) float32.

    rows: (n_pages, n_bytes(n_tokens)) uint8, pages of the same few tokens. chosen: the pages to score, (n_chosen,) int64.
    With few vectors a page, AVX512-VNNI scores 32 pages side by side and the others 8. Raises DimensionMismatch, IndexError.
    """
    n_tokens, starts = rows.shape[1] // layout.n_bytes(1), chosen * rows.shape[1]
    side_by_side = kernel in SIDE_BY_SIDE and len(chosen) >= FEWEST_PAGES and layout.dim % 16 == 0
    if not side_by_side or layout.dim > MAX_SCAN_DIM or len(query) > MAX_QUERY:
        records = Records(rows, starts, np.full(len(chosen), n_tokens))
        return np.asarray(maxima(query, records, layout, precise=False, kernel=kernel).sum(axis=0))
    if query.ndim != 2 or query.shape[1] != layout.dim:
        raise DimensionMismatch("query tokens", layout.dim, query.shape[-1])
    if len(query) == 0:  # of which the kernel cannot make parts
        return np.zeros(len(chosen), np.float32)
    if chosen.min() < 0 or chosen.max() >= len(rows):  # the kernel does not look where it reads
        raise IndexError(f"pages {chosen.min()} to {chosen.max()} are not among {len(rows)}")
    codes, scales = _rounded(query)
    found = np.empty(len(chosen), np.float32)
    _maxsim.scan(kernel, rows, starts, n_tokens, layout.dim, codes, scales, found)
    return found


def products(
    query: NDArray[np.float32],
    data: bytes | memoryview,
    n_tokens: int,
    layout: CodeLayout,
    *,
    kernel: str = KERNELS[0],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The products of a query with every token of a page (n_query_tokens, n_tokens), and the tokens' lengths (n_tokens,).

    query: (n_query_tokens, dim) float32, rounded to 15 bits a component. data: the page from its first byte on; the lengths are those of
    its codes. Raises DimensionMismatch.
    """
    if query.ndim != 2 or query.shape[1] != layout.dim:
        raise DimensionMismatch("query tokens", layout.dim, query.shape[-1])
    if n_tokens < 0 or memoryview(data).nbytes < layout.n_bytes(n_tokens):  # the kernel does not look where it reads
        raise ValueError(f"{n_tokens} tokens do not lie within {memoryview(data).nbytes} bytes")
    found = np.empty((len(query), n_tokens), np.float32)
    if kernel == "numpy":
        tokens = layout.values(data, n_tokens).astype(np.float32) * layout.scales(data, n_tokens)[:, None]
        np.matmul(query, tokens.T, out=found)
        return found, lengths_of(tokens)
    lengths, table = np.empty(n_tokens, np.float32), b"" if layout.table is None else layout.table.tobytes()
    for first in range(0, len(query), MAX_QUERY):
        part = np.ascontiguousarray(query[first : first + MAX_QUERY], np.float32)
        rows = found[first : first + MAX_QUERY]
        _maxsim.products(kernel, data, n_tokens, layout.dim, layout.bits, table, part, rows, lengths)
    return found, lengths


def _rounded(query: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """The query as the kernel takes it: int16 codes and a scale for each row."""
    scales = (np.abs(query).max(axis=1) / QUERY_MAX).astype(np.float32)
    return np.rint(query / np.where(scales == 0, 1, scales)[:, None]).astype(np.int16), scales


def _check_bounds(records: Records, layout: CodeLayout) -> None:
    """The kernel does not look where it reads; this does. A violation is a bug of ours."""
    if len(records):
        size = records.data.nbytes if isinstance(records.data, memoryview | np.ndarray) else len(records.data)
        ends = records.starts + records.counts * layout.n_bytes(1)
        if records.counts.min() < 1 or records.starts.min() < 0 or ends.max() > size:
            raise ValueError(f"records of {records.counts.min()} or more tokens do not lie within {size} bytes")


def _numpy_maxima(query: NDArray[np.float32], records: Records, layout: CodeLayout) -> NDArray[np.float32]:
    """The same without the extension: one matrix product a page."""
    found = np.empty((len(query), len(records)), np.float32)
    data = np.frombuffer(records.data, np.uint8)
    for i, (start, count) in enumerate(zip(records.starts.tolist(), records.counts.tolist(), strict=True)):
        record = data[start : start + layout.n_bytes(count)]
        similarities = query @ layout.values(record, count).astype(np.float32).T
        found[:, i] = (similarities * layout.scales(record, count)).max(axis=1)
    return found

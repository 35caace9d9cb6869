"""Ways of finding candidates by tokens, and whether the rerank could stop early; on an index of benchmarks.scale.

    python -m benchmarks.recall FOLDER            into benchmarks/results/recall.json

"top 10 within" is the share of the exact top 10 among the best so many candidates; kb_a_page is what the way needs beside the
token vectors. The first N_PAGES of the index are used. One thread: run with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import write_result
from benchmarks.scale import load_queries
from pagesight.engine.encoder import EncodedQuery
from pagesight.storage.scoring import kernel
from pagesight.storage.scoring.layout import CodeLayout
from pagesight.storage.store import Store
from pagesight.storage.vectors.codecs import Int8Codec
from pagesight.storage.vectors.page_rows import LEVELS, PageRows, means_name, row_sizes
from pagesight.storage.view import StoreView

N_PAGES, N_QUERIES, K = 30_000, 50, 10
WITHIN = (50, 100, 200, 400)
PageIds = NDArray[np.int64]
Way = Callable[[EncodedQuery], PageIds]  # the best max(WITHIN) pages, best first


def ways(folder: Path, view: StoreView, pages: PageIds) -> dict[str, tuple[Way, float]]:
    """Name -> the way, and its bytes a page."""
    dim = view.space.token_dim
    layout, codec, last = CodeLayout(dim), Int8Codec(dim), int(pages[-1])
    files = PageRows(folder, row_sizes(view.space.single_dim, dim))
    rows = {n: files.map(means_name(n), last) for n in LEVELS}

    def scan(n_means: int) -> Way:
        return lambda query: top(pages, kernel.scan(query.tokens, rows[n_means], pages, layout), max(WITHIN))

    found: dict[str, tuple[Way, float]] = {
        "single vector, FAISS": (lambda query: view.nearest(query.single, max(WITHIN), pages), 2 * dim)
    }
    found |= {
        f"{n} means of every page" if n > 1 else "the mean of every page": (scan(n), codec.n_bytes(n)) for n in LEVELS
    }
    found["1, 8 and 32 means, one after the other (default)"] = (
        lambda query: view.nearest_by_means(query.tokens, max(WITHIN), pages),
        sum(codec.n_bytes(n) for n in LEVELS),
    )
    for n_probe, way in faiss_lists(rows[32], pages, dim).items():
        found[f"FAISS lists of 32 means a page, nprobe {n_probe}"] = way, 32 * (dim + 8)
    return found


def faiss_lists(rows: NDArray[np.uint8], pages: PageIds, dim: int) -> dict[int, Way]:
    """Inverted lists of all means; a page's score is the sum, over the query tokens, of the best that was found of it."""
    import faiss

    codec = Int8Codec(dim)
    index: Any = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim), dim, 1024, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter, index.cp.max_points_per_centroid = 8, 64
    vectors = np.concatenate([codec.decode(rows[page].tobytes(), 32) for page in pages.tolist()])
    index.train(vectors[:: len(vectors) // 65_536])
    index.add_with_ids(vectors, np.repeat(pages, 32))

    def way(n_probe: int) -> Way:
        def candidates(query: EncodedQuery) -> PageIds:
            parameters: Any = faiss.SearchParametersIVF
            scores, keys = index.search(query.tokens, 1000, params=parameters(nprobe=n_probe))
            found, position = np.unique(keys, return_inverse=True)
            best = np.tile(scores.min(axis=1), (len(found), 1))  # of a page that was not found: what the last one has
            np.maximum.at(best, (position.reshape(keys.shape), np.arange(len(scores))[:, None]), scores)
            return top(found, best.sum(axis=1), max(WITHIN))

        return candidates

    return {n_probe: way(n_probe) for n_probe in (4, 16, 64)}


def top(pages: PageIds, scores: NDArray[np.float32], k: int) -> PageIds:
    chosen = np.argpartition(-scores, k)[:k]
    return pages[chosen[np.argsort(-scores[chosen])]]


def compared(found: dict[str, tuple[Way, float]], queries: list[EncodedQuery], exact: list[PageIds]) -> dict[str, Any]:
    rows = {}
    for name, (way, n_bytes) in found.items():
        times, hits = [], []
        for turn in range(2):  # the first one warms
            for query, best in zip(queries, exact, strict=True):
                began = time.perf_counter()
                candidates = way(query)
                if turn:
                    times.append(time.perf_counter() - began)
                    hits.append([np.isin(best, candidates[:n]).mean() for n in WITHIN])
        within = {str(n): round(float(share), 3) for n, share in zip(WITHIN, np.mean(hits, axis=0), strict=True)}
        median = round(float(np.median(times)) * 1e3, 2)
        rows[name] = {"p50_ms": median, "kb_a_page": round(n_bytes / 1e3, 2), "top 10 within": within}
        print(name, rows[name], file=sys.stderr, flush=True)
    return rows


def stops(view: StoreView, pages: PageIds, queries: list[EncodedQuery], exact: list[PageIds]) -> Any:
    """Rerank in batches of 32, the best by 32 means first, and stop when the next one is not likely to enter the top K:
    when its score by means, the mean difference to the exact scores seen so far and z standard deviations do not reach
    the K-th best. Beside it: a fixed number of candidates.
    """
    fixed, adaptive = (64, 100, 150, 200, 300), (2.0, 2.5, 3.0, 3.5)
    hits: dict[str, list[float]] = {}
    used: dict[str, list[int]] = {}
    for query, best in zip(queries, exact, strict=True):
        candidates = view.nearest_by_means(query.tokens, 1000, pages)
        by_means = view.means_maxima(query.tokens, candidates).sum(axis=0)
        scores = view.maxima(query.tokens, candidates).sum(axis=0)
        counts = {f"{n} candidates": n for n in fixed}
        for z in adaptive:
            n = 64
            while n < len(candidates):
                rest = scores[:n] - by_means[:n]
                if by_means[n] + rest.mean() + z * rest.std() < np.partition(scores[:n], n - K)[n - K]:
                    break
                n += 32
            counts[f"stop at {z} standard deviations"] = n
        for name, n in counts.items():
            used.setdefault(name, []).append(n)
            hits.setdefault(name, []).append(float(np.isin(best, candidates[:n]).mean()))
    return {
        name: {"pages_scored": round(float(np.mean(used[name]))), "recall@10": round(float(np.mean(hits[name])), 3)}
        for name in hits
    }


def measure(folder: Path) -> dict[str, Any]:
    queries = [query for query, page in load_queries(folder) if page <= N_PAGES][:N_QUERIES]
    with Store(folder) as store, store.view() as view:
        pages = view.page_ids()[:N_PAGES]
        exact = [top(pages, view.maxima(q.tokens, pages).sum(axis=0), K) for q in queries]
        return {
            "pages": len(pages),
            "queries": len(queries),
            "ways": compared(ways(folder, view, pages), queries, exact),
            "early stop": stops(view, pages, queries, exact),
        }


if __name__ == "__main__":
    write_result("recall", measure(Path(sys.argv[1])))

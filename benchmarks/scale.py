"""A large index of made-up pages (benchmarks.vectors): build, open, search, add, delete, compact.

    python -m benchmarks.scale build FOLDER --pages 100000    stream pages into an index; keeps what is there
    python -m benchmarks.scale measure FOLDER                 into benchmarks/results/scale.json
    python -m benchmarks.scale change FOLDER                  add a document, delete a tenth, compact; into scale-change.json

768 token vectors of 128 dimensions a page. The single vector is the mean of the token vectors: a trained one does better.
There are no words. cpu_p50_ms is processor time, which says more on a machine that does other things. Searches are warm; "exact" scores every page. A benchmark of one thread is run with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import write_result
from benchmarks.vectors import Corpus, Float, Query, documents, unit
from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.retrieval import Question, search
from pagesight.storage.manifest import Space
from pagesight.storage.scoring import kernel
from pagesight.storage.scoring.threads import n_threads
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo, EncodedPage, NewPage, PageWords, SourceFile
from pagesight.storage.writer import StoreWriter

DIM, TOKENS = 128, 768
N_QUERIES, N_EXACT = 200, 50
BOXES = np.zeros((TOKENS, 4), np.float32)
QUERIES_NAME = "queries.npz"


def add(writer: StoreWriter, name: str, pages: list[Float]) -> None:
    """Store a document of these token vectors."""
    with writer.draft() as draft:
        for number, tokens in enumerate(pages, start=1):
            encoded = EncodedPage(unit(tokens.mean(axis=0)), tokens, BOXES[: len(tokens)])
            draft.add_page(
                NewPage(
                    number=number,
                    width_pt=595,
                    height_pt=842,
                    text_source="none",
                    words=PageWords.none(),
                    encoded=encoded,
                )
            )
        draft.commit(info_of(name, len(pages)), source_of(name))


def source_of(name: str) -> SourceFile:
    return SourceFile(root=Path("/made-up"), path=name, location=Path("/made-up") / name, n_bytes=1, mtime_ns=1)


def info_of(name: str, n_pages: int) -> DocumentInfo:
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return DocumentInfo(sha256=sha256, media_type="application/pdf", n_pages=n_pages)


def build(folder: Path, n_pages: int) -> dict[str, Any]:
    """Generate, encode and write everything; the generator's time is left out of ``add_s``."""
    corpus = Corpus(DIM)
    space = Space(encoder="made-up", fingerprint="made-up-1", single_dim=DIM, token_dim=DIM)
    queries: list[Query] = []
    step = max(1, n_pages // N_QUERIES)
    spent = 0.0
    page = 0
    began = time.perf_counter()
    with Store.create(folder, space) as store:
        with store.writer() as writer:
            for number, pages in enumerate(documents(corpus, n_pages)):
                start = time.perf_counter()
                add(writer, f"{number % 10}/{number:06d}.pdf", pages)
                spent += time.perf_counter() - start
                for tokens in pages:
                    if page % step == 0:
                        queries.append(corpus.query(page, [tokens], page + 1))  # page ids count from 1
                    page += 1
                if number % 200 == 0:
                    print(f"{page:,} pages, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
            start = time.perf_counter()
        train_s = time.perf_counter() - start  # the writer's end puts everything into the inverted lists
        on_disk = store.bytes_on_disk()
    np.savez(
        folder / QUERIES_NAME, tokens=np.stack([q.tokens for q in queries]), page=np.array([q.page for q in queries])
    )
    token_bytes = sum(path.stat().st_size for path in folder.glob("tokens-*.seg"))
    return {
        "pages": page,
        "add_s": round(spent, 1),
        "train_s": round(train_s, 1),
        "plain_write_s": round(plain_write(folder, token_bytes), 1),
        "bytes_on_disk": on_disk,
        "bytes_per_page": per_page(folder, page),
    }


def per_page(folder: Path, n_pages: int) -> dict[str, int]:
    """Bytes a page by kind of file."""
    sizes: dict[str, int] = {}
    for path in folder.iterdir():
        kind = path.name.rpartition("-")[0] or path.name
        sizes[kind] = sizes.get(kind, 0) + path.stat().st_size
    return {kind: round(size / n_pages) for kind, size in sorted(sizes.items()) if size >= n_pages}


def plain_write(folder: Path, n_bytes: int) -> float:
    """Seconds to write and sync as many bytes as the token vectors, a document's worth at a time."""
    block = os.urandom(1 << 21)
    path = folder / "plain-write.tmp"
    began = time.perf_counter()
    with open(path, "wb") as file:
        for _ in range(n_bytes // len(block)):
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def load_queries(folder: Path) -> Iterator[tuple[EncodedQuery, int]]:
    stored = np.load(folder / QUERIES_NAME)
    for tokens, page in zip(stored["tokens"], stored["page"].tolist(), strict=True):
        yield EncodedQuery(unit(tokens.mean(axis=0)), tokens, ("",) * len(tokens)), page


def measure(folder: Path) -> dict[str, Any]:
    """Open, then warm searches with several settings, against exact search of everything."""
    result: dict[str, Any] = {
        "threads": n_threads(),
        "kernel": kernel.KERNELS[0],
        "load_average": round(os.getloadavg()[0], 1),
    }
    began = time.perf_counter()
    with Store(folder) as store, store.view() as view:
        opened = time.perf_counter()
        result["open_s"] = round(opened - began, 3)
        view.nearest(np.zeros(DIM, np.float32), 1, None)  # reads the places of all pages, and single vectors into FAISS
        result["open_to_search_s"] = round(time.perf_counter() - began, 3)
        result["pages"] = len(view.page_ids())
        queries = list(load_queries(folder))
        exact = []
        times = []
        for query, _ in queries[:N_EXACT]:
            start = time.perf_counter()
            exact.append(search(Question(encoded=query), view, SearchConfig(exact=True)))
            times.append(time.perf_counter() - start)
        result["exact"] = {"p50_ms": ms(times, 50), "mrr": mrr(exact, queries)}
        result["rss_mb_after_exact"] = rss_mb()
        rows = []
        for token_recall in (True, False):
            for n_candidates in (50, 100, 200, 400, 800):
                config = SearchConfig(n_candidates=n_candidates, token_recall=token_recall)
                rows.append(
                    {"n_candidates": n_candidates, "token_recall": token_recall}
                    | timed(store, queries, exact, config, None)
                )
                print(rows[-1], file=sys.stderr, flush=True)
        result["searches"] = rows
        tenth = 'folder = "3"'  # of the documents
        filtered = [
            search(Question(encoded=query, filters=tenth), view, SearchConfig(exact=True))
            for query, _ in queries[:N_EXACT]
        ]
        result["filter_of_a_tenth"] = timed(store, queries, filtered, SearchConfig(), tenth)
        del result["filter_of_a_tenth"]["mrr"]  # most pages that were asked for are not in it
        three = 'document = "3/000003.pdf" and page <= 3'
        found = search(Question(encoded=queries[0][0], filters=three), view, SearchConfig())
        result["filter_of_three_pages_finds"] = len(found)
        result["rss_mb"] = rss_mb()
    return result


def timed(
    store: Store, queries: list[tuple[EncodedQuery, int]], exact: list[Any], config: SearchConfig, filters: str | None
) -> dict[str, Any]:
    """p50 and p95 of warm searches, and how much of the exact top 10 they find."""
    times, cpu_times, overlaps, found = [], [], [], []
    for turn in range(2):  # the first one warms
        for i, (query, _) in enumerate(queries[:N_EXACT]):
            start, cpu_start = time.perf_counter(), time.process_time()
            with store.view() as view:
                hits = search(Question(encoded=query, filters=filters), view, config)
            if turn:
                times.append(time.perf_counter() - start)
                cpu_times.append(time.process_time() - cpu_start)
                found.append(hits)
                ids = {hit.page_id for hit in exact[i]}
                overlaps.append(len(ids & {hit.page_id for hit in hits}) / max(1, len(ids)))
    return {
        "p50_ms": ms(times, 50),
        "p95_ms": ms(times, 95),
        "cpu_p50_ms": ms(cpu_times, 50),
        "recall@10": round(float(np.mean(overlaps)), 3),
        "mrr": mrr(found, queries),
    }


def change(folder: Path) -> dict[str, Any]:
    """Add a document of 20 pages, delete a tenth of all documents, compact."""
    rng = np.random.default_rng(5)
    pages = [unit(rng.standard_normal((TOKENS, DIM), np.float32)) for _ in range(20)]
    result: dict[str, Any] = {}
    with Store(folder) as store:
        result["add_20_pages"] = written(lambda: _add_one(store, pages))
        result["delete_a_tenth"] = written(lambda: _delete_tenth(store))
        before = store.bytes_on_disk()
        done: list[Any] = []
        result["optimize"] = written(lambda: done.append(store.optimize()))
        result["optimize"] |= {
            "n_pages_moved": done[0].n_pages_moved,
            "gb_before": round(before / 1e9, 2),
            "gb_after": round(store.bytes_on_disk() / 1e9, 2),
        }
    return result


def _add_one(store: Store, pages: list[Float]) -> None:
    with store.writer() as writer:
        add(writer, "added/one.pdf", pages)


def _delete_tenth(store: Store) -> None:
    with store.writer() as writer:
        with store.view() as view:
            locations = [known for known in view.known_files() if known.startswith(b"/made-up/7/")]
        writer.remove_names(locations)


def written(action: Any) -> dict[str, Any]:
    """Seconds, and megabytes that the process gave to the disk."""
    process = psutil.Process()
    before, began = process.io_counters().write_bytes, time.perf_counter()
    action()
    seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 2), "mb_written": round((process.io_counters().write_bytes - before) / 1e6, 1)}


def ms(times: list[float], percentile: int) -> float:
    return round(float(np.percentile(times, percentile)) * 1e3, 2)


def mrr(found: list[Any], queries: list[tuple[EncodedQuery, int]]) -> float:
    """Mean reciprocal rank, within the first ten, of the page each query was made from."""
    ranks = [
        next((rank for rank, hit in enumerate(hits, start=1) if hit.page_id == page), 0)
        for hits, (_, page) in zip(found, queries, strict=False)
    ]
    return round(sum(1 / rank for rank in ranks if rank) / len(ranks), 3)


def rss_mb() -> int:
    return round(psutil.Process().memory_info().rss / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("build", "measure", "measure-here", "change"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=100_000)
    arguments = parser.parse_args()
    if arguments.step == "build":
        write_result("scale-build", build(arguments.folder, arguments.pages))
    elif arguments.step == "change":
        write_result("scale-change", change(arguments.folder))
    elif arguments.step == "measure-here":
        write_result(f"scale-{n_threads()}", measure(arguments.folder))
    else:
        for threads in ("1", "2"):
            command = [sys.executable, "-m", "benchmarks.scale", "measure-here", str(arguments.folder)]
            subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": threads})


if __name__ == "__main__":
    main()

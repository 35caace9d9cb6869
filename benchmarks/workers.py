"""What many workers do to one database: how many jobs a second its table gives out, and how many pages a second it takes.

    python -m benchmarks.workers URL --jobs 2000 --pages 4000          into benchmarks/results/workers.json

URL: of an index that is not there yet. A job is leased and ended, and nothing is done for it. Pages are made up (768 token vectors
of 128 dimensions) and encoded beforehand; writing them is packing them into bytes, sending these, and one commit for a document
of 20. Workers are processes that begin together; the server runs on the same machine and takes its share of the same processors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from benchmarks.common import write_result
from benchmarks.scale import DIM, add
from benchmarks.vectors import Corpus, documents
from pagesight.storage.manifest import Space
from pagesight.storage.postgres.store import PostgresStore
from pagesight.storage.values import SourceFile

NUMBERS = (1, 4)  # of workers
DOCUMENT_PAGES = 20
PATIENCE_S = 1800.0
ROOT = Path("/made-up")
Work = Callable[[str, int, int, Barrier], None]


def take_jobs(url: str, number: int, share: int, together: Barrier) -> None:  # noqa: ARG001 - as every work
    """Until none is left, whatever this worker's share is."""
    with PostgresStore(url) as store:
        jobs = store.jobs()
        jobs.counts()  # connects
        together.wait(PATIENCE_S)
        while (held := jobs.lease(f"worker {number}")) is not None:
            jobs.end(held, "indexed")
        together.wait(PATIENCE_S)


def write_pages(url: str, number: int, share: int, together: Barrier) -> None:
    """So many, in documents of one size."""
    pages = [page for some in documents(Corpus(DIM, seed=number), DOCUMENT_PAGES) for page in some]
    with PostgresStore(url) as store, store.writer() as writer:
        together.wait(PATIENCE_S)
        for i in range(share // DOCUMENT_PAGES):
            add(writer, f"{time.time_ns()}/{number}-{i}.pdf", pages)  # type: ignore[arg-type]  # an IndexWriter
        together.wait(PATIENCE_S)


def seconds(n: int, work: Work, url: str, share: int) -> float:
    """From when all are ready to when all are done."""
    context = get_context("spawn")
    together = context.Barrier(n + 1)
    workers = [context.Process(target=work, args=(url, number, share, together)) for number in range(n)]
    for worker in workers:
        worker.start()
    together.wait(PATIENCE_S)
    began = time.perf_counter()
    together.wait(PATIENCE_S)
    took = time.perf_counter() - began
    for worker in workers:
        worker.join()
    return took


def queue(url: str, n_jobs: int) -> float:
    """Let so many files wait, and none else; returns the seconds that it took."""
    with PostgresStore(url) as store:
        jobs = store.jobs()
        jobs.forget_done()
        names = (f"{i:07d}.pdf" for i in range(n_jobs))
        files = (SourceFile(root=ROOT, path=name, location=ROOT / name, n_bytes=1, mtime_ns=1) for name in names)
        began = time.perf_counter()
        jobs.put(files, {})
        return time.perf_counter() - began


def measure(url: str, n_jobs: int, n_pages: int) -> dict[str, Any]:
    space = Space(encoder="made-up", fingerprint="made-up-1", single_dim=DIM, token_dim=DIM)
    PostgresStore.create(url, space).close()
    found: dict[str, Any] = {"jobs": n_jobs, "pages": n_pages}
    for n in NUMBERS:
        found["queued_per_s"] = round(n_jobs / queue(url, n_jobs))
        found[f"jobs_per_s_by_{n}"] = round(n_jobs / seconds(n, take_jobs, url, 0))
    for n in NUMBERS:
        share = n_pages // n // DOCUMENT_PAGES * DOCUMENT_PAGES
        found[f"pages_per_s_by_{n}"] = round(n * share / seconds(n, write_pages, url, share))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--pages", type=int, default=4_000)
    given = parser.parse_args()
    write_result("workers", measure(given.url, given.jobs, given.pages))


if __name__ == "__main__":
    main()

"""The same made-up pages (benchmarks.vectors) in PostgreSQL and in a folder: writing, filling what searches keep, searching, following.

    python -m benchmarks.postgres build URL FOLDER --pages 2000
    python -m benchmarks.postgres measure URL FOLDER          into benchmarks/results/postgres.json

Searches of both are asked in turn, from where nothing has to be fetched beforehand. The server runs on the same machine, and takes
its share of the same processors.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.scale import DIM, N_QUERIES, add
from benchmarks.vectors import Corpus, Float, documents, unit
from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.retrieval import Question, search
from pagesight.storage.manifest import Space
from pagesight.storage.postgres.store import PostgresStore
from pagesight.storage.store import Store

QUERIES = "queries-postgres.npy"
CONFIGS = {"50 candidates": SearchConfig(n_candidates=50), "200 candidates": SearchConfig(n_candidates=200)}


def build(url: str, folder: Path, n_pages: int) -> dict[str, Any]:
    """Write every page to both, a document each in turn."""
    corpus = Corpus(DIM)
    space = Space(encoder="made-up", fingerprint="made-up-1", single_dim=DIM, token_dim=DIM)
    seconds = {"postgresql": 0.0, "folder": 0.0}
    queries: list[Float] = []
    with PostgresStore.create(url, space) as remote, Store.create(folder, space) as local:
        with remote.writer() as there, local.writer() as here:
            for number, pages in enumerate(documents(corpus, n_pages)):
                for name, writer in (("postgresql", there), ("folder", here)):
                    began = time.perf_counter()
                    add(writer, f"{number:06d}.pdf", pages)  # type: ignore[arg-type]  # both are an IndexWriter
                    seconds[name] += time.perf_counter() - began
                if len(queries) < N_QUERIES:
                    queries += [
                        corpus.query(len(queries) + i, [tokens], 0).tokens for i, tokens in enumerate(pages[:3])
                    ]
        sizes = {"postgresql": remote.bytes_on_disk(), "folder": local.bytes_on_disk()}
    np.save(folder / QUERIES, np.stack(queries))
    rates = {f"{name}_pages_per_s": round(n_pages / spent) for name, spent in seconds.items()}
    return {"pages": n_pages, **rates, **{f"{name}_bytes_per_page": size // n_pages for name, size in sizes.items()}}


def measure(url: str, folder: Path) -> dict[str, Any]:
    """Search both in turn; then add a document, and see how long the next search takes."""
    questions = [
        Question(encoded=EncodedQuery(unit(tokens.mean(axis=0)), tokens, ("",) * len(tokens)))
        for tokens in np.load(folder / QUERIES)
    ]
    found: dict[str, Any] = {}
    with PostgresStore(url) as remote, Store(folder) as local:
        began = time.perf_counter()
        with remote.view() as view:
            found["pages"] = len(view.page_ids())
        found["opened_after_s"] = round(time.perf_counter() - began, 2)
        for name, config in CONFIGS.items():
            times: dict[str, list[float]] = {"postgresql": [], "folder": []}
            same = 0
            for question in questions:
                answers = []
                for where, store in (("postgresql", remote), ("folder", local)):
                    began = time.perf_counter()
                    with store.view() as view:
                        answers.append(search(question, view, config))
                    times[where].append(1000 * (time.perf_counter() - began))
                same += answers[0] == answers[1]
            found[name] = {
                **{f"{where}_{p}_ms": round(float(np.percentile(ms, q)), 1) for where, ms in times.items() for p, q in (("p50", 50), ("p95", 95))},
                "same_hits": f"{same} of {len(questions)}",
            }  # fmt: skip
        found["follow_ms"] = following(remote, questions[0])
    return found


def following(store: PostgresStore, question: Question) -> float:
    """Milliseconds of the first search after a commit, a median of a few."""
    took = []
    with store.writer() as writer:
        for _, pages in zip(range(5), documents(Corpus(DIM, seed=7), 200), strict=False):
            add(writer, "followed.pdf", pages)  # type: ignore[arg-type]  # an IndexWriter
            began = time.perf_counter()
            with store.view() as view:
                search(question, view, SearchConfig())
            took.append(1000 * (time.perf_counter() - began))
        writer.remove_names([b"/made-up/followed.pdf"])
    return round(float(np.median(took)), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["build", "measure"])
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=2000)
    given = parser.parse_args()
    if given.what == "build":
        write_result("postgres-build", build(given.url, given.folder, given.pages))
    else:
        write_result("postgres", measure(given.url, given.folder))


if __name__ == "__main__":
    main()

"""The same made-up pages (benchmarks.vectors) on Qdrant Edge and in a folder: writing, and searching both in turn.

    python -m benchmarks.qdrant build FOLDER --pages 500
    python -m benchmarks.qdrant measure FOLDER              into benchmarks/results/qdrant.json

Edge scores with threads of its own, so that processor time of the whole process is what is compared.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.scale import DIM, add
from benchmarks.vectors import Corpus, Float, documents, unit
from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.retrieval import Question, search
from pagesight.storage.manifest import Space
from pagesight.storage.qdrant.store import QdrantStore
from pagesight.storage.store import Store

N_QUERIES = 30
CONFIGS = {
    "50 candidates": SearchConfig(n_candidates=50),
    "200 candidates": SearchConfig(n_candidates=200),
    "exact": SearchConfig(exact=True),
}


def address(folder: Path) -> str:
    return f"qdrant://{folder.absolute()}/points?cache={folder.absolute()}/cache"


def build(folder: Path, n_pages: int) -> dict[str, Any]:
    """Write every page to both, a document each in turn."""
    corpus = Corpus(DIM)
    space = Space(encoder="made-up", fingerprint="made-up-1", single_dim=DIM, token_dim=DIM)
    seconds = {"qdrant": 0.0, "folder": 0.0}
    queries: list[Float] = []
    with QdrantStore.create(address(folder), space) as remote, Store.create(folder / "index", space) as local:
        with remote.writer() as there, local.writer() as here:
            for number, pages in enumerate(documents(corpus, n_pages)):
                for name, writer in (("qdrant", there), ("folder", here)):
                    began = time.process_time()
                    add(writer, f"{number:06d}.pdf", pages)  # type: ignore[arg-type]  # both are an IndexWriter
                    seconds[name] += time.process_time() - began
                if len(queries) < N_QUERIES:
                    queries += [
                        corpus.query(len(queries) + i, [tokens], 0).tokens for i, tokens in enumerate(pages[:3])
                    ]
        sizes = {"qdrant": remote.bytes_on_disk(), "folder": local.bytes_on_disk()}
    np.save(folder / "queries.npy", np.stack(queries[:N_QUERIES]))
    spent = {f"{name}_ms_per_page": round(1000 * s / n_pages, 1) for name, s in seconds.items()}
    return {"pages": n_pages, **spent, **{f"{name}_bytes_per_page": size // n_pages for name, size in sizes.items()}}


def measure(folder: Path) -> dict[str, Any]:
    """Search both in turn. error: the largest difference of a score, by the length of the question (the sum over its vectors)."""
    questions = [
        Question(encoded=EncodedQuery(unit(tokens.mean(axis=0)), tokens, ("",) * len(tokens)))
        for tokens in np.load(folder / "queries.npy")
    ]
    found: dict[str, Any] = {}
    with QdrantStore(address(folder)) as remote, Store(folder / "index") as local:
        began = time.perf_counter()
        with remote.view() as view:
            found["pages"] = len(view.page_ids())
        found["first_search_s"] = round(time.perf_counter() - began, 2)
        for name, config in CONFIGS.items():
            times: dict[str, list[tuple[float, float]]] = {"qdrant": [], "folder": []}
            same, error = 0, 0.0
            for question in questions:
                answers = []
                for where, store in (("qdrant", remote), ("folder", local)):
                    began, used = time.perf_counter(), time.process_time()
                    with store.view() as view:
                        answers.append({hit.page_id: hit.score for hit in search(question, view, config)})
                    times[where].append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - used)))
                ours, theirs = answers
                same += ours.keys() == theirs.keys()
                length = float(np.linalg.norm(question.encoded.tokens, axis=1).sum())
                error = max([error, *(abs(ours[i] - theirs[i]) / length for i in ours.keys() & theirs.keys())])
            found[name] = {"same_pages": f"{same} of {len(questions)}", "error": round(error, 6)}
            for where, ms in times.items():
                wall, processor = np.median(np.array(ms), axis=0)
                found[name] |= {
                    f"{where}_ms": round(float(wall), 1),
                    f"{where}_processor_ms": round(float(processor), 1),
                }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["build", "measure"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=500)
    given = parser.parse_args()
    if given.what == "build":
        write_result("qdrant-build", build(given.folder, given.pages))
    else:
        write_result("qdrant", measure(given.folder))


if __name__ == "__main__":
    main()

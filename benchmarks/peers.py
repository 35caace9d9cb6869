"""Whole engines on the same pages: ours, LanceDB multivector, Qdrant Edge, fast-plaid, and brute force in torch.

    pip install -r benchmarks/requirements-peers.txt
    python -m benchmarks.peers --pages 1000        into benchmarks/results/peers.json

One engine after the other, each in a process of its own with one thread. Pages and queries of benchmarks.vectors; "recall@10" is
the share of the exact float32 top 10. fast-plaid wants an older torch, and an environment with it; it takes minutes for a
few hundred pages, so it may get fewer of them (--fast-plaid-pages); every row says how many there were. What is not
installed is left out. On a machine that does other things read cpu figures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.scale import add
from benchmarks.vectors import Corpus, Float, documents, unit

DIM, N_QUERIES, K = 128, 20, 10
Ask = Callable[[Float], list[int]]


def pagesight(pages: list[Float], folder: Path) -> dict[str, Ask]:
    from pagesight.engine.config import SearchConfig
    from pagesight.engine.encoder import EncodedQuery
    from pagesight.engine.retrieval import Question, search
    from pagesight.storage.manifest import Space
    from pagesight.storage.store import Store

    store = Store.create(folder, Space(encoder="made-up", fingerprint="1", single_dim=DIM, token_dim=DIM))
    with store.writer() as writer:
        for first in range(0, len(pages), 20):
            add(writer, f"{first}.pdf", pages[first : first + 20])

    def ask(config: SearchConfig) -> Ask:
        def answer(query: Float) -> list[int]:
            encoded = EncodedQuery(unit(query.mean(axis=0)), query, ("",) * len(query))
            with store.view() as view:
                hits = search(Question(encoded=encoded), view, config)
            return [hit.page_id - 1 for hit in hits]

        return answer

    return {
        "pagesight": ask(SearchConfig()),
        "pagesight, 50 candidates": ask(SearchConfig(n_candidates=50)),
        "pagesight, exact": ask(SearchConfig(exact=True)),
    }


def lancedb(pages: list[Float], folder: Path) -> dict[str, Ask]:
    import lancedb
    import pyarrow as pa

    kind = pa.list_(pa.list_(pa.float32(), DIM))
    rows = [
        {"id": number, "vector": tokens.tolist()} for number, tokens in enumerate(pages)
    ]  # no quicker way in is documented for lists of lists
    schema = pa.schema([("id", pa.int64()), ("vector", kind)])
    table = lancedb.connect(folder).create_table("pages", pa.Table.from_pylist(rows, schema=schema))
    table.create_index(metric="cosine", vector_column_name="vector", index_type="IVF_PQ", num_sub_vectors=32)

    def ask(refine: int | None) -> Ask:
        def answer(query: Float) -> list[int]:
            builder = table.search(query).limit(K).select(["id"])
            builder = builder if refine is None else builder.refine_factor(refine)
            return [row["id"] for row in builder.to_list()]

        return answer

    return {"LanceDB IVF_PQ": ask(None), "LanceDB IVF_PQ, refine 10": ask(10)}


def qdrant_edge(pages: list[Float], folder: Path) -> dict[str, Ask]:
    import qdrant_edge as q

    vectors = q.EdgeVectorParams(
        size=DIM,
        distance=q.Distance.Dot,
        on_disk=True,
        multivector_config=q.MultiVectorConfig(q.MultiVectorComparator.MaxSim),
        hnsw_config=q.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10),
    )
    folder.mkdir(exist_ok=True)
    shard = q.EdgeShard.create(str(folder), q.EdgeConfig(vectors={"tokens": vectors}))
    for first in range(0, len(pages), 20):
        points = [
            q.Point(id=first + i, vector={"tokens": tokens.tolist()})
            for i, tokens in enumerate(pages[first : first + 20])
        ]
        shard.update(q.UpdateOperation.upsert_points(points))
    shard.flush()

    def answer(query: Float) -> list[int]:
        request = q.SearchRequest(query=q.Query.Nearest(query.tolist(), using="tokens"), limit=K)
        return [int(point.id) for point in shard.search(request)]

    return {"Qdrant Edge, full scan": answer}


def fast_plaid(pages: list[Float], folder: Path) -> dict[str, Ask]:
    import torch
    from fast_plaid.search import FastPlaid

    index = FastPlaid(index=str(folder), device="cpu")
    index.create(documents_embeddings=[torch.from_numpy(tokens) for tokens in pages])

    def ask(**options: int) -> Ask:
        def answer(query: Float) -> list[int]:
            found = index.search(torch.from_numpy(query)[None], top_k=K, show_progress=False, **options)
            return [int(number) for number, _ in found[0]]

        return answer

    return {"fast-plaid": ask(), "fast-plaid, n_full_scores 512, n_ivf_probe 4": ask(n_full_scores=512, n_ivf_probe=4)}


def torch_padded(pages: list[Float], folder: Path) -> dict[str, Ask]:  # noqa: ARG001 - keeps everything in memory
    import torch

    tensors = [torch.from_numpy(tokens) for tokens in pages]

    def answer(query: Float) -> list[int]:
        asked, parts = torch.from_numpy(query), []
        for first in range(0, len(tensors), 128):
            batch = torch.nn.utils.rnn.pad_sequence(tensors[first : first + 128], batch_first=True)
            parts.append(torch.einsum("nd,csd->cns", asked, batch).max(dim=2)[0].sum(dim=1))
        return list(torch.cat(parts).topk(K).indices.tolist())

    return {"torch float32, padded, everything": answer}


ENGINES: dict[str, Callable[[list[Float], Path], dict[str, Ask]]] = {
    "pagesight": pagesight,
    "lancedb": lancedb,
    "qdrant-edge": qdrant_edge,
    "torch": torch_padded,
    "fast-plaid": fast_plaid,
}

MODULES = {"lancedb": "lancedb", "qdrant-edge": "qdrant_edge", "torch": "torch", "fast-plaid": "fast_plaid"}


def measure(name: str, n_pages: int) -> list[dict[str, Any]]:
    """Build and ask, in this process."""
    corpus = Corpus(DIM)
    pages = [page for document in documents(corpus, n_pages) for page in document]
    numbers = np.linspace(0, n_pages - 1, N_QUERIES).astype(int).tolist()
    queries = [corpus.query(number, [pages[number]], number).tokens for number in numbers]
    exact = [set(np.argsort([-(query @ page.T).max(axis=1).sum() for page in pages])[:K].tolist()) for query in queries]
    held_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "index"
        began, cpu_began = time.perf_counter(), time.process_time()
        asks = ENGINES[name](pages, folder)
        built, cpu_built = time.perf_counter() - began, time.process_time() - cpu_began
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
        for label, ask in asks.items():
            ask(queries[0])  # warms
            times, cpu_times, shares = [], [], []
            for query, truth in zip(queries, exact, strict=True):
                start, cpu_start = time.perf_counter(), time.process_time()
                found = ask(query)
                times.append(time.perf_counter() - start)
                cpu_times.append(time.process_time() - cpu_start)
                shares.append(len(truth & set(found)) / K)
            rows.append(
                {
                    "engine": label,
                    "pages": n_pages,
                    "build_s": round(built, 1),
                    "build_cpu_s": round(cpu_built, 1),
                    "kb_a_page": round(size / n_pages / 1e3, 1),
                    "p50_ms": round(float(np.percentile(times, 50)) * 1e3, 2),
                    "p95_ms": round(float(np.percentile(times, 95)) * 1e3, 2),
                    "cpu_p50_ms": round(float(np.percentile(cpu_times, 50)) * 1e3, 2),
                    "recall@10": round(float(np.mean(shares)), 3),
                    "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
                    "of_it_test_data_mb": round(held_mb),
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--fast-plaid-pages", type=int, default=300)
    parser.add_argument("--only", choices=ENGINES)
    parser.add_argument("--seconds", type=int, default=1200, help="after which an engine is given up")
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measure(arguments.only, arguments.pages)))
        return
    names = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "RAYON_NUM_THREADS",
        "LANCE_CPU_THREADS",
        "TOKIO_WORKER_THREADS",
    )
    environment = {**os.environ, **dict.fromkeys(names, "1")}
    rows: list[dict[str, Any]] = []
    for name in ENGINES:
        if find_spec(MODULES.get(name, "numpy")) is None:
            rows.append({"engine": name, "not_installed": True})
            continue
        n_pages = arguments.fast_plaid_pages if name == "fast-plaid" else arguments.pages
        command = [sys.executable, "-m", "benchmarks.peers", "--only", name, "--pages", str(n_pages)]
        try:
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, text=True, timeout=arguments.seconds, check=True
            )
            rows += json.loads(done.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            rows.append({"engine": name, "pages": n_pages, "gave_up_after_s": arguments.seconds})
        except subprocess.CalledProcessError as error:
            rows.append({"engine": name, "pages": n_pages, "failed": error.returncode})
        print(rows[-1], file=sys.stderr, flush=True)
    write_result("peers", {"threads": 1, "load_average": round(os.getloadavg()[0], 1), "rows": rows})


if __name__ == "__main__":
    main()

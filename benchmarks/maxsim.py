"""The exact rerank of random pages: our kernels against numpy, torch and maxsim-cpu, in turns, in one process.

    pip install -r benchmarks/requirements-peers.txt
    python -m benchmarks.maxsim                  into benchmarks/results/maxsim-THREADS.json
    python -m benchmarks.maxsim --name NAME      into maxsim-NAME-THREADS.json: for another processor

Pages of 768 token vectors of 128 dimensions, a query of 20 (benchmarks.vectors). Every engine has its pages in memory in the
form it wants and gets the numbers of the pages to score; maxsim-cpu and the padded torch gather them first, because
they take one array. Turns go round, so that whatever else the machine does meets all alike; medians are shown, of wall time and of
processor time, which says more on a machine that does other things (load_average). What a second thread is worth, and what two
processes do, is measured in turns by benchmarks.threads.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.vectors import Corpus, documents
from pagesight.storage.codecs import codec_named
from pagesight.storage.scoring import kernel
from pagesight.storage.scoring.layout import CodeLayout, Records
from pagesight.storage.scoring.threads import n_threads, spread
from pagesight.storage.vectors.records import PART_BYTES

N_PAGES, TOKENS, DIM = 3000, 768, 128
ROUNDS, N_QUERIES = 7, 40
Scorer = Callable[[np.ndarray], Any]


def engines(pages: np.ndarray, query: np.ndarray) -> dict[str, Scorer]:
    """Name -> function of page numbers that returns their scores. pages: (n, TOKENS, DIM) float32."""
    found: dict[str, Scorer] = {}
    for codec_name in ("int8", "int4"):
        codec = codec_named(codec_name, DIM)
        size = codec.n_bytes(TOKENS)
        data = np.empty(len(pages) * size, np.uint8)
        for i, page in enumerate(pages):
            data[i * size : (i + 1) * size] = np.frombuffer(codec.encode(page), np.uint8)

        def ours(chosen: np.ndarray, data: np.ndarray = data, size: int = size, codec: Any = codec) -> np.ndarray:
            def score(part: np.ndarray) -> np.ndarray:
                records = Records(data, part * size, np.full(len(part), TOKENS))
                return codec.maxima(query, records, precise=False).sum(axis=0)

            n_parts = len(chosen) * size // PART_BYTES if n_threads() > 1 else 1  # as a search cuts them
            return np.concatenate(spread(score, np.array_split(chosen, n_parts)))

        found[f"pagesight {codec_name}"] = ours
        if codec_name == "int8":
            int8_data, int8_size = data, size

    def by_kernel(name: str) -> Scorer:
        def score(chosen: np.ndarray) -> np.ndarray:
            records = Records(int8_data, chosen * int8_size, np.full(len(chosen), TOKENS))
            return kernel.maxima(query, records, CodeLayout(DIM), kernel=name).sum(axis=0)

        return score

    found |= {f"pagesight int8, {name} kernel, precise": by_kernel(name) for name in kernel.KERNELS}
    words = int8_data.view(np.uint64).reshape(len(pages), -1)
    found["read the int8 codes (numpy max)"] = lambda chosen: [words[i].max() for i in chosen]
    found["numpy float32, a page at a time"] = lambda chosen: np.array(
        [(query @ pages[i].T).max(axis=1).sum() for i in chosen]
    )
    import maxsim_cpu
    import torch

    torch.set_num_threads(n_threads())
    found["maxsim-cpu 0.1.0, gather and score"] = lambda chosen: maxsim_cpu.maxsim_scores(query, pages[chosen])
    half, half_query = torch.from_numpy(pages).bfloat16(), torch.from_numpy(query).bfloat16()
    found["torch bfloat16, a page at a time"] = lambda chosen: [
        (half_query @ half[i].T).amax(1).sum().item() for i in chosen.tolist()
    ]
    whole, whole_query = torch.from_numpy(pages), torch.from_numpy(query)

    def padded(chosen: np.ndarray) -> Any:
        """As colpali-engine does it: batches of 128 pages, einsum, max, sum."""
        parts = []
        for first in range(0, len(chosen), 128):
            batch = torch.nn.utils.rnn.pad_sequence([whole[i] for i in chosen[first : first + 128]], batch_first=True)
            parts.append(torch.einsum("bnd,csd->bcns", whole_query[None], batch).max(dim=3)[0].sum(dim=2))
        return torch.cat(parts, dim=1)[0].numpy()

    found["torch float32, padded and einsum"] = padded
    return found


def measure(n_pages: int) -> dict[str, Any]:
    corpus = Corpus(DIM)
    made = [page for document in documents(corpus, n_pages) for page in document]
    pages = np.stack(made)
    query = corpus.query(1, [pages[17]], 17).tokens
    chosen = np.sort(np.random.default_rng(1).choice(len(pages), 1000, replace=False))
    scorers = engines(pages, query)
    times: dict[str, list[float]] = {name: [] for name in scorers}
    cpu_times: dict[str, list[float]] = {name: [] for name in scorers}
    exact = np.array([(query @ pages[i].T).max(axis=1).sum() for i in chosen])
    errors: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, score in scorers.items():
            time.sleep(0.1)  # threads of the engine before still spin for a while
            began, cpu_began = time.perf_counter(), time.process_time()
            scores = score(chosen)
            times[name].append(time.perf_counter() - began)
            cpu_times[name].append(time.process_time() - cpu_began)
            if "read" not in name:
                errors[name] = float(np.abs(np.asarray(scores, np.float32) - exact).max())
    ours = statistics.median(cpu_times["pagesight int8"])
    return {
        "threads": n_threads(),
        "kernel": kernel.KERNELS[0],
        "pages": len(chosen),
        "load_average": round(os.getloadavg()[0], 1),
        "engines": {
            name: {
                "median_ms": round(statistics.median(values) * 1e3, 2),
                "best_ms": round(min(values) * 1e3, 2),
                "cpu_ms": round(statistics.median(cpu_times[name]) * 1e3, 2),
                "cpu_times_ours": round(statistics.median(cpu_times[name]) / ours, 2),
                "largest_error": round(errors.get(name, 0.0), 4),
            }
            for name, values in times.items()
        },
        "agreement": agreement(pages),
    }


def agreement(pages: np.ndarray) -> dict[str, dict[str, float]]:
    """Top 10 of all pages by each codec against float32, over N_QUERIES queries; nDCG with the float scores as gains."""
    corpus = Corpus(DIM)
    asked = [i * 73 % len(pages) for i in range(N_QUERIES)]
    queries = [corpus.query(i, [pages[at]], at).tokens for i, at in enumerate(asked)]
    shares: dict[str, list[float]] = {}
    gains: dict[str, list[float]] = {}
    discounts = 1 / np.log2(np.arange(2, 12))
    flat = pages.reshape(-1, DIM)
    exact = [(flat @ query.T).reshape(len(pages), TOKENS, len(query)).max(axis=1).sum(axis=1) for query in queries]
    for name in ("int8, query in 8 bits", "int8", "int4", "int2"):
        codec = codec_named(name.split(",", maxsplit=1)[0], DIM)
        size = codec.n_bytes(TOKENS)
        data = b"".join(codec.encode(page) for page in pages)
        records = Records(data, np.arange(len(pages)) * size, np.full(len(pages), TOKENS))
        for query, truth in zip(queries, exact, strict=True):
            scores = codec.maxima(query, records, precise="8 bits" not in name).sum(axis=0)
            best, ideal = np.argsort(-scores)[:10], np.argsort(-truth)[:10]
            shares.setdefault(name, []).append(len(set(best) & set(ideal)) / 10)
            gains.setdefault(name, []).append(float((truth[best] @ discounts) / (truth[ideal] @ discounts)))
    return {
        name: {"top10": round(float(np.mean(shares[name])), 4), "ndcg10": round(float(np.mean(gains[name])), 4)}
        for name in shares
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--here", action="store_true", help="measure in this process, with its threads")
    parser.add_argument("--name", default="", help="of the result, if it is not to replace that of another machine")
    parser.add_argument("--pages", type=int, default=N_PAGES, help="to choose the 1,000 from, at least as many")
    arguments = parser.parse_args()
    if arguments.here:
        write_result("-".join(filter(None, ["maxsim", arguments.name, str(n_threads())])), measure(arguments.pages))
        return
    for threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        environment["RAYON_NUM_THREADS"] = threads  # maxsim-cpu
        command = [sys.executable, "-m", "benchmarks.maxsim", "--here", *sys.argv[1:]]
        subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()

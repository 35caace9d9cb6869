"""Small token codecs as the only storage, with and without pooling: bytes, and how much of the exact top 10 they find.

    python -m benchmarks.codecs            into benchmarks/results/codecs.json

Every page is scored from its codes alone; "exact" is float32 over all token vectors. Twice: on made-up vectors
(benchmarks.vectors), which are hard on purpose, and on those of sample_docs with its questions and the default model.
There the means of storage.vectors.pooling are looked at, too: do the best pages by so many means hold the exact top 10?
"""

from __future__ import annotations

import tempfile
import time
from typing import Any

import numpy as np

from benchmarks.common import ROOT, write_result
from benchmarks.vectors import Corpus, Float, documents
from pagesight.engine import SearchEngine
from pagesight.engine.evaluation.folder import read_folder
from pagesight.storage.codecs import codec_named
from pagesight.storage.scoring.layout import Records
from pagesight.storage.vectors.page_rows import LEVELS
from pagesight.storage.vectors.pooling import pool

N_PAGES, N_QUERIES, DIM, K = 2000, 60, 128, 10
SETTINGS = [
    ("float16", 1), ("int8", 1), ("int8", 2), ("int8", 4), ("int8", 8),
    ("int4", 1), ("int4", 2), ("int4", 4), ("int2", 1), ("int2", 2),
]  # fmt: skip


def made_up() -> tuple[list[Float], list[Float]]:
    """Token vectors of pages, and of questions for some of them."""
    corpus = Corpus(DIM)
    pages = [page for document in documents(corpus, N_PAGES) for page in document]
    asked = np.linspace(0, N_PAGES - 1, N_QUERIES).astype(int).tolist()
    return pages, [corpus.query(number, [pages[number]], number).tokens for number in asked]


def sample_docs() -> tuple[list[Float], list[Float]]:
    folder = ROOT / "sample_docs"
    with tempfile.TemporaryDirectory() as scratch, SearchEngine.open(scratch, codec="float16") as engine:
        engine.index([folder])
        texts = [query.text for query in read_folder(folder).judged]
        with engine.store.view() as view:
            page_ids = view.page_ids()
            pages = [view.tokens(page_ids[i : i + 1])[0] for i in range(len(page_ids))]
        return pages, [query.tokens for query in engine.encoder.encode_queries(texts)]


def best(scores: Float, k: int) -> list[set[int]]:
    """Numbers of the ``k`` best pages for each question. scores: (n_queries, n_pages)."""
    return [set(ranks) for ranks in np.argsort(-scores, axis=1)[:, :k].tolist()]


def share(found: list[set[int]], ideal: list[set[int]]) -> float:
    return round(float(np.mean([len(a & b) / len(b) for a, b in zip(found, ideal, strict=True)])), 3)


def exact_scores(pages: list[Float], queries: list[Float]) -> Float:
    return np.stack([[(query @ page.T).max(axis=1).sum() for page in pages] for query in queries])


def rows_of(pages: list[Float], queries: list[Float], ideal: list[set[int]]) -> list[dict[str, Any]]:
    rows = []
    n_tokens = sum(map(len, pages))
    for name, factor in SETTINGS:
        stored = pages if factor == 1 else [pool(page, -(-len(page) // factor))[0] for page in pages]
        codec = codec_named(name, pages[0].shape[1])
        began = time.perf_counter()
        encoded = [codec.encode(tokens) for tokens in stored]
        encode_ms = (time.perf_counter() - began) / len(pages) * 1e3
        starts = np.cumsum([0, *map(len, encoded)])[:-1]
        records = Records(b"".join(encoded), starts, np.array([len(tokens) for tokens in stored]))
        scores = np.stack([codec.maxima(query, records, precise=True).sum(axis=0) for query in queries])
        size = sum(map(len, encoded))
        rows.append(
            {
                "codec": name,
                "pool_factor": factor,
                "bytes_a_token": round(size / n_tokens, 1),
                "kb_a_page": round(size / len(pages) / 1e3, 1),
                "recall@10": share(best(scores, K), ideal),
                "encode_ms_a_page": round(encode_ms, 2),
            }
        )
        print(rows[-1], flush=True)
    return rows


def means_of(pages: list[Float], queries: list[Float], ideal: list[set[int]]) -> dict[str, dict[str, float]]:
    """Share of the exact top 10 among the best pages by so many means, for some shares of all pages."""
    found: dict[str, dict[str, float]] = {}
    for n_means in LEVELS:
        scores = exact_scores([pool(page, n_means)[0] for page in pages], queries)
        kept = {f"best {part:.0%}": max(K, round(part * len(pages))) for part in (0.15, 0.25, 0.5)}
        found[f"{n_means} means"] = {name: share(best(scores, n), ideal) for name, n in kept.items()}
    return found


def measure() -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, (pages, queries) in (("made up", made_up()), ("sample_docs", sample_docs())):
        ideal = best(exact_scores(pages, queries), K)
        result[name] = {
            "pages": len(pages),
            "dim": pages[0].shape[1],
            "tokens_a_page": round(sum(map(len, pages)) / len(pages)),
            "queries": len(queries),
            "rows": rows_of(pages, queries, ideal),
        }
        if name == "sample_docs":  # benchmarks.recall looks at made-up ones
            result[name]["top 10 within"] = means_of(pages, queries, ideal)
    return result


if __name__ == "__main__":
    write_result("codecs", measure())

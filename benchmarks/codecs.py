"""Small token codecs as the only storage, with and without pooling: bytes, and how much of the exact top 10 they find.

    python -m benchmarks.codecs            into benchmarks/results/codecs.json

Every page is scored from its codes alone; "exact" is float32 over all token vectors. Vectors from benchmarks.vectors.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.vectors import Corpus, documents
from storage.codecs import codec_named
from storage.kernel import Records
from storage.pooling import pool

N_PAGES, N_QUERIES, DIM, TOKENS = 2000, 60, 128, 768
SETTINGS = [
    ("float16", 1), ("int8", 1), ("int8", 2), ("int8", 4), ("int8", 8),
    ("int4", 1), ("int4", 2), ("int4", 4), ("int2", 1), ("int2", 2),
]  # fmt: skip


def measure() -> dict[str, Any]:
    corpus = Corpus(DIM)
    pages = [page for document in documents(corpus, N_PAGES) for page in document]
    asked = np.linspace(0, N_PAGES - 1, N_QUERIES).astype(int).tolist()
    queries = [corpus.query(number, [pages[number]], number).tokens for number in asked]
    exact = np.stack([[(query @ page.T).max(axis=1).sum() for page in pages] for query in queries])
    ideal = np.argsort(-exact, axis=1)[:, :10]
    rows = []
    pooled = {factor: [pool(page, -(-TOKENS // factor))[0] for page in pages] for factor in (2, 4, 8)} | {1: pages}
    for name, factor in SETTINGS:
        codec = codec_named(name, DIM)
        began = time.perf_counter()
        encoded = [codec.encode(tokens) for tokens in pooled[factor]]
        encode_ms = (time.perf_counter() - began) / N_PAGES * 1e3
        starts = np.cumsum([0, *map(len, encoded)])[:-1]
        records = Records(b"".join(encoded), starts, np.array([len(tokens) for tokens in pooled[factor]]))
        few = len(queries) if name != "float16" else 5  # it is expanded page by page
        scores = np.stack([codec.maxima(query, records, precise=True).sum(axis=0) for query in queries[:few]])
        best = np.argsort(-scores, axis=1)[:, :10]
        found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(best.tolist(), ideal.tolist(), strict=False)])
        first = np.mean([number == ranks[0] for number, ranks in zip(asked, best.tolist(), strict=False)])
        size = sum(map(len, encoded))
        rows.append(
            {
                "codec": name,
                "pool_factor": factor,
                "bytes_a_token": round(size / N_PAGES / TOKENS, 1),
                "kb_a_page": round(size / N_PAGES / 1e3, 1),
                "recall@10": round(float(found), 3),
                "asked_page_first": round(float(first), 3),
                "encode_ms_a_page": round(encode_ms, 2),
            }
        )
        print(rows[-1], flush=True)
    return {"pages": N_PAGES, "queries": N_QUERIES, "rows": rows}


if __name__ == "__main__":
    write_result("codecs", measure())

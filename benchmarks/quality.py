"""How well pages are found: nDCG@5 on a folder with questions, by kind of question, with BM25 beside it.

    python -m benchmarks.quality                 sample_docs, into benchmarks/results/quality.json
    python -m benchmarks.quality FOLDER          another folder with a queries.jsonl, printed only

The folder's queries.jsonl has lines of {"id", "query", "kind", "relevant": [{"document", "page", "grade"}]}.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, write_result
from engine import IndexConfig, SearchEngine

DEPTH = 5
Page = tuple[str, int]


def ndcg(ranking: Iterable[Page], grades: dict[Page, int], depth: int = DEPTH) -> float:
    """Normalised discounted cumulative gain with linear gain (Järvelin & Kekäläinen 2002), from 0 to 1."""
    gains = [grades.get(page, 0) for page in list(ranking)[:depth]]
    best = sorted(grades.values(), reverse=True)[:depth]
    return sum(g / math.log2(i + 2) for i, g in enumerate(gains)) / sum(
        g / math.log2(i + 2) for i, g in enumerate(best)
    )


def by_kind(queries: list[dict[str, Any]], rank: Callable[[str], list[Page]]) -> dict[str, float]:
    """Mean nDCG@5 of all queries and of each kind."""
    scores: dict[str, list[float]] = defaultdict(list)
    for query in queries:
        grades = {(item["document"], item["page"]): item["grade"] for item in query["relevant"]}
        score = ndcg(rank(query["query"]), grades)
        scores["all"].append(score)
        scores[query["kind"]].append(score)
    return {kind: round(sum(values) / len(values), 3) for kind, values in scores.items()}


def measure(folder: Path) -> dict[str, Any]:
    """Index the folder twice (the default; words of the text layer only, for BM25) and ask every question."""
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [json.loads(line) for line in lines if line.strip()]
    counts: dict[str, int] = defaultdict(int)
    for query in queries:
        counts["all"] += 1
        counts[query["kind"]] += 1
    with tempfile.TemporaryDirectory() as scratch:
        with SearchEngine.open(f"{scratch}/default") as engine:
            list(engine.index([folder]))
            found = by_kind(queries, lambda text: [(hit.document, hit.page) for hit in engine.search(text, k=DEPTH)])
            bm25_ocr = by_kind(queries, lambda text: bm25(engine, text))
        with SearchEngine.open(f"{scratch}/words", model="hashing") as engine:
            list(engine.index([folder], IndexConfig(ocr="off")))
            bm25_text = by_kind(queries, lambda text: bm25(engine, text))
    return {
        "queries": dict(counts),
        "ndcg@5": {"pagesight": found, "BM25, text layer": bm25_text, "BM25, text layer and OCR": bm25_ocr},
    }


def bm25(engine: SearchEngine, text: str) -> list[Page]:
    """Pages by BM25 of their words alone."""
    with engine.store.snapshot() as snapshot:
        page_ids = snapshot.recall_words(text, DEPTH, None)
        pages = snapshot.describe(page_ids)
    return [(pages[page_id].document, pages[page_id].page_number) for page_id in page_ids.tolist()]


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1])), indent=1, ensure_ascii=False))
    else:
        write_result("quality", measure(ROOT / "sample_docs"))


if __name__ == "__main__":
    main()

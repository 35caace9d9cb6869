"""How well pages are found: nDCG@5 on a folder with questions, by kind of question, with BM25 beside it.

    python -m benchmarks.quality                 sample_docs, into benchmarks/results/quality.json
    python -m benchmarks.quality FOLDER          another folder with a queries.jsonl, printed only

The folder's queries.jsonl has lines of {"id", "query", "kind", "relevant": [{"document", "page", "grade"}]}.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, write_result
from pagesight.engine import IndexConfig, SearchEngine
from pagesight.engine.evaluation.dataset import Dataset
from pagesight.engine.evaluation.folder import read_folder
from pagesight.engine.evaluation.metrics import metric_named
from pagesight.engine.evaluation.result import ALL, quality_of
from pagesight.engine.evaluation.run import AskConfig, ask

METRIC = metric_named("nDCG@5")
DEPTH = 5


def measure(folder: Path) -> dict[str, Any]:
    """Index the folder twice (the default; words of the text layer only, for BM25) and ask every question."""
    dataset = read_folder(folder)
    with tempfile.TemporaryDirectory() as scratch:
        with SearchEngine.open(f"{scratch}/default") as engine:
            engine.index([folder])
            found = ask(engine, dataset, AskConfig(n_exact=0)).run
            bm25_ocr = bm25(engine, dataset)
        with SearchEngine.open(f"{scratch}/words", model="hashing") as engine:
            engine.index([folder], IndexConfig(ocr="off"))
            bm25_text = bm25(engine, dataset)
    runs = {"pagesight": found, "BM25, text layer": bm25_text, "BM25, text layer and OCR": bm25_ocr}
    by_kind = {system: of_kinds(run, dataset) for system, run in runs.items()}
    counts = {kind: n for kind, (_, n) in by_kind["pagesight"].items()}
    scores = {system: {kind: mean for kind, (mean, _) in kinds.items()} for system, kinds in by_kind.items()}
    return {"queries": counts, "ndcg@5": scores}


def of_kinds(run: Mapping[str, Mapping[str, float]], dataset: Dataset) -> dict[str, tuple[float, int]]:
    """Mean of all queries and of each kind, and how many they are."""
    quality = quality_of(run, dataset, [METRIC])
    kinds = {
        group.removeprefix("kind: "): e[METRIC.name]
        for group, e in quality.items()
        if group.startswith((ALL, "kind: "))
    }
    return {kind: (round(estimate.mean, 3), estimate.n) for kind, estimate in kinds.items()}


def bm25(engine: SearchEngine, dataset: Dataset) -> dict[str, dict[str, float]]:
    """A run by BM25 of the words alone; the scores are ranks counted backwards."""
    run = {}
    with engine.store.view() as view:
        for query in dataset.judged:
            page_ids = view.nearest_by_words(query.text, DEPTH, None).page_ids
            pages = view.describe(page_ids)
            names = [f"{pages[page_id].document}:{pages[page_id].number}" for page_id in page_ids.tolist()]
            run[query.id] = {name: float(-rank) for rank, name in enumerate(names)}
    return run


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1])), indent=1, ensure_ascii=False))
    else:
        write_result("quality", measure(ROOT / "sample_docs"))


if __name__ == "__main__":
    main()

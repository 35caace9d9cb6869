"""A small task for mteb, made here, and runs of it; a script, because what mteb imports would stay in the tests' process.

    python -m tests.local_mteb FOLDER engine|single|tokens...

prints our and mteb's scores as JSON: of the engine, and of an encoder alone by its single or its token vectors.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import datasets
import mteb
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

from pagesight.engine.evaluation.evaluate import Silent, evaluate_setting
from pagesight.engine.evaluation.indexing import IndexSetting
from pagesight.engine.evaluation.layouts import open_datasets
from pagesight.engine.evaluation.metrics import metric_named, per_query
from pagesight.engine.evaluation.mteb import EncoderModel, EngineSearch
from pagesight.engine.evaluation.run import AskConfig
from pagesight.engine.models import load_model

WORDS = "apple pear quince plum cherry medlar sloe fig grape olive almond walnut hazel chestnut lemon orange".split()
N_DOCUMENTS, N_QUERIES = 40, 25


def make_data(folder: Path) -> None:
    """The task as a BEIR folder: random words, graded judgments, some of them of nothing."""
    chance = random.Random(7)
    corpus = [{"_id": f"d{i}", "title": "", "text": " ".join(chance.choices(WORDS, k=12))} for i in range(N_DOCUMENTS)]
    queries = [{"_id": f"q{i}", "text": " ".join(chance.sample(WORDS, 3))} for i in range(N_QUERIES)]
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = ["query-id\tcorpus-id\tscore"]
    for query in queries[1:]:
        wanted = set(query["text"].split())
        grades = {row["_id"]: len(wanted & set(row["text"].split())) for row in corpus}
        lines += [
            f"{query['_id']}\t{item}\t{max(0, grade - 1)}" for item, grade in grades.items() if chance.random() < 0.5
        ]
    (folder / "qrels.tsv").write_text("\n".join(lines) + "\n")


class LocalRetrieval(AbsTaskRetrieval):
    """The same data as mteb holds it."""

    folder: Path
    metadata = TaskMetadata(
        name="LocalRetrieval",
        description="Made by a script.",
        reference=None,
        dataset={"path": "local/none", "revision": "1"},
        type="Retrieval",
        category="t2t",
        eval_splits=["test"],
        eval_langs=["eng-Latn"],
        main_score="ndcg_at_5",
    )

    def load_data(self, num_proc=None, **_):
        if self.data_loaded:
            return
        (ours,) = open_datasets(str(self.folder))
        corpus = [json.loads(line) for line in (self.folder / "corpus.jsonl").read_text().splitlines()]
        rows = [{"id": row["_id"], "title": row["title"], "text": row["text"]} for row in corpus]
        queries = [{"id": query.id, "text": query.text} for query in ours.queries]
        self.dataset = {}
        self.dataset["default"] = {
            "test": {
                "corpus": datasets.Dataset.from_list(rows),
                "queries": datasets.Dataset.from_list(queries),
                "relevant_docs": {query: dict(items) for query, items in ours.qrels.items()},
                "top_ranked": None,
            }
        }
        self.data_loaded = True

    def task_specific_scores(self, scores, qrels, results, hf_split, hf_subset):
        """mteb rounds its means to five decimals; this one is not rounded."""
        return {"exact_ndcg_at_5": sum(of_query["ndcg_cut_5"] for of_query in scores.values()) / len(scores)}


def their_scores(folder: Path, what: str) -> dict[str, float]:
    setting = IndexSetting(model="hashing", codec="float16")
    if what == "engine":
        model = EngineSearch(folder / "engine", setting)
    else:
        model = EncoderModel(load_model("hashing"), vectors=what)
    task = LocalRetrieval()
    task.folder = folder / "data"
    (result,) = mteb.evaluate(model, task, cache=None, show_progress_bar=False).task_results
    if what == "engine":
        check_reranking(model, task)
        model.close()
    return {name: value for name, value in result.scores["test"][0].items() if isinstance(value, float)}


def check_reranking(model: EngineSearch, task: LocalRetrieval) -> None:
    """Tasks that rerank name the only documents that may be scored."""
    task.load_data()
    queries = task.dataset["default"]["test"]["queries"]
    found = model.search(queries, top_k=10, top_ranked={"q1": ["d3", "d17"], "q2": []})
    assert set(found["q1"]) == {"d3", "d17"}
    assert found["q2"] == found["q3"] == {}


def our_scores(folder: Path, what: str) -> dict[str, float]:
    """By our own evaluation; of an encoder alone, from its vectors."""
    (dataset,) = open_datasets(str(folder / "data"))
    metrics = [metric_named(name) for name in ("nDCG@5", "MAP@10", "recall@10", "hit@1")]
    if what == "engine":
        setting = IndexSetting(model="hashing", codec="float16")
        quality = evaluate_setting(dataset, setting, AskConfig(), metrics, folder / "ours", Silent()).result.quality[
            "all"
        ]
        return {name: estimate.mean for name, estimate in quality.items()}
    model = EncoderModel(load_model("hashing"), vectors=what)
    rows = list(dataset.corpus.rows())
    document = type("Document", (), {"value": "document"})
    texts = [row.text.strip() for row in rows]
    scores = model.similarity(
        model.encode([{"text": [query.text for query in dataset.judged]}]),
        model.encode([{"text": texts}], prompt_type=document),
    )
    run = {
        query.id: dict(zip((row.id for row in rows), of_query.tolist(), strict=True))
        for query, of_query in zip(dataset.judged, scores, strict=True)
    }
    found = per_query(run, dataset.qrels, [query.id for query in dataset.judged], metrics)
    return {name: float(values.mean()) for name, values in found.items()}


def main() -> None:
    folder = Path(sys.argv[1])
    make_data(folder / "data")
    scores = {what: {"ours": our_scores(folder, what), "theirs": their_scores(folder, what)} for what in sys.argv[2:]}
    print(json.dumps(scores))


if __name__ == "__main__":
    main()

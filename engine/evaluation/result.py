"""The figures of one evaluation, as a value that JSON can hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from pagesight.engine.api import SearchEngine
from pagesight.engine.evaluation.dataset import Dataset
from pagesight.engine.evaluation.indexing import IndexingCost
from pagesight.engine.evaluation.metrics import Metric, Run, per_query
from pagesight.engine.evaluation.places import Places
from pagesight.engine.evaluation.run import Answers
from pagesight.engine.evaluation.statistics import Difference, Interval, compare, interval
from pagesight.engine.evaluation.sureness import Sureness
from pagesight.storage.errors import DatasetError

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """How close the two stages come to exact search. recall: of its best 10 among the candidates; agreement: among the
    best 10 of the answer. Means over ``n`` queries.
    """

    recall: float
    agreement: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds of a stage of one query: median and 95th percentile."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFigures:
    """What the index costs. pages_per_s: read and encoded, over all runs that made it; None if it was there before."""

    n_pages: int
    n_failed_files: int
    token_bytes_per_page: float
    disk_bytes_per_page: float
    pages_per_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """setting: what was measured, by name. quality: group -> metric -> estimate; the first group is "all".

    differences: metric -> this run against ``against``, if there was one. The engine's figures are None for a run from
    a file.
    """

    dataset: str
    setting: Mapping[str, str | int | None]
    n_queries: int
    n_unjudged: int
    n_missing: int
    quality: Mapping[str, Mapping[str, Interval]]
    against: str = ""
    differences: Mapping[str, Difference] = field(default_factory=dict)
    faithfulness: Faithfulness | None = None
    latency_ms: Mapping[str, Latency] = field(default_factory=dict)
    index: IndexFigures | None = None
    sureness: Sureness | None = None
    places: Places | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Of ``to_dict``. Raises TypeError, KeyError for anything else."""
        quality = {
            group: {metric: Interval(**values) for metric, values in by_metric.items()}
            for group, by_metric in fields["quality"].items()
        }
        faithfulness, index = fields["faithfulness"], fields["index"]
        rebuilt = {
            "quality": quality,
            "differences": {metric: Difference(**values) for metric, values in fields["differences"].items()},
            "faithfulness": None if faithfulness is None else Faithfulness(**faithfulness),
            "latency_ms": {stage: Latency(**values) for stage, values in fields["latency_ms"].items()},
            "index": None if index is None else IndexFigures(**index),
            "sureness": None if not fields.get("sureness") else Sureness.from_dict(fields["sureness"]),
            "places": Places(**fields["places"]) if fields.get("places") else None,
        }
        return cls(**{**fields, **rebuilt})


def quality_of(run: Run, dataset: Dataset, metrics: Sequence[Metric]) -> dict[str, dict[str, Interval]]:
    """Means over all queries, and over each group whose name has more than one value."""
    query_ids = [query.id for query in dataset.judged]
    scores = per_query(run, dataset.qrels, query_ids, metrics)
    members: dict[str, list[int]] = {ALL: list(range(len(query_ids)))}
    values: dict[str, set[str]] = defaultdict(set)
    for query in dataset.judged:
        for name, value in query.groups.items():
            values[name].add(value)
    for name, of_name in values.items():
        for value in sorted(of_name):
            rows = [i for i, query in enumerate(dataset.judged) if query.groups.get(name) == value]
            if len(rows) < len(query_ids):
                members[f"{name}: {value}"] = rows
    return {
        group: {name: interval(of_queries[rows]) for name, of_queries in scores.items()}
        for group, rows in members.items()
    }


def differences_of(a: Run, b: Run, dataset: Dataset, metrics: Sequence[Metric]) -> dict[str, Difference]:
    """Metric by metric over all queries. Raises DatasetError if run ``b`` has none of the dataset's queries."""
    query_ids = [query.id for query in dataset.judged]
    if not any(query_id in b for query_id in query_ids):
        raise DatasetError(f"the run to compare with answers none of the {len(query_ids)} queries of {dataset.name}")
    ours, theirs = (per_query(run, dataset.qrels, query_ids, metrics) for run in (a, b))
    return {metric.name: compare(ours[metric.name], theirs[metric.name]) for metric in metrics}


def result_of_run(dataset: Dataset, run: Run, metrics: Sequence[Metric], name: str) -> Result:
    """Of a run that somebody else made. Raises DatasetError if it answers none of the queries."""
    if not any(query.id in run for query in dataset.judged):
        raise DatasetError(f"{name} answers none of the {len(dataset.judged)} queries of {dataset.name}")
    return Result(
        dataset=dataset.name,
        setting={"run": name},
        n_queries=len(dataset.judged),
        n_unjudged=len(dataset.queries) - len(dataset.judged),
        n_missing=0,
        quality=quality_of(run, dataset, metrics),
    )


def result_of_answers(
    dataset: Dataset,
    answers: Answers,
    metrics: Sequence[Metric],
    setting: Mapping[str, str | int | None],
    engine: SearchEngine,
    cost: IndexingCost,
) -> Result:
    """dataset: with the groups that the index adds (see with_scanned)."""
    return Result(
        dataset=dataset.name,
        setting=setting,
        n_queries=len(dataset.judged),
        n_unjudged=len(dataset.queries) - len(dataset.judged),
        n_missing=answers.n_missing,
        quality=quality_of(answers.run, dataset, metrics),
        faithfulness=_faithfulness(answers),
        latency_ms=_latency(answers),
        index=_index_figures(engine, cost),
        sureness=_sureness(dataset, answers),
        places=answers.places,
    )


def agreement(shown: Mapping[str, Sequence[str]], exact: Mapping[str, Sequence[str]]) -> float:
    """Mean share of the exact items that are shown, over the queries of ``exact`` that found something."""
    shares = [len(set(items) & set(shown[query])) / len(items) for query, items in exact.items() if items]
    return float(np.mean(shares))


def _faithfulness(answers: Answers) -> Faithfulness | None:
    if not answers.exact:
        return None
    return Faithfulness(
        recall=float(answers.recall.mean()), agreement=agreement(answers.shown, answers.exact), n=len(answers.exact)
    )


def _sureness(dataset: Dataset, answers: Answers) -> Sureness | None:
    """A first hit is right if it was judged to answer at all."""
    known = answers.confidences
    asked = [query.id for query in (*dataset.judged, *dataset.unanswerable) if query.id in known]
    if not asked:
        return None
    vain = {query.id for query in dataset.unanswerable}
    first = {query_id: max(run, key=lambda item: run[item]) for query_id, run in answers.run.items() if run}
    return Sureness.of(
        [known[i].answerable for i in asked],
        [known[i].right for i in asked],
        [i not in vain for i in asked],
        [i not in vain and dataset.qrels[i].get(first.get(i, ""), 0) > 0 for i in asked],
    )


def _latency(answers: Answers) -> dict[str, Latency]:
    total = np.sum(list(answers.seconds.values()), axis=0)
    if not len(total):
        return {}
    stages = {**answers.seconds, "total": total}
    percentiles = {stage: np.percentile(seconds * 1000, (50, 95)).tolist() for stage, seconds in stages.items()}
    return {stage: Latency(p50=round(p50, 3), p95=round(p95, 3)) for stage, (p50, p95) in percentiles.items()}


def _index_figures(engine: SearchEngine, cost: IndexingCost) -> IndexFigures:
    totals = engine.totals()
    on_disk = engine.store.bytes_on_disk()
    n_pages = max(totals.n_pages, 1)
    return IndexFigures(
        n_pages=totals.n_pages,
        n_failed_files=totals.n_failed_files,
        token_bytes_per_page=round(totals.token_bytes / n_pages, 1),
        disk_bytes_per_page=round(on_disk / n_pages, 1),
        pages_per_s=round(cost.n_pages / cost.seconds, 3) if cost.n_pages else None,
    )

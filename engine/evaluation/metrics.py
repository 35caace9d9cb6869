"""Measures of a ranking, computed by trec_eval itself (through pytrec_eval-terrier, which mteb uses too).

What that settles: a run is scores, not ranks; equal scores are ordered by item id, the greater first; items that nobody
judged count as not relevant, and so do those with a negative grade (junk, in some of TREC's files); gains are linear in the
grade; a query without results scores 0 (``trec_eval -c``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.evaluation.dataset import Qrels
from pagesight.storage.errors import ConfigError, ExtraMissing

Run = Mapping[str, Mapping[str, float]]  # query id -> item -> score, higher is better
DEFAULT_METRICS = ("nDCG@5", "nDCG@10", "recall@10", "MRR@10", "MAP", "hit@1")
_NAME = re.compile(r"([A-Za-z]+)(?:@([1-9]\d{0,5}))?")
_WITH_CUT = {"ndcg": "ndcg_cut", "recall": "recall", "p": "P", "map": "map_cut", "hit": "success"}
_WITHOUT_CUT = {"ndcg": "ndcg", "map": "map", "mrr": "recip_rank"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure by the name people use, and by trec_eval's. cut: ranks below it do not count."""

    name: str
    measure: str  # as asked of trec_eval: ndcg_cut.5
    cut: int | None

    @property
    def key(self) -> str:
        """As answered by trec_eval: ndcg_cut_5."""
        return self.measure.replace(".", "_")


def metric_named(name: str) -> Metric:
    """nDCG@k, recall@k, MRR@k, MAP, MAP@k, hit@k, P@k, nDCG or MRR; case does not matter. Raises ConfigError."""
    match = _NAME.fullmatch(name)
    kind, cut = (match[1].lower(), match[2]) if match else ("", None)
    if kind == "mrr" and cut:
        return Metric(name, "recip_rank", int(cut))
    if cut and kind in _WITH_CUT:
        return Metric(name, f"{_WITH_CUT[kind]}.{cut}", int(cut))
    if not cut and kind in _WITHOUT_CUT:
        return Metric(name, _WITHOUT_CUT[kind], None)
    raise ConfigError(f"there is no metric {name!r}; known are nDCG@k, recall@k, MRR@k, MAP, MAP@k, hit@k and P@k")


def trec_eval() -> Any:
    """The module pytrec_eval. Raises ExtraMissing; asked before an evaluation begins, not at its end."""
    try:
        import pytrec_eval
    except ImportError as error:
        raise ExtraMissing("pytrec-eval-terrier", "metrics") from error
    return pytrec_eval


def per_query(
    run: Run, qrels: Qrels, query_ids: Sequence[str], metrics: Sequence[Metric]
) -> dict[str, NDArray[np.float64]]:
    """Scores of each metric, by its name: (n_queries,) in the order of ``query_ids``. Raises ExtraMissing."""
    judged = {  # not as they are: trec_eval may loop for ever on a query whose grades are all negative
        query_id: {item: max(grade, 0) for item, grade in qrels[query_id].items()} for query_id in query_ids
    }
    found = {query_id: dict(items) for query_id, items in run.items() if query_id in judged and items}
    answers = trec_eval().RelevanceEvaluator(judged, {metric.measure for metric in metrics}).evaluate(found)
    scores = {}
    for metric in metrics:
        values = np.array([answers[query_id][metric.key] if query_id in answers else 0.0 for query_id in query_ids])
        if metric.measure == "recip_rank" and metric.cut is not None:
            values[values < 1 / metric.cut - 1e-9] = 0  # trec_eval's has no cut; 1/rank says whether it is within ours
        scores[metric.name] = values
    return scores

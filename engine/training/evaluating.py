"""How well held-out examples are answered, with the measures of ``pagesight.engine.evaluation``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pagesight.engine.evaluation.metrics import metric_named, per_query, trec_eval
from pagesight.engine.models.jina_v4.inputs import Row
from pagesight.engine.models.jina_v4.model import Batch
from pagesight.engine.models.on_torch.batching import pack
from pagesight.engine.training.collate import Collator
from pagesight.engine.training.data.examples import Example, Piece, piece_key
from pagesight.engine.training.data.sources import Source
from pagesight.engine.training.late import late_pairs, late_scores
from pagesight.engine.training.losses import cosine_scores
from pagesight.engine.training.trainer import Encoded, Scores

BATCH_TOKENS = 4_096
PIECES_AT_ONCE = 64
LATE, DENSE = "late", "dense"  # scored by MaxSim, by the cosine of single vectors
Asked = tuple[Piece, str]  # and where it stands


class Evaluation:
    """The mean over sources of a measure by MaxSim; the same by single vectors beside it.

    Queries of a source are asked among the answers and negatives of all its examples. Graded pairs: Spearman's correlation of
    scores and grades instead.
    """

    def __init__(self, sources: Sequence[Source], collator: Collator, *, metric: str, size: int) -> None:
        """size: examples of each source, evenly spaced. Raises ConfigError for a measure that is not known, ExtraMissing."""
        self._metric = metric_named(metric)
        trec_eval()
        self._collator = collator
        self._held_out = {source.name: (source.kind, _spread(source, size)) for source in sources}

    def __call__(self, encode: Callable[[Batch], Encoded]) -> Scores:
        found: dict[str, float] = {}
        for name, (kind, examples) in self._held_out.items():
            scores = self._graded(examples, encode) if kind == "graded" else self._ranked(examples, encode)
            prefix = f"{name}_" if len(self._held_out) > 1 else ""
            found |= {f"{prefix}{measure}": value for measure, value in scores.items()}
        main = [value for measure, value in found.items() if measure.endswith(f"_{LATE}")]
        return Scores(float(np.mean(main)), found)

    def _ranked(self, examples: Sequence[Example], encode: Callable[[Batch], Encoded]) -> dict[str, float]:
        asked: dict[int, Asked] = {}
        pieces: dict[int, Asked] = {}
        qrels: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for example in examples:
            key = piece_key(example.query)  # several rows of one question have some of its answers each
            asked.setdefault(key, (example.query, example.where))
            for piece in (*example.positives, *example.negatives):
                pieces.setdefault(piece_key(piece), (piece, example.where))
            qrels[str(key)] |= {str(piece_key(piece)): 1 for piece in example.positives}
        queries = self._encode(list(asked.values()), "query", encode)
        documents = self._encode(list(pieces.values()), "passage", encode)
        names = [str(key) for key in pieces]
        by_kind = {
            LATE: late_scores(queries.multi, documents.multi),
            DENSE: cosine_scores(queries.single, documents.single),
        }
        means = {}
        for kind, scores in by_kind.items():
            rows = [dict(zip(names, row, strict=True)) for row in scores.double().tolist()]
            run = dict(zip(map(str, asked), rows, strict=True))
            values = per_query(run, qrels, list(qrels), [self._metric])[self._metric.name]
            means[f"{self._metric.name}_{kind}"] = float(values.mean())
        return means

    def _graded(self, examples: Sequence[Example], encode: Callable[[Batch], Encoded]) -> dict[str, float]:
        first = self._encode([(one.query, one.where) for one in examples], "query", encode)
        second = self._encode([(one.positives[0], one.where) for one in examples], "passage", encode)
        grades = [float(one.grade or 0) for one in examples]
        return {
            f"spearman_{LATE}": spearman(late_pairs(first.multi, second.multi), grades),
            f"spearman_{DENSE}": spearman((first.single * second.single).sum(dim=1), grades),
        }

    def _encode(self, asked: Sequence[Asked], prompt: str, encode: Callable[[Batch], Encoded]) -> Encoded:
        """In their order, so many at once: a page's picture takes 7 MB, and there are thousands with their negatives."""
        parts = []
        for start in range(0, len(asked), PIECES_AT_ONCE):
            some = asked[start : start + PIECES_AT_ONCE]
            parts.append(self._encode_rows([self._collator.row(piece, prompt, where) for piece, where in some], encode))
        return Encoded.cat(parts)

    def _encode_rows(self, rows: list[Row], encode: Callable[[Batch], Encoded]) -> Encoded:
        """In the order of the rows, in batches of like lengths."""
        batches = pack([len(row) for row in rows], BATCH_TOKENS)
        parts = [_to_cpu(encode(self._collator.batch([rows[i] for i in batch]))) for batch in batches]
        order = torch.tensor([i for batch in batches for i in batch]).argsort().tolist()
        one = Encoded.cat(parts)
        vectors = torch.split(one.multi.vectors, one.multi.lengths.tolist())
        return Encoded(one.single[order], type(one.multi).of([vectors[i] for i in order]))


def spearman(scores: Tensor, grades: Sequence[float]) -> float:
    """Correlation of ranks; 0 where one side does not vary."""
    ranks = [_ranks(np.asarray(side, np.float64)) for side in (scores.tolist(), list(grades))]
    if any(np.ptp(one) == 0 for one in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    means = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(means[inverse])


def _spread(source: Source, size: int) -> tuple[Example, ...]:
    rows = np.unique(np.linspace(0, len(source) - 1, min(size, len(source))).round().astype(int))
    return tuple(source[int(row)] for row in rows)


def _to_cpu(encoded: Encoded) -> Encoded:
    return Encoded(encoded.single.cpu(), type(encoded.multi)(encoded.multi.vectors.cpu(), encoded.multi.lengths))


def shown(scores: Mapping[str, float]) -> str:
    """nDCG@10 0.812 late, 0.790 dense."""
    return ", ".join(f"{name} {value:.3f}" for name, value in scores.items())

"""Symmetric text tasks: how well cosines follow people's judgments of pairs (STS), and documents as questions (ArguAna).

sentence1, sentence2, score      in test.tsv, test.jsonl, data/test-*.parquet or a file of its own, as STS sets have it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.evaluation.statistics import RESAMPLES, SEED, Interval
from pagesight.engine.evaluation.tables import find_table, table_of_file
from pagesight.indexer.reading.text_file import text_page
from pagesight.storage.errors import DatasetError, EmptyQuery, ExtraMissing

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder

COLUMNS = ("sentence1", "sentence2", "score")
BATCH_TEXTS = 64
Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Texts two by two, and how alike people found them. Raises DatasetError for what no correlation is defined of."""

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.scores) < 3:
            raise DatasetError(f"{self.name} has {len(self.scores)} pairs; a correlation needs three")
        if not np.isfinite(self.scores).all():
            raise DatasetError(f"{self.name} has scores that are no finite numbers")
        if len(set(self.scores)) == 1:
            raise DatasetError(f"the scores of {self.name} do not vary; a correlation needs two different ones")


def read_pairs(path: Path, split: str) -> Pairs | None:
    """The pairs in a folder or file; None if it holds something else. Raises DatasetError with the row that is wrong."""
    if path.is_file():
        table = table_of_file(path)
    elif path.is_dir():
        table = find_table([path / "data", path / "default", path / split], split)
    else:
        return None
    if table is None or not set(COLUMNS) <= set(table.columns()):
        return None
    first, second, scores = [], [], []
    for number, row in enumerate(table.rows(COLUMNS), start=1):
        try:
            scores.append(float(row["score"]))
        except (TypeError, ValueError) as error:
            raise DatasetError(f"{table.files[0]}, row {number}: the score {row['score']!r} is no number") from error
        first.append(str(row["sentence1"]))
        second.append(str(row["sentence2"]))
    return Pairs(path.name.split(".", 1)[0], tuple(first), tuple(second), tuple(scores))


def cosines(encoder: Encoder, pairs: Pairs) -> Float:
    """(n,) of the single vectors; both sides are encoded as questions, for which models of text matching have one prompt."""
    return np.concatenate(
        [
            (
                _singles(encoder, pairs.first[at : at + BATCH_TEXTS])
                * _singles(encoder, pairs.second[at : at + BATCH_TEXTS])
            ).sum(1)
            for at in range(0, len(pairs.scores), BATCH_TEXTS)
        ]
    )


def _singles(encoder: Encoder, texts: Sequence[str]) -> Float:
    """Zeros for a text without a word."""
    vectors = np.zeros((len(texts), encoder.single_dim))
    for row, text in enumerate(texts):
        try:
            vectors[row] = encoder.encode_queries([text])[0].single
        except EmptyQuery:
            continue
    return vectors


def correlations(cosines_of_pairs: Float, scores: Sequence[float]) -> dict[str, Interval]:
    """Spearman's and Pearson's, each with its 95 % bootstrap interval over pairs. Raises ExtraMissing, DatasetError."""
    if np.ptp(cosines_of_pairs) < 1e-9:  # rounding alone
        raise DatasetError("the model finds all pairs equally alike; there is no correlation with that")
    try:
        from scipy.stats import rankdata
    except ImportError as error:
        raise ExtraMissing("scipy", "metrics") from error
    a, b = cosines_of_pairs[None, :], np.asarray(scores, float)[None, :]
    drawn = np.random.default_rng(SEED).integers(0, len(scores), (RESAMPLES, len(scores)))
    found = {}
    for name in ("Spearman", "Pearson"):
        values = [a, b, a[0, drawn], b[0, drawn]]
        if name == "Spearman":
            values = [rankdata(of_one, axis=1) for of_one in values]
        low, high = np.nanpercentile(_pearson(values[2], values[3]), (2.5, 97.5))
        found[name] = Interval(float(_pearson(values[0], values[1])[0]), float(low), float(high), len(scores))
    return found


def _pearson(a: Float, b: Float) -> Float:
    """Row by row: (n_rows,); nan where a row does not vary."""
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray((a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))


class DocumentsAsQueries:
    """Encodes questions as the pages of the index were encoded: for tasks whose questions are documents."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.name = encoder, ""  # the terms of a model's ranking are for questions that people type
        self.reads_words, self.opening_weight = encoder.reads_words, encoder.opening_weight

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        """One result a text, in order; what its tokens stand for is not known. Raises EmptyQuery."""
        queries = []
        for text, page in zip(texts, self._encoder.encode_pages([text_page(text) for text in texts]), strict=True):
            if not len(page.tokens):
                raise EmptyQuery(text)
            queries.append(EncodedQuery(page.single, page.tokens, ("",) * len(page.tokens)))
        return queries

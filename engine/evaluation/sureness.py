"""Whether an engine knows what it does not know: its confidence against what was right and what could be answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
BINS = 10
DRAWS = 200  # of answers by chance
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """Over the questions whose answers came with a confidence.

    n_answerable, n_unanswerable: of them. auc_answerable: how often an answerable question has a higher probability to be
    answerable than an unanswerable one; None without both. auc_right: the same of right and wrong first hits. ece: expected
    calibration error of ``right``, from 0. ece_by_chance: what it would be on average if each probability were exactly true: of
    few questions it is not 0, and an ``ece`` near it says that nothing is wrong. reliability: (mean probability, share that was right, questions) of each of ten
    groups of equal size, by probability. risk: (coverage, share of wrong first hits) if only so many of the questions, the
    surest, are answered.
    """

    n_answerable: int
    n_unanswerable: int
    auc_answerable: float | None
    auc_right: float | None
    ece: float
    ece_by_chance: float
    reliability: tuple[tuple[float, float, int], ...]
    risk: tuple[tuple[float, float], ...]

    @classmethod
    def of(
        cls,
        answerable: Sequence[float],
        right: Sequence[float],
        is_answerable: Sequence[bool],
        is_right: Sequence[bool],
    ) -> Self:
        """Probabilities and what was true, one of each a question; at least one question."""
        could, was = np.array(is_answerable, bool), np.array(is_right, bool)
        p = np.array(right, np.float64)
        groups = reliability(p, was)
        draw = np.random.default_rng(0)
        by_chance = [calibration_error(reliability(p, draw.random(len(p)) < p)) for _ in range(DRAWS)]
        return cls(
            n_answerable=int(could.sum()),
            n_unanswerable=int((~could).sum()),
            auc_answerable=auc(np.array(answerable, np.float64), could),
            auc_right=auc(p, was),
            ece=calibration_error(groups),
            ece_by_chance=float(np.mean(by_chance)),
            reliability=tuple(groups),
            risk=tuple(risk_coverage(p, was)),
        )

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Of ``dataclasses.asdict``, through JSON."""
        pairs = {name: tuple(map(tuple, fields[name])) for name in ("reliability", "risk")}
        return cls(**{**fields, **pairs})


def auc(scores: Float, positive: NDArray[np.bool_]) -> float | None:
    """Area under the ROC curve (Hanley & McNeil 1982): a random positive against a random negative, ties by half."""
    if positive.all() or not positive.any():
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def reliability(probabilities: Float, true: NDArray[np.bool_]) -> list[tuple[float, float, int]]:
    """(mean probability, share that is true, n) of groups of equal size, from the least probable to the most."""
    order = np.argsort(probabilities, kind="stable")
    groups = np.array_split(order, min(BINS, len(order)))
    return [(float(probabilities[g].mean()), float(true[g].mean()), len(g)) for g in groups]


def calibration_error(groups: Sequence[tuple[float, float, int]]) -> float:
    """Expected calibration error of the groups of ``reliability`` (Naeini et al. 2015, AAAI), from 0 to 1."""
    return float(sum(n * abs(said - found) for said, found, n in groups) / sum(n for _, _, n in groups))


def risk_coverage(probabilities: Float, true: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """(share of questions answered, share of the answers that are wrong), the surest first (El-Yaniv & Wiener 2010, JMLR)."""
    order = np.argsort(-probabilities, kind="stable")
    counts = [max(1, round(coverage * len(order))) for coverage in COVERAGES]
    return [(coverage, float(1 - true[order[:n]].mean())) for coverage, n in zip(COVERAGES, counts, strict=True)]

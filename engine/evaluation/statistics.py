"""How sure a mean over queries is, and whether two of them differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
RESAMPLES = 2_000
FLIPS = 20_000
CHUNK_VALUES = 5_000_000  # drawn at a time: 40 MB
SEED = 20250417  # the same figures on every run


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % bootstrap interval over n queries."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of a minus mean of b, its 95 % bootstrap interval, and the p-value of the randomisation test."""

    a: float
    b: float
    low: float
    high: float
    p: float
    n: int


def interval(values: Float) -> Interval:
    """Mean of one score a query, with a percentile bootstrap over queries (Efron 1979; Sakai 2006 for retrieval)."""
    low, high = _interval(values)
    return Interval(float(values.mean()), low, high, len(values))


def compare(a: Float, b: Float) -> Difference:
    """Two systems on the same queries, one score a query each, in the same order.

    The p-value is that of Fisher's paired randomisation test, two-sided, on the difference of means: how often does
    swapping the systems at random, query by query, part them as far (Smucker, Allan & Carterette 2007, CIKM).
    """
    difference = a - b
    observed = abs(float(difference.mean()))
    generator = np.random.default_rng(SEED)
    as_far, step = 0, max(1, CHUNK_VALUES // len(difference))
    for start in range(0, FLIPS, step):
        signs = generator.choice((-1.0, 1.0), (min(step, FLIPS - start), len(difference)))
        as_far += int((np.abs(signs @ difference / len(difference)) >= observed - 1e-12).sum())
    low, high = _interval(difference)
    return Difference(float(a.mean()), float(b.mean()), low, high, (1 + as_far) / (1 + FLIPS), len(difference))


def _interval(values: Float) -> tuple[float, float]:
    generator = np.random.default_rng(SEED)
    means, step = [], max(1, CHUNK_VALUES // len(values))
    for start in range(0, RESAMPLES, step):
        drawn = generator.integers(0, len(values), (min(step, RESAMPLES - start), len(values)))
        means.append(values[drawn].mean(axis=1))
    low, high = np.percentile(np.concatenate(means), (2.5, 97.5))
    return float(low), float(high)

"""How sure an answer is: whether its first hit is right, and whether the question is answered in the index at all.

A page that answers stands out: from the next page, from the best page of another document, and from what any page of the
index gets for this question. Two logistic models over these make probabilities of them; their numbers are learnt by
``benchmarks.calibrate`` and kept beside this file, one file a model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.index import View
from pagesight.engine.maxsim import summed
from pagesight.engine.results import Confidence

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]

LOOKED_AT = 20  # best pages: the gaps are taken among them
SAMPLED = 128  # pages, from all over the index, that tell what any page gets
FEWEST_PAGES = 20  # with fewer there is nothing to stand out from
SIGNS = ("score", "gap", "document_gap", "deviation")  # how many pages there are adds nothing: it was tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What tells how sure an answer is, in cosines a unit of the question's length.

    score: of the first page. gap: to the second. document_gap: to the best page of another document; to the last of those
    looked at if they are all of one. deviation: of the first page's MaxSim from the mean over a sample of all pages, in
    their standard deviations.
    """

    score: float
    gap: float
    document_gap: float
    deviation: float

    @property
    def values(self) -> NDArray[np.float64]:
        """In the order of ``SIGNS``: (4,)."""
        return np.array([self.score, self.gap, self.document_gap, self.deviation])


@dataclass(frozen=True, slots=True)
class Calibration:
    """Intercept and a factor for each of SIGNS, of both models. right: that the first hit is, if the question is answerable."""

    answerable: tuple[float, ...]
    right: tuple[float, ...]

    @classmethod
    def of(cls, fields: Mapping[str, Sequence[float]]) -> Calibration:
        return cls(tuple(fields["answerable"]), tuple(fields["right"]))

    def confidence(self, signs: Signs) -> Confidence:
        answerable = _probability(self.answerable, signs.values)
        return Confidence(right=answerable * _probability(self.right, signs.values), answerable=answerable)


@lru_cache
def calibration_of(name: str) -> Calibration:
    """By the name of its file."""
    text = Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8")
    return Calibration.of(json.loads(text))


def signs_of(
    tokens: Float, length: float, view: View, pages: PageIds, openings: PageIds, scores: Float, maxsim: float
) -> Signs | None:
    """None if there are too few pages to compare with.

    tokens, length: of the question. pages: all that were searched. openings, scores: the first pages of the documents of the
    best LOOKED_AT pages, and what these pages got, best first. maxsim: of the first of them, without anything added.
    """
    if len(pages) < FEWEST_PAGES or len(scores) < 2 or length <= 0:
        return None
    usual = summed(view.means_maxima(tokens, pages[sample_of(len(pages))]))
    return signs_beside(usual, length, openings, scores, maxsim)


def sample_of(n_pages: int) -> PageIds:
    """Positions of the pages, of so many, that tell what any page gets: from all over, ascending."""
    # A page apart at least, so none comes twice.
    return np.linspace(0, n_pages - 1, min(n_pages, SAMPLED)).astype(np.int64)


def signs_beside(usual: Float, length: float, openings: PageIds, scores: Float, maxsim: float) -> Signs:
    """``signs_of``, where it is known what a sample of pages gets. usual: their MaxSim over means, (n,)."""
    others = np.flatnonzero(openings != openings[0])
    usual = usual / length
    return Signs(
        score=float(scores[0]) / length,
        gap=float(scores[0] - scores[1]) / length,
        document_gap=float(scores[0] - scores[others[0] if len(others) else -1]) / length,
        deviation=float((maxsim / length - usual.mean()) / max(float(usual.std()), 1e-4)),
    )


def _probability(model: tuple[float, ...], values: NDArray[np.float64]) -> float:
    logit = model[0] + float(np.dot(model[1:], values))
    return 1 / (1 + math.exp(-min(max(logit, -30), 30)))

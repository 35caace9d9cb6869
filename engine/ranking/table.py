"""Which terms a model has: name, weight, reason, and what each was measured to bring.

Intervals: nDCG@5 over 243 questions, on sample_docs and on two collections of third-party documents, of the one term added to
MaxSim against MaxSim alone, with paired 95% bootstrap intervals. What all of them bring together is in ARCHITECTURE.
"""

from __future__ import annotations

import math
from functools import lru_cache

from pagesight.engine.models.table import spec_of
from pagesight.engine.ranking import terms
from pagesight.engine.ranking.score import MAXSIM_ALONE, Ranking
from pagesight.engine.ranking.terms import FULL_PAGE, Term

MULTILINGUAL_E5 = Ranking(
    (
        Term(
            name="length",
            weight=-0.003 * math.log(FULL_PAGE),
            values=terms.length,
            reason="of more words the best one is better by chance, so long pages win too often",
            interval="+0.004 [-0.002, +0.011]",
        ),
        Term(
            name="words",
            weight=0.03,
            values=terms.words,
            reason="among pages about the same, those that use the question's own words",
            interval="+0.008 [-0.002, +0.020]",
        ),
        Term(
            name="identifiers",
            weight=0.05,
            values=terms.identifiers,
            reason="a vector knows no part number or date; OCR runs them together, and people write them otherwise",
            interval="+0.008 [0.000, +0.021]",
        ),
    ),
    calibration="multilingual-e5-small",
)
# What was not measured keeps MaxSim: models that see pages were published with it.
RANKINGS = {"multilingual-e5-small": MULTILINGUAL_E5}


@lru_cache
def ranking_of(model: str) -> Ranking:
    """By the model's name, or the folder with its files; of any other MaxSim alone."""
    spec = spec_of(model)
    return MAXSIM_ALONE if spec is None else RANKINGS.get(spec.name, MAXSIM_ALONE)

"""Which terms a model has: name, weight, reason, and what each was measured to bring.

Weights and intervals: nDCG@5 over the questions of sample_docs and of two collections of third-party documents (see
ARCHITECTURE), the one term against MaxSim alone, with paired 95% bootstrap intervals.
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
            weight=-0.005 * math.log(FULL_PAGE),
            values=terms.length,
            reason="of more words the best one is better by chance, so long pages win too often",
            interval="to be measured",
        ),
        Term(
            name="words",
            weight=0.03,
            values=terms.words,
            reason="among pages about the same, those that use the question's own words",
            interval="to be measured",
        ),
        Term(
            name="identifiers",
            weight=0.05,
            values=terms.identifiers,
            reason="a vector knows no part number, and OCR runs it into its neighbours",
            interval="to be measured",
        ),
    )
)
# What was not measured keeps MaxSim: models that see pages were published with it.
RANKINGS = {"multilingual-e5-small": MULTILINGUAL_E5}


@lru_cache
def ranking_of(model: str) -> Ranking:
    """By the model's name, or the folder with its files; of any other MaxSim alone."""
    spec = spec_of(model)
    return MAXSIM_ALONE if spec is None else RANKINGS.get(spec.name, MAXSIM_ALONE)

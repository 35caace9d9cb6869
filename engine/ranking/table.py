"""Which terms a model has: name, weight, reason, and what each was measured to bring."""

from __future__ import annotations

from pagesight.engine.ranking import terms
from pagesight.engine.ranking.score import MAXSIM_ALONE, Ranking
from pagesight.engine.ranking.terms import Term

OF_WORD_MODELS = Ranking(
    (
        Term(
            name="length",
            weight=-0.0228,
            values=terms.length,
            reason="a long page has more words to match by chance",
            interval="",
        ),
        Term(
            name="words",
            weight=0.02,
            values=terms.words,
            reason="the very words of the question",
            interval="",
        ),
        Term(
            name="identifiers",
            weight=0.02,
            values=terms.identifiers,
            reason="numbers and names",
            interval="",
        ),
    )
)
# Models that see pages keep the score they were published with.
RANKINGS = {"multilingual-e5-small": OF_WORD_MODELS, "all-MiniLM-L6-v2": OF_WORD_MODELS}


def ranking_of(model: str) -> Ranking:
    """By the model's name; of any other MaxSim alone."""
    return RANKINGS.get(model, MAXSIM_ALONE)

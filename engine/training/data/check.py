"""Everything that is wrong with training data, before anything starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pagesight.engine.training.data.sources import Source
from pagesight.storage.errors import BadTrainingData

SHOWN = 20


def check(sources: Sequence[Source]) -> None:
    """Raise BadTrainingData with all ``problems``, if there are any."""
    if found := problems(sources):
        raise BadTrainingData(found)


def problems(sources: Sequence[Source]) -> list[str]:
    """What is wrong, by file and line: of each source the first 20 faults, and how many more; empty if nothing is.

    Reads every example once, pictures no further than their header.
    """
    names = Counter(source.name for source in sources)
    twice = [f"{n} sources are named {name!r}; give each a name of its own" for name, n in names.items() if n > 1]
    return twice + [fault for source in sources for fault in source.problems(SHOWN)]

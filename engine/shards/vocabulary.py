"""The words of all shards together, for slips of the pen (engine.typed.spelling)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pagesight.engine.shards.cluster import Round


class Vocabulary:
    """What reading a question asks of an index."""

    def __init__(self, asking: Round) -> None:
        self._asking = asking
        self._n_findable: int | None = None

    def page_ids(self) -> range:
        """As many as there are pages that can be found."""
        if self._n_findable is None:
            self._ask((), ())
        return range(self._n_findable or 0)

    def vocabulary(self, prefixes: Sequence[str], terms: Sequence[str] = ()) -> dict[str, int]:
        return dict(self._ask(prefixes, terms))

    def spelt(self, term: str) -> str:
        """As the first page spells it that has the term, in the order of content."""
        answers = [answer for answer in self._asking.all("spelt", {"term": term}) if answer and answer["key"]]
        return str(min(answers, key=lambda answer: answer["key"])["spelt"]) if answers else term

    def _ask(self, prefixes: Sequence[str], terms: Sequence[str]) -> Counter[str]:
        found, self._n_findable = Counter[str](), 0
        for answer in self._asking.all("vocabulary", {"prefixes": list(prefixes), "terms": list(terms)}):
            if answer is not None:
                found.update(answer["terms"])
                self._n_findable += answer["n_findable"]
        return found

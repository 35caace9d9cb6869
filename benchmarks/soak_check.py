"""What the soak's index holds at each generation, and what is right to answer then: plain Python, and none of the store's code.

The log has a line for each commit that changes what is in the index: the generation it made, and what it put or removed.
Generations between two lines (of optimizing, of examining) hold what the last line left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pagesight.engine.models.hashing import HashingEncoder

K = 5
ROUNDING = 0.012  # of a query token's best dot product: 8 bits a component of what is stored, 15 of what is asked
FILTERS: dict[str, Callable[[str, int], bool]] = {
    'folder = "a"': lambda document, _: document.startswith("a/"),
    "page = 1": lambda _, page: page == 1,
    'page > 1 and not document ~ "c/*"': lambda document, page: page > 1 and not document.startswith("c/"),
    "page = 77": lambda _, page: page == 77,
}
HASHING = HashingEncoder()


@dataclass(frozen=True, slots=True)
class Stored:
    """A document of one state. first_id: of its first page."""

    sha256: str
    texts: tuple[str, ...]
    first_id: int


@dataclass(slots=True)
class Expected:
    """The index as the log says it is."""

    generation: int = 0
    documents: dict[str, Stored] = field(default_factory=dict)
    next_page_id: int = 1  # ids are never used again

    def apply(self, line: dict[str, Any]) -> None:
        self.generation = line["generation"]
        for name in line.get("removed", ()):
            del self.documents[name]
        if "put" in line:
            texts = tuple(line["texts"])
            self.documents[line["put"]] = Stored(line["sha256"], texts, self.next_page_id)
            self.next_page_id += len(texts)

    def pages(self, filters: str | None) -> Iterator[tuple[str, int, str]]:
        """(document, page number, text) of pages that fit."""
        for name, stored in self.documents.items():
            for number, text in enumerate(stored.texts, start=1):
                if filters is None or FILTERS[filters](name, number):
                    yield name, number, text

    def problem(self, answer: dict[str, Any]) -> str | None:
        """What is wrong with an answer, given by this state; None if nothing is.

        The usual search may miss pages of many, but not the best one, if that is better than all others by more than rounding.
        """
        words = answer["query"].split()
        scores = {(name, number): score(words, text) for name, number, text in self.pages(answer["filters"])}
        room, hits = ROUNDING * len(words), answer["hits"]
        best = sorted(scores.values(), reverse=True)[: K + 1]
        if len(hits) != min(K, len(scores)):
            return f"{len(hits)} hits of {len(scores)} pages"
        for name, number, given, page_id, sha256 in hits:
            stored = self.documents.get(name)
            if stored is None or (name, number) not in scores:
                return f"{name}:{number} is not there, or not allowed"
            if sha256 != stored.sha256 or page_id != stored.first_id + number - 1:
                return f"{name}:{number} is another version of the document"
            if abs(given - scores[name, number]) > room:
                return f"{name}:{number} scores {scores[name, number]:.4f}, not {given:.4f}"
        order = [(-hit[2], hit[3]) for hit in hits]
        if order != sorted(order) or len(set(order)) != len(order):
            return "the hits are out of order"
        if hits and answer["exact"] and hits[-1][2] < best[len(hits) - 1] - 2 * room:
            return "a better page is missing"
        if hits and (len(best) == 1 or best[0] - best[1] > 2 * room) and hits[0][2] < best[0] - 2 * room:
            return "the best page is missing"
        return None


@cache
def _vector(word: str) -> tuple[float, ...]:
    (encoded,) = HASHING.encode_queries([word])
    return tuple(encoded.tokens[0].tolist())


@cache
def _dot(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(_vector(one), _vector(other), strict=True))


@cache
def _best(word: str, text: str) -> float:
    return max(_dot(word, other) for other in text.split())


def score(words: Iterable[str], text: str) -> float:
    """MaxSim, by its definition."""
    return sum(_best(word, text) for word in words)


def wrong_answers(log: Iterable[dict[str, Any]], answers: Iterable[dict[str, Any]]) -> Iterator[str]:
    """What is wrong with each of these answers that is not as the state of its generation has it."""
    lines, expected, seen = sorted(log, key=lambda line: line["generation"]), Expected(), 0
    for answer in sorted(answers, key=lambda answer: answer["generation"]):
        while seen < len(lines) and lines[seen]["generation"] <= answer["generation"]:
            expected.apply(lines[seen])
            seen += 1
        if problem := expected.problem(answer):
            yield f"generation {answer['generation']}, {answer['query']!r}, {answer['filters']}: {problem}"

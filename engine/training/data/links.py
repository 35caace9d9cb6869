"""Which examples of a source may not share a batch, told by hashes of their pieces; the examples stay where they are."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.training.data.examples import Example, piece_key
from pagesight.engine.training.data.sources import Source

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Hashes (64 bits) of the pieces of each example i of a source, in order.

    queries: (n,). positives: (n_p,), those of i are positives[first_positive[i]:first_positive[i + 1]]; negatives likewise.
    by_query: (n,) rows in order of their query's hash: a query that occurs in several rows has the positives of all.
    8 bytes a piece and 32 a row in memory.
    """

    queries: Keys
    positives: Keys
    negatives: Keys
    first_positive: Rows
    first_negative: Rows
    by_query: Rows

    @classmethod
    def of(cls, source: Source) -> Self:
        """Read every example of a source once. Raises BadTrainingData."""
        queries, positives, negatives = array("Q"), array("Q"), array("Q")
        first_positive, first_negative = array("q", [0]), array("q", [0])
        for i in range(len(source)):
            example = source[i]
            queries.append(piece_key(example.query))
            positives.extend(map(piece_key, example.positives))
            negatives.extend(map(piece_key, example.negatives))
            first_positive.append(len(positives))
            first_negative.append(len(negatives))
        of_queries = np.array(queries, np.uint64)
        return cls(
            of_queries,
            np.array(positives, np.uint64),
            np.array(negatives, np.uint64),
            np.array(first_positive, np.int64),
            np.array(first_negative, np.int64),
            np.argsort(of_queries, kind="stable"),
        )

    def positives_of(self, i: int) -> list[int]:
        keys: list[int] = self.positives[self.first_positive[i] : self.first_positive[i + 1]].tolist()
        return keys

    def negatives_of(self, i: int) -> list[int]:
        keys: list[int] = self.negatives[self.first_negative[i] : self.first_negative[i + 1]].tolist()
        return keys

    def answers_of(self, i: int) -> set[int]:
        """Every positive of this example's query, in whatever row."""
        first, last = (int(np.searchsorted(self.queries, self.queries[i], side, self.by_query)) for side in _SIDES)
        return {key for row in self.by_query[first:last].tolist() for key in self.positives_of(row)}


class Company:
    """The examples of a batch that is being made, and whether another fits in with them."""

    def __init__(self) -> None:
        self._answers: set[int] = set()  # known positives of the batch's queries
        self._pieces: set[int] = set()  # positives and negatives that are in the batch

    def admits(self, answers: set[int], pieces: Iterable[int]) -> bool:
        """Whether no piece would be taken for wrong where it is known to be right.

        answers: known positives of the query. pieces: positives and negatives of the example. An example with a query that
        is in the batch does not fit: its positives are among that query's answers.
        """
        return self._answers.isdisjoint(pieces) and self._pieces.isdisjoint(answers)

    def add(self, answers: set[int], pieces: Iterable[int]) -> None:
        self._answers |= answers
        self._pieces.update(pieces)


def with_negatives(example: Example, kept: Iterable[int]) -> Example:
    """The example with only those of its negatives, by their place."""
    negatives = tuple(example.negatives[place] for place in kept)
    return Example(example.query, example.positives, negatives, example.grade, example.where)

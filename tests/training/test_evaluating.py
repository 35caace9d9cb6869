"""What is asked of held-out examples, and how many of them are in memory."""

from dataclasses import dataclass

import torch

from pagesight.engine.training import evaluating
from pagesight.engine.training.data.examples import Example, Text
from pagesight.engine.training.evaluating import Evaluation
from pagesight.engine.training.late import Ragged
from pagesight.engine.training.trainer import Encoded


@dataclass
class Held:
    """A source of these examples."""

    examples: list[Example]
    name: str = "held"
    kind: str = "text"

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, i):
        return self.examples[i]


class Words:
    """A collator whose rows are texts; counts those that were made and not encoded yet."""

    waiting = most = 0

    def row(self, piece, prompt, where=""):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        return piece.text

    def batch(self, rows):
        self.waiting -= len(rows)
        return rows


def alike(rows):
    """Every text is like every other."""
    ones = torch.ones(len(rows), 4) / 2
    return Encoded(ones, Ragged(ones, torch.ones(len(rows), dtype=torch.int64)))


def scores(examples, collator):
    return Evaluation([Held(examples)], collator, metric="nDCG@10", size=200)(alike).all


def test_a_question_of_several_rows_is_asked_once_and_answered_by_all_of_them():
    rows = [Example(Text("q"), (Text("a"),)), Example(Text("q"), (Text("b"),), (Text("a "),))]
    assert scores(rows, Words()) == {"nDCG@10_late": 1.0, "nDCG@10_dense": 1.0}


def test_not_all_pictures_are_in_memory_at_once(monkeypatch):
    monkeypatch.setattr(evaluating, "PIECES_AT_ONCE", 3)
    collator = Words()
    found = scores([Example(Text(f"q{i}"), (Text(f"a{i}"),)) for i in range(10)], collator)
    assert collator.most == 3
    assert 0 < found["nDCG@10_late"] < 1

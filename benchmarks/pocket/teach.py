"""What the pocket model is to say of words: the default model's vectors of the passages, word by word, in their context.

    python -m benchmarks.pocket.teach WORK [--passages 8000]

Shards WORK/taught/NNNN.npz, which can be used while later ones are made. Vectors are centred and turned to their main
directions (PCA of the first shard): 128 for a word, 256 for a passage or question as a whole, the widths of the pocket model.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.content import PageContent
from pagesight.storage.values import PageWords

Float = NDArray[np.float32]
WORD_DIM, SINGLE_DIM = 128, 256
SHARD = 250  # passages
OPENINGS = ("what is {}", "how does {} work", "{}", "{}", "{}", "which {} are there", "when was {}", "{} explained", "where is {}",
            "why {}", "how many {}", "table of {}", "who {}", "{} overview", "how to {}")  # fmt: skip
QUERIES = 3  # of a passage


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--passages", type=int, default=8_000)
    arguments = parser.parse_args()
    lines = (arguments.work / "passages.jsonl").read_text().splitlines()
    train = [row["text"] for row in map(json.loads, lines) if row["split"] == "train"]
    random.Random(7).shuffle(train)
    folder = arguments.work / "taught"
    folder.mkdir(exist_ok=True)
    teacher = Teacher(folder)
    for number in range(arguments.passages // SHARD):
        path = folder / f"{number:04}.npz"
        if not path.exists():
            teacher.shard(train[number * SHARD : (number + 1) * SHARD], path, number)
            print(path, flush=True)


class Teacher:
    """The default model, asked for the vectors of words."""

    def __init__(self, folder: Path) -> None:
        from pagesight.engine.models import load_model

        self.model: Any = load_model("multilingual-e5-small")
        self._basis = folder / "basis.npz"

    def words(self, texts: Sequence[str]) -> list[tuple[Float, Float]]:
        """Of each text the vectors of its words (n, 384) and of the whole (384,), read as pages are."""
        pages = []
        for text in texts:
            words = text.split()
            boxes = np.tile(np.array([0, 0, 1, 1], np.float32), (len(words), 1))
            pages.append(
                PageContent(
                    number=1, width_pt=100, height_pt=100, words=PageWords(tuple(words), boxes), text_source="text"
                )
            )
        found = self.model.encode_pages(pages)
        return [(one.tokens, one.single) for one in found]

    def queries(self, texts: Sequence[str]) -> list[tuple[Float, Float]]:
        """The same of questions, which the model knows by another prefix."""
        result = []
        for text, query in zip(texts, self.model.encode_queries(texts), strict=True):
            owner = np.repeat(
                np.arange(len(text.split())), [len(self.model._tokenizer.pieces(word)) for word in text.split()]
            )
            rows = query.tokens / np.linalg.norm(query.tokens, axis=1, keepdims=True)
            sums = np.zeros((len(text.split()), rows.shape[1]), np.float32)
            np.add.at(sums, owner, rows)
            result.append((sums, query.single))
        return result

    def basis(self, words: Float | None = None, singles: Float | None = None) -> dict[str, Float]:
        """mean and directions of words and of wholes; made from the vectors given if it is not there yet."""
        if not self._basis.exists():
            assert words is not None
            assert singles is not None
            made = {}
            for name, rows, dim in (("word", words, WORD_DIM), ("single", singles, SINGLE_DIM)):
                mean = rows.mean(axis=0)
                made[f"{name}_mean"] = mean
                made[f"{name}_directions"] = np.linalg.svd(rows - mean, full_matrices=False)[2][:dim].T
            np.savez(self._basis, **made)
        return dict(np.load(self._basis))

    def shard(self, texts: Sequence[str], path: Path, seed: int) -> None:
        chance = random.Random(seed)
        texts = [text for text in texts if not re.search(r"[^\x00-\u024f\u2010-\u2122]", text)]
        read = self.words(texts)
        asked = [question(text, chance) for text in texts for _ in range(QUERIES)]
        answers = self.queries(asked)
        words, singles = [one for one, _ in read], np.array([one for _, one in read])
        basis = self.basis(np.concatenate(words), np.concatenate([singles, [single for _, single in answers]]))
        for text, one in zip(texts, words, strict=True):
            assert len(text.split()) == len(one), text
        turn = lambda rows, name: turned(rows, basis, name).astype(np.float16)  # noqa: E731
        part = path.with_suffix(".part.npz")
        np.savez(
            part,
            texts=np.array(texts),
            words=turn(np.concatenate(words), "word"),
            singles=turn(singles, "single"),
            queries=np.array(asked),
            query_words=turn(np.concatenate([one for one, _ in answers]), "word"),
            query_singles=turn(np.array([one for _, one in answers]), "single"),
        )
        part.rename(path)


def question(text: str, chance: random.Random) -> str:
    """Some neighbouring words of a passage, in the form of a question or as they are: long ones, which say more, are likelier."""
    words = [word.strip(".,;:()[]\"'") for word in text.split()]
    words = [word for word in words if any(map(str.isalnum, word))] or ["nothing"]
    length = min(len(words), chance.choice((1, 2, 3, 3, 4, 5, 6, 8, 10)))
    starts = [chance.randrange(len(words) - length + 1) for _ in range(4)]
    start = max(starts, key=lambda at: len("".join(words[at : at + length])))
    return chance.choice(OPENINGS).format(" ".join(words[start : start + length]))


def turned(rows: Float, basis: dict[str, Float], name: str) -> Float:
    """Centred, turned to the main directions, of unit length."""
    result = (rows / np.linalg.norm(rows, axis=-1, keepdims=True) - basis[f"{name}_mean"]) @ basis[f"{name}_directions"]
    return np.asarray(result / np.maximum(np.linalg.norm(result, axis=-1, keepdims=True), 1e-9), np.float32)


if __name__ == "__main__":
    main()

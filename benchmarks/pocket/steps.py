"""What a step of learning to read is made of: drawn pages, texts and questions, with the teacher's vectors of their words."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.pocket.drawing import Drawer, targets
from benchmarks.pocket.teach import question

# Tokens, and how often; multiples of the vision windows. Most are small: the last one is for places far down a real page.
SHAPES = {(8, 16): 0.2, (8, 24): 0.25, (16, 16): 0.2, (16, 24): 0.3, (32, 24): 0.05}
TOKENS = 384  # of a step's pictures: many small steps learn letters sooner than few large ones
N_PASSAGES, PASSAGE_WORDS, N_QUERIES = 2, 40, 6  # of a step's texts
TEXTS_EVERY = 3  # steps: texts are learnt sooner than pictures
SENSE = 0.4  # of the pages are passages, the others words in no order
N_OTHERS = 2_000  # words from elsewhere to be told apart
N_ASKED = 6  # questions about a step's pages
BENT = 0.6  # of the pages
EASY_FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "LiberationSans-Regular.ttf", "LiberationSerif-Regular.ttf")


@dataclass(eq=False)
class Step:
    """What one step learns from. The targets of tokens are rows of ``vectors``."""

    pictures: list[tuple[NDArray[np.uint8], NDArray[np.int64], int, int]]  # pixels, letters, rows, columns
    shown: NDArray[np.float32]  # (n, 4): picture, token, row of vectors, share
    picture_singles: NDArray[np.float32]
    texts: list[tuple[str, str]]  # prompt, text
    said: list[NDArray[np.int64]]  # of each text, the rows of vectors of its words
    text_singles: NDArray[np.float32]
    vectors: NDArray[np.float32]
    kinds: NDArray[np.int64]  # of each vector, a number for the word as it is written
    asked: list[tuple[str, int]]  # a question, the picture that has its words


class Materials(torch.utils.data.IterableDataset[Step]):
    """Steps without end, from all shards that are there by now."""

    def __init__(self, work: Path, seed: int) -> None:
        self.work, self.seed, self.hard = work, seed, torch.zeros(1).share_memory_()

    def __iter__(self) -> Iterator[Step]:
        chance = np.random.default_rng(self.seed)
        fonts = json.loads((self.work / "fonts.json").read_text())["seen"]
        np.random.default_rng(5).shuffle(fonts)
        fonts.sort(key=lambda path: Path(path).name not in EASY_FONTS)
        shards = Shards(self.work / "taught")
        drawer = Drawer(fonts, chance)
        drawer.bent = BENT
        for number in range(10**9):
            if number % 200 == 0:
                shards.look()
            drawer.hard = float(self.hard)
            drawer.soil = 0.4 * drawer.hard
            drawer.faces = min(1.0, 2 * drawer.hard)
            yield self._step(shards, drawer, chance, texts_too=number % TEXTS_EVERY == 0)

    def _step(self, shards: Shards, drawer: Drawer, chance: np.random.Generator, *, texts_too: bool) -> Step:
        rows, columns = list(SHAPES)[int(chance.choice(len(SHAPES), p=list(SHAPES.values())))]
        pictures, shown, picture_singles, texts, said, text_singles = [], [], [], [], [], []
        shown_texts: list[list[str]] = []
        pool = _Pool()
        for _ in range(max(1, TOKENS // (rows * columns))):
            passages = [shards.passage(chance) for _ in range(2 + rows * columns // 100)]
            if chance.random() > SENSE:  # without sense there is no single vector to meet
                passages = [(*shards.words(chance, len(words)), 0 * single) for words, _, single in passages]
            drawn = drawer.page([words for words, _, _ in passages], rows, columns)
            if not len(drawn.words):
                continue
            places = {p: pool.add(words, vectors) for p, (words, vectors, _) in enumerate(passages)}
            owners = drawn.words[:, :2].astype(int)
            found = np.array([places[p] + w for p, w in owners])
            for token, word, share in targets(drawn.words, rows, columns):
                shown.append((len(pictures), token, found[int(word)], share))
            shown_texts.append(
                [" ".join(words[: (owners[:, 0] == p).sum()]) for p, (words, _, _) in enumerate(passages)]
            )
            visible = np.bincount(owners[:, 0], minlength=len(passages))[:, None]
            single = (visible * np.array([one for _, _, one in passages])).sum(axis=0)
            picture_singles.append(single / max(float(np.linalg.norm(single)), 1e-6))
            pictures.append((drawn.pixels, drawn.letters, rows, columns))
        for _ in range(N_PASSAGES if texts_too else 0):
            words, vectors, single = shards.passage(chance)
            start = int(chance.integers(max(1, len(words) - PASSAGE_WORDS)))
            words, vectors = words[start : start + PASSAGE_WORDS], vectors[start : start + PASSAGE_WORDS]
            texts.append(("passage", " ".join(words)))
            said.append(pool.add(words, vectors) + np.arange(len(words)))
            text_singles.append(single)
        for _ in range(N_QUERIES if texts_too else 0):
            words, vectors, single = shards.query(chance)
            texts.append(("query", " ".join(words)))
            said.append(pool.add(words, vectors) + np.arange(len(words)))
            text_singles.append(single)
        pool.add(*shards.words(chance, N_OTHERS))
        dice = random.Random(int(chance.integers(2**62)))
        asked = [
            (question(dice.choice([text for text in shown_texts[picture] if text]), dice), picture)
            for picture in (int(chance.integers(len(pictures))) for _ in range(N_ASKED if pictures else 0))
        ]
        return Step(
            pictures, np.array(shown, np.float32).reshape(-1, 4), np.array(picture_singles, np.float32), texts, said,
            np.array(text_singles, np.float32), *pool.arrays(), asked,
        )  # fmt: skip


class _Pool:
    """The vectors of a step."""

    def __init__(self) -> None:
        self._vectors: list[NDArray[np.float32]] = []
        self._kinds: list[int] = []

    def add(self, words: list[str], vectors: NDArray[np.float16]) -> int:
        first = len(self._kinds)
        self._vectors.append(np.asarray(vectors, np.float32))
        self._kinds += [hash(plain(word)) for word in words]
        return first

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return np.concatenate(self._vectors), np.array(self._kinds, np.int64)


def plain(word: str) -> str:
    """A word without case and punctuation."""
    return word.lower().strip(".,;:()[]\"'?!")


def _means(said: list[tuple[list[str], Any, Any]]) -> dict[str, NDArray[np.float32]]:
    """The vector of each word, of unit length."""
    numbers: dict[str, int] = {}
    which = [numbers.setdefault(plain(word), len(numbers)) for words, _, _ in said for word in words]
    sums = np.zeros((len(numbers), said[0][1].shape[1]), np.float32)
    np.add.at(sums, which, np.concatenate([vectors for _, vectors, _ in said]).astype(np.float32))
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
    return {word: sums[number] for word, number in numbers.items()}


class Shards:
    """What the teacher said so far, by chance. A word's vector is the mean of all its occurrences: what a word looks like says
    nothing of its neighbours, and a network that has to guess them does not learn to spell.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: set[str] = set()
        self._passages: list[tuple[list[str], Any, Any]] = []
        self._queries: list[tuple[list[str], Any, Any]] = []

    def look(self) -> None:
        new = [path for path in sorted(self.folder.glob("[0-9]*.npz")) if path.name not in self._names]
        if not new:
            return
        passages: list[tuple[list[str], Any, Any]] = []
        queries: list[tuple[list[str], Any, Any]] = []
        self._names |= {path.name for path in new}
        for name in sorted(self._names):
            shard = np.load(self.folder / name)
            for kind, into in (("", passages), ("query_", queries)):
                texts = [text.split() for text in (shard["texts"] if not kind else shard["queries"]).tolist()]
                ends = np.cumsum([len(words) for words in texts])[:-1]
                vectors = np.split(shard[f"{kind}words"], ends)
                into.extend(zip(texts, vectors, shard[f"{kind}singles"].astype(np.float32), strict=True))
        means = _means([*passages, *queries])
        self._passages, self._queries = (
            [(words, np.array([means[plain(word)] for word in words], np.float16), single) for words, _, single in kept]
            for kept in (passages, queries)
        )
        counts = Counter(word for words, _, _ in passages for word in words)
        self._forms = list(counts)
        self._form_vectors = np.array([means[plain(word)] for word in self._forms], np.float16)
        often = np.sqrt(np.array(list(counts.values()), np.float64))
        self._up_to = np.cumsum(often / often.sum())

    def passage(self, chance: np.random.Generator) -> tuple[list[str], Any, Any]:
        return self._passages[int(chance.integers(len(self._passages)))]

    def words(self, chance: np.random.Generator, n: int) -> tuple[list[str], Any]:
        """Words as they are written somewhere, each as often as the root of how often it is there: rare ones teach to spell."""
        found = np.minimum(np.searchsorted(self._up_to, chance.random(n)), len(self._forms) - 1)
        return [self._forms[i] for i in found], self._form_vectors[found]

    def query(self, chance: np.random.Generator) -> tuple[list[str], Any, Any]:
        return self._queries[int(chance.integers(len(self._queries)))]

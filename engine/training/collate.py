"""From examples to what a step gives to the network, prepared while the network works on the step before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pagesight.engine.models.jina_v4.inputs import Inputs, Row
from pagesight.engine.models.jina_v4.model import Batch
from pagesight.engine.training.data.examples import Example, Piece, Text
from pagesight.engine.training.data.sampler import Batch as Drawn
from pagesight.engine.training.data.sampler import Batches
from pagesight.storage.errors import BadInput, BadTrainingData

CPU = torch.device("cpu")
AHEAD = 2  # steps that are ready before they are asked for


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Queries, or documents, in chunks that go through the network at once; on the CPU."""

    chunks: tuple[Batch, ...]

    @property
    def n_tokens(self) -> int:
        """Padding not counted."""
        return sum(int(chunk.attention_mask.sum()) for chunk in self.chunks)

    def __len__(self) -> int:
        return sum(len(chunk.input_ids) for chunk in self.chunks)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A batch from one source. pictures: answers are. documents: of each query its positive, in order, then all negatives.

    grades: (n,) float32, of graded pairs, whose documents are the second halves; None for the others.
    """

    source: str
    pictures: bool
    queries: Side
    documents: Side
    grades: Tensor | None
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one step learns from: a batch of texts, one of pictures, or both. number: from 0."""

    number: int
    text: Rows | None
    pictures: Rows | None

    @property
    def halves(self) -> tuple[Rows, ...]:
        """Those that are there, texts first."""
        return tuple(half for half in (self.text, self.pictures) if half is not None)


class Collator:
    """Makes rows of the network from examples. One way to write prompts and cut patches: that of ``Inputs``."""

    def __init__(self, inputs: Inputs, *, task: str, max_pixels: int | None, max_tokens: int, chunk: int = 0) -> None:
        """chunk: rows that go through the network at once, 0 is all."""
        self._inputs, self._task = inputs, task
        self._max_pixels, self._max_tokens, self._chunk = max_pixels, max_tokens, chunk
        self._told = False  # that a text was cut: the first is named, not each of thousands

    def rows(self, drawn: Drawn, rng: np.random.Generator) -> Rows:
        """A batch. Of several positives one is drawn."""
        examples = drawn.examples
        graded = drawn.kind == "graded"
        positives = [
            example.positives[int(rng.integers(len(example.positives))) if len(example.positives) > 1 else 0]
            for example in examples
        ]
        negatives = [(piece, example) for example in examples for piece in example.negatives]
        queries = [self.row(example.query, "query", example.where) for example in examples]
        documents = [
            self.row(piece, "passage", example.where)
            for piece, example in [*zip(positives, examples, strict=True), *negatives]
        ]
        grades = torch.tensor([float(example.grade or 0.0) for example in examples]) if graded else None
        return Rows(
            drawn.source_name, drawn.kind == "pictures", self.side(queries), self.side(documents), grades, examples
        )

    def row(self, piece: Piece, prompt: str, where: str = "") -> Row:
        """Raises BadTrainingData for what cannot be encoded, with its file and line."""
        try:
            if isinstance(piece, Text):
                limit = self._max_tokens
                row = self._inputs.text(piece.text, prompt=prompt, task=self._task, max_tokens=limit, quiet=self._told)
                self._told |= len(row) == limit and not "".join(row.token_texts).endswith(piece.text)
                return row
            return self._inputs.picture(piece.open(), max_pixels=self._max_pixels)
        except BadInput as error:
            raise BadTrainingData([f"{where}: {error}" if where else str(error)]) from error

    def side(self, rows: list[Row]) -> Side:
        size = self._chunk or len(rows)
        return Side(tuple(self.batch(rows[start : start + size]) for start in range(0, len(rows), size)))

    def batch(self, rows: list[Row]) -> Batch:
        """Rows as the network takes them, on the CPU."""
        return self._inputs.batch(rows, [row.patches() for row in rows if row.patches is not None], CPU)


class Steps(Iterator[Step]):
    """Steps without end. ``state_dict`` is that after the last step that was taken, however many are ready."""

    def __init__(self, collator: Collator, text: Batches | None, pictures: Batches | None, *, seed: int) -> None:
        assert text or pictures
        self._collator, self._seed = collator, seed
        self._streams = {
            name: stream for name, stream in (("text", text), ("pictures", pictures)) if stream is not None
        }
        self._number = 0
        self._state = self._now()
        self._ready: queue.Queue[tuple[Step, dict[str, Any]] | BaseException] | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Step:
        if self._ready is None:
            self._ready = queue.Queue(AHEAD)
            self._thread = threading.Thread(target=self._work, args=(self._ready,), name="steps", daemon=True)
            self._thread.start()
        found = self._ready.get()
        if isinstance(found, BaseException):
            raise found
        step, self._state = found
        return step

    def make(self) -> Step:
        """The next step, made now and here."""
        rng = np.random.default_rng([self._seed, self._number])
        halves = {name: self._collator.rows(next(stream), rng) for name, stream in self._streams.items()}
        self._number += 1
        return Step(self._number - 1, halves.get("text"), halves.get("pictures"))

    def state_dict(self) -> dict[str, Any]:
        """JSON."""
        return self._state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Before the first step is taken. Raises ConfigError if the data are others."""
        assert self._ready is None, "steps are being made already"
        for name, stream in self._streams.items():
            stream.load_state_dict(state["streams"][name])
        self._number = int(state["number"])
        self._state = self._now()

    def close(self) -> None:
        """Stop making steps."""
        self._stop.set()
        if self._ready is not None and self._thread is not None:
            while self._thread.is_alive():
                try:
                    self._ready.get(timeout=0.05)
                except queue.Empty:
                    continue

    def _now(self) -> dict[str, Any]:
        return {
            "number": self._number,
            "streams": {name: stream.state_dict() for name, stream in self._streams.items()},
        }

    def _work(self, ready: queue.Queue[tuple[Step, dict[str, Any]] | BaseException]) -> None:
        while not self._stop.is_set():
            try:
                ready.put((self.make(), self._now()))
            except BaseException as error:  # it belongs to who takes the step
                ready.put(error)
                return

"""Batches: each from one source, with nothing in it that would be taken for wrong and is known to be right."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pagesight.engine.training.data.examples import Example
from pagesight.engine.training.data.links import Company, Links, with_negatives
from pagesight.engine.training.data.sources import Kind, Source
from pagesight.storage.errors import BadTrainingData, ConfigError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """A rank's share of a batch; with drop_last=False it may be smaller than asked for, or empty, at an epoch's end."""

    source_name: str
    kind: Kind
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A batch before it is read. rows: of the source, for all ranks. negatives: places of those that are used, a row."""

    source: int
    rows: tuple[int, ...]
    negatives: tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class _Position:
    """Where a source is in its epoch. waiting: rows that were passed over, oldest first."""

    epoch: int = 0
    next: int = 0
    waiting: deque[int] = field(default_factory=deque)


class Batches(Iterator[Batch]):
    """An iterator of batches, without end unless ``epochs`` is given.

    batch_size: examples of all ranks together. weights: how often each source is drawn, relative to the others; None:
    by its size. n_negatives: at most so many of an example's negatives are used, drawn anew each epoch.
    rank, world: each of ``world`` processes draws the same batches, and reads its own consecutive share of each.
    epochs: a source that was gone through so often is drawn no more. drop_last: what is left of a source at the end of its
    epoch and fills no batch is left out, and said once; False makes smaller batches of it.

    An example comes once in each epoch of its source. No two of a batch have the same query, or a positive in common, and
    none has a positive or negative that is a known positive of another's query; an example that does not fit comes in a later
    batch. A negative that another row knows as a positive of the same query is not used. Graded pairs are exempt.
    Making it reads every example once. Raises ConfigError, BadTrainingData.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        weights: Sequence[float] | None,
        batch_size: int,
        *,
        seed: int,
        n_negatives: int = 0,
        rank: int = 0,
        world: int = 1,
        epochs: int | None = None,
        drop_last: bool = True,
    ) -> None:
        if not sources or any(not len(source) for source in sources):
            raise ConfigError("batches need sources, each with one example at least")
        if batch_size < 1 or batch_size % world or not 0 <= rank < world:
            raise ConfigError(f"a batch of {batch_size} examples cannot be shared by {world} processes (rank {rank})")
        if epochs is not None and epochs < 1:
            raise ConfigError(f"epochs must be at least 1, not {epochs}")
        self.batch_size, self.n_negatives = batch_size, n_negatives
        self._sources, self._weights = tuple(sources), _checked(weights, sources)
        self._seed, self._rank, self._world = seed, rank, world
        self._epochs, self._drop_last = epochs, drop_last
        self._links = [None if source.kind == "graded" else Links.of(source) for source in sources]
        self._positions = [_Position() for _ in sources]
        self._order: list[tuple[int, np.ndarray] | None] = [None for _ in sources]  # epoch, rows
        self._rng = np.random.default_rng(seed)
        self._said: set[int] = set()

    def __next__(self) -> Batch:
        return self.read(self.draw())

    def draw(self) -> Drawn:
        """The next batch, not read yet: ``state_dict`` afterwards is that after this batch. Raises StopIteration."""
        while True:
            weights = self._weights * [self._open(position) for position in self._positions]
            if not weights.any():
                raise StopIteration
            at = int(self._rng.choice(len(weights), p=weights / weights.sum()))
            drawn = self._draw(at)
            if drawn is not None:
                return drawn

    def read(self, drawn: Drawn) -> Batch:
        """Read the share of this rank. Raises BadTrainingData."""
        source, share = self._sources[drawn.source], -(-len(drawn.rows) // self._world)
        own = slice(self._rank * share, (self._rank + 1) * share)
        examples = zip(drawn.rows[own], drawn.negatives[own], strict=True)
        return Batch(source.name, source.kind, tuple(with_negatives(source[row], kept) for row, kept in examples))

    def state_dict(self) -> dict[str, Any]:
        """Where the batches are, as JSON: some numbers, and the rows that are waiting."""
        return {
            "made_with": self._made_with(),
            "rng": self._rng.bit_generator.state,
            "positions": [
                {"epoch": position.epoch, "next": position.next, "waiting": list(position.waiting)}
                for position in self._positions
            ],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on as if never interrupted. Raises ConfigError if the sources, the seed or the batches are others."""
        if state["made_with"] != self._made_with():
            raise ConfigError(
                f"the batches were made with {state['made_with']}, now with {self._made_with()}; they cannot go on"
            )
        self._rng.bit_generator.state = state["rng"]
        self._positions = [_Position(p["epoch"], p["next"], deque(p["waiting"])) for p in state["positions"]]

    @property
    def epochs_done(self) -> tuple[int, ...]:
        """Of each source."""
        return tuple(position.epoch for position in self._positions)

    def _made_with(self) -> dict[str, Any]:
        """What the order of examples depends on; not the number of processes."""
        return {
            "seed": self._seed,
            "batch_size": self.batch_size,
            "n_negatives": self.n_negatives,
            "drop_last": self._drop_last,
            "weights": self._weights.tolist(),
            "sources": [[source.name, len(source)] for source in self._sources],
        }

    def _open(self, position: _Position) -> bool:
        return self._epochs is None or position.epoch < self._epochs

    def _draw(self, at: int) -> Drawn | None:
        """A batch of this source; None if its epochs ended without one."""
        position = self._positions[at]
        first = position.next == 0 and not position.waiting  # of its epoch
        while self._open(position):
            drawn, left = self._fill(at, position)
            n_left = len(left) + len(drawn.rows)
            ended = position.next == len(self._sources[at])
            if len(drawn.rows) == self.batch_size:
                position.waiting = left
                if ended and not left:
                    self._end_epoch(position)
                return drawn
            if not self._drop_last:  # the source is at its end: smaller batches of what is left
                position.waiting = left
                if not left:
                    self._end_epoch(position)
                return drawn
            self._say_left(at, n_left)
            if first and position.epoch == 0:
                raise BadTrainingData([self._too_small(at)])
            self._end_epoch(position)
            first = True
        return None

    def _fill(self, at: int, position: _Position) -> tuple[Drawn, deque[int]]:
        """As many examples as fit together, at most a batch: those that waited first, then the next ones of the epoch."""
        links, order = self._links[at], self._rows_of(at, position.epoch)
        company, rows, negatives, left = Company(), list[int](), list[tuple[int, ...]](), deque[int]()

        def offer(row: int) -> None:
            kept = self._negatives(at, position.epoch, row)
            if links is not None:
                answers, used = links.answers_of(row), links.negatives_of(row)
                pieces = {*links.positives_of(row), *(used[place] for place in kept)}
                if not company.admits(answers, pieces):
                    left.append(row)
                    return
                company.add(answers, pieces)
            rows.append(row)
            negatives.append(kept)

        waiting = position.waiting
        while waiting and len(rows) < self.batch_size:
            offer(waiting.popleft())
        while position.next < len(order) and len(rows) < self.batch_size:
            position.next += 1
            offer(int(order[position.next - 1]))
        left.extend(waiting)
        return Drawn(at, tuple(rows), tuple(negatives)), left

    def _negatives(self, at: int, epoch: int, row: int) -> tuple[int, ...]:
        """Places of the negatives that this example has in this epoch."""
        links = self._links[at]
        if links is None or not self.n_negatives:
            return ()
        used, answers = links.negatives_of(row), links.answers_of(row)
        places = [place for place, key in enumerate(used) if key not in answers]
        if len(places) <= self.n_negatives:
            return tuple(places)
        rng = np.random.default_rng([self._seed, at, epoch, row])
        return tuple(sorted(rng.choice(places, self.n_negatives, replace=False).tolist()))

    def _rows_of(self, at: int, epoch: int) -> np.ndarray:
        """The rows of a source in the order of an epoch."""
        known = self._order[at]
        if known is None or known[0] != epoch:
            rows = np.random.default_rng([self._seed, at, epoch]).permutation(len(self._sources[at]))
            self._order[at] = known = (epoch, rows)
        return known[1]

    def _end_epoch(self, position: _Position) -> None:
        position.epoch, position.next, position.waiting = position.epoch + 1, 0, deque()

    def _say_left(self, at: int, n_left: int) -> None:
        if at not in self._said:
            self._said.add(at)
            log.warning(
                "%s: %d of its %d examples fill no batch of %d at the end of an epoch and are left out; others each time",
                self._sources[at].name,
                n_left,
                len(self._sources[at]),
                self.batch_size,
            )

    def _too_small(self, at: int) -> str:
        return (
            f"{self._sources[at].name} cannot fill a batch of {self.batch_size}: of its {len(self._sources[at]):,} examples "
            "too few differ in question and answer; make the batch smaller, or allow smaller ones"
        )


def _checked(weights: Sequence[float] | None, sources: Sequence[Source]) -> np.ndarray:
    if weights is None:
        return np.array([len(source) for source in sources], np.float64)
    found = np.asarray(weights, np.float64)
    if found.shape != (len(sources),) or not np.isfinite(found).all() or (found < 0).any() or not found.any():
        raise ConfigError(f"{len(sources)} sources need as many weights of at least 0, not all 0; got {list(weights)}")
    return found

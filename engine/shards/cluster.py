"""All shards of one index: whether they are parts of one whole, and one question to all of them at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial as partial_

from pagesight.engine.shards import wire
from pagesight.engine.shards.shard import Asked, NoAnswer, Shard
from pagesight.engine.shards.wire import Json
from pagesight.storage.errors import ConfigError, ShardMismatch, ShardUnavailable
from pagesight.storage.manifest import Space
from pagesight.storage.parts import Part

Pending = Future[Json]
SAME = ("fingerprint", "single_dim", "token_dim", "codec", "pool_factor")


class Cluster:
    """shards: in the order of their parts, if they have any. partial: go on without those that do not answer."""

    def __init__(self, shards: Sequence[Asked], *, partial: bool = False) -> None:
        if not shards:
            raise ConfigError("name at least one shard")
        self.shards, self.partial = list(shards), partial
        self._pool = ThreadPoolExecutor(16 * len(shards), thread_name_prefix="shards")
        self._lock = threading.Lock()
        self._states: dict[int, Json] = {}
        for i, shard in enumerate(self.shards):
            if isinstance(shard, Shard):
                shard.accept = partial_(self._accept, i)
        opening = Round(self)
        if not any(opening.gather([self._pool.submit(self._state, i) for i in range(len(shards))])):
            raise ShardUnavailable(opening.missing)
        self._in_order()

    @property
    def space(self) -> Space:
        """Of all of them."""
        with self._lock:
            return Space(**next(iter(self._states.values()))["space"])

    def expects(self, shard: int) -> Json:
        """What a shard has to be, for questions to it."""
        space, state = self.space, self._states.get(shard)
        part = None if state is None else state["part"]
        return {"protocol": wire.PROTOCOL, "fingerprint": space.fingerprint, "codec": space.codec, "part": part}

    def ask(self, shard: int, name: str, body: Json) -> Json:
        """Raises NoAnswer, and the question's own errors."""
        if shard not in self._states:
            self._state(shard)
        return self.shards[shard].ask(name, {**body, "expects": self.expects(shard)})

    def submit(self, shard: int, name: str, body: Json) -> Pending:
        return self._pool.submit(self.ask, shard, name, body)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for shard in self.shards:
            shard.close()

    def _state(self, shard: int) -> Json:
        state = self.shards[shard].state()
        self._accept(shard, state)
        return state

    def _accept(self, shard: int, state: Json) -> None:
        """Raises ShardMismatch unless this can be a part of the same whole as the others."""
        label = self.shards[shard].label
        if state.get("protocol") != wire.PROTOCOL:
            raise ShardMismatch(f"{label} is of another version; let all servers run the same version")
        with self._lock:
            for other, known in self._states.items():
                _check(label, state, self.shards[other].label, known, same=other == shard)
            part = state["part"]
            if part is not None and Part.parse(part).of != len(self.shards):
                n = Part.parse(part).of
                raise ShardMismatch(f"{label} is part {part}, so there are {n} shards; {len(self.shards)} were named")
            self._states[shard] = state

    def _in_order(self) -> None:
        """By their parts, so that equal pages are found in the order of their content, whatever the order that they were named in."""
        with self._lock:
            if len(self._states) < len(self.shards) or any(state["part"] is None for state in self._states.values()):
                return
            order = sorted(self._states, key=lambda i: Part.parse(self._states[i]["part"]).number)
            self.shards = [self.shards[i] for i in order]
            self._states = {new: self._states[old] for new, old in enumerate(order)}
            for i, shard in enumerate(self.shards):
                if isinstance(shard, Shard):
                    shard.accept = partial_(self._accept, i)


def _check(label: str, state: Json, other_label: str, other: Json, *, same: bool) -> None:
    space, others = state["space"], other["space"]
    for name in SAME:
        if space[name] != others[name]:
            raise ShardMismatch(
                f"{label} was made with {space['encoder']}, {name} {space[name]}, and {other_label} with {others['encoder']}, "
                f"{name} {others[name]}; parts of one index are made the same way"
            )
    if same and state["part"] != other["part"]:
        raise ShardMismatch(
            f"{label} was part {other['part']} and is part {state['part']} now; its replicas have one part"
        )
    if not same and (state["part"] is None) != (other["part"] is None):
        raise ShardMismatch(
            f"{label} is part {state['part']} and {other_label} is part {other['part']}; all are parts, or none"
        )
    if not same and state["part"] is not None and state["part"] == other["part"]:
        raise ShardMismatch(f"{label} and {other_label} are both part {state['part']}")


class Round:
    """What one question learns on its way: who did not answer, and is not asked again for it. missing: why, by shard."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.missing: dict[str, str] = {}
        self.generations: dict[int, int] = {}

    @property
    def n_shards(self) -> int:
        return len(self.cluster.shards)

    def all(self, name: str, body: Json | Sequence[Json | None]) -> list[Json | None]:
        """Each shard's answer; None for one that does not answer, or that has nothing to be asked. body: for all, or for each.

        Raises ShardUnavailable if one does not answer and partial answers were not asked for, or if none does.
        """
        bodies = [body] * self.n_shards if isinstance(body, dict) else list(body)
        left = [
            None if one is None or self.cluster.shards[i].label in self.missing else self.cluster.submit(i, name, one)
            for i, one in enumerate(bodies)
        ]
        answers = self.gather(left)
        for i, answer in enumerate(answers):
            if answer is not None:
                self.generations[i] = answer["generation"]
        if len(self.missing) == self.n_shards:
            raise ShardUnavailable(self.missing)
        return answers

    def gather(self, pending: Sequence[Pending | None]) -> list[Json | None]:
        """Waits for all of them, so that none is left behind when one has failed."""
        answers: list[Json | None] = []
        problem: Exception | None = None
        for i, future in enumerate(pending):
            answers.append(None)
            try:
                answers[i] = None if future is None else future.result()
            except NoAnswer as error:
                self.missing[self.cluster.shards[i].label] = str(error)
            except Exception as error:
                problem = problem or error
        if problem is not None:
            raise problem
        if self.missing and not self.cluster.partial:
            raise ShardUnavailable(self.missing)
        return answers

"""Engines that stay open go on giving right answers, whoever does whatever to their index meanwhile."""

import contextlib
import hashlib
import sqlite3
import threading

import pytest

from benchmarks.soak_check import score
from tests.open_engine import Engine, Process

pytestmark = pytest.mark.thorough

QUESTION = "quince medlar plum"
ASKED = (
    {},
    {"exact": True},
    {"filters": 'not document ~ "a*"'},
    {"filters": 'not document ~ "a*"', "exact": True},
)
PAUSE = 0.01  # seconds between rounds, so that who changes the index gets its turn
TEXTS = {
    "a.txt": "quince medlar plum",
    "b.txt": "quince medlar garden",
    "c.txt": "quince window eight",
    "d.txt": "fourteen three seven",
    "e.txt": "stone plum medlar",
    "f.txt": "nineteen plum four",
    "g.txt": "ten one",
    "h.txt": "medlar nine",
}


def expected(state, filters=None, exact=False):
    """What is right to answer of a state, {name: text}."""
    allowed = {name: text for name, text in state.items() if not (filters and name.startswith("a"))}
    scores = {name: score(QUESTION.split(), text) for name, text in allowed.items()}
    ranked = sorted(scores, key=scores.get, reverse=True)
    for one, next_ in zip(ranked, ranked[1:], strict=False):
        assert scores[one] > scores[next_] + 0.03, f"{one} and {next_} are too close to be told apart"
    return tuple((name, hashlib.sha256(state[name].encode()).hexdigest()) for name in ranked)


class Asker(threading.Thread):
    """Asks one engine again and again, each way in turn, and notes which state each answer was of."""

    def __init__(self, engine, states):
        super().__init__()
        self._engine, self._rights = engine, [[expected(state, **how) for state in states] for how in ASKED]
        self._last = [0 for _ in ASKED]  # that was seen, of each way
        self._stopped = threading.Event()
        self.rounds, self.problems = 0, []
        self.asked = threading.Condition()

    def run(self):
        while not self._stopped.is_set() and not self.problems:
            try:
                self._ask()
            except Exception as error:
                self.problems.append(repr(error))
            with self.asked:
                self.rounds += 1
                self.asked.notify_all()
            self._stopped.wait(PAUSE)

    def _ask(self):
        for i, how in enumerate(ASKED):
            found = self._engine.answer(QUESTION, **how)
            later = [n for n, right in enumerate(self._rights[i]) if right == found and n >= self._last[i]]
            if not later:
                self.problems.append(f"{how}: after state {self._last[i]} came {found}, of {self._rights[i]}")
            else:
                self._last[i] = later[0]

    def wait(self, rounds):
        """Until it has asked everything so many times more."""
        with self.asked:
            goal = self.rounds + rounds
            assert self.asked.wait_for(lambda: self.rounds >= goal or self.problems, timeout=60)

    def stop(self):
        self._stopped.set()
        self.join()


def step(engines, states, change):
    """Ask all engines before, during and after a change that goes through these states; its result."""
    askers = [Asker(engine, states) for engine in (engines[0], *engines)]  # two here, one of another process
    for asker in askers:
        asker.start()
    try:
        for asker in askers:
            asker.wait(1)
        result = change()
        for asker in askers:
            asker.wait(1)
    finally:
        for asker in askers:
            asker.stop()
    assert [problem for asker in askers for problem in asker.problems] == []
    for engine in engines:
        for how in ASKED:
            assert engine.answer(QUESTION, **how) == expected(states[-1], **how)
    return result


def damage(index, name):
    """Change the place of a token of a document; its vectors stay, so that searches find it where they did."""
    with contextlib.closing(sqlite3.connect(index / "metadata.db")) as database:
        query = 'SELECT segment, "offset", page.n_bytes FROM page JOIN file USING (document_id) WHERE path = ?'
        ((segment, offset, n_bytes),) = database.execute(query, (name,))
    with open(index / f"tokens-{segment:08d}.seg", "r+b") as file:
        file.seek(offset + n_bytes - 1)
        (last,) = file.read(1)
        file.seek(offset + n_bytes - 1)
        file.write(bytes([last ^ 1]))


class Documents:
    """Text files, and what an index of them holds."""

    def __init__(self, folder):
        self.folder, self.state = folder, {}
        folder.mkdir()

    def write(self, texts):
        """The states that indexing these files goes through, beginning with the present one; a file at a time, by name."""
        states = [self.state]
        for name, text in sorted(texts.items()):
            (self.folder / name).write_text(text)
            states.append({**states[-1], name: text})
        self.state = states[-1]
        return states

    def without(self, *names):
        """The states that removing these goes through. The files go too."""
        for name in names:
            (self.folder / name).unlink()
        before, self.state = self.state, {name: text for name, text in self.state.items() if name not in names}
        return [before, self.state]


@pytest.fixture(params=["itself", "another engine", "another process"])
def scene(request, tmp_path):
    """Documents, their index, who changes it, and the two engines that are asked: one here, one in another process."""
    docs, folder = Documents(tmp_path / "docs"), tmp_path / "index"
    with contextlib.ExitStack() as stack:
        engines = {"itself": stack.enter_context(contextlib.closing(Engine(folder)))}
        docs.write(TEXTS)
        assert engines["itself"].index(docs.folder) == {"indexed": len(TEXTS)}
        engines["another engine"] = stack.enter_context(contextlib.closing(Engine(folder)))
        engines["another process"] = stack.enter_context(contextlib.closing(Process(folder)))
        yield docs, folder, engines[request.param], [engines["itself"], engines["another process"]]


def test_open_engines_answer_right_before_during_and_after_a_change(scene):
    """Adding and replacing at once, removing, compacting, dropping what is damaged."""
    docs, folder, actor, asked = scene
    states = docs.write({"d.txt": "plum seventeen quince", "i.txt": "plum quince five"})
    assert step(asked, states, lambda: actor.index(docs.folder)) == {"indexed": 2, "unchanged": len(TEXTS) - 1}
    step(asked, docs.without("b.txt", "e.txt", "h.txt"), lambda: actor.remove("b.txt", "[eh].txt"))
    assert step(asked, [docs.state], actor.optimize) > 0, "nothing was moved"
    damage(folder, "f.txt")
    states = docs.without("f.txt")
    assert step(asked, states, lambda: actor.examine(drop_damaged=True)) == ["f.txt"]


@pytest.mark.slow
def test_open_engines_answer_right_through_all_that_can_be_done(scene):
    docs, folder, actor, asked = scene
    states = docs.write({"i.txt": "plum quince five", "j.txt": "thirteen"})
    assert step(asked, states, lambda: actor.index(docs.folder)) == {"indexed": 2, "unchanged": len(TEXTS)}

    states = docs.write({"a.txt": "river medlar", "d.txt": "plum seventeen quince"})
    assert step(asked, states, lambda: actor.index(docs.folder)) == {"indexed": 2, "unchanged": len(TEXTS)}

    step(asked, docs.without("b.txt", "e.txt", "h.txt"), lambda: actor.remove("b.txt", "[eh].txt"))
    assert step(asked, [docs.state], actor.optimize) > 0, "nothing was moved"

    n_left = len(docs.state)
    assert step(asked, [docs.state], lambda: actor.index(docs.folder, reindex=True)) == {"indexed": n_left}
    assert step(asked, [docs.state], actor.examine) == []

    damage(folder, "f.txt")
    without = {name: text for name, text in docs.state.items() if name != "f.txt"}
    assert step(asked, [docs.state, without], lambda: actor.examine(drop_damaged=True)) == ["f.txt"]
    restored = step(asked, [without, docs.state], lambda: actor.index(docs.folder))
    assert restored == {"unchanged": n_left - 1, "indexed": 1}

    assert step(asked, [docs.state], actor.optimize) > 0, "nothing was moved"
    assert len(step(asked, [docs.state, {}], lambda: actor.remove(everything=True))) == n_left
    step(asked, [{}], actor.optimize)


def test_a_wrong_answer_is_noticed():
    """An engine that goes back to an earlier state, or answers what no state has."""

    class Wrong:
        def __init__(self, states):
            self._states, self._calls = states, 0

        def answer(self, _text, **how):
            self._calls += 1
            return expected(self._states[min(self._calls // (2 * len(ASKED)), len(self._states) - 1)], **how)

    old, new = {"a.txt": "quince"}, {"a.txt": "plum"}
    for states, told in (([old, new, old], [old, new]), ([old, new], [old])):
        asker = Asker(Wrong(states), told)
        asker.start()
        asker.join(timeout=30)
        assert "after state" in asker.problems[0]

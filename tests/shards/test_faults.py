"""Shards that die, hang and come back, as processes of their own: an answer is whole, or says what is missing, or is an error."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")

from pagesight import Client, IndexConfig, SearchEngine, errors
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.engine.shards.shard import Patience
from pagesight.storage.parts import Part
from tests.helpers import ROOT, free_port
from tests.server.conftest import wait_for
from tests.server.test_process import ask, started
from tests.shards.test_merging import same
from tests.shards.test_servers import KEY, TEXTS

pytestmark = pytest.mark.thorough
PATH = {"PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}  # as this process finds the package
QUESTION = "repair a bicycle in the garden"


class Node:
    """A shard that can be killed, stopped for a while, and started again at the same address."""

    def __init__(self, folder, part):
        self.arguments = ("--index", folder, "--shard", part, "--quiet", "--port", free_port())
        self.address = f"http://127.0.0.1:{self.arguments[-1]}"
        self.start()

    def start(self):
        self.stack = ExitStack()
        self.process, _ = self.stack.enter_context(started(*self.arguments, PAGESIGHT_READ_ONLY_API_KEY=KEY, **PATH))

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.stack.close()

    def hang(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    for name, text in TEXTS.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, part in (("1", "1/2"), ("2", "2/2")):
        with SearchEngine.open(folder / name, model="hashing") as engine:
            engine.index([folder / "docs"], IndexConfig(text=True, n_processes=1, part=part))
    return folder


@pytest.fixture(scope="module")
def nodes(folder):
    """The first part, a replica of it, and the second part."""
    nodes = [Node(folder / "1", "1/2"), Node(folder / "1", "1/2"), Node(folder / "2", "2/2")]
    yield nodes
    for node in nodes:
        node.go_on()
        node.stack.close()


def test_a_shard_is_killed_in_the_middle_of_searches_and_comes_back(nodes):
    """While it is away every answer is an error that names it, or says that it is missing; none is wrong or late."""
    first, _, second = nodes
    named = f"{first.address},{second.address}"
    with Coordinator.open(named, key=KEY) as strict, Coordinator.open(named, key=KEY, partial=True) as partial:
        whole = strict.search(QUESTION, k=20)
        left = [(hit.name, hit.score) for hit in whole if Part(1, 2).owns(hit.sha256)]
        seen: list[str] = []
        done = threading.Event()

        def search():
            while not done.is_set():
                try:
                    assert same(strict.search(QUESTION, k=20)) == same(whole)
                    seen.append("whole")
                except errors.ShardUnavailable as error:
                    assert second.address in str(error)  # noqa: PT017 - any other error ends the thread
                    seen.append("error")

        threads = [threading.Thread(target=search) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: seen.count("whole") > 8)
        second.kill()
        wait_for(lambda: seen.count("error") > 8)
        with partial.view() as view:
            found = partial.search(QUESTION, k=20, view=view)
            assert list(view.missing) == [second.address]
        assert {hit.name for hit in found} == {name for name, _ in left}
        with pytest.raises(errors.ShardUnavailable, match="ask for partial answers"):
            strict.totals()
        second.start()
        before = len(seen)
        wait_for(lambda: "whole" in seen[before:])
        done.set()
        for thread in threads:
            thread.join(30)
        assert set(seen) == {"whole", "error"}
        wait_for(lambda: same(partial.search(QUESTION, k=20)) == same(whole))
        assert same(strict.search(QUESTION, k=20)) == same(whole)


def test_a_slow_server_is_not_waited_for_where_there_is_another(nodes):
    first, replica, second = nodes
    named = f"{first.address}|{replica.address},{second.address}"
    with Coordinator.open(named, key=KEY, patience=Patience(seconds=20, hedge_seconds=0.2)) as parts:
        whole = same(parts.search(QUESTION, k=20))
        for node in (first, replica):
            node.hang()
            for _ in range(3):  # each of them is the first to be asked in turn
                assert same(parts.search(QUESTION, k=20)) == whole
            node.go_on()
        replica.kill()
        for _ in range(3):
            assert same(parts.search(QUESTION, k=20)) == whole
        replica.start()


def test_a_slow_server_without_another_costs_its_time_once(nodes):
    first, _, second = nodes
    named = f"{first.address},{second.address}"
    with Coordinator.open(named, key=KEY, partial=True, patience=Patience(seconds=4)) as parts:
        second.hang()
        with parts.view() as view:
            parts.search(QUESTION, view=view)
            assert "timed out" in view.missing[second.address]
        shard = next(one for one in parts._cluster.shards if one.label == second.address)
        assert shard.replicas[0].problem is not None  # is not asked again before it answers
        second.go_on()
        wait_for(lambda: shard.replicas[0].problem is None)
        with parts.view() as view:
            parts.search(QUESTION, view=view)
            assert view.missing == {}


def test_a_coordinator_is_killed(nodes):
    """It keeps nothing: another one answers the same, also without one of the shards, and says so."""
    first, _, second = nodes
    arguments = ("--shards", f"{first.address},{second.address}", "--partial", "--quiet")
    with started(*arguments, PAGESIGHT_SHARD_KEY=KEY, **PATH) as (process, address), Client(address) as client:
        whole = client.search(QUESTION, k=20)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with pytest.raises(errors.ServerUnreachable):
            client.search(QUESTION)
    with started(*arguments, PAGESIGHT_SHARD_KEY=KEY, **PATH) as (_, address), Client(address) as client:
        assert client.search(QUESTION, k=20) == whole
        second.kill()
        answer = ask(address, "/api/search", {"query": QUESTION})
        assert list(answer["missing"]) == [second.address]
        assert all(Part(1, 2).owns(hit["sha256"]) for hit in answer["results"][0]["hits"])
        assert ask(address, "/api/totals")["missing"]
        second.start()
        wait_for(lambda: "missing" not in ask(address, "/api/search", {"query": QUESTION}))
        assert client.search(QUESTION, k=20) == whole

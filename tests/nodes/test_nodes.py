"""Nodes of a cluster as machines of their own: two shards and a coordinator, one of them cut off and healed.

Run by ``make test-nodes``, as root on Linux. A database and workers that encode for it would be two machines more here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")

from pagesight import Client, SearchEngine, errors
from pagesight.storage.parts import Part
from tests.helpers import ROOT
from tests.nodes.network import machines, why_not
from tests.server.test_process import ask

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")]
PORT, KEY = 8000, "a key of some length"


@contextmanager
def serving(machine, *arguments, **environment):
    """A server on a machine, ready; its address."""
    command = machine.command(sys.executable, "-m", "pagesight", "serve", "--host", machine.address, "--port", PORT)
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        env={"PYTHONPATH": str(ROOT), **os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = ""
        while not re.search(r"at http://\S+", line):
            line = process.stderr.readline()
            assert line, "the server ended"
        yield f"http://{machine.address}:{PORT}"
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except errors.SearchEngineError:
            pass
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.2)


def found(searcher, question):
    return [(hit.name, round(hit.score, 6)) for hit in searcher.search(question)]


def test_three_nodes_answer_as_one_machine(sample_index, tmp_path):
    lines = (ROOT / "sample_docs" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["query"] for line in lines]
    assert len(questions) == 60
    with SearchEngine.open(sample_index) as engine:
        expected = {question: found(engine, question) for question in questions}
    for number in (1, 2):  # each node has a disk of its own
        shutil.copytree(sample_index, tmp_path / str(number))
    with machines("one", "two", "front") as (one, two, front):
        keys = {"PAGESIGHT_READ_ONLY_API_KEY": KEY}
        with (
            serving(one, "--index", tmp_path / "1", "--shard", "1/2", **keys) as first,
            serving(two, "--index", tmp_path / "2", "--shard", "2/2", **keys) as second,
            serving(
                front,
                *("--shards", f"{first},{second}", "--shard-seconds", "10", "--partial", "--no-auth"),
                PAGESIGHT_SHARD_KEY=KEY,
            ) as address,
            Client(address) as client,
        ):
            until(lambda: client.totals().n_documents == 18)
            for question in questions:
                assert found(client, question) == expected[question], question
            two.cut_off()
            for question in questions[:5]:
                answer = ask(address, "/api/search", {"query": question})
                assert list(answer["missing"]) == [second]
                hits = answer["results"][0]["hits"]
                assert hits
                assert all(Part(1, 2).owns(hit["sha256"]) for hit in hits)
            two.heal()
            until(lambda: found(client, questions[0]) == expected[questions[0]])
            for question in questions:
                assert found(client, question) == expected[question], question

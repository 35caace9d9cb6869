"""Indexing that is stopped in the middle, in every way, and searching meanwhile."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest

from pagesight.engine import SearchEngine
from tests.helpers import ROOT, make_pdf, run_cli

pytestmark = pytest.mark.thorough

N_FILES = 25
TOPICS = "harbour lighthouse anchor compass sail rudder keel mast deck galley".split()


@pytest.fixture(scope="module")
def docs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interruptions") / "docs"
    draw = random.Random(1)
    for number in range(N_FILES):
        texts = [f"{' '.join(draw.choices(TOPICS, k=30))} page {page} of file {number}" for page in range(6)]
        make_pdf(folder / f"{number:02}.pdf", texts)
    return folder


def start(index, docs, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "pagesight", "--index", str(index), "index", str(docs), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def answers(index, texts):
    """(document, page, score) of the best hits of each question: the same for equal indexes."""
    with SearchEngine.open(index) as engine:
        return [
            [(hit.document, hit.page, round(hit.score, 4)) for hit in hits] for hits in engine.search_many(texts, k=20)
        ]


def kill_at_random(index, docs, options, texts, expected, *, n_kills, most_files, seed):
    """Start, kill -9 a random time after a random number of files, let the next run finish, compare; ``n_kills`` times."""
    draw = random.Random(seed)
    interrupted = 0
    for number in range(n_kills):
        folder = index / str(number)
        process = start(folder, docs, *options)
        for _ in range(draw.randrange(most_files)):
            while not (line := process.stderr.readline()).startswith("indexed"):
                assert line, "it ended by itself"
        time.sleep(draw.uniform(0.0, 0.2))
        process.send_signal(signal.SIGKILL)
        _, problems = process.communicate()
        assert "Traceback" not in problems
        interrupted += process.returncode == -signal.SIGKILL
        run_cli("--index", folder, "index", docs, *options, check=True)
        assert "healthy" in run_cli("--index", folder, "doctor", check=True).stdout
        assert answers(folder, texts) == expected
    assert interrupted


def test_kill_9_at_random_instants_loses_nothing_that_was_finished(docs, tmp_path):
    options = ("--model", "hashing")
    run_cli("--index", tmp_path / "whole", "index", docs, *options, check=True)
    expected = answers(tmp_path / "whole", TOPICS)
    kill_at_random(tmp_path, docs, options, TOPICS, expected, n_kills=2, most_files=15, seed=time.time_ns())


@pytest.mark.slow
def test_kill_9_at_20_instants_of_indexing_the_sample_documents(tmp_path):
    docs = ROOT / "sample_docs"
    texts = [json.loads(line)["query"] for line in (docs / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    options = ("--ocr", "off")
    run_cli("--index", tmp_path / "whole", "index", docs, *options, check=True)
    expected = answers(tmp_path / "whole", texts)
    kill_at_random(tmp_path, docs, options, texts, expected, n_kills=20, most_files=15, seed=time.time_ns())


def test_ctrl_c_keeps_finished_documents_and_says_so(docs, tmp_path):
    process = start(tmp_path / "index", docs, "--model", "hashing")
    for line in process.stderr:
        if line.startswith("indexed: 03.pdf"):
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    kept = len(run_cli("--index", tmp_path / "index", "list", "--json").stdout.splitlines())
    assert "Traceback" not in rest
    if process.returncode != 0:  # else it had just finished
        assert process.returncode == 130
        assert "finished documents are kept" in rest
        assert kept >= 4
    result = run_cli("--index", tmp_path / "index", "index", docs, check=True)
    assert re.search(rf"\b{N_FILES - kept} files? indexed", result.stdout)


def test_searching_while_another_process_indexes_sees_whole_documents_only(docs, tmp_path):
    index = tmp_path / "index"
    run_cli("--index", index, "index", docs / "00.pdf", "--model", "hashing", check=True)
    seen = []

    def look(engine):
        pages = {}
        for hit in engine.search("harbour compass", k=1000, exact=True):
            pages.setdefault(hit.document, set()).add(hit.page)
        assert all(found == set(range(1, 7)) for found in pages.values())
        seen.append(len(pages))

    with SearchEngine.open(index) as engine:
        look(engine)
        writer = start(index, docs)
        while writer.poll() is None:
            look(engine)
        writer.communicate()
        assert writer.returncode == 0
        look(engine)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (1, N_FILES)


def test_a_second_writer_is_refused_and_says_who_writes(docs, tmp_path):
    first = start(tmp_path / "index", docs, "--model", "hashing")
    written = next(
        (line for line in first.stderr if line.startswith("indexed:")), ""
    )  # before, each of two may be the first
    second = run_cli("--index", tmp_path / "index", "index", docs, "--model", "hashing")
    _, problems = first.communicate()
    if second.returncode != 0:  # else the first one had just finished
        assert second.returncode == 2
        assert f"is being written by process {first.pid}" in second.stderr
    assert first.returncode == 0, written + problems


def test_a_full_disk_is_said_and_loses_nothing_that_was_finished(docs, tmp_path):
    """The limit on the size of files stands for the disk: the write fails in the same place."""
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from pagesight.engine.cli.main import main; main()"
    )
    index = tmp_path / "index"
    result = subprocess.run(
        [sys.executable, "-c", limited, "--index", str(index), "index", str(docs), "--model", "hashing"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 2, result.stderr
    assert "make room and do the same again (the same command goes on from there" in result.stderr
    assert "Traceback" not in result.stderr
    run_cli("--index", index, "index", docs, check=True)
    assert "healthy" in run_cli("--index", index, "doctor", check=True).stdout
    assert len(run_cli("--index", index, "list", "--json").stdout.splitlines()) == N_FILES

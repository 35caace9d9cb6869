"""How much of a machine indexing takes: as many processes and threads as it may, and giving way where it is told to."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pagesight.engine.config import IndexConfig
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.running.reader import PageReader
from pagesight.storage.errors import ConfigError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def children_of(pid):
    try:
        return [
            int(child)
            for task in os.listdir(f"/proc/{pid}/task")
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        ]
    except OSError:
        return []


@pytest.mark.parametrize("nice", [0, 3])
def test_reading_processes_give_way_as_they_are_told(tmp_path, nice):
    file = tmp_path / "page.txt"
    file.write_text("some words")
    before, mine = set(children_of(os.getpid())), os.getpriority(os.PRIO_PROCESS, 0)
    expected = min(mine + nice, 19)
    with PageReader(ReadOptions(), n_processes=1, seconds_per_page=30, nice=expected if nice else 0) as reader:
        assert reader.open(file).result().n_pages == 1
        (child,) = set(children_of(os.getpid())) - before
        assert os.getpriority(os.PRIO_PROCESS, child) == expected


def test_niceness_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="nice must be from 0 to 19, not 20"):
        IndexConfig(nice=20)


@pytest.mark.parametrize("tags", [{"year": 2020}, {2020: "year"}, {"year": None}])
def test_tags_that_are_no_text_are_refused(tags):
    with pytest.raises(ConfigError, match="tags are text by name, not"):
        IndexConfig(tags=tags)


@pytest.mark.thorough
@pytest.mark.parametrize("jobs", [1, 3])
def test_jobs_bound_the_reading_processes(tmp_path, jobs):
    docs = tmp_path / "docs"
    docs.mkdir()
    for i in range(12):
        (docs / f"{i}.html").write_text(f"<p>page {i} of many</p>" * 200)
    words = ["index", docs, "--index", tmp_path / "index", "--model", "hashing", "--jobs", jobs, "--nice", 7]
    command = [sys.executable, "-m", "pagesight", *map(str, words)]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most, niceness = 0, set()
    while run.poll() is None:
        children = children_of(run.pid)
        most = max(most, len(children))
        for child in children:
            try:
                if "reading.worker" in Path(f"/proc/{child}/cmdline").read_text():
                    niceness.add(os.getpriority(os.PRIO_PROCESS, child))
            except OSError:  # it ended just now
                continue
        time.sleep(0.03)
    assert run.returncode == 0
    assert most == jobs
    assert max(niceness) == max(7, os.getpriority(os.PRIO_PROCESS, 0))


THREADS = """
import os
from pagesight.engine.models import load_model
from pagesight.indexer.reading.text_file import text_page
encoder = load_model("multilingual-e5-small")
encoder.encode_pages([text_page("a line of some words that fill a window " * 100)])
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.thorough
def test_jobs_bound_the_threads_that_encode():
    """By the setting that all numeric libraries heed."""
    n_threads = {}
    for asked in ("1", "3"):
        run = subprocess.run(
            [sys.executable, "-c", THREADS],
            env=os.environ | {"OMP_NUM_THREADS": asked},
            capture_output=True,
            check=True,
        )
        n_threads[asked] = int(run.stdout)
    assert n_threads["1"] < n_threads["3"] <= n_threads["1"] + 2 * 2  # of the model, and of numpy's products

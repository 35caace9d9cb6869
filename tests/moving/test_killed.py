"""A copy that is killed at any moment goes on, and nothing of it is half there."""

import signal
import subprocess
import sys

import pytest

from pagesight import copy_index
from pagesight.storage.store import Store
from tests.helpers import ROOT, add_document, space
from tests.moving.told import told

COPY = """
import sys
from pagesight import copy_index
from pagesight.storage.exchange import writer
writer.SEGMENT_ENTRIES = 4
copy_index(sys.argv[1], sys.argv[2], on_document=lambda done: print(done.document, flush=True))
"""


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["folder", pytest.param("segments", marks=pytest.mark.slow)])
def test_killed_again_and_again(tmp_path, kind):
    n = 40
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer:
        for i in range(n):
            add_document(writer, f"{i}.pdf", [f"words {j} of {i} green white" for j in range(1 + i % 4)])
    target = f"segments://{tmp_path}/segments" if kind == "segments" else str(tmp_path / "copy")
    reached = set()
    for after in (1, 7, 13, 2):
        command = [sys.executable, "-c", COPY, str(tmp_path / "index"), target]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
            for _ in range(after):
                reached.add(child.stdout.readline().strip())
            child.send_signal(signal.SIGKILL)
    done = copy_index(tmp_path / "index", target)
    assert done.n_documents + done.n_there == n
    assert done.n_there >= 8
    assert len(reached) > 8
    if kind == "segments":
        assert copy_index(target, tmp_path / "copy").refused == ()
    with Store(tmp_path / "index") as store, Store(tmp_path / "copy") as copy:
        with store.view() as view, copy.view() as copied:
            assert told(copied) == told(view)
        assert copy.examine().findings == ()


FULL = """
import resource, signal, sys
from pagesight import copy_index
from pagesight.errors import DiskFull
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
try: copy_index(sys.argv[1], sys.argv[2])
except DiskFull as error: print("full:", error)
"""


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["folder", "segments"])
def test_a_full_disk_leaves_nothing_half(tmp_path, kind):
    with Store.create(tmp_path / "index", space()) as store, store.writer() as writer:
        for i in range(4):
            add_document(writer, f"{i}.pdf", [" ".join(f"w{i}x{j}x{n}" for n in range(700)) for j in range(3)])
    target = f"segments://{tmp_path}/segments" if kind == "segments" else str(tmp_path / "copy")
    command = [sys.executable, "-W", "error", "-c", FULL, str(tmp_path / "index"), target]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.stdout.startswith("full: cannot write to"), result.stderr
    assert result.stderr == ""
    assert list((tmp_path / ("segments" if kind == "segments" else "copy")).glob(".segment-*")) == []
    done = copy_index(tmp_path / "index", target)
    assert done.n_documents + done.n_there == 4
    if kind == "segments":
        assert copy_index(target, tmp_path / "copy").refused == ()
    with Store(tmp_path / "index") as store, Store(tmp_path / "copy") as copy:
        with store.view() as view, copy.view() as copied:
            assert told(copied) == told(view)

"""Compaction: space comes back, nothing is lost at any instant, readers go on."""

import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from pagesight.storage.store import Store
from pagesight.storage.vectors.segments import segment_path, segments_in
from tests.helpers import ROOT, add_document, space

pytestmark = pytest.mark.thorough

STEPS = (
    "records copied",
    "before commit",
    "committed",
    "segment removed",
    "singles.f16 kept",
    "means-32.i8 kept",
    "means-8.i8 kept",
    "means-1.i8 kept",
    "database tidied",
)


def fill(folder, n_documents=12):
    """Documents of which every third is removed again; returns what is left, by name."""
    left = {}
    with Store.create(folder, space()) as store, store.writer() as writer:
        for i in range(n_documents):
            pages = [f"document {i} page {j} " + " ".join(f"w{i * 7 + j * k}" for k in range(30)) for j in range(3)]
            add_document(writer, f"{i}.pdf", pages)
            left[f"{i}.pdf"] = pages
        for i in range(0, n_documents, 3):
            writer.remove_names([f"/docs/{i}.pdf".encode()])
            del left[f"{i}.pdf"]
    return left


def contents(store):
    """Every page's words, tokens and rank by single vector, by name and number."""
    with store.view() as view:
        ids = view.page_ids()
        tokens, details = view.tokens(ids), view.details(ids)
        return {
            (page.document, page.number): (
                details[page_id].words.texts,
                tokens[i].tobytes(),
                details[page_id].boxes.tobytes(),
                view.nearest_by_means(tokens[i], 1, None).tolist() == [page_id],
            )
            for i, (page_id, page) in enumerate(sorted(view.describe(ids).items()))
        }


@pytest.fixture
def small_segments(monkeypatch):
    monkeypatch.setattr("pagesight.storage.vectors.segments.SEGMENT_BYTES", 4000)


@pytest.mark.usefixtures("small_segments")
def test_space_of_deleted_pages_comes_back(tmp_path):
    fill(tmp_path)
    with Store(tmp_path) as store:
        before, dead = contents(store), sum(path.stat().st_size for path in tmp_path.glob("tokens-*.seg"))
        result = store.optimize()
        live = sum(path.stat().st_size for path in tmp_path.glob("tokens-*.seg"))
        assert live < 0.75 * dead
        assert result.bytes_after < result.bytes_before
        assert result.n_pages_moved > 0
        assert contents(store) == before
        assert store.examine().findings == ()
        again = store.optimize()
        assert again.n_pages_moved == 0


@pytest.mark.usefixtures("small_segments")
def test_a_reader_goes_on_while_its_files_are_taken_away(tmp_path):
    fill(tmp_path)
    with Store(tmp_path) as store, Store(tmp_path) as other, other.view() as view:
        ids = view.page_ids()
        old = segments_in(tmp_path)
        store.optimize()
        assert not set(old) <= set(segments_in(tmp_path))
        assert len(view.tokens(ids)) == len(ids)


@pytest.mark.parametrize("step", STEPS)
def test_a_compaction_killed_at_any_step_loses_nothing(tmp_path, step):
    left = fill(tmp_path)
    with Store(tmp_path) as store:
        before = contents(store)
    script = f"""
        import os, signal
        from pathlib import Path
        from pagesight.storage.store import Store

        def die(step):
            if step == {step!r}:
                os.kill(os.getpid(), signal.SIGKILL)

        Store(Path({str(tmp_path)!r})).optimize(die)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == -signal.SIGKILL, result.stderr
    with Store(tmp_path) as store:
        assert contents(store) == before
        assert store.examine().findings == ()
        with store.writer() as writer:
            add_document(writer, "new.pdf", ["after the crash"])
        store.optimize()
        assert len(contents(store)) == 3 * len(left) + 1
        assert list(tmp_path.glob("*.tmp")) == []
        with store.engine.begin() as connection:
            named = {row[0] for row in connection.exec_driver_sql("SELECT DISTINCT segment FROM page")}
        assert named == set(segments_in(tmp_path))


RUNNER = """
    import sys
    from pathlib import Path
    from pagesight.storage.store import Store
    from tests.helpers import add_document

    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    with Store(folder) as store:
        print("ready", flush=True)
        for round_ in range(1000):
            with store.writer() as writer:
                add_document(writer, f"{seed}-{round_}.pdf", [f"run r{seed}r{round_}r{i} page" for i in range(4)])
                print("added", f"{seed}-{round_}.pdf", flush=True)
                if round_ % 2:
                    writer.remove_names([f"/docs/{seed}-{round_ - 1}.pdf".encode()])
                    print("removed", f"{seed}-{round_ - 1}.pdf", flush=True)
            store.optimize()
"""


def kill_at_random(folder, seed):
    """Add, delete and compact in a process until it is killed; what it said was done must be done."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUNNER), str(folder), str(seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(random.Random(seed).uniform(0.02, 0.6))
    process.kill()
    said = process.stdout.read().splitlines()
    process.wait()
    process.stdout.close()
    added = {line.split()[1] for line in said if line.startswith("added")}
    removed = {line.split()[1] for line in said if line.startswith("removed")}
    with Store(folder) as store:
        assert store.examine().findings == ()
        with store.view() as view:
            found = {document.document: document for document in view.documents()}
        assert added - removed - set(found) <= {f"{seed}-{len(added) - 2}.pdf"}  # removed, and killed before it said so
        assert not removed & set(found)
        assert all(document.n_indexed_pages == 4 for document in found.values())
        assert all(found_ for *_, found_ in contents(store).values())


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
def test_kill_at_a_random_instant_loses_nothing(tmp_path, seed):
    Store.create(tmp_path, space()).close()
    kill_at_random(tmp_path, seed)
    kill_at_random(tmp_path, seed + 1000)


def test_rows_of_deleted_pages_become_holes(tmp_path):
    fill(tmp_path, 120)
    with Store(tmp_path) as store:
        with store.writer() as writer:
            writer.remove_names([f"/docs/{i}.pdf".encode() for i in range(90)])
        before = contents(store)
        blocks = (tmp_path / "means-32.i8").stat().st_blocks
        store.optimize()
        assert (tmp_path / "means-32.i8").stat().st_blocks < blocks / 2
        assert contents(store) == before
        with store.view() as view:
            assert np.array_equal(view.page_ids(), view.page_ids())
        assert segment_path(tmp_path, 1).exists() is False

"""Indexes of every format version that was ever released open for ever, answer as they did, and become the present one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pagesight import SearchEngine
from pagesight.storage.errors import StoreLocked
from pagesight.storage.folder import write_lock
from pagesight.storage.manifest import FORMAT_VERSION, Manifest
from pagesight.storage.store import Store
from tests.helpers import ROOT

FORMATS = sorted(Path(__file__).parent.glob("format-*"))
OLD = [folder for folder in FORMATS if folder.name != f"format-{FORMAT_VERSION}"]
STEPS = ("before commit of format 2", "database has format 2", "manifest written")


def check(engine):
    """What every golden index holds."""
    totals = engine.totals()
    assert (totals.n_documents, totals.n_pages, totals.n_pages_without_words) == (3, 5, 1)
    assert [(document.names, document.kind) for document in engine.documents()] == [
        (("copy.pdf", "wheels.pdf"), "pdf"),
        (("fruit/apples.pdf",), "pdf"),
        (("tagged.pdf",), "pdf"),
    ]
    (hit, *_) = engine.search("quinces garden", k=3)
    assert (hit.name, hit.page_id, hit.kind) == ("fruit/apples.pdf:3", 3, "pdf")
    assert hit.score == pytest.approx(2, abs=0.02)
    assert hit.regions
    assert [hit.document for hit in engine.search("page", filters="tag.customer = acme")] == ["tagged.pdf"]
    assert len(engine.search("page", filters="kind = pdf")) == 4


def version_of(index):
    return json.loads((index / "manifest.json").read_text())["format_version"]


@pytest.fixture(params=FORMATS, ids=lambda folder: folder.name)
def index(request, tmp_path):
    return shutil.copytree(request.param, tmp_path / "index")


@pytest.fixture(params=OLD, ids=lambda folder: folder.name)
def old(request, tmp_path):
    return shutil.copytree(request.param, tmp_path / "index")


def test_an_old_index_opens_answers_and_can_be_written_to(index):
    vectors = {path.name: path.read_bytes() for path in index.iterdir() if path.suffix in (".seg", ".i8", ".f16")}
    with SearchEngine.open(index) as engine:
        check(engine)
        assert engine.examine().findings == ()
        assert {name: (index / name).read_bytes() for name in vectors} == vectors  # nothing was encoded again
        assert engine.remove("tagged.pdf") == ["tagged.pdf"]
        assert engine.examine().healthy
        engine.optimize()
        assert engine.examine().healthy
    assert version_of(index) == FORMAT_VERSION


@pytest.mark.parametrize(
    "step", [STEPS[1], *(pytest.param(s, marks=pytest.mark.thorough) for s in STEPS if s != STEPS[1])]
)
def test_an_upgrade_killed_at_any_step_is_done_by_the_next(old, step):
    script = f"""
        import os, signal
        from pathlib import Path
        from pagesight.storage.care.upgrade import upgrade
        from pagesight.storage.manifest import Manifest

        def die(step):
            if step == {step!r}:
                os.kill(os.getpid(), signal.SIGKILL)

        upgrade(Path({str(old)!r}), Manifest.read(Path({str(old)!r})), die)
    """
    code = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, check=False).returncode
    assert code == -signal.SIGKILL
    with SearchEngine.open(old) as engine:
        check(engine)
        assert engine.examine().findings == ()
    assert version_of(old) == FORMAT_VERSION


def test_an_old_index_that_somebody_writes_is_read_as_it_is_and_upgraded_later(old):
    with write_lock(old), SearchEngine.open(old) as engine:
        check(engine)
        assert version_of(old) == 1
        with pytest.raises(StoreLocked):
            engine.remove("tagged.pdf")
    with SearchEngine.open(old) as engine:
        check(engine)
    assert version_of(old) == FORMAT_VERSION


def test_an_old_index_is_read_where_nothing_may_be_written(old, monkeypatch):
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and access(path, mode))  # root may write
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    with SearchEngine.open(old) as engine:
        check(engine)
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before


def test_an_upgrade_composes_names(old):
    import sqlite3

    with sqlite3.connect(old / "metadata.db") as database:
        database.execute("UPDATE file SET path = ? WHERE path = 'tagged.pdf'", ("u\u0308ber.pdf",))
    database.close()
    with Store(old) as store, store.view() as view:
        assert view.find_page("über.pdf", 1) == view.find_page("u\u0308ber.pdf", 1) is not None
        assert "über.pdf" in [document.document for document in view.documents()]


def test_views_of_an_old_index_go_on_while_another_process_upgrades_it(old):
    with write_lock(old):
        engine = SearchEngine.open(old)
    with engine:
        check(engine)
        with engine.view() as view:
            Store(old).close()
            assert version_of(old) == FORMAT_VERSION
            assert len(engine.search("page", view=view, filters="kind = pdf")) == 4
        check(engine)
        assert engine.remove("tagged.pdf") == ["tagged.pdf"]
        assert engine.examine().findings == ()


def test_there_is_one_for_the_present_format():
    assert f"format-{FORMAT_VERSION}" in {folder.name for folder in FORMATS}
    assert Manifest.read(Path(__file__).parent / f"format-{FORMAT_VERSION}").format_version == FORMAT_VERSION

"""What many tests need. Nothing heavy is imported here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.forked import stop_forker
from tests.helpers import ROOT, run_cli
from tests.postgres import server

# How long an example takes says how busy the machine is. `make test` tries few examples, every other run more:
# the same ones each time, so that a run fails for what was changed. `make test-slow` looks for new ones, as many as Hypothesis would.
settings.register_profile("thorough", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("exploring", deadline=None)
settings.load_profile("thorough")

# A network that PyMuPDF loads at import, and that nothing here uses: a second.
sys.modules.setdefault("pymupdf.layout", None)


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items):
    for item in items:
        if "sample_index" in item.fixturenames:
            item.add_marker(pytest.mark.thorough)


@pytest.fixture(autouse=True, scope="session")
def _environment(tmp_path_factory):
    """No index of the user's is touched; the converted model is kept between runs where the user keeps it."""
    os.environ.pop("PAGESIGHT_INDEX", None)
    for of_terminal in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):  # that the tests were started on
        os.environ.pop(of_terminal, None)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:  # all servers are on this machine
        del os.environ[name]
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))
    yield
    stop_forker()
    server.stop_shared()


@pytest.fixture
def sample_docs() -> Path:
    return ROOT / "sample_docs"


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory, worker_id) -> Path:
    """The sample documents, indexed with the embedded default, once for all processes of the tests. Not to be written to.

    It takes a minute, so what asks for it is thorough; ``test_questions_find_their_page`` is the short one.
    """
    from filelock import FileLock

    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "sample"
    shared.mkdir(exist_ok=True)
    with FileLock(shared.with_suffix(".lock")):
        if not (shared / "done").exists():
            run_cli("--index", shared / "index", "index", ROOT / "sample_docs", check=True)
            (shared / "done").touch()
    return shared / "index"

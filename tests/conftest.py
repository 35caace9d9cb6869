"""What many tests need. Nothing heavy is imported here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import ROOT, run_cli


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Tests of one file run in one process, which makes their fixtures once; so do all that need the sample index."""
    for item in items:
        group = "sample index" if "sample_index" in item.fixturenames else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True, scope="session")
def _environment(tmp_path_factory):
    """No index of the user's is touched; the converted model is kept between runs where the user keeps it."""
    os.environ.pop("PAGESIGHT_INDEX", None)
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture
def sample_docs() -> Path:
    return ROOT / "sample_docs"


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory) -> Path:
    """The sample documents, indexed with the embedded default. Not to be written to."""
    folder = tmp_path_factory.mktemp("sample") / "index"
    run_cli("--index", folder, "index", ROOT / "sample_docs", check=True)
    return folder

"""A small index, and the application over it without a network."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra [server]")

from pagesight import IndexConfig, SearchEngine
from tests.helpers import make_pdf

PAGES = {
    "finance/report.pdf": ["turnover by region and year", "bank loans due in 2028"],
    "finance/invoice.pdf": ["an invoice for forty lamps"],
    "office/rules & notes #1.pdf": ["no grilling on the balcony", "bicycles stand in the cellar", "quiet after ten"],
}
HTML = "<script>alert('lamps')</script> a page about lamps"


def wait_for(condition, seconds=30.0):
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.02)
    return found


@contextmanager
def opened(settings, **client):
    """A client of a server with these settings, whose indexes are open."""
    from starlette.testclient import TestClient

    from pagesight.engine.server.app import create_app

    with TestClient(create_app(settings), base_url="http://localhost", **client) as found:
        wait_for(lambda: found.get("/readyz").status_code == 200)
        yield found


def make_index(folder: Path) -> Path:
    """PDFs and a text file that is HTML, read by the toy encoder."""
    for name, pages in PAGES.items():
        make_pdf(folder / "docs" / name, pages)
    (folder / "docs" / "page.html").write_text(HTML)
    with SearchEngine.open(folder / "index", model="hashing") as engine:
        engine.index([folder / "docs"], IndexConfig(text=True, n_processes=1, ocr="off", tags={"year": "2025"}))
    return folder / "index"


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """Not to be written to; documents lie in ``docs`` beside it."""
    return make_index(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def client(index):
    """A server that only reads."""
    from pagesight.engine.server.settings import ServerSettings

    with opened(ServerSettings(indexes={"docs": str(index)})) as found:
        yield found


@pytest.fixture
def writing(index, tmp_path):
    """Settings of a server with an empty index that may be written to, and with ``docs`` to be indexed by path."""
    from pagesight.engine.server.settings import ServerSettings

    return ServerSettings(
        indexes={"new": str(tmp_path / "index")},
        allow_write=True,
        allowed_folders=((index.parent / "docs").resolve(),),
        state=tmp_path / "state",
    )

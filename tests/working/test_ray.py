"""Workers as actors of Ray on this machine; skipped where the extra is not installed."""

import os
from collections import Counter

import pytest

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import IndexConfig
from pagesight.engine.working.queue import queue_files
from tests.helpers import make_pdf, run_cli
from tests.postgres.server import new_index

pytestmark = [pytest.mark.slow]
pytest.importorskip("ray")


def test_actors_do_what_workers_do(tmp_path):
    for i in range(6):
        make_pdf(tmp_path / f"docs/{i}.pdf", [f"page of number{i}"])
    address = new_index()
    with SearchEngine.open(address, model="hashing") as engine:
        queue_files(engine.made(), [tmp_path / "docs"], IndexConfig(), again=False, passed_over=Counter(), unusable=[])
    path = os.environ.get("PYTHONPATH", "")
    command = ("worker", "--ray", "local", "--workers", "2", "--until-empty", "--processes", "1")
    worked = run_cli("--index", address, *command, PYTHONPATH=path, RAY_ENABLE_UV_RUN_RUNTIME_ENV="0")
    assert worked.returncode == 0, worked.stderr
    assert worked.stdout.strip().splitlines()[-1] == "6 indexed"
    with SearchEngine.open(address) as engine:
        assert sorted(document.document for document in engine.documents()) == [f"{i}.pdf" for i in range(6)]

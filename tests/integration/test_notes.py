"""What is said of pages that could be read: which by OCR, and why."""

import json

import pytest

from pagesight.engine.api import SearchEngine
from pagesight.engine.cli.manage import spans
from pagesight.engine.config import IndexConfig
from tests.helpers import run_cli
from tests.integration.test_trust import LINES, WRONG, with_map


@pytest.mark.thorough
def test_list_and_info_say_which_pages_were_read_from_their_pixels_and_why(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    with_map(docs / "wrong.pdf", LINES, WRONG["the next letter"])
    with_map(docs / "right.pdf", LINES, lambda c: c)
    index = str(tmp_path / "index")
    with SearchEngine.open(index, model="hashing") as engine:
        engine.index([docs], IndexConfig(n_processes=1))
        right, wrong = engine.documents()
        assert (right.ocr_pages, right.notes) == ((), ())
        assert wrong.ocr_pages == (1,)
        ((number, note),) = wrong.notes
        assert number == 1
        assert note.startswith("read from its pixels: its text layer says ")
        assert engine.totals().n_noted_pages == 1
    listed = run_cli("--index", index, "list")
    assert f"note: wrong.pdf page 1: {note}" in " ".join(listed.stdout.split("\n"))
    described = run_cli("--index", index, "list", "--json").stdout.splitlines()
    assert [json.loads(line)["ocr_pages"] for line in described] == [[], [1]]
    assert "1 page; list says which" in run_cli("--index", index, "info").stdout


def test_page_numbers_are_put_together():
    assert spans([]) == ""
    assert spans([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"

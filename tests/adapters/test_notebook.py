"""What a notebook shows of hits."""

import base64
import copy
import pickle
import re

import pytest

from pagesight.engine.searcher import open_searcher


@pytest.fixture
def searcher(address):
    with open_searcher(address) as opened:
        yield opened


@pytest.mark.thorough
def test_hits_are_a_list_that_shows_pages(searcher):
    hits = searcher.search("apples in the garden")
    assert isinstance(hits, list)
    shown = hits._repr_html_()
    pictures = re.findall(r'<img alt="the page" src="data:image/jpeg;base64,([^"]+)">', shown)
    assert len(pictures) == len(hits) == 3
    assert base64.b64decode(pictures[0]).startswith(b"\xff\xd8")
    assert "<b>apples</b>" in shown
    assert hits[:1]._repr_html_().count("<img") == 1
    assert hits[:1]._repr_png_().startswith(b"\x89PNG")
    for plain in (copy.copy(hits), pickle.loads(pickle.dumps(hits))):
        assert type(plain) is list
        assert plain == hits


def test_nothing_found(searcher):
    hits = searcher.search("apples", filters="document = none")
    assert hits._repr_html_() == "<p>nothing found</p>"
    assert hits._repr_png_() is None


def test_names_and_words_of_documents_are_text_and_a_lost_file_is_said(tmp_path):
    from pagesight import IndexConfig, SearchEngine

    (tmp_path / "<b>.txt").write_text("apples <script>alert(1)</script>")
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        engine.index([tmp_path / "<b>.txt"], IndexConfig(n_processes=1))
        (tmp_path / "<b>.txt").unlink()
        hits = engine.search("apples")
        shown = hits._repr_html_()
    assert "&lt;b&gt;.txt" in shown
    assert "<script" not in shown
    assert "no picture: " in shown
    assert hits._repr_png_() is None

"""Indexes of every format version that was ever released open for ever, and answer as they did."""

import shutil
from pathlib import Path

import pytest

from pagesight.engine import SearchEngine

FORMATS = sorted(Path(__file__).parent.glob("format-*"))


@pytest.mark.parametrize("folder", FORMATS, ids=lambda folder: folder.name)
def test_an_old_index_opens_answers_and_can_be_written_to(folder, tmp_path):
    index = shutil.copytree(folder, tmp_path / "index")
    with SearchEngine.open(index) as engine:
        totals = engine.totals()
        assert (totals.n_documents, totals.n_pages, totals.n_pages_without_words) == (3, 5, 1)
        assert [document.names for document in engine.documents()] == [
            ("copy.pdf", "wheels.pdf"),
            ("fruit/apples.pdf",),
            ("tagged.pdf",),
        ]
        (hit, *_) = engine.search("quinces garden", k=3)
        assert (hit.name, hit.page_id) == ("fruit/apples.pdf:3", 3)
        assert hit.score == pytest.approx(2, abs=0.02)
        assert hit.regions
        assert [hit.document for hit in engine.search("page", filters="tag.customer = acme")] == ["tagged.pdf"]
        assert engine.examine().healthy
        assert engine.remove("tagged.pdf") == ["tagged.pdf"]
        assert engine.examine().healthy


def test_there_is_one_for_the_present_format():
    from pagesight.storage.manifest import FORMAT_VERSION

    assert f"format-{FORMAT_VERSION}" in {folder.name for folder in FORMATS}

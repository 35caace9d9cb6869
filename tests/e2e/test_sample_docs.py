"""The main job on the sample documents with the embedded default: index, ask, get the page."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import of_kinds
from pagesight.engine import SearchEngine
from pagesight.engine.evaluation.folder import read_folder
from tests.helpers import ROOT, run_cli

DOCS = ROOT / "sample_docs"


@pytest.fixture
def index(sample_index):
    return sample_index


@pytest.fixture(scope="module")
def queries():
    return [json.loads(line) for line in (DOCS / "queries.jsonl").read_text(encoding="utf-8").splitlines()]


def test_questions_find_their_page(tmp_path, queries):
    """Of two of the documents: the right one first, and its page among the first two."""
    names = {"finance/invoice-2025-0417.pdf", "office/travel-claim-form.pdf"}
    run_cli("--index", tmp_path, "index", *(DOCS / name for name in names), check=True)
    asked = [query for query in queries if {relevant["document"] for relevant in query["relevant"]} <= names]
    assert asked
    with SearchEngine.open(tmp_path) as engine:
        for query in asked:
            right = {(Path(relevant["document"]).name, relevant["page"]) for relevant in query["relevant"]}
            hits = engine.search(query["query"], k=2)
            assert hits[0].document in {name for name, _ in right}
            assert right & {(hit.document, hit.page) for hit in hits}


def test_every_page_is_indexed_and_the_scans_are_read(index):
    info = json.loads(run_cli("--index", index, "info", "--json").stdout)
    assert (info["n_documents"], info["n_failed_files"], info["n_failed_pages"]) == (18, 0, 0)
    assert info["n_pages"] >= 60
    assert info["n_pages_without_words"] == 0
    assert info["n_pages_by_ocr"] >= 4


def test_the_sixty_questions_are_answered_as_well_as_the_readme_says(index, queries):
    assert len(queries) == 60
    published = json.loads((ROOT / "benchmarks" / "results" / "quality.json").read_text(encoding="utf-8"))
    expected = published["ndcg@5"]["pagesight"]
    with SearchEngine.open(index) as engine:
        run = {query["id"]: {hit.name: hit.score for hit in engine.search(query["query"], k=5)} for query in queries}
    found = {kind: mean for kind, (mean, _) in of_kinds(run, read_folder(DOCS)).items()}
    assert found.keys() == expected.keys()
    assert found["all"] > 0.83
    assert found["all"] == pytest.approx(expected["all"], abs=0.02)  # other CPUs round otherwise


def test_every_answer_names_a_page_that_exists_and_a_place_on_it(index, queries):
    with SearchEngine.open(index) as engine:
        pages = {document.document: document.n_pages for document in engine.documents()}
        for query in queries[::6]:
            hits = engine.search(query["query"], k=10)
            assert [hit.rank for hit in hits] == list(range(1, 11))
            for hit in hits:
                assert 1 <= hit.page <= pages[hit.document]
                assert hit.regions
                assert hit.snippet
                assert all(0 <= a <= 1 for region in hit.regions for a in region.box)


def test_two_stages_find_what_the_exact_search_finds(index, queries):
    with SearchEngine.open(index) as engine:
        for query in queries[::10]:
            two_stage = [hit.name for hit in engine.search(query["query"], k=5, n_candidates=60)]
            exact = [hit.name for hit in engine.search(query["query"], k=5, exact=True)]
            assert len(set(two_stage) & set(exact)) >= 4


def test_the_region_of_a_scanned_answer_is_where_the_answer_stands(index):
    with SearchEngine.open(index) as engine:
        (hit, *_) = engine.search("lamps planned for the Whitcombe bypass", k=1)
        assert hit.document == "scans/letter-observatory-1987.pdf"
        picked = [region.box for region in hit.regions]
        with engine.store.view() as view:
            words = view.details(np.array([hit.page_id]))[hit.page_id].words
        x0, y0, x1, y1 = words.boxes[words.texts.index("142")]  # lamps, says the letter
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        assert any(a <= x <= c and b <= y <= d for a, b, c, d in picked)


def test_questions_belong_to_pages_that_exist(queries):
    import pymupdf

    for query in queries:
        assert set(query) == {"id", "query", "language", "kind", "relevant"}
        for relevant in query["relevant"]:
            assert relevant["grade"] in (1, 2)
            with pymupdf.open(DOCS / relevant["document"]) as document:
                assert 1 <= relevant["page"] <= len(document)


@pytest.mark.slow
def test_the_documents_are_what_their_programs_make(tmp_path):
    pytest.importorskip("reportlab", reason="needs sample_docs/make/requirements.txt")
    import subprocess

    subprocess.run([sys.executable, "-m", "sample_docs.make", "--out", str(tmp_path)], cwd=ROOT, check=True)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.pdf")}
    assert made == {path.relative_to(DOCS) for path in DOCS.rglob("*.pdf")}
    assert all((tmp_path / name).read_bytes() == (DOCS / name).read_bytes() for name in made)

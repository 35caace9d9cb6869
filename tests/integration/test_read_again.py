"""What a later run reads again: what was read in an older way, and what ran out of time with less of it."""

import shutil
import sqlite3
import zipfile

import pytest

from pagesight.engine import IndexConfig, SearchEngine
from pagesight.indexer.running.patience import is_time_limit, worth_retrying
from tests.helpers import ROOT, make_pdf, text_image
from tests.hostile import make_bomb

FAST = {"n_processes": 1, "ocr": "off"}


def statuses(engine, *paths, **config):
    return {str(o.source.path): str(o.status) for o in engine.index(paths, IndexConfig(**{**FAST, **config}))}


def older(folder, *, without_table=False):
    """As if all had been read by an older version."""
    with sqlite3.connect(folder / "metadata.db") as database:
        database.execute("DROP TABLE reading" if without_table else "DELETE FROM reading")


@pytest.mark.parametrize("without_table", [pytest.param(False, marks=pytest.mark.thorough), True])
def test_what_was_read_in_an_older_way_is_read_again_once(tmp_path, without_table):
    make_pdf(tmp_path / "docs" / "a.pdf", ["quinces and pears"])
    shutil.copy(tmp_path / "docs" / "a.pdf", tmp_path / "docs" / "b.pdf")
    with zipfile.ZipFile(tmp_path / "docs" / "c.cbz", "w") as comic:  # read as ever
        text_image("plums").save(tmp_path / "p.png")
        comic.write(tmp_path / "p.png")
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        statuses(engine, tmp_path / "docs")
    older(tmp_path / "index", without_table=without_table)
    with SearchEngine.open(tmp_path / "index") as engine:
        assert engine.search("quinces")[0].document == "a.pdf"  # readable all the time
        again = statuses(engine, tmp_path / "docs")
        assert again == {"a.pdf": "indexed", "b.pdf": "unchanged", "c.cbz": "unchanged"}
        assert set(statuses(engine, tmp_path / "docs").values()) == {"unchanged"}
        assert len(engine.documents()) == 2


@pytest.mark.thorough
def test_what_cannot_be_read_again_stays_as_it_was(tmp_path):
    make_pdf(tmp_path / "docs" / "a.pdf", ["quinces and pears"], encryption=5, user_pw="open", owner_pw="owner")
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        statuses(engine, tmp_path / "docs", password="open")
    older(tmp_path / "index")
    with SearchEngine.open(tmp_path / "index") as engine:
        assert statuses(engine, tmp_path / "docs") == {"a.pdf": "failed"}  # without its password
        assert engine.search("quinces")[0].document == "a.pdf"
        assert statuses(engine, tmp_path / "docs", password="open") == {"a.pdf": "indexed"}
        assert engine.failures() == []


@pytest.mark.thorough  # seconds of processor time run out; which reasons are tried again is tested below
def test_what_ran_out_of_time_is_read_again_when_there_is_more(tmp_path):
    (tmp_path / "docs").mkdir()
    make_bomb(tmp_path / "docs" / "bomb.pdf")
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        first = engine.index([tmp_path / "docs"], IndexConfig(seconds_per_page=0.5, **FAST)).outcomes[0]
        assert first.status == "failed"
        assert is_time_limit(first.reason)
        same = engine.index([tmp_path / "docs"], IndexConfig(seconds_per_page=0.5, **FAST)).outcomes[0]
        assert same.remembered
        more = engine.index([tmp_path / "docs"], IndexConfig(seconds_per_page=1.0, **FAST)).outcomes[0]
        assert not more.remembered


def test_which_reasons_are_tried_again():
    spent = "none of its 3 pages can be read: took more than 60 s of processor time; the reading process was stopped"
    assert (worth_retrying(spent, 60), worth_retrying(spent, 61)) == (False, True)
    # It waited, for what may be there now.
    assert worth_retrying("did nothing for 60 s; the reading process was stopped", 1)
    assert not worth_retrying("damaged PDF", 1000)


def test_an_index_of_format_2_is_read_again_by_a_run(tmp_path):
    shutil.copytree(ROOT / "tests" / "golden" / "format-2", tmp_path / "golden")
    folder = next(path.parent for path in sorted((tmp_path / "golden").rglob("manifest.json")))
    with SearchEngine.open(folder) as engine:
        documents = engine.documents()
        assert documents
        assert all(known.reading == 1 for known in engine.view().known_files().values())

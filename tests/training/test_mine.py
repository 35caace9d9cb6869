"""Hard negatives from our own index: within the ranks and the margin, none of them an answer, read back by the layouts."""

import json
import sys
from pathlib import Path

import pytest

from pagesight.engine.evaluation.indexing import IndexSetting, make_index
from pagesight.engine.training.data.examples import Picture, Text
from pagesight.engine.training.data.layouts import open_source
from pagesight.engine.training.data.pages import DrawnPages
from pagesight.engine.training.minable import open_minable
from pagesight.engine.training.mining import (
    MARGIN,
    NEAR,
    POSITIVE,
    SAME_DOCUMENT,
    SPARE,
    MiningConfig,
    check_free,
    mine,
)
from pagesight.storage.errors import BadFilter, BadTrainingData, ConfigError, DatasetError
from tests.helpers import make_pdf, run_cli
from tests.training.data_files import lines

LOOSE = {"ranks": (1, 30), "margin": 1.0, "near": 1.01}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAGESIGHT_CACHE", str(tmp_path / "cache"))


def mined(data, tmp_path, out=None, **options):
    """(what mine says, the lines it wrote), with an index of the toy model over the data."""
    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)
    corpus = data.dataset.corpus
    with make_index(corpus, IndexSetting(model="hashing"), folder / "index", corpus.place(folder / "corpus")) as engine:
        done = mine(data, engine, out or data.default_out, MiningConfig(**options))
    return done, [json.loads(line) for line in done.path.read_text().splitlines()]


@pytest.fixture
def beir(tmp_path):
    """One question of three words; documents with three, two, one and none of them, and a copy of the answer."""
    texts = {
        "answer": "red green blue",
        "copy": "red green blue",
        "two": "red green yellow",
        "one": "red black white",
        "none": "cyan grey pink",
    }
    lines(tmp_path / "beir/corpus.jsonl", *({"_id": name, "text": text} for name, text in texts.items()))
    lines(tmp_path / "beir/queries.jsonl", {"_id": "q", "text": "red green blue"}, {"_id": "r", "text": "..."})
    (tmp_path / "beir/qrels").mkdir()
    judged = "query-id\tcorpus-id\tscore\nq\tanswer\t1\nr\tone\t1\n"
    (tmp_path / "beir/qrels/train.tsv").write_text(judged)
    return tmp_path / "beir"


def test_answers_copies_of_them_and_what_scores_as_well_are_kept_out(beir, tmp_path):
    done, (row,) = mined(open_minable(str(beir)), tmp_path, ranks=(1, 30), margin=0.95)
    assert row == {
        "id": "q",
        "query": "red green blue",
        "positive_ids": ["answer"],
        "negative_ids": ["two", "one", "none"],
    }
    assert done.dropped == {POSITIVE: 1, MARGIN: 1}
    assert done.left_out == {"they have no word to search for": 1}
    assert (done.n_questions, done.n_written, done.n_negatives) == (2, 1, 3)


def test_what_is_written_is_read_back(beir, tmp_path):
    done, _ = mined(open_minable(str(beir)), tmp_path)
    source = open_source(str(done.path))
    assert source[0].positives == (Text("red green blue"),)
    assert Text("red green yellow") in source[0].negatives
    assert source.problems(9) == []


def test_margin_near_copies_and_ranks(beir, tmp_path):
    data = open_minable(str(beir))
    out = tmp_path / "beir/a.jsonl"
    options = LOOSE | {"near": 0.99}
    done, (row,) = mined(data, tmp_path, out, **options)
    assert done.dropped == {POSITIVE: 1, NEAR: 1}
    out.unlink()
    done, (row,) = mined(data, tmp_path, out, **LOOSE | {"margin": 0.6})
    assert "two" not in row["negative_ids"]
    assert done.dropped[MARGIN] >= 2
    assert len(row["negative_ids"]) == 4 - done.dropped[MARGIN]
    out.unlink()
    _, (row,) = mined(data, tmp_path, out, **LOOSE | {"ranks": (3, 4)})
    assert row["negative_ids"] == ["two", "one"]


def test_no_more_than_asked_for_and_the_same_each_time(beir, tmp_path):
    data = open_minable(str(beir))
    drawn = []
    for seed in (1, 1, 2, 3, 4):
        out = tmp_path / f"beir/{len(drawn)}.jsonl"
        done, (row,) = mined(data, tmp_path, out, **LOOSE, n_negatives=1, seed=seed)
        assert done.dropped[SPARE] == 3
        drawn.append(row["negative_ids"])
    assert drawn[0] == drawn[1]
    assert len({tuple(names) for names in drawn}) > 1


def test_what_was_judged_wrong_is_a_negative_whatever_it_scores(beir, tmp_path):
    qrels = beir / "qrels/train.tsv"
    qrels.write_text(qrels.read_text() + "q\tcopy\t0\n")
    _, (row,) = mined(open_minable(str(beir)), tmp_path, ranks=(1, 30))
    assert row["negative_ids"][0] == "copy"


@pytest.fixture
def folder(tmp_path):
    make_pdf(tmp_path / "docs/sub/a.pdf", ["red green blue", "red green yellow", "red black white"])
    make_pdf(tmp_path / "docs/b.pdf", ["red green pink", "cyan grey pink"])
    lines(
        tmp_path / "docs/queries.jsonl",
        {"id": "1", "query": "red green blue", "relevant": [{"document": "sub/a.pdf", "page": 1}]},
        {"id": "2", "query": "cyan", "relevant": [{"document": "b.pdf", "page": 2}]},
    )
    return tmp_path / "docs"


@pytest.mark.thorough
def test_pages_of_a_folder(folder, tmp_path):
    done, (row, other) = mined(open_minable(str(folder)), tmp_path, **LOOSE)
    assert done.path == folder / "mined.jsonl"
    assert row["positives"] == [{"pdf": "sub/a.pdf", "page": 1}]
    assert {"pdf": "sub/a.pdf", "page": 2} in row["negatives"]
    assert {"pdf": "b.pdf", "page": 1} in row["negatives"]
    source = open_source(str(done.path), pages=DrawnPages(pixels=20_000))
    assert source.kind == "pictures"
    assert len(source[0].negatives) == len(row["negatives"])
    assert source.problems(9) == []
    assert isinstance(source[1].positives[0], Picture)
    assert len(other["negatives"]) == 4

    elsewhere = tmp_path / "other/place.jsonl"
    elsewhere.parent.mkdir()
    done, _ = mined(open_minable(str(folder), elsewhere), tmp_path, elsewhere, **LOOSE, other_documents=True)
    assert open_source(str(elsewhere), pages=DrawnPages(pixels=20_000)).problems(9) == []
    assert done.dropped[SAME_DOCUMENT] == 3
    assert {Path(cell["pdf"]).name for cell in json.loads(elsewhere.read_text().splitlines()[0])["negatives"]} == {
        "b.pdf"
    }


def test_filters_choose_where_negatives_come_from(folder, tmp_path):
    _, rows = mined(open_minable(str(folder)), tmp_path, **LOOSE, filters='document = "b.pdf"')
    assert {cell["pdf"] for row in rows for cell in row["negatives"]} == {"b.pdf"}


def test_a_table_of_questions_and_answers_is_its_own_corpus(tmp_path):
    words = ["red", "green", "blue", "pink"]
    path = lines(tmp_path / "own.jsonl", *({"query": word, "positive": f"{word} and more"} for word in words))
    done, rows = mined(open_minable(str(path)), tmp_path, ranks=(2, 3))
    assert done.path == tmp_path / "own-mined.jsonl"
    assert len(rows) == 4
    for row in rows:
        assert row["positives"] == [{"text": f"{row['query']} and more"}]
        assert len(row["negatives"]) == 2
        assert row["positives"][0] not in row["negatives"]
    assert open_source(str(done.path)).problems(9) == []


@pytest.mark.skipif(sys.platform != "linux", reason="names a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_said_before_anything_is_asked():
    with pytest.raises(ConfigError, match=r"/proc cannot be written to: .*; name a file elsewhere"):
        check_free(Path("/proc/mined.jsonl"), overwrite=False)


def test_bad_input(beir, folder, tmp_path):
    for options in ({"ranks": (5, 2)}, {"margin": 1.5}, {"n_negatives": 0}, {"seed": -1}):
        with pytest.raises(ConfigError, match=f"{next(iter(options))} must be"):
            MiningConfig(**options)
    with pytest.raises(BadFilter):
        MiningConfig(filters="nonsense >")
    data = open_minable(str(beir))
    data.default_out.write_text("precious\n")
    with pytest.raises(ConfigError, match="is there already"):
        mined(data, tmp_path)
    assert data.default_out.read_text() == "precious\n"
    code = lines(
        tmp_path / "code/queries.jsonl", {"id": "1", "query": "q", "relevant": [{"document": "a.py", "line": 1}]}
    )
    (tmp_path / "code/a.py").write_text("pass")
    with pytest.raises(BadTrainingData, match="no pictures of pages"):
        open_minable(str(code.parent))
    graded = lines(tmp_path / "sts.jsonl", {"sentence1": "a", "sentence2": "b", "score": 1})
    with pytest.raises(BadTrainingData, match="graded pairs"):
        open_minable(str(graded))
    with pytest.raises(DatasetError, match=r"nothing was mined.*no answer is in the index"):
        other = open_minable(str(folder))
        with make_index(
            data.dataset.corpus, IndexSetting(model="hashing"), tmp_path / "work/index", tmp_path / "work/corpus"
        ) as engine:
            mine(other, engine, other.default_out)
    assert not list(folder.glob("*mined*"))
    assert not list(folder.glob(".*"))


@pytest.mark.thorough
def test_the_command(folder, tmp_path):
    index = tmp_path / "index"
    run_cli("--index", index, "index", folder, "--model", "hashing", check=True)
    done = run_cli("mine", folder, "--index", index, "--ranks", "1:9", "--margin", "1", "--negatives", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 questions, 4 negatives, 2.0 a question" in done.stdout
    assert f"2 {POSITIVE}" in done.stdout
    assert "mined.jsonl" in done.stdout
    again = run_cli("mine", folder, "--index", index)
    assert again.returncode == 2
    assert "is there already; --out names another file, --overwrite" in again.stderr
    assert "Traceback" not in again.stderr
    made = run_cli("mine", folder, "--model", "hashing", "--ranks", "1:9", "--overwrite", "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["n_written"] == 2
    assert (tmp_path / "pagesight-eval/docs/indexes").is_dir()
    wrong = run_cli("mine", folder, "--ranks", "9")
    assert wrong.returncode == 2
    assert "FIRST:LAST" in wrong.stderr

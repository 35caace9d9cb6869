"""``pagesight eval`` on a folder of documents: figures, files, comparisons, and what it says to wrong input."""

import csv
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pagesight.engine import SearchEngine
from pagesight.engine.cli.evaluate import evaluate as command
from pagesight.engine.evaluation.evaluate import Silent
from pagesight.engine.evaluation.folder import read_folder
from pagesight.engine.evaluation.indexing import IndexingCost, IndexSetting, make_index
from pagesight.engine.evaluation.metrics import metric_named
from pagesight.engine.evaluation.report import pareto
from pagesight.engine.evaluation.result import Faithfulness, IndexFigures, Result
from pagesight.engine.evaluation.run import AskConfig, ask
from pagesight.engine.evaluation.sweep import (
    Point,
    PointDone,
    PointSkipped,
    parse_grid,
    points_of,
    stamp_of,
    sweep,
    with_common_reference,
)
from pagesight.engine.evaluation.trec import read_qrels, read_run
from pagesight.storage.errors import ConfigError, DatasetError
from tests.helpers import ROOT, make_pdf, run_cli, text_image


@pytest.fixture(autouse=True)
def _one_reading_process(monkeypatch):
    """Starting a second one costs more than these few pages."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)


QUERIES = [
    ("q1", "quinces", "fruit", [{"document": "a.pdf", "page": 2, "grade": 2}]),
    ("q2", "bicycles", "toys", [{"document": "sub/b.pdf", "page": 1}]),
    ("q3", "apples pears", "fruit", [{"document": "a.pdf", "page": 2, "grade": 0}]),
    ("q4", "nobody judged this", "toys", []),
    ("q5", "?!", "toys", [{"document": "a.pdf", "page": 1}]),
]
NAMES = ("id", "query", "kind", "relevant")
UNKNOWN = '{"id": "q9", "query": "x", "relevant": [{"document": "z.pdf", "page": 1}]}'


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    make_pdf(folder / "a.pdf", ["apples and pears in a basket", "quinces from the old garden"])
    make_pdf(folder / "sub" / "b.pdf", ["bicycles for the whole family"])
    (folder / "queries.jsonl").write_text(
        "".join(f"{json.dumps({**dict(zip(NAMES, query, strict=True)), 'language': 'en'})}\n" for query in QUERIES)
    )
    return folder


def evaluate(tmp_path, *arguments):
    """The command in this process: starting one a test costs a second each."""
    words = [*map(str, arguments), "--model", "hashing", "--output", str(tmp_path / "out")]
    return CliRunner().invoke(command, words, catch_exceptions=False)


def index_of(folder, *paths):
    with SearchEngine.open(folder, model="hashing") as engine:
        assert all(str(outcome.status) == "indexed" for outcome in engine.index(paths))


def test_a_folder_is_measured(tmp_path, docs):
    result = evaluate(tmp_path, docs, "--json", "--metrics", "nDCG@5,recall@10,MRR@10,MAP,hit@1")
    figures = json.loads(result.stdout)
    assert (figures["n_queries"], figures["n_unjudged"], figures["n_missing"]) == (4, 1, 0)
    quality = figures["quality"]
    assert list(quality) == ["all", "kind: fruit", "kind: toys"], "groups with one value only say nothing"
    assert quality["all"]["hit@1"]["mean"] == 0.5, "judged without relevance and without words to search both count 0"
    assert quality["kind: toys"]["nDCG@5"] == {"mean": 0.5, "low": 0.0, "high": 1.0, "n": 2}
    assert figures["faithfulness"] == {"recall": 1.0, "agreement": 1.0, "n": 3}
    assert set(figures["latency_ms"]) == {"encode", "recall", "rerank", "describe", "total"}
    assert figures["index"]["n_pages"] == 3
    assert figures["index"]["pages_per_s"] > 0
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == figures
    rows = list(csv.DictReader((tmp_path / "out" / "report.csv").read_text().splitlines()))
    assert {row["metric"] for row in rows} == {"nDCG@5", "recall@10", "MRR@10", "MAP", "hit@1"}
    assert read_qrels(tmp_path / "out" / "qrels.trec")["q1"] == {"a.pdf:2": 2}
    assert next(iter(read_run(tmp_path / "out" / "run.trec")["q2"])) == "sub/b.pdf:1"


def test_the_table_is_for_people_and_the_second_run_makes_no_index(tmp_path, docs):
    evaluate(tmp_path, docs)
    result = evaluate(tmp_path, docs)
    assert result.stdout.startswith("docs, 4 queries: hashing, int8, n_candidates 200\n")
    assert "kind: fruit" in result.stdout
    assert "3 pages" in result.stdout
    assert "left out      1 queries that nobody judged" in result.stdout
    assert "indexed: a.pdf" not in result.stderr
    assert "report.json" in result.stderr


@pytest.mark.thorough
def test_two_runs_are_compared_and_a_run_from_a_file_is_scored(tmp_path, docs):
    evaluate(tmp_path, docs)
    other = tmp_path / "other.trec"
    other.write_text("q1 Q0 a.pdf:1 1 0.9 theirs\nq2 Q0 sub/b.pdf:1 1 0.9 theirs\n")
    result = evaluate(tmp_path, docs, "--compare", other, "--json")
    difference = json.loads(result.stdout)["differences"]["hit@1"]
    assert (difference["a"], difference["b"], difference["n"]) == (0.5, 0.25, 4)
    assert difference["p"] == 1, "one query that differs proves nothing"
    scored = json.loads(evaluate(tmp_path, docs, "--run", other, "--json").stdout)
    assert scored["quality"]["all"]["hit@1"]["mean"] == 0.25
    assert scored["index"] is None
    again = json.loads(evaluate(tmp_path, docs, "--run", tmp_path / "out" / "run.trec", "--json").stdout)
    assert again["quality"]["all"]["hit@1"]["mean"] == 0.5


def test_the_index_of_daily_use_is_not_measured_unasked(tmp_path, docs, monkeypatch):
    monkeypatch.setenv("PAGESIGHT_INDEX", str(tmp_path / "nothing"))
    assert json.loads(evaluate(tmp_path, docs, "--json").stdout)["index"]["n_pages"] == 3


def test_other_judgments_can_be_given(tmp_path, docs):
    (tmp_path / "qrels").write_text("q1 0 a.pdf:1 1\nq2 0 sub/b.pdf:1 1\n")
    figures = json.loads(evaluate(tmp_path, docs, "--qrels", tmp_path / "qrels", "--json").stdout)
    assert figures["n_queries"] == 2
    assert figures["quality"]["all"]["hit@1"]["mean"] == 0.5


def test_text_files_in_a_folder_are_documents_if_they_are_judged(tmp_path, docs):
    (docs / "jam.py").write_text("\n" * 70 + "marmalade = 1\n")
    with (docs / "queries.jsonl").open("a") as file:
        file.write('{"id": "q6", "query": "marmalade", "relevant": [{"document": "jam.py", "line": 71}]}\n')
    dataset = read_folder(docs)
    assert dataset.qrels["q6"] == {"jam.py:2": 1}
    setting = IndexSetting(model="hashing", ocr="off")
    with make_index(dataset.corpus, setting, tmp_path / "index", docs) as engine:
        names = [document.document for document in engine.documents()]
        assert names == ["a.pdf", "jam.py", "sub/b.pdf"], "the queries are no document"
        assert next(iter(ask(engine, dataset, AskConfig()).run["q6"])) == "jam.py:2"


@pytest.mark.thorough
def test_an_index_is_measured_as_it_stands(tmp_path, docs):
    index_of(tmp_path / "index", docs / "a.pdf")
    result = evaluate(tmp_path, docs, "--index", tmp_path / "index", "--json")
    figures = json.loads(result.stdout)
    assert figures["n_missing"] == 1
    assert figures["index"]["n_pages"] == 2
    assert not (tmp_path / "out" / "indexes").exists()
    index_of(tmp_path / "other", make_pdf(tmp_path / "x" / "c.pdf", ["plums in the garden"]))
    nothing = run_cli("--index", tmp_path / "other", "eval", docs, PAGESIGHT_INDEX=str(tmp_path / "index"))
    assert nothing.returncode == 2
    assert nothing.stderr.startswith("error: nothing that answers the queries of docs is in the index")


def test_a_page_that_lies_there_twice_is_found_as_both(tmp_path, docs):
    (docs / "copy.pdf").write_bytes((docs / "a.pdf").read_bytes())
    dataset = read_folder(docs)
    with make_index(dataset.corpus, IndexSetting(model="hashing", ocr="off"), tmp_path / "index", docs) as engine:
        run = ask(engine, dataset, AskConfig()).run["q1"]
    assert run["a.pdf:2"] == run["copy.pdf:2"] > run["a.pdf:1"]


def test_what_is_measured_is_what_a_search_returns(tmp_path, docs):
    dataset = read_folder(docs)
    with make_index(dataset.corpus, IndexSetting(model="hashing", ocr="off"), tmp_path / "index", docs) as engine:
        answers = ask(engine, dataset, AskConfig(n_candidates=10))
        for query in dataset.judged[:3]:
            hits = engine.search(query.text, k=10, n_candidates=10)
            assert answers.run[query.id] == {hit.name: hit.score for hit in hits}
            assert answers.shown[query.id] == tuple(hit.name for hit in hits)
            exact = engine.search(query.text, k=10, exact=True)
            assert answers.exact[query.id] == tuple(hit.name for hit in exact)


@pytest.mark.thorough
def test_queries_whose_answer_is_a_scan_are_a_group(tmp_path, docs):
    text_image("marmalade and\nquinces").save(docs / "scan.png")
    with (docs / "queries.jsonl").open("a") as file:
        relevant = [{"document": "scan.png", "page": 1}]
        file.write(json.dumps({"id": "q6", "query": "marmalade", "language": "en", "relevant": relevant}))
    figures = json.loads(evaluate(tmp_path, docs, "--json").stdout)
    assert figures["quality"]["scanned: yes"]["nDCG@5"]["n"] == 1
    assert figures["quality"]["scanned: no"]["nDCG@5"]["n"] == 4


JUDGED = '{"id": "q9", "query": "x", "relevant": [{"document": %s}]}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "q9", "query": "x"}', "line 6: 'relevant' is missing; expected an object with id, query and relevant"),
        (UNKNOWN, "line 6: there is no document 'z.pdf' in"),
        ('{"id": "q9", "query": "x", "relevant": [{"document": "a.pdf"}]}', "line 6: 'page' is missing"),
        ("{", "line 6: Expecting property name"),
        ("[]", "line 6: list indices must be"),
        (JUDGED % '"a.pdf", "page": 1.5', "line 6: 1.5 is no whole number"),
        (JUDGED % '"a.pdf", "page": 1, "grade": Infinity', "line 6: inf is no whole number"),
        (JUDGED % '"a.pdf", "page": 0', "line 6: pages and lines count from 1"),
        (JUDGED % '"a.pdf", "line": 0', "line 6: pages and lines count from 1"),
        (JUDGED % '"../x/a.pdf", "page": 1', r"line 6: there is no document '\.\./x/a.pdf' in"),
        (
            '{"id": "q\\ud800", "query": "x", "relevant": [{"document": "a.pdf", "page": 1}]}',
            "no program can take the id",
        ),
        ('{"id": null, "query": "x", "relevant": []}', "line 6: id is null, which is no text"),
        ('{"id": "q1", "query": "x", "relevant": []}', "docs: 1 query ids occur more than once, the first is 'q1'"),
    ],
)
def test_wrong_lines_are_named_with_what_they_lack(docs, line, message):
    with (docs / "queries.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DatasetError, match=message):
        read_folder(docs)


def test_a_document_is_the_same_however_its_place_is_written(docs):
    for i, name in enumerate(("./a.pdf", "a.pdf/../a.pdf", str(docs / "a.pdf"))):
        with (docs / "queries.jsonl").open("a") as file:
            file.write(JUDGED.replace("q9", f"r{i}") % f'"{name}", "page": 1' + "\n")
    qrels = read_folder(docs).qrels
    assert [list(qrels[f"r{i}"]) for i in range(3)] == [["a.pdf:1"]] * 3


def test_what_an_index_cost_is_unknown_where_its_file_is_half_written(tmp_path):
    for text in ("", '{"n_pages": 3', "[]", '{"pages": 3}'):
        (tmp_path / "index.cost.json").write_text(text)
        assert IndexingCost.read(tmp_path / "index") == IndexingCost()


def test_a_folder_that_cannot_be_made_is_named_before_anything_is_measured(tmp_path, docs):
    (tmp_path / "out").touch()
    with pytest.raises(ConfigError, match="x cannot be written to: Not a directory"):
        CliRunner().invoke(command, [str(docs), "-o", str(tmp_path / "out" / "x")], catch_exceptions=False)


def test_settings_that_cannot_be_are_refused(tmp_path, docs):
    five = IndexSetting(model="hashing", truncate_dim=5)
    with pytest.raises(ConfigError, match="the single vectors of hashing can be cut to 4, 8, 16, not to 5"):
        make_index(read_folder(docs).corpus, five, tmp_path / "five", docs)
    with pytest.raises(ConfigError, match="depth must be at least 10, not 3"):
        AskConfig(depth=3)
    dataset = read_folder(docs)
    with make_index(dataset.corpus, IndexSetting(model="hashing", truncate_dim=8), tmp_path / "i", docs) as engine:
        assert engine.store.space.single_dim == 8
        assert ask(engine, dataset, AskConfig()).run["q1"]
    with SearchEngine.open(tmp_path / "i") as again:
        assert again.encoder.fingerprint == "hashing-1-single-8"


SWEEP = ("--sweep", "n_candidates=10,11", "codec=int8,float16", "truncate_dim=4,8,512")


def start_sweep(tmp_path, docs):
    words = [
        sys.executable,
        "-m",
        "pagesight",
        "eval",
        docs,
        *SWEEP,
        "--model",
        "hashing",
        "--output",
        tmp_path / "out",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def kept(tmp_path):
    return {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "sweep").glob("*.json")}


@pytest.mark.thorough
def test_a_sweep_goes_on_after_ctrl_c(tmp_path, docs):
    with start_sweep(tmp_path, docs) as process:
        while "1 of 8 measured" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    before = kept(tmp_path)
    assert 1 <= len(before) < 8
    assert not (tmp_path / "out" / "sweep.png").exists()
    with start_sweep(tmp_path, docs) as process:
        output, errors = process.communicate()
    assert process.returncode == 0
    after = kept(tmp_path)
    assert len(after) == 8
    assert before.items() <= after.items(), "what was measured is not measured again"
    assert "left out: truncate_dim 512: hashing can be cut to 4, 8, 16" in errors
    lines = output.splitlines()
    assert lines[0] == "docs, 4 queries"
    assert lines[2].split() == ["candi-", "first", "p50", "p95", "kB", "pages"]
    assert lines[3].split()[:6] == ["codec", "dim", "dates", "nDCG@5", "recall@10", "stage"]
    assert len([line for line in lines if "float16" in line]) == 4
    with Image.open(tmp_path / "out" / "sweep.png") as plot:
        assert plot.size == (1800, 720)
    results = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert len(results) == 8
    assert {result["setting"]["truncate_dim"] for result in results} == {4, 8}
    assert len((tmp_path / "out" / "sweep.csv").read_text().splitlines()) > 8


@pytest.mark.thorough
def test_what_a_kept_point_depends_on_makes_it_measured_again(tmp_path, docs):
    dataset, metrics = read_folder(docs), [metric_named("nDCG@5")]
    points, _ = points_of(parse_grid(["n_candidates=10"]), IndexSetting(model="hashing", ocr="off"), AskConfig())

    def measured(dataset, metrics=metrics):
        list(sweep(dataset, points, metrics, tmp_path / "out", Silent()))
        return len(kept(tmp_path))

    assert (measured(dataset), measured(read_folder(docs))) == (1, 1)
    assert measured(dataset, [metric_named("MAP")]) == 2
    make_pdf(docs / "new.pdf", ["a new page"])
    assert measured(read_folder(docs)) == 3
    with (docs / "queries.jsonl").open("a") as file:
        file.write('{"id": "q9", "query": "basket", "relevant": [{"document": "a.pdf", "page": 1}]}\n')
    assert measured(read_folder(docs)) == 4
    with (docs / "queries.jsonl").open("a") as file:
        file.write('{"id": "q10", "query": "dragons", "unanswerable": true}\n')
    assert measured(read_folder(docs)) == 5


def test_what_a_sweep_keeps_has_a_name_with_a_reranker_too(tmp_path, docs):
    names = set()
    for folder in (None, tmp_path / "one", tmp_path / "other"):
        points, _ = points_of(parse_grid(["n_candidates=10"]), IndexSetting(), AskConfig(reranker=folder))
        names.add(stamp_of(read_folder(docs), points[0], [metric_named("MAP")]))
    assert len(names) == 3


def test_models_whose_vectors_cannot_be_cut_are_measured_once(tmp_path, docs):
    grid = parse_grid(["truncate_dim=128,512", "model=multilingual-e5-small,hashing,/no/model", "codec=int8"])
    points, skipped = points_of(grid, IndexSetting(), AskConfig())
    assert [(point.index.model, point.index.truncate_dim) for point in points] == [("multilingual-e5-small", None), ("/no/model", None)]  # fmt: skip
    assert [str(skip.reason) for skip in skipped] == [
        "does not apply to multilingual-e5-small: its single vectors cannot be cut, so they are measured as they are",
        "128, 512: hashing can be cut to 4, 8, 16",
        "does not apply to /no/model: its single vectors cannot be cut, so they are measured as they are",
    ]
    assert points_of(parse_grid(["task=code,retrieval"]), IndexSetting(), AskConfig()) == (
        [Point(IndexSetting(), AskConfig())],
        [PointSkipped("task", "does not apply to multilingual-e5-small: it has none to choose")],
    )
    (outcome,) = sweep(read_folder(docs), points[1:], [metric_named("MAP")], tmp_path, Silent())
    assert outcome == PointSkipped("model /no/model", outcome.reason)
    assert "there is no model '/no/model'" in outcome.reason


@pytest.mark.parametrize("words", [["candidates=10"], ["n_candidates"], ["n_candidates=0"], ["codec="], ["codec=int3"], ["truncate_dim=x"]])  # fmt: skip
def test_a_grid_that_cannot_be_is_refused(words):
    with pytest.raises(
        ConfigError, match=r"a sweep is given as NAME=VALUE|needs positive whole|needs values|no token codec"
    ):
        parse_grid(words)


def test_agreement_is_with_the_most_precise_codec():
    def point(codec, n_bytes, shown, exact):
        result = Result(
            dataset="d",
            setting={"model": "m", "ocr": "auto", "task": None, "codec": codec, "n_candidates": 10},
            n_queries=1,
            n_unjudged=0,
            n_missing=0,
            quality={},
            faithfulness=Faithfulness(recall=1, agreement=1, n=1),
            index=IndexFigures(
                n_pages=1, n_failed_files=0, token_bytes_per_page=n_bytes, disk_bytes_per_page=0, pages_per_s=None
            ),
        )
        assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result
        return PointDone(result=result, shown={"q": shown}, exact={"q": exact})

    small = point("int8", 1.0, ["a", "b"], ["a", "b"])
    precise = point("float16", 2.0, ["a", "c"], ["a", "c"])
    assert [result.faithfulness.agreement for result in with_common_reference([small, precise])] == [0.5, 1.0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_what_is_starred_is_beaten_by_nobody(costs):
    starred = pareto(costs)
    assert any(starred)
    for mine, star in zip(costs, starred, strict=True):
        beaten = any(all(np.array(other) <= mine) and any(np.array(other) < mine) for other in costs)
        assert star != beaten

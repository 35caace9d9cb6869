"""``pagesight eval`` on a folder of documents: figures, files, comparisons, and what it says to wrong input."""

import csv
import json

import pytest

from engine import SearchEngine
from engine.evaluation.folder import read_folder
from engine.evaluation.indexing import IndexSetting, make_index
from engine.evaluation.run import AskConfig, ask
from engine.evaluation.trec import read_qrels, read_run
from storage.errors import ConfigError, DatasetError
from tests.helpers import make_pdf, run_cli, text_image

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


def evaluate(tmp_path, *arguments, **options):
    return run_cli("eval", *arguments, "--model", "hashing", "--output", tmp_path / "out", cwd=tmp_path, **options)


def test_a_folder_is_measured(tmp_path, docs):
    result = evaluate(tmp_path, docs, "--json", "--metrics", "nDCG@5,recall@10,MRR@10,MAP,hit@1", check=True)
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
    evaluate(tmp_path, docs, check=True)
    result = evaluate(tmp_path, docs, check=True)
    assert result.stdout.startswith("docs, 4 queries: hashing, int8, n_candidates 200\n")
    assert "kind: fruit" in result.stdout
    assert "3 pages" in result.stdout
    assert "left out      1 queries that nobody judged" in result.stdout
    assert "indexed: a.pdf" not in result.stderr
    assert "report.json" in result.stderr


def test_two_runs_are_compared_and_a_run_from_a_file_is_scored(tmp_path, docs):
    evaluate(tmp_path, docs, check=True)
    other = tmp_path / "other.trec"
    other.write_text("q1 Q0 a.pdf:1 1 0.9 theirs\nq2 Q0 sub/b.pdf:1 1 0.9 theirs\n")
    result = evaluate(tmp_path, docs, "--compare", other, "--json", check=True)
    difference = json.loads(result.stdout)["differences"]["hit@1"]
    assert (difference["a"], difference["b"], difference["n"]) == (0.5, 0.25, 4)
    assert difference["p"] == 1, "one query that differs proves nothing"
    scored = json.loads(evaluate(tmp_path, docs, "--run", other, "--json", check=True).stdout)
    assert scored["quality"]["all"]["hit@1"]["mean"] == 0.25
    assert scored["index"] is None
    again = json.loads(evaluate(tmp_path, docs, "--run", tmp_path / "out" / "run.trec", "--json", check=True).stdout)
    assert again["quality"]["all"]["hit@1"]["mean"] == 0.5


def test_an_index_is_measured_as_it_stands(tmp_path, docs):
    run_cli("--index", tmp_path / "index", "index", docs / "a.pdf", "--model", "hashing", check=True)
    result = evaluate(tmp_path, docs, "--index", tmp_path / "index", "--json", check=True)
    figures = json.loads(result.stdout)
    assert figures["n_missing"] == 1
    assert figures["index"]["n_pages"] == 2
    assert not (tmp_path / "out" / "indexes").exists()
    run_cli("--index", tmp_path / "other", "index", make_pdf(tmp_path / "x" / "c.pdf", ["plums"]), "--model", "hashing")
    nothing = evaluate(tmp_path, docs, "--index", tmp_path / "other")
    assert nothing.returncode == 2
    assert "nothing that answers the queries of docs is in the index" in nothing.stderr


def test_a_page_that_lies_there_twice_is_found_as_both(tmp_path, docs):
    (docs / "copy.pdf").write_bytes((docs / "a.pdf").read_bytes())
    dataset = read_folder(docs)
    with make_index(dataset, IndexSetting(model="hashing", ocr="off"), tmp_path / "index", tmp_path) as engine:
        run = ask(engine, dataset, AskConfig()).run["q1"]
    assert run["a.pdf:2"] == run["copy.pdf:2"] > run["a.pdf:1"]


def test_queries_whose_answer_is_a_scan_are_a_group(tmp_path, docs):
    text_image("marmalade and\nquinces").save(docs / "scan.png")
    with (docs / "queries.jsonl").open("a") as file:
        relevant = [{"document": "scan.png", "page": 1}]
        file.write(json.dumps({"id": "q6", "query": "marmalade", "language": "en", "relevant": relevant}))
    figures = json.loads(evaluate(tmp_path, docs, "--json", check=True).stdout)
    assert figures["quality"]["scanned: yes"]["nDCG@5"]["n"] == 1
    assert figures["quality"]["scanned: no"]["nDCG@5"]["n"] == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "q9", "query": "x"}', "line 6: 'relevant' is missing; expected an object with id, query and relevant"),
        (UNKNOWN, "line 6: there is no document 'z.pdf' in"),
        ('{"id": "q9", "query": "x", "relevant": [{"document": "a.pdf"}]}', "line 6: 'page' is missing"),
        ("{", "line 6: Expecting property name"),
        ("[]", "line 6: list indices must be"),
        ('{"id": "q1", "query": "x", "relevant": []}', "docs: 1 query ids occur more than once, the first is 'q1'"),
    ],
)
def test_wrong_lines_are_named_with_what_they_lack(docs, line, message):
    with (docs / "queries.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DatasetError, match=message):
        read_folder(docs)


def test_settings_that_cannot_be_are_refused(tmp_path, docs):
    with pytest.raises(ConfigError, match="truncate_dim 5: the single vectors of hashing can be cut to 4, 8, 16"):
        IndexSetting(model="hashing", truncate_dim=5).encoder()
    with pytest.raises(ConfigError, match="depth must be at least 10, not 3"):
        AskConfig(depth=3)
    dataset = read_folder(docs)
    with make_index(dataset, IndexSetting(model="hashing", truncate_dim=8), tmp_path / "i", tmp_path) as engine:
        assert engine.store.manifest.single_dim == 8
        assert ask(engine, dataset, AskConfig()).run["q1"]
    assert SearchEngine.open(tmp_path / "i").store.manifest.fingerprint.endswith("-single-8")

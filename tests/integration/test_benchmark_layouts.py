"""Data sets in the exact layouts in which benchmarks come, made by script: what is read from each, and what is said of wrong ones."""

import gzip
import io
import json
import random
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from PIL import Image

from pagesight.engine.cli.evaluate import evaluate as command
from pagesight.engine.evaluation.layouts import open_datasets
from pagesight.storage.errors import DatasetError, ExtraMissing
from tests.helpers import ROOT, text_image

TEXTS = {
    "d1": "apples and pears in a basket",
    "d/2 x.y": "quinces from the old garden",
    "d3": "bicycles for the family",
}
JUDGED = [("q1", "d/2 x.y", 1), ("q2", "d3", 2), ("q2", "d1", 0)]
ASKED = {"q1": "quinces", "q2": "bicycles", "q3": "nobody judged this"}


@pytest.fixture(autouse=True)
def _one_reading_process(monkeypatch):
    """Starting a second one costs more than these few pages."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)


def png(text):
    data = io.BytesIO()
    text_image(text, (300, 80), 24).save(data, "PNG")
    return data.getvalue()


def cell(text):
    """An image as the hub stores it."""
    return {"bytes": png(text), "path": f"{text[:3]}.png"}


def parquet(path, columns, files=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    for i in range(files):
        part = table.slice(i * -(-len(table) // files), -(-len(table) // files))
        pq.write_table(part, path.with_name(f"{path.name}-{i:05d}-of-{files:05d}.parquet"))


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def beir_jsonl(root, ending="jsonl"):
    root.mkdir(parents=True, exist_ok=True)
    lines(root / f"corpus.{ending}", [{"_id": i, "title": "Title", "text": t} for i, t in TEXTS.items()])
    lines(root / f"queries.{ending}", [{"_id": i, "text": t, "metadata": {}} for i, t in ASKED.items()])
    (root / "qrels").mkdir()
    rows = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, judged)) for judged in JUDGED)]
    (root / "qrels" / "test.tsv").write_text("\n".join(rows) + "\n")
    (root / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nother\td1\t1\n")


def beir_tsv(root):
    root.mkdir(exist_ok=True)
    (root / "corpus.tsv").write_text("_id\ttext\n" + "".join(f'{i}\t{t} "\n' for i, t in TEXTS.items()))
    (root / "queries.tsv").write_text("_id\ttext\n" + "".join(f"{i}\t{t}\n" for i, t in ASKED.items()))
    (root / "qrels.csv").write_text("query-id,corpus-id,score\n" + "".join(f'{q},"{d}",{s}\n' for q, d, s in JUDGED))


def columns_of(kind, ids="corpus-id"):
    content = [cell(text) for text in TEXTS.values()] if kind == "image" else list(TEXTS.values())
    return {ids: list(TEXTS), kind: content}


def qrels_columns(score=int, dash="-"):
    queries, items, grades = zip(*JUDGED, strict=True)
    return {f"query{dash}id": queries, f"corpus{dash}id": items, "score": [score(grade) for grade in grades]}


def queries_columns(**more):
    return {"query-id": list(ASKED), "query": list(ASKED.values()), **more}


def vidore_v1(root):
    parquet(root / "corpus" / "test", columns_of("image"), files=2)
    parquet(root / "queries" / "test", queries_columns())
    parquet(root / "qrels" / "test", qrels_columns(float))


def vidore_v2(root):
    parquet(root / "corpus" / "test", {**columns_of("image"), "doc-id": ["a", "a", "b"]})
    parquet(root / "queries" / "test", queries_columns(language=["english", "french", "english"]))
    parquet(root / "qrels" / "test", {**qrels_columns(), "answer": ["", "", ""]})
    parquet(root / "docs" / "test", {"doc-id": ["a", "b"]})


def vidore_v3(root):
    ids, content = columns_of("image").values()
    pages = {"corpus_id": ids, "image": content, "doc_id": ids, "markdown": ids, "page_number_in_doc": [0, 1, 0]}
    queries = {"query_id": list(ASKED), "query": list(ASKED.values()), "language": ["english"] * 3}
    parquet(root / "corpus" / "test", pages)
    parquet(root / "queries" / "test", {**queries, "query_types": [["numerical"], ["open-ended", "extractive"], []]})
    parquet(root / "qrels" / "test", {**qrels_columns(dash="_"), "content_type": [["text"], ["table"], []]})


def vidore_v3_mteb(root):
    for language in ("english", "french"):
        parquet(root / f"{language}-corpus" / "test", columns_of("image", "id"))
        parquet(root / f"{language}-queries" / "test", {"id": list(ASKED), "text": list(ASKED.values())})
        parquet(root / f"{language}-qrels" / "test", qrels_columns())


def jina_beir(root):
    for language in ("de", "ja"):
        parquet(root / language / "corpus" / "test", columns_of("image"))
        parquet(root / language / "queries" / "test", queries_columns())
        parquet(root / language / "qrels" / "test", qrels_columns())


def mteb_text(root):
    parquet(root / "corpus" / "corpus", {**columns_of("text", "_id"), "title": ["", "", ""]})
    parquet(root / "queries" / "queries", {"_id": list(ASKED), "text": list(ASKED.values())})
    parquet(root / "data" / "test", qrels_columns())


BEIR = {
    "BEIR": beir_jsonl,
    "BEIR, gzip": lambda root: beir_jsonl(root, "jsonl.gz"),
    "BEIR, tsv and csv": beir_tsv,
    "ViDoRe v1": vidore_v1,
    "ViDoRe v2": vidore_v2,
    "ViDoRe v3": vidore_v3,
    "ViDoRe v3 for mteb": vidore_v3_mteb,
    "JinaVDR": jina_beir,
    "mteb": mteb_text,
}


@pytest.mark.parametrize("layout", BEIR)
def test_three_tables_are_read_in_every_form(tmp_path, layout):
    root = tmp_path / "data_set"
    BEIR[layout](root)
    datasets = open_datasets(str(root))
    subsets = {"ViDoRe v3 for mteb": ["english", "french"], "JinaVDR": ["de", "ja"]}.get(layout)
    assert [d.name for d in datasets] == ([f"data_set/{name}" for name in subsets] if subsets else ["data_set"])
    for number, dataset in enumerate(datasets):
        assert {query.id: query.text for query in dataset.judged} == {"q1": "quinces", "q2": "bicycles"}
        assert dataset.qrels == {"q1": {"d/2 x.y": 1}, "q2": {"d3": 2, "d1": 0}}
        folder = dataset.corpus.place(tmp_path / f"placed{number}")
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        assert sorted(dataset.corpus.item(path, 1) for path in files) == sorted(TEXTS)
        endings = {path.suffix for path in files}
        assert endings == ({".txt"} if "BEIR" in layout or layout == "mteb" else {".png"})


def test_columns_of_the_queries_become_groups(tmp_path):
    vidore_v2(tmp_path / "v2")
    vidore_v3(tmp_path / "v3")
    (v2,), (v3,) = open_datasets(str(tmp_path / "v2")), open_datasets(str(tmp_path / "v3"))
    assert [query.groups for query in v2.judged] == [{"language": "english"}, {"language": "french"}]
    assert v3.judged[1].groups == {"language": "english", "type": "open-ended, extractive"}


def test_what_the_first_row_lacks_is_read_where_others_have_it(tmp_path):
    beir_jsonl(tmp_path / "d")
    lines(
        tmp_path / "d" / "corpus.jsonl", [{"_id": "d1", "text": "x"}, {"_id": "d2", "title": 2024, "text": ["y", "z"]}]
    )
    lines(tmp_path / "d" / "queries.jsonl", [{"_id": "q1", "text": "x"}, {"_id": "q2", "text": "y", "language": "de"}])
    (dataset,) = open_datasets(str(tmp_path / "d"))
    placed = dataset.corpus.place(tmp_path / "placed")
    assert (placed / "d2.txt").read_text() == "2024\ny, z"
    assert [query.groups for query in dataset.queries] == [{}, {"language": "de"}]


def test_one_language_can_be_chosen(tmp_path):
    jina_beir(tmp_path)
    assert [d.name for d in open_datasets(str(tmp_path), ["ja"])] == [f"{tmp_path.name}/ja"]
    with pytest.raises(DatasetError, match="has no subset 'fr'; it has de, ja"):
        open_datasets(str(tmp_path), ["fr"])


def qa_columns(named=True):
    rows = [("quinces", "p1"), (None, "p2"), ("bicycles", "p3"), ("quinces", "p4"), ("pears", "p3")]
    columns = {"query": [query for query, _ in rows], "image": [cell(page) for _, page in rows]}
    return {**columns, "image_filename": [page for _, page in rows]} if named else columns


def test_questions_and_pages_in_one_table(tmp_path):
    parquet(tmp_path / "qa" / "data" / "test", qa_columns(), files=2)
    (dataset,) = open_datasets(str(tmp_path / "qa"))
    asked = {query.text: dataset.qrels[query.id] for query in dataset.judged}
    assert asked == {"quinces": {"p4": 1}, "bicycles": {"p3": 1}, "pears": {"p3": 1}}, "duplicates as ViDoRe does"
    files = [path.stem for path in dataset.corpus.place(tmp_path / "placed").glob("*.png")]
    assert sorted(files) == ["p1", "p2", "p3", "p4"], "pages without a question distract, each page is there once"


def test_tables_may_lie_in_parts_without_a_folder(tmp_path):
    parquet(tmp_path / "qa" / "test", qa_columns(), files=2)
    assert len(open_datasets(str(tmp_path / "qa"))[0].judged) == 3
    parquet(tmp_path / "beir" / "corpus", columns_of("text", "_id"), files=3)
    parquet(tmp_path / "beir" / "queries", queries_columns())
    parquet(tmp_path / "beir" / "qrels", qrels_columns())
    (dataset,) = open_datasets(str(tmp_path / "beir"))
    assert len(list(dataset.corpus.rows())) == 3


def test_questions_and_pages_by_language_and_without_names(tmp_path):
    for language in ("ar", "hu"):
        parquet(tmp_path / "qa" / language / "test", qa_columns(named=False))
    datasets = open_datasets(str(tmp_path / "qa"))
    assert [dataset.name for dataset in datasets] == ["qa/ar", "qa/hu"]
    assert len(list(datasets[0].corpus.place(tmp_path / "placed").glob("*.png"))) == 5


def test_rows_are_written_once_and_follow_the_data_set(tmp_path):
    vidore_v1(tmp_path / "v1")
    (dataset,) = open_datasets(str(tmp_path / "v1"))
    folder = dataset.corpus.place(tmp_path / "placed")
    (folder / "d1.png").unlink()
    dataset.corpus.place(tmp_path / "placed")
    assert not (folder / "d1.png").exists(), "what is complete is not read again"
    parquet(tmp_path / "v1" / "corpus" / "test", {"corpus-id": ["d1", "new"], "image": [cell("a"), cell("b")]}, files=2)
    (dataset,) = open_datasets(str(tmp_path / "v1"))
    dataset.corpus.place(tmp_path / "placed")
    assert sorted(path.name for path in folder.glob("*.png")) == ["d1.png", "new.png"]


def test_images_by_path_and_of_other_kinds(tmp_path):
    root = tmp_path / "d"
    lines(root / "corpus.jsonl", [{"_id": "d1", "image": "pages/one.tga"}])
    lines(root / "queries.jsonl", [{"_id": "q1", "text": "one"}])
    lines(root / "qrels.jsonl", [{"query-id": "q1", "corpus-id": "d1", "score": 1}])
    (root / "pages").mkdir()
    text_image("one").save(root / "pages" / "one.tga")
    (dataset,) = open_datasets(str(root))
    with Image.open(dataset.corpus.place(tmp_path / "placed") / "d1.png") as image:
        assert image.size == (1000, 400)
    (root / "pages" / "one.tga").unlink()
    with pytest.raises(
        DatasetError, match=r"image of corpus row 'd1' is neither in its table nor a file in .*'pages/one.tga'"
    ):
        open_datasets(str(root))[0].corpus.place(tmp_path / "other")


def break_qrels(root):
    (root / "qrels" / "test.tsv").unlink()
    (root / "qrels" / "dev.tsv").unlink()


def other_splits(root):
    (root / "qrels" / "test.tsv").rename(root / "qrels" / "train.tsv")


def rename_column(root):
    lines(root / "queries.jsonl", [{"_id": "q1", "question": "x"}])


def no_common_ids(root):
    lines(root / "queries.jsonl", [{"_id": "q7", "text": "x"}])


def bad_score(root):
    (root / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\thigh\n")


def short_line(root):
    (root / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\n")


def no_id(root):
    lines(root / "corpus.jsonl", [{"_id": "d1", "text": "x"}, {"text": "y"}])


def long_id(root):
    lines(root / "corpus.jsonl", [{"_id": "ü" * 80, "text": "x"}])


def damaged(root):
    (root / "corpus.jsonl").rename(root / "corpus.parquet")


def half_a_score(root):
    (root / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t0.5\n")


def endless_score(root):
    (root / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\tinf\n")


def large_score(root):
    (root / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t100000000\n")


def null_in_an_id(root):
    (root / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td\0001\t1\n")


def half_a_character(root):
    lines(root / "corpus.jsonl", [{"_id": "\ud800", "text": "x"}])


def too_deep(root):
    (root / "corpus.jsonl").write_text("[" * 100_000)


def cut_off(root):
    text = (root / "corpus.jsonl").read_bytes()
    (root / "corpus.jsonl").unlink()
    (root / "corpus.jsonl.gz").write_bytes(gzip.compress(text)[:-12])


WRONG = {
    break_qrels: r"has no qrels; looked for qrels\[.jsonl\|.tsv\|.parquet\|/\], default\[",
    lambda root: (root / "corpus.jsonl").unlink(): r"has no corpus; looked for corpus\[",
    other_splits: "qrels has no split 'test', but dev, train",
    rename_column: r"queries.jsonl has no column for the query: expected one of text, query, got _id, question",
    no_common_ids: "none of its 1 queries is judged; qrels and queries have no id in common",
    bad_score: "test.tsv: the score of query 'q1': 'high' is no number",
    short_line: "test.tsv, line 2: expected 3 fields",
    no_id: "corpus.jsonl has a row without _id",
    long_id: "cannot be a file name: it has 480 characters",
    damaged: "corpus.parquet cannot be read as parquet",
    half_a_score: "test.tsv: the score of query 'q1': '0.5' is no whole number",
    endless_score: "test.tsv: the score of query 'q1': 'inf' is no whole number",
    large_score: r"a grade is at most 1000, not 100000000 \(query 'q1'\)",
    null_in_an_id: "no program can take the id 'q1' or 'd.*1'",
    half_a_character: "cannot be a file name: it has half a character",
    too_deep: "corpus.jsonl, line 1: maximum recursion depth",
    cut_off: "corpus.jsonl.gz cannot be read: Compressed file ended",
}


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__)
def test_wrong_layouts_say_what_is_missing_where(tmp_path, spoil):
    beir_jsonl(tmp_path / "d")
    spoil(tmp_path / "d")
    with pytest.raises(DatasetError, match=WRONG[spoil]):
        open_datasets(str(tmp_path / "d"))[0].corpus.place(tmp_path / "placed")


def test_an_unknown_folder_and_an_unreachable_hub_say_so(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DatasetError, match=r"(?s)in no layout that is known; expected one of.*queries.jsonl.*corpus, queries"
    ):
        open_datasets(str(tmp_path / "empty"))
    with pytest.raises(DatasetError, match="there is no folder /no/where"):
        open_datasets("/no/where")
    with pytest.raises(DatasetError, match="py is a file; name the folder of a data set, or a table of sentence1"):
        open_datasets(__file__)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        DatasetError, match=r"no folder vidore/nothing, and the hub does not give it: .*name its folder here"
    ):
        open_datasets("vidore/nothing")
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'pagesight\[eval\]'"):
        open_datasets("vidore/nothing")


PLACE = """
import resource, sys
from pathlib import Path
from pagesight.engine.evaluation.layouts import open_datasets

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

(dataset,) = open_datasets(sys.argv[1])
before = peak_mb()
dataset.corpus.place(Path(sys.argv[2]))
print(round(peak_mb() - before))
"""


@pytest.mark.slow
def test_five_thousand_images_are_streamed(tmp_path):
    """120 MB of images in row groups of a hundred, as the hub has them, go through 50 MB of memory."""
    vidore_v1(tmp_path / "d")
    for path in (tmp_path / "d" / "corpus").iterdir():
        path.unlink()
    schema = pa.schema({"corpus-id": pa.int64(), "image": pa.struct({"bytes": pa.binary(), "path": pa.string()})})
    noise = random.Random(1).randbytes(5_024_000)
    with pq.ParquetWriter(tmp_path / "d" / "corpus" / "test-00000-of-00001.parquet", schema) as writer:
        for first in range(0, 5000, 100):
            images = [{"bytes": png("")[:16] + noise[i * 1000 : i * 1000 + 24_000]} for i in range(first, first + 100)]
            columns = {"corpus-id": range(first, first + 100), "image": images}
            writer.write_table(pa.table(columns, schema))
    command = [sys.executable, "-c", PLACE, tmp_path / "d", tmp_path / "placed"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(list((tmp_path / "placed").glob("*.png"))) == 5000
    assert int(result.stdout) < 50


def evaluate(folder, *arguments):
    words = [str(folder), *map(str, arguments), "--model", "hashing", "--json"]
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_text_benchmark_from_end_to_end(tmp_path):
    beir_jsonl(tmp_path / "d")
    (figures,) = evaluate(tmp_path / "d", "--output", tmp_path / "out")
    assert figures["quality"]["all"]["nDCG@10"]["mean"] == 1
    assert (figures["n_queries"], figures["n_unjudged"], figures["n_missing"]) == (2, 1, 0)


@pytest.mark.thorough
def test_an_image_benchmark_in_one_language_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jina_beir(tmp_path / "d")
    (figures,) = evaluate("d", "--subset", "ja")
    assert figures["dataset"] == "d/ja"
    assert figures["quality"]["all"]["nDCG@5"]["mean"] == 1, "the words were read from the pictures"
    assert (tmp_path / "pagesight-eval" / "d" / "ja" / "report.json").exists()


def test_languages_are_measured_one_by_one(tmp_path):
    for language in ("de", "ja"):
        beir_jsonl(tmp_path / "d" / language)
    words = [str(tmp_path / "d"), "--model", "hashing", "--output", str(tmp_path / "out")]
    lines_shown = CliRunner().invoke(command, words, catch_exceptions=False).stdout.splitlines()
    assert [line.split()[0] for line in lines_shown[-3:]] == ["d/de", "d/ja", "mean"]
    assert lines_shown[-1].split()[3:6] == ["4", "1.000", "1.000"]
    assert (tmp_path / "out" / "ja" / "report.json").exists()

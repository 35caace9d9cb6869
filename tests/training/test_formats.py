"""Every layout of data through the command line: one run of both phases whose stages learn from all that they can."""

import json
import subprocess

import pytest
from PIL import Image

from tests.helpers import make_pdf, run_cli
from tests.training.data_files import lines, parquet
from tests.training.lessons import COLOURS, WORDS, graded_rows, picture_rows, text_rows, tiny_checkpoint, write_rows

pytestmark = pytest.mark.slow

CONFIG = """
model = "m"
out = "out"
device = "cpu"
text_batch = 10
picture_batch = 6
learning_rate = 1e-2
start = "fresh"
[pairs]
steps = 24
sources = ["lines/text.jsonl", "lines/pictures.jsonl", "beir", "beir-pictures", "colpali", "vdr", "pdfs", "docid"]
evaluation = ["lines/held.jsonl"]
[tasks.retrieval]
steps = 4
sources = ["lines/negatives.jsonl", "vdr", "pdfs"]
[tasks.text-matching]
steps = 4
sources = ["graded-lines.jsonl", "graded-tabs.tsv", "graded.csv", "lines/text.jsonl"]
[tasks.code]
steps = 4
sources = ["code", "spoken.jsonl"]
"""


def cell(path):
    """A picture as the hub's parquet files have it."""
    return {"bytes": path.read_bytes(), "path": None}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    tiny_checkpoint(folder / "m")
    rows = text_rows(120, seed=1)
    write_rows(folder / "lines/text.jsonl", rows[:60])
    write_rows(folder / "lines/held.jsonl", rows[60:90])
    write_rows(folder / "lines/negatives.jsonl", text_rows(40, seed=2, negatives=2))
    pictures = picture_rows(folder / "lines", 40)
    write_rows(folder / "lines/pictures.jsonl", pictures[:8])
    drawn = [(row["query"], folder / "lines" / row["positive"]["image"]) for row in pictures]

    lines(folder / "beir/corpus.jsonl", *({"_id": f"d{i}", "text": row["positive"]} for i, row in enumerate(rows[90:])))
    lines(folder / "beir/queries.jsonl", *({"_id": f"q{i}", "text": row["query"]} for i, row in enumerate(rows[90:])))
    judged = "".join(f"q{i}\td{i}\t1\n" for i in range(30))
    (folder / "beir/qrels").mkdir()
    (folder / "beir/qrels/train.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)

    images = {"corpus-id": list(range(8)), "image": [cell(path) for _, path in drawn[8:16]]}
    parquet(folder / "beir-pictures/corpus/train.parquet", images)
    asked = ({"_id": str(i), "text": query} for i, (query, _) in enumerate(drawn[8:16]))
    lines(folder / "beir-pictures/queries.jsonl", *asked)
    judged_too = ({"query-id": str(i), "corpus-id": str(i), "score": 1} for i in range(8))
    lines(folder / "beir-pictures/qrels.jsonl", *judged_too)

    shown = {"query": [query for query, _ in drawn[16:24]], "image": [cell(path) for _, path in drawn[16:24]]}
    parquet(folder / "colpali/data/train-00000-of-00001.parquet", shown)
    columns = {
        "id": [str(i) for i in range(10)],
        "query": [*(query for query, _ in drawn[24:32]), None, None],
        "image": [cell(path) for _, path in drawn[24:34]],
        "negatives": [[str(8 + i % 2)] for i in range(8)] + [None, None],
    }
    parquet(folder / "vdr/train.parquet", columns)

    (folder / "pdfs").mkdir()
    make_pdf(folder / "pdfs/a.pdf", [" ".join(WORDS), *WORDS])
    for name in ("red", "blue"):
        Image.new("RGB", (84, 56), COLOURS[name]).save(folder / f"pdfs/{name}.png")
    pages = [("a.pdf", page, word) for page, word in enumerate(list(WORDS)[:6], 2)]
    pages += [("red.png", 1, "the red one"), ("blue.png", 1, "the blue one")]
    other = {"document": "a.pdf", "page": 1, "grade": 0}
    asked_pages = [
        {"id": str(i), "query": query, "relevant": [{"document": name, "page": page}, other]}
        for i, (name, page, query) in enumerate(pages)
    ]
    lines(folder / "pdfs/queries.jsonl", *asked_pages)

    ids = {"docid": [str(i) for i in range(12)], "text": list(WORDS.values())}
    parquet(folder / "docid/corpus/train.parquet", ids)
    named = [
        {"query_id": str(i), "query": word, "positive_passages": [str(i)], "negative_passages": [str((i + 1) % 12)]}
        for i, word in enumerate(WORDS)
    ]
    lines(folder / "docid/train.jsonl", *named)

    graded = graded_rows(60)
    write_rows(folder / "graded-lines.jsonl", graded[:20])
    for name, between in (("graded-tabs.tsv", "\t"), ("graded.csv", ",")):
        head = between.join(graded[0]) + "\n"
        table = [between.join(map(str, row.values())) + "\n" for row in graded[20:]]
        (folder / name).write_text(head + "".join(table))

    spoken = {"func_documentation_string": [f"Adds {i}." for i in range(12)], "func_code_string": [f"a + {i}" for i in range(12)]}  # fmt: skip
    parquet(folder / "code/train.parquet", spoken)
    lines(folder / "spoken.jsonl", *({"query": f"Takes {i}.", "code": f"a - {i}"} for i in range(12)))
    (folder / "config.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def ran(place, tmp_path_factory) -> subprocess.CompletedProcess[str]:
    home = tmp_path_factory.mktemp("home")
    return run_cli("train", place / "config.toml", "--quiet", XDG_CACHE_HOME=str(home), OMP_NUM_THREADS="1")


def test_both_phases_learn_from_every_layout(place, ran):
    assert ran.returncode == 0, ran.stderr
    records = {path.parent.name: json.loads(path.read_text()) for path in place.glob("out/training/*/result.json")}
    assert set(records) == {"pairs", "retrieval", "text-matching", "code"}
    assert records["pairs"]["scores"]["nDCG@10_late"] > 0.25  # by chance some 0.15 of 30
    card = (place / "out/README.md").read_text()
    for name in ("beir", "colpali", "vdr", "pdfs", "docid", "graded-tabs.tsv", "spoken.jsonl"):
        assert name in card


def test_the_result_is_verified_and_finds_pages_of_an_index(place, ran, tmp_path):
    assert ran.returncode == 0, ran.stderr
    assert run_cli("models", "verify", place / "out").returncode == 0
    index = tmp_path / "index"
    made = run_cli("--index", index, "index", place / "pdfs", "--model", place / "out")
    assert made.returncode == 0, made.stderr
    found = run_cli("--index", index, "search", "apple", "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.splitlines()[0])["rank"] == 1

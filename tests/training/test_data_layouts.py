"""Every layout, made up on the disk: what is in a source, and where it came from."""

import errno
import json
from pathlib import Path

import pytest

from pagesight.engine.training.data.examples import Picture, Text
from pagesight.engine.training.data.layouts import LAYOUTS, open_source
from pagesight.engine.training.data.pages import DrawnPages
from pagesight.storage.errors import BadTrainingData, ConfigError, DiskFull
from tests.helpers import make_pdf, text_image
from tests.training.data_files import lines, parquet, png


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAGESIGHT_CACHE", str(tmp_path / "cache"))


def texts(pieces):
    return [piece.text for piece in pieces]


def test_jsonl_of_texts_and_of_pictures_in_all_spellings(tmp_path):
    path = lines(
        tmp_path / "own.jsonl",
        {"query": "q1", "positive": "p1", "negative": "n1"},
        {"query": "q2", "positives": ["p2", {"text": "p3", "title": "T"}], "negatives": ["n2", "n3"], "id": 7},
    )
    path.write_text(path.read_text().replace('"positives"', '"positive"').replace("\n", "\n\n", 1))
    source = open_source(str(path))
    assert (source.name, source.kind, len(source)) == ("own", "text", 2)
    assert texts(source[0].positives + source[0].negatives) == ["p1", "n1"]
    assert texts(source[1].positives) == ["p2", "T\np3"]
    assert texts(source[-1].negatives) == ["n2", "n3"]
    assert source[1].where == f"{path}:3"  # a line without anything counts
    with pytest.raises(IndexError):
        source[2]

    columns = lines(tmp_path / "st.jsonl", {"anchor": "a", "positive": "p", "negative_1": "x", "negative_2": "y"})
    assert texts(open_source(str(columns))[0].negatives) == ["x", "y"]

    text_image("page").save(tmp_path / "page.png")
    pictures = lines(
        tmp_path / "pictures.jsonl",
        {"query": {"image": "page.png"}, "positive": {"image": "page.png"}, "negatives": []},
    )
    source = open_source(str(pictures))
    assert source.kind == "pictures"
    assert isinstance(source[0].query, Picture)
    assert source[0].positives[0].open().size == source[0].positives[0].size() == (1000, 400)
    assert source.problems(9) == []


def test_beir_has_all_answers_of_a_question_and_what_was_judged_wrong(tmp_path):
    lines(tmp_path / "corpus.jsonl", *({"_id": f"d{i}", "title": "T" * (i % 2), "text": f"text {i}"} for i in range(5)))
    lines(tmp_path / "queries.jsonl", *({"_id": f"q{i}", "text": f"question {i}"} for i in range(4)))
    (tmp_path / "qrels").mkdir()
    judged = "query-id\tcorpus-id\tscore\n"
    (tmp_path / "qrels/train.tsv").write_text(judged + "q2\td4\t1\nq0\td1\t2\nq2\td0\t1\nq2\td1\t0\nq3\td1\t0\n")
    (tmp_path / "qrels/test.tsv").write_text(judged + "q1\td1\t1\n")
    source = open_source(str(tmp_path))
    assert [example.query.text for example in source] == ["question 0", "question 2"]
    assert texts(source[1].positives) == ["text 4", "text 0"]
    assert texts(source[1].negatives) == ["T\ntext 1"]
    assert source[1].where == f"{tmp_path}/queries.jsonl:3"
    assert source.problems(9) == []
    assert [e.query.text for e in open_source(str(tmp_path), split="test")] == ["question 1"]

    (tmp_path / "qrels/train.tsv").write_text(judged + "q0\td1\t1\nq9\td1\t1\nq0\td7\t1\nq0\td1\tgood\n")
    faults = open_source(str(tmp_path)).problems(9)
    assert [fault.partition("qrels/")[2] for fault in faults] == [
        "train.tsv:3: there is no query with the id 'q9'",
        "train.tsv:4: there is no document with the id 'd7'",
        "train.tsv:5: could not convert string to float: 'good'",
    ]


def test_beir_with_pictures_by_name_and_in_parquet(tmp_path):
    (tmp_path / "images").mkdir()
    text_image("one").save(tmp_path / "images/one.png")
    lines(tmp_path / "corpus.jsonl", {"_id": "1", "image": "one.png"})
    lines(tmp_path / "queries.jsonl", {"_id": "q", "text": "which?"})
    lines(tmp_path / "qrels.jsonl", {"query-id": "q", "corpus-id": "1", "score": 1})
    source = open_source(str(tmp_path))
    assert source.kind == "pictures"
    assert source[0].positives[0].path == str(tmp_path / "images/one.png")

    (tmp_path / "corpus.jsonl").unlink()
    parquet(tmp_path / "corpus/train.parquet", {"corpus-id": [1, 2], "image": [png("a"), png("b")]})
    source = open_source(str(tmp_path))
    assert source[0].positives[0].size() == (300, 60)
    assert source.problems(9) == []


@pytest.mark.parametrize("parts", [1, 3])
def test_colpali_is_unpacked_once_and_equal_pages_are_one_picture(tmp_path, parts):
    for part in range(parts):
        parquet(
            tmp_path / f"data/train-{part:05}-of-{parts:05}.parquet",
            {
                "query": [f"q{part}", None, f"r{part}"],
                "image": [png(f"{part}"), png("x"), png("same")],
                "other": [1, 2, 3],
            },
        )
    source = open_source(str(tmp_path))
    assert (source.kind, len(source)) == ("pictures", 2 * parts)  # pages without a question only distract
    assert source[-1].query.text == f"r{parts - 1}"
    assert source[-1].where.endswith(f"train-{parts - 1:05}-of-{parts:05}.parquet, row 3")
    assert source[1].positives[0].key == source[-1].positives[0].key != source[0].positives[0].key
    assert source.problems(9) == []
    written = sorted((tmp_path / "cache").rglob("*.png"))
    assert len(written) == parts + 2
    before = [path.stat().st_mtime_ns for path in written]
    rows = next((tmp_path / "cache").rglob("rows.jsonl")).stat().st_mtime_ns
    open_source(str(tmp_path))
    assert [path.stat().st_mtime_ns for path in written] == before
    assert next((tmp_path / "cache").rglob("rows.jsonl")).stat().st_mtime_ns == rows


def test_a_disk_that_is_full_at_the_end_of_unpacking_leaves_nothing_half(tmp_path, monkeypatch):
    parquet(tmp_path / "train.parquet", {"query": ["q", "r"], "positive": ["a", "b"]})
    real = Path.write_text

    def full(self, text, **options):
        if not self.name.startswith("unpacked"):
            return real(self, text, **options)
        real(self, text[:5], **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk, pytest.raises(DiskFull):
        disk.setattr(Path, "write_text", full)
        open_source(str(tmp_path))
    assert len(open_source(str(tmp_path))) == 2


def test_vdr_negatives_are_ids_of_other_rows(tmp_path):
    columns = {
        "id": ["a", "b", "c"],
        "query": ["what?", None, "how?"],
        "image": [png("a"), png("b"), png("c")],
        "negatives": [["b", "c"], None, ["a", "nowhere"]],
    }
    parquet(tmp_path / "train.parquet", columns)
    source = open_source(str(tmp_path))
    assert [len(source), source.kind] == [2, "pictures"]
    first = source[0]
    assert [n.open().tobytes() for n in first.negatives] != [first.positives[0].open().tobytes()] * 2
    assert len({piece.key for piece in first.positives + first.negatives}) == 3
    (fault,) = source.problems(9)
    assert "train.parquet, row 3: there is no page with the id 'nowhere'" in fault


def test_ids_of_a_corpus_beside_the_examples(tmp_path):
    parquet(tmp_path / "corpus/train.parquet", {"docid": ["7", "8", "9"], "text": ["seven", "eight", "nine"]})
    lines(
        tmp_path / "train.jsonl",
        {"query_id": "1", "query": "which?", "positive_passages": ["8"], "negative_passages": ["7", "9"]},
        {"query_id": "2", "query": "what?", "positive_passages": [{"docid": "x", "title": "", "text": "here"}]},
    )
    source = open_source(str(tmp_path))
    assert texts(source[0].positives + source[0].negatives) == ["eight", "seven", "nine"]
    assert texts(source[1].positives) == ["here"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sts.jsonl", '{"sentence1": "a", "sentence2": "b", "score": 4.5}\n'),
        ("sts.tsv", "sentence1\tsentence2\tscore\na\tb\t4.5\n"),
        ("sts.csv", 'score,sentence1,sentence2\r\n4.5,"a","b"\r\n'),
    ],
)
def test_graded_pairs(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    source = open_source(str(tmp_path / name))
    example = source[0]
    assert (source.kind, example.grade, example.query, example.positives) == ("graded", 4.5, Text("a"), (Text("b"),))


def test_a_field_of_csv_may_go_over_several_lines(tmp_path):
    (tmp_path / "sts.csv").write_text('\ufeffsentence1,sentence2,score\n"one\n\ntwo","b, c",1\nx,y,2\n"broken",z\n')
    source = open_source(str(tmp_path / "sts.csv"))
    assert (source[0].query.text, texts(source[0].positives)) == ("one\n\ntwo", ["b, c"])
    assert source[1].where.endswith("sts.csv:5")
    assert source.problems(9) == [f"{tmp_path}/sts.csv:6: expected 3 fields, got 2"]


def test_code(tmp_path):
    parquet(tmp_path / "train.parquet", {"func_documentation_string": ["Adds."], "func_code_string": ["a + b"]})
    assert open_source(str(tmp_path))[0] == open_source(str(tmp_path / "train.parquet"), layout="code")[0]
    pairs = lines(tmp_path / "pairs.jsonl", {"query": "Adds.", "code": "a + b", "negatives": ["a - b"]})
    assert open_source(str(pairs))[0].positives == (Text("a + b"),)
    assert open_source(str(pairs))[0].negatives == (Text("a - b"),)


def test_a_folder_of_pdfs_is_drawn_once(tmp_path):
    make_pdf(tmp_path / "docs/a.pdf", ["first", "second", "third"])
    text_image("picture").save(tmp_path / "docs/b.png")
    lines(
        tmp_path / "docs/queries.jsonl",
        {
            "id": "1",
            "query": "2nd?",
            "relevant": [{"document": "a.pdf", "page": 2}, {"document": "a.pdf", "page": 3, "grade": 0}],
        },
        {"id": "2", "query": "nothing?", "relevant": [{"document": "a.pdf", "page": 1, "grade": 0}]},
        {"id": "3", "query": "picture?", "relevant": [{"document": "b.png", "page": 1}]},
    )
    done = []
    source = open_source(str(tmp_path / "docs"), pages=DrawnPages(pixels=50_000), on_drawn=done.append)
    assert (len(source), source.kind) == (2, "pictures")
    width_px, height_px = source[0].positives[0].open().size
    assert width_px * height_px == pytest.approx(50_000, rel=0.02)
    assert height_px > width_px
    assert len(source[0].negatives) == 1
    assert source[0].negatives != source[0].positives
    assert source[1].where == f"{tmp_path}/docs/queries.jsonl:3"
    assert source.problems(9) == []
    assert done[-1].n_done == done[-1].n_pages == 3

    (tmp_path / "docs/a.pdf").rename(tmp_path / "docs/c.pdf")  # the content is what counts
    queries = (tmp_path / "docs/queries.jsonl").read_text()
    (tmp_path / "docs/queries.jsonl").write_text(queries.replace("a.pdf", "c.pdf"))
    again = open_source(str(tmp_path / "docs"), pages=DrawnPages(pixels=50_000), on_drawn=pytest.fail)
    assert again[0].positives[0].key == source[0].positives[0].key


def test_what_is_wrong_with_pages_is_said_by_file_and_line(tmp_path):
    make_pdf(tmp_path / "a.pdf", ["only"])
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    (tmp_path / "notes.md").write_text("text")
    lines(
        tmp_path / "queries.jsonl",
        *(
            {"id": str(i), "query": "q", "relevant": [{"document": name, "page": page}]}
            for i, (name, page) in enumerate([("a.pdf", 7), ("broken.pdf", 1), ("gone.pdf", 1), ("notes.md", 1)])
        ),
    )
    faults = open_source(str(tmp_path), pages=DrawnPages(pixels=50_000)).problems(9)
    for number, (fault, expected) in enumerate(
        zip(
            faults,
            ["the document has 1 pages", "broken.pdf", "no document 'gone.pdf'", "notes.md is a text"],
            strict=True,
        ),
        1,
    ):
        assert f"queries.jsonl:{number}: " in fault
        assert expected in fault


def test_jsonl_names_pages_of_pdfs(tmp_path):
    make_pdf(tmp_path / "docs/a.pdf", ["first", "second"])
    path = lines(
        tmp_path / "mined.jsonl",
        {
            "query": "q",
            "positives": [{"pdf": "docs/a.pdf", "page": 1}],
            "negatives": [{"pdf": "docs/a.pdf", "page": 2}],
        },
        {"query": "r", "positives": [{"document": "docs/a.pdf", "page": 0}]},
    )
    source = open_source(str(path), pages=DrawnPages(pixels=50_000))
    assert source[0].positives[0].open().size == source[0].negatives[0].open().size
    assert source.problems(9) == [f"{path}:2: the page must be a number from 1, not 0"]


def test_an_unknown_layout_says_what_was_found_and_what_is_known(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"frage": "q", "antwort": "a"})
    with pytest.raises(BadTrainingData, match=r"columns found: antwort, frage.*(?s:.)*sentence1"):
        open_source(str(path))
    with pytest.raises(BadTrainingData, match=r"no column for the question: known are query.*found: frage, antwort"):
        open_source(str(path), layout="jsonl")
    with pytest.raises(BadTrainingData, match=r"no file or folder .*nowhere"):
        open_source(str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="no layout 'json'; there are beir"):
        open_source(str(path), layout="json")
    with pytest.raises(BadTrainingData, match="no dataset of the hub"):
        open_source("hf://only-a-name")
    assert len({row.name for row in LAYOUTS}) == len(LAYOUTS)


def test_the_hub_is_asked_for_files(tmp_path, monkeypatch):
    """Where the hub cannot be reached, the message says so."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(BadTrainingData, match="the hub does not give it"):
        open_source("hf://vidore/colpali_train_set")


def test_lines_that_are_no_examples_are_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"query": "q", "positive": "p"}\n{"query": \n[1]\n{"query": "q", "positive": 7}\n\xff\n')
    source = open_source(str(path))
    faults = source.problems(9)
    assert [fault.partition(": ")[0] for fault in faults] == [f"{path}:{n}" for n in (2, 3, 4, 5)]
    assert "expected an object, got list" in faults[1]
    assert "expected a text" in faults[2]
    assert "UTF-8" in faults[3]
    assert json.dumps(faults)

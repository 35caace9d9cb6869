"""Symmetric text tasks: correlations on pairs, documents as questions; and code as a corpus."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pagesight.engine.cli.evaluate import evaluate as command
from pagesight.engine.evaluation.pairs import Pairs, correlations, cosines, read_pairs
from pagesight.engine.models import load_model
from pagesight.storage.errors import DatasetError
from tests.helpers import HASHING


@pytest.fixture(autouse=True)
def _one_reading_process(monkeypatch):
    """Starting a second one costs more than these few pages."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)


ROWS = [("apples pears", "apples pears", 5.0), ("apples pears", "apples plums", 3), ("apples", "bicycles", 0), ("?", "x", 1)]  # fmt: skip


def write_pairs(path, rows=ROWS):
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ("sentence1", "sentence2", "score")
    path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))


def run(*arguments):
    result = CliRunner().invoke(command, [*map(str, arguments), "--model", "hashing"], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.thorough
def test_pairs_are_measured(tmp_path):
    write_pairs(tmp_path / "sts" / "test.jsonl")
    found = json.loads(run(tmp_path / "sts", "--json"))
    assert (found["dataset"], found["setting"]) == ("sts", {"model": "hashing"})
    similar = cosines(HASHING, read_pairs(tmp_path / "sts", "test"))
    assert similar[0] == pytest.approx(1, abs=1e-6)
    assert similar[3] == 0, "a text without a word is like nothing"
    scores = [score for _, _, score in ROWS]
    assert found["correlations"]["Spearman"]["mean"] == pytest.approx(scipy.stats.spearmanr(similar, scores).statistic)
    assert found["correlations"]["Pearson"]["mean"] == pytest.approx(scipy.stats.pearsonr(similar, scores).statistic)
    assert run(tmp_path / "sts" / "test.jsonl").startswith("test, 4 pairs: hashing\n\nSpearman ")


@pytest.mark.parametrize(
    ("scores", "message"), [((3.0, 3.0, 3.0), "do not vary"), ((1.0, float("nan"), 2.0), "no finite numbers")]
)
def test_scores_that_no_correlation_is_defined_of_are_refused(scores, message):
    with pytest.raises(DatasetError, match=message):
        Pairs("x", ("a",) * 3, ("b",) * 3, scores)
    with pytest.raises(DatasetError, match="finds all pairs equally alike"):
        correlations(np.full(3, 0.3), (1.0, 2.0, 3.0))


@pytest.mark.thorough
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=4, max_size=20))
def test_correlations_are_scipys_with_equal_values_too(values):
    a, b = np.array(values, float).T
    if np.ptp(a) and np.ptp(b):
        found = correlations(a, b)
        assert found["Spearman"].mean == pytest.approx(scipy.stats.spearmanr(a, b).statistic)
        assert found["Pearson"].mean == pytest.approx(scipy.stats.pearsonr(a, b).statistic)


def test_wrong_pairs_are_named(tmp_path):
    write_pairs(tmp_path / "a.jsonl", [("x", "y", "high")])
    with pytest.raises(DatasetError, match=r"a.jsonl, row 1: the score 'high' is no number"):
        read_pairs(tmp_path / "a.jsonl", "test")
    assert read_pairs(Path(__file__), "test") is None
    assert read_pairs(tmp_path, "test") is None
    with pytest.raises(DatasetError, match="few has 1 pairs; a correlation needs three"):
        Pairs("few", ("x",), ("y",), (1.0,))


def test_documents_as_questions_do_not_find_themselves(tmp_path):
    texts = {"a": "apples pears plums", "b": "apples pears grapes", "c": "bicycles cars"}
    folder = tmp_path / "arguana"
    folder.mkdir()
    for name in ("corpus", "queries"):
        rows = texts.items() if name == "corpus" else [("a", texts["a"])]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in rows))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\na\tb\t1\n")
    plain = json.loads(run(folder, "--json", "-o", tmp_path / "1"))
    symmetric = json.loads(run(folder, "--json", "-o", tmp_path / "1", "--symmetric"))
    assert plain["quality"]["all"]["hit@1"]["mean"] == 0
    assert symmetric["quality"]["all"]["hit@1"]["mean"] == 1


def test_code_is_found_by_its_description(tmp_path):
    """The layout of code retrieval sets, with the embedded model."""
    functions = {
        "sort": "def bubble(values):\n    for i in range(len(values)):\n        for j in range(i):\n            swap_if_greater(values, j)",
        "read": "def load(path):\n    with open(path) as file:\n        return json.load(file)",
        "time": "def now():\n    return datetime.now(UTC).isoformat()",
    }
    queries = {
        "sort": "sort a list in place",
        "read": "read a JSON file from disk",
        "time": "current date and time as text",
    }
    folder = tmp_path / "code"
    folder.mkdir()
    for name, rows in (("corpus", functions), ("queries", {f"q-{i}": t for i, t in queries.items()})):
        (folder / f"{name}.jsonl").write_text(
            "".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in rows.items())
        )
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"q-{i}\t{i}\t1\n" for i in functions))
    words = [str(folder), "--json", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(command, words, catch_exceptions=False)
    assert json.loads(result.stdout)["quality"]["all"]["hit@1"]["mean"] == 1
    assert load_model("multilingual-e5-small").reads_words

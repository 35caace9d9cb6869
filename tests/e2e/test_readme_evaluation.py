"""The README's section on evaluation does what it says."""

import re
import shutil

import pytest
from click.testing import CliRunner

from pagesight.engine.cli.evaluate import evaluate
from tests.helpers import ROOT


def commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## Measure it on your documents")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = [line.split("#")[0].split() for block in blocks for line in block.splitlines()]
    return [words[2:] for words in lines if words[:2] == ["pagesight", "eval"]]


@pytest.mark.thorough  # test_evaluate.py gives the same commands less to measure
def test_the_commands_of_the_readme_run(tmp_path, monkeypatch, sample_docs):
    """With the toy model and two of the documents, for time's sake; the answers of the others are missing, and it says so."""
    monkeypatch.chdir(tmp_path)
    for name in ("finance/annual-report-2025.pdf", "finance/invoice-2025-0417.pdf"):
        (tmp_path / "sample_docs" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample_docs / name, tmp_path / "sample_docs" / name)
    lines = (sample_docs / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "finance/annual" in line and line.count('"document"') == line.count("finance/")]
    (tmp_path / "sample_docs" / "queries.jsonl").write_text("\n".join(kept), encoding="utf-8")
    found = commands()
    assert len(found) == 3
    for words in found:
        result = CliRunner().invoke(evaluate, [*words, "--model", "hashing", "--ocr", "off"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert "nDCG@5" in result.stdout
    assert (tmp_path / "pagesight-eval" / "sample_docs" / "sweep.png").exists()

"""The examples of docs/training-data.md are data that loads, as what the page says they are."""

import re

from pagesight.engine.training.data.check import problems
from pagesight.engine.training.data.layouts import open_source
from pagesight.engine.training.data.pages import DrawnPages
from tests.helpers import ROOT, make_pdf, text_image

TEXT = (ROOT / "docs/training-data.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL))
EXPECTED = {  # source -> kind, examples, negatives of the first
    "reports": ("pictures", 2, 0),
    "texts.jsonl": ("text", 2, 1),
    "pages.jsonl": ("pictures", 2, 1),
    "alike.tsv": ("graded", 2, 0),
    "code.jsonl": ("text", 2, 0),
    "beir": ("text", 1, 1),
    "beir/mined.jsonl": ("text", 1, 1),
}


def test_every_example_loads_without_a_fault(tmp_path, monkeypatch):
    monkeypatch.setenv("PAGESIGHT_CACHE", str(tmp_path / "cache"))
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    make_pdf(tmp_path / "reports/report.pdf", ["signed", "due"])
    text_image("logo").save(tmp_path / "logo.png")
    assert {name.partition("/")[0] for name in FILES} == {name.partition("/")[0] for name in EXPECTED}
    for name, (kind, n, n_negatives) in EXPECTED.items():
        source = open_source(str(tmp_path / name), pages=DrawnPages(pixels=20_000))
        assert (source.kind, len(source), len(source[0].negatives)) == (kind, n, n_negatives), name
        assert problems([source]) == [], name
    assert len(open_source(str(tmp_path / "reports"), pages=DrawnPages(pixels=20_000))[1].negatives) == 1

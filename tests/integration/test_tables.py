"""What a table shows at any width: names whole and on one line, everything else gives way."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagesight.engine.api import SearchEngine
from pagesight.engine.cli.main import _register, cli
from pagesight.engine.cli.tables import GAP, Column, fitted_widths
from pagesight.engine.config import IndexConfig
from tests.helpers import make_pdf

NAMES = (
    "a.pdf",
    "minutes of the general meeting 2024.pdf",
    "協会/年次報告書.pdf",
    f"deep/{'folder ' * 9}/{'x' * 60}.pdf",
)
TITLE = "Minutes of the extraordinary general meeting of the shareholders, with annexes one to twelve and the agenda"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    import pymupdf

    folder = tmp_path_factory.mktemp("tables")
    for number, name in enumerate(NAMES):
        made = make_pdf(folder / "x.pdf", [f"Quinces and pears, ripe in autumn, of orchard {number}. " * 12])
        with pymupdf.open(made) as document:
            document.set_metadata({"title": TITLE * (number % 2)})
            (folder / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
            document.save(folder / "docs" / name)
    with SearchEngine.open(folder / "index", model="hashing") as engine:
        engine.index([folder / "docs"], IndexConfig(ocr="off", n_processes=1))
    return folder / "index"


def printed(capsys, monkeypatch, columns, *arguments):
    _register()
    if columns:
        monkeypatch.setenv("COLUMNS", str(columns))
    else:
        monkeypatch.delenv("COLUMNS", raising=False)  # a pipe
    cli.main([*map(str, arguments)], standalone_mode=False)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [20, 40, 80, 120, 200, 0])
@pytest.mark.parametrize("verb", [["list"], ["search", "ripe pears"]])
def test_names_are_whole_and_on_one_line_at_any_width(capsys, monkeypatch, index, verb, columns):
    lines = printed(capsys, monkeypatch, columns, "--index", index, *verb)
    for name in NAMES:
        assert sum(name in line for line in lines) == 1, (name, lines)
    if verb == ["list"]:
        assert len(lines) == 1 + len(NAMES)
    else:
        assert any("orchard" in line or "autumn" in line for line in lines)  # the snippet has its place, too


def test_a_title_is_shortened_and_not_the_name(capsys, monkeypatch, index):
    (line,) = [line for line in printed(capsys, monkeypatch, 200, "--index", index, "list") if NAMES[1] in line]
    assert "Minutes of the extra" in line
    assert "…" in line


@pytest.mark.parametrize("columns", [40, 80, 120, 200, 0])
def test_names_of_models_are_whole(capsys, monkeypatch, columns):
    from pagesight.engine.models.table import MODELS

    lines = printed(capsys, monkeypatch, columns, "models")
    assert all(any(line.startswith(name) for line in lines) for name in MODELS)


@pytest.mark.parametrize("columns", [40, 120])
def test_figures_of_an_evaluation_are_whole(capsys, monkeypatch, columns):
    from pagesight.engine.cli.tables import print_whole
    from pagesight.engine.evaluation.report import _table

    table = _table("group", "nDCG@5", "recall@20")
    table.add_row("questions in another language than the page", "0.855 ±0.04", "0.901 ±0.03")
    monkeypatch.setenv("COLUMNS", str(columns))
    print_whole(table)
    (_, row) = capsys.readouterr().out.splitlines()
    assert row.split("  ") == ["questions in another language than the page", "0.855 ±0.04", "0.901 ±0.03"]


@given(
    st.lists(st.tuples(st.sampled_from(["nothing", "all", "end", "width", "place"]), st.integers(1, 60)), min_size=1),
    st.integers(1, 250),
)
def test_widths_fit_and_names_have_what_they_need(kinds, room):
    columns = [Column("h", gives, rank=i) for i, (gives, _) in enumerate(kinds)]
    natural = [n for _, n in kinds]
    widths = fitted_widths(columns, natural, room)
    names = [n for (gives, n) in kinds if gives == "nothing"]
    total = sum(w + GAP for w in widths if w) - GAP
    assert all(w == n for w, n, c in zip(widths, natural, columns, strict=True) if c.gives == "nothing")
    assert all(0 <= w <= n for w, n in zip(widths, natural, strict=True))
    assert total <= max(room, sum(n + GAP for n in names) - GAP)


@pytest.mark.thorough
def test_names_compare_in_the_composed_form_in_every_verb(tmp_path):
    typed = unicodedata.normalize("NFC", "größe/überblick.pdf")
    on_disk = tmp_path / "docs" / unicodedata.normalize("NFD", typed)
    make_pdf(on_disk, ["Quinces and pears"])
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        options = {"ocr": "off", "n_processes": 1}
        named = engine.index([tmp_path / "docs" / typed], IndexConfig(**options))
        assert [outcome.status for outcome in named] == ["indexed"]
        name = "überblick.pdf"
        assert engine.documents()[0].names == (name,)
        decomposed = unicodedata.normalize("NFD", name)
        assert engine.look_up(decomposed, 1).document == name
        assert engine.search("quinces", filters=f'document = "{decomposed}"')
        assert engine.search("quinces", filters=f'document ~ "*{decomposed[-12:]}"')
        assert engine.remove(decomposed) == [name]
        engine.index([tmp_path / "docs"], IndexConfig(**options))
        os.remove(on_disk)
        gone = engine.index([tmp_path / "docs" / "größe"], IndexConfig(prune=True, **options))
        assert [outcome.status for outcome in gone] == ["removed"]

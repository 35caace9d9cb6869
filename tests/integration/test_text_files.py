"""Text files and code as documents: pages of lines, found with their line numbers."""

import numpy as np
import pytest
from click.testing import CliRunner

from pagesight.engine import IndexConfig, SearchEngine
from pagesight.engine.cli.index import index as index_command
from pagesight.engine.cli.search import search as search_command
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.indexer.reading.text_file import PAGE_LINES, line_span
from pagesight.storage.errors import UnreadableDocument
from tests.helpers import make_pdf

FAST = {"n_processes": 1, "ocr": "off"}


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    lines = [f"value_{i} = {i}" for i in range(150)]
    lines[97] = "    marmalade = quinces * 2  # the only one"
    (folder / "jam.py").write_text("\n".join(lines))
    (folder / "windows.txt").write_bytes("erste Zeile\r\nzweite Größe\r\n".encode("latin-1"))
    (folder / "__init__.py").touch()
    make_pdf(folder / "a.pdf", ["apples and pears"])
    return folder


def test_a_hit_in_code_names_its_lines(tmp_path, code):
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        found = {o.source.path: str(o.status) for o in engine.index([code], IndexConfig(text=True, **FAST))}
        assert found == {"__init__.py": "skipped", "a.pdf": "indexed", "jam.py": "indexed", "windows.txt": "indexed"}
        (hit, *_) = engine.search("marmalade quinces")
        assert (hit.name, hit.lines) == ("jam.py:2", (98, 98))
        assert hit.to_dict()["lines"] == (98, 98)
        assert engine.search("Größe")[0].lines in [(1, 2), (2, 2)]  # to this model both lines match
        assert {hit.document for hit in engine.search("apples", filters="kind = text")} == {"jam.py", "windows.txt"}
        assert engine.search("apples pears")[0].lines is None
        (picture,) = engine.pictures([hit])
        assert np.asarray(picture.convert("L")).min() < 100, "something is drawn"


@pytest.mark.thorough
def test_folders_are_walked_for_text_only_on_request(tmp_path, code):
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        assert [o.source.path for o in engine.index([code], IndexConfig(**FAST))] == ["a.pdf"]
        assert [str(o.status) for o in engine.index([code / "jam.py"], IndexConfig(**FAST))] == ["indexed"]
    index = str(tmp_path / "cli")
    words = ["--index", index, str(code), "--text", "--model", "hashing", "--processes", "1"]
    result = CliRunner().invoke(index_command, words, catch_exceptions=False)
    assert result.stdout.startswith("3 files indexed (5 pages")
    result = CliRunner().invoke(search_command, ["--index", index, "marmalade quinces"], catch_exceptions=False)
    assert "2, l. 98 " in result.stdout


def read(path):
    return read_page(open_document(path, ReadOptions()), 1, ReadOptions())


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", "one\ttwo".encode("utf-16"), ["one", "two"]),
        ("b.md", b"\xef\xbb\xbfmark", ["mark"]),
        ("w.txt", "Škoda don’t – „5 €“ œuvre".encode("cp1252"), ["Škoda", "don’t", "–", "„5", "€“", "œuvre"]),
        ("cut.log", "Größe über\nMaß".encode()[:-1], ["Größe", "über", "MaÃ"]),
        ("c.md", b"A PDF starts with %PDF-1.7", ["A", "PDF", "starts", "with", "%PDF-1.7"]),
        ("d.py", b"\n\n  \n", []),
        ("e.txt", b"x", ["x"]),
    ],
)
def test_text_is_read_as_it_is(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    page = read(tmp_path / name)
    assert list(page.words.texts) == words, "and short ones are not looked at with OCR"
    assert page.text_source == ("text" if words else "none")


def test_every_word_lies_in_its_line(tmp_path):
    lines = ["a" * 300 + " b", "", "c d"]
    (tmp_path / "long.txt").write_text("\n".join(lines))
    page = read(tmp_path / "long.txt")
    places = {text: line_span(1, tuple(box)) for text, box in zip(page.words.texts, page.words.boxes, strict=True)}
    assert (places["b"], places["c"], places["d"]) == ((1, 1), (3, 3), (3, 3))
    assert page.words.boxes.max() <= 1
    assert line_span(3, (0, 0, 1, 1)) == (2 * PAGE_LINES + 1, 3 * PAGE_LINES)


def test_binary_data_with_the_name_of_a_text_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"abc\x00\x01")
    with pytest.raises(UnreadableDocument, match="not text, but binary data"):
        read(tmp_path / "a.txt")
    (tmp_path / "a.dat").write_bytes(b"plain words")
    with pytest.raises(UnreadableDocument, match="neither a PDF nor an image, but a text file"):
        read(tmp_path / "a.dat")

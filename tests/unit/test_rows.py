"""A corpus of rows written to files."""

import os

import pytest

from pagesight.engine.evaluation.rows import CorpusRow, RowCorpus
from tests.helpers import text_image


def place(folder, stamp, *rows):
    RowCorpus(lambda: iter(rows), stamp).place(folder)


def test_a_changed_row_of_equal_length_is_written_and_an_unchanged_one_keeps_its_time(tmp_path):
    place(tmp_path, 1, CorpusRow("1", None, "cat"), CorpusRow("2", None, "owl"))
    for name in ("1.txt", "2.txt"):
        os.utime(tmp_path / name, (1_600_000_000, 1_600_000_000))
    place(tmp_path, 2, CorpusRow("1", None, "dog"), CorpusRow("2", None, "owl"))
    assert (tmp_path / "1.txt").read_text() == "dog"
    assert (tmp_path / "1.txt").stat().st_mtime > 1_600_000_000
    assert (tmp_path / "2.txt").stat().st_mtime == 1_600_000_000


@pytest.mark.parametrize(
    ("kind", "name"), [("PNG", "x.png"), ("JPEG", "x.jpg"), ("TIFF", "x.tif"), ("GIF", "x.gif"), ("TGA", "x.png")]
)
def test_an_image_gets_the_ending_of_its_type(tmp_path, kind, name):
    text_image("words").save(tmp_path / "source", kind)
    place(tmp_path / "rows", 1, CorpusRow("x", (tmp_path / "source").read_bytes(), ""))
    assert (tmp_path / "rows" / name).exists()

"""Small parts of reading files: formats, names, boxes, reading order."""

import os
import re
import unicodedata
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from pagesight.indexer import formats
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import file_type, looks_like
from pagesight.indexer.reading.geometry import clean_word, covered_width, is_garbage, make_words, zoom_for
from pagesight.indexer.reading.layout import TextLine, line_words, reading_order
from pagesight.indexer.reading.ocr import strips
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.indexer.running.discover import LONG_BYTES, Unusable, discover, turn
from pagesight.storage.names import nfc, printable


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x00\x00junk before the header %PDF-1.4", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"II*\x00", "image/tiff"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"<!DOCTYPE html>", None),
        (b"", None),
    ],
)
def test_media_type_is_told_by_content(head, expected):
    found = file_type(head)
    assert (found.media_type if found else None) == expected


def test_what_is_no_document_is_described():
    assert looks_like(b"\n<!DOCTYPE html><html>") == "an HTML page"
    assert looks_like(b"PK\x03\x04") == "a ZIP archive or an Office document"
    assert looks_like(b"hello there") == "a text file"
    assert looks_like(b"\x00\x01") == "binary data"


def test_discover_walks_folders_in_order_and_takes_named_files_whatever_their_ending(tmp_path):
    for name in ("b.pdf", "a/z.PDF", "a/notes.txt", ".hidden/x.pdf", "a/.y.pdf", "scan.tiff", "strange.xyz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [found.path for found in discover([tmp_path])] == ["a/z.PDF", "b.pdf", "scan.tiff"]
    found = list(discover([tmp_path / "strange.xyz", tmp_path / "a", tmp_path / "a" / "z.PDF"]))
    assert [item.path for item in found] == ["strange.xyz", "z.PDF"]
    assert found[0].root == tmp_path


def test_long_files_of_a_folder_come_last(tmp_path):
    short = ("2.pdf", "3/2.pdf", "3.pdf", "4.pdf")
    for name in (*short, "1 long.pdf", "3/1 long.pdf", "0/long.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(9 if name in short else LONG_BYTES))
    found = list(discover([tmp_path]))
    assert [one.path for one in found] == [
        "0/long.pdf", "2.pdf", "3/2.pdf", "3/1 long.pdf", "3.pdf", "4.pdf", "1 long.pdf"
    ]  # fmt: skip
    assert sorted(found, key=turn) == found  # as those of a bucket are sorted
    assert turn(replace(found[0], path=".")) == [(True, "")]


def test_discover_says_why_something_is_no_file(tmp_path):
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "broken.pdf").symlink_to("nowhere")
    (tmp_path / "circle.pdf").symlink_to("circle.pdf")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.pdf")
    found = {
        item.source.path: item for item in discover([tmp_path, tmp_path / "missing.pdf"]) if isinstance(item, Unusable)
    }
    assert "0 bytes" in found["empty.pdf"].reason
    assert "not there" in found["broken.pdf"].reason
    assert "symbolic links" in found["circle.pdf"].reason
    assert found["inner/up"].skipped
    assert "not a regular file" in found["pipe.pdf"].reason
    assert found["missing.pdf"].reason == "there is no such file"
    assert not found["missing.pdf"].skipped


def test_linked_folders_are_followed_once(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.pdf").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [found.path for found in discover([tmp_path])] == ["link/a.pdf", "real/a.pdf"]


def test_odd_names_become_printable():
    assert printable("line\nbreak\t\x1b[31m.pdf") == "line\\nbreak\\t\\x1b[31m.pdf"
    assert printable(os.fsdecode(b"caf\xe9.pdf")) == "caf\\xe9.pdf"
    assert printable("\U0001f600 \u6587\u4ef6.pdf") == "\U0001f600 \u6587\u4ef6.pdf"


def test_words_are_cleaned_and_placed():
    found = make_words(
        [("a\x00b\ud800", 10, 20, 0, 10), (" \u00a0", 0, 0, 1, 1), ("x........", -5, 0, 300, 10)], 100, 200
    )
    assert found.texts == ("ab", "x...")
    np.testing.assert_allclose(found.boxes, [[0, 0.05, 0.1, 0.1], [0, 0, 1, 0.05]])
    assert clean_word("\u4e2d\u3000\u6587") == "\u4e2d\u6587"


def test_zoom_keeps_to_the_pixel_budget_and_the_resolution():
    assert zoom_for(595, 842, max_pixels=10**9, max_dpi=144) == 2
    zoom = zoom_for(14_400, 14_400, max_pixels=1_000_000, max_dpi=300)
    assert 14_400**2 * zoom**2 == pytest.approx(1_000_000)


def test_a_text_layer_of_private_use_characters_is_garbage():
    assert is_garbage(["\ue001\ue002", "\ufffd"])
    assert not is_garbage(["plain", "\u6587\u5b57", "\u20ac"])


def test_covered_width_counts_words_on_the_line_only():
    line = np.array([0, 10, 100, 20])
    known = np.array([[0, 8, 30, 22], [20, 9, 50, 21], [0, 40, 100, 50]])
    assert covered_width(line, known) == pytest.approx(0.5)
    assert covered_width(line, np.empty((0, 4))) == 0


def line(text, x0, y0, x1, y1):
    return TextLine(text, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float), 0.9)


def test_columns_of_running_text_are_read_one_after_the_other():
    left = [line(f"left column sentence number {i}", 0, 30 * i, 300, 30 * i + 20) for i in range(6)]
    right = [line(f"right column sentence number {i}", 350, 30 * i + 3, 650, 30 * i + 23) for i in range(6)]
    title = line("A title over both of the columns", 0, -60, 650, -30)
    mixed = [x for pair in zip(right, left, strict=True) for x in pair]
    assert [x.text for x in reading_order([*mixed, title])] == [
        title.text,
        *(x.text for x in left),
        *(x.text for x in right),
    ]


def test_tables_are_read_row_by_row():
    cells = [
        line(f"{'item' if c == 0 else 'price'} {r}", 400 * c, 40 * r, 400 * c + 100, 40 * r + 20)
        for c in (1, 0)
        for r in range(5)
    ]
    assert [x.text for x in reading_order(cells)] == [f"{kind} {r}" for r in range(5) for kind in ("item", "price")]


@pytest.mark.parametrize("middle", [86, 100, 110, 131])
@pytest.mark.parametrize("tilt_deg", [0.0, 0.7])
def test_a_note_that_stands_up_the_margin_moves_no_lines(middle, tilt_deg):
    texts = [f"line {n} of a letter that goes on for a while" for n in range(9)]
    lines = [line(text, 0, 20 * n, 400 if n != 4 else 90, 20 * n + 12) for n, text in enumerate(texts)]
    x0, x1, top, bottom = 410, 424, middle - 75, middle + 75
    note = TextLine("note", np.array([[x0, bottom], [x0, top], [x1, top], [x1, bottom]], float), 1.0)
    sine, cosine = np.sin(np.radians(tilt_deg)), np.cos(np.radians(tilt_deg))
    turn = np.array([[cosine, sine], [-sine, cosine]])
    turned = [replace(one, quad=one.quad @ turn) for one in [*lines, note]]
    found = [one.text for one in reading_order(turned)]
    assert [text for text in found if text != "note"] == texts


def test_line_words_stand_where_their_characters_do():
    found = list(line_words(line("mm ii mm", 0, 0, 100, 10)))
    assert [word for word, *_ in found] == ["mm", "ii", "mm"]
    (_, a0, _, a1, _), (_, b0, _, b1, _), (_, c0, _, c1, _) = found
    assert a0 == 0
    assert c1 == pytest.approx(100)
    assert a1 < b0 < b1 < c0
    assert (b1 - b0) < (a1 - a0)  # i is narrow, m is wide


def test_long_images_are_cut_into_overlapping_pieces_that_own_every_pixel_once():
    assert strips(2000, 1500) == [(0, 2000, 0, 2000)]
    pieces = strips(10_000, 800)
    owned = [(start, stop) for _, _, start, stop in pieces]
    assert owned[0][0] == 0
    assert owned[-1][1] == 10_000
    assert all(a[1] == b[0] for a, b in zip(owned, owned[1:], strict=False))
    assert all(start <= own_start and own_stop <= stop for start, stop, own_start, own_stop in pieces)
    assert all(stop - start <= 2.6 * 800 for start, stop, _, _ in pieces)


def test_names_are_composed_whatever_made_them():
    composed, apart = unicodedata.normalize("NFC", "Größe é"), unicodedata.normalize("NFD", "Größe é")
    assert composed != apart
    assert nfc(apart) == printable(apart) == composed
    assert nfc(os.fsdecode(apart.encode())) == composed
    assert nfc("line\nbreak") == "line\nbreak", "what is typed may have any whitespace"


@pytest.mark.parametrize("text", ["\udcc3\udca9", "\udcff x", "\ud800", "a\ud800\udcff\udfff", "\udcc3é"])
def test_lone_surrogates_become_text_that_can_be_stored(text):
    for made in (nfc(text), printable(text)):
        made.encode()
        assert printable(made) == made, "and it stays as it is"
    assert nfc("\udcc3\udca9") == "é", "bytes of UTF-8 that an ASCII locale did not know"
    assert printable("\udcff") == "\\xff"


def test_files_are_found_by_composed_names_and_opened_by_their_own(tmp_path):
    name = unicodedata.normalize("NFD", "größe.pdf")
    (tmp_path / name).write_bytes(b"x")
    (found,) = discover([tmp_path])
    assert found.path == unicodedata.normalize("NFC", name)
    assert os.fsencode(found.location).endswith(name.encode())
    assert found.location.read_bytes() == b"x"


def test_a_type_of_file_is_one_row(monkeypatch, tmp_path):
    """Nothing else has to know of it: it is recognised, opened, read, and its kind goes on."""
    row = formats.FileType(
        media_type="application/x-odd",
        kind="text",
        extensions=(".odd",),
        signature=re.compile(rb"ODD!"),
        opener="pagesight.indexer.reading.text_file:TextDocument",
    )
    monkeypatch.setattr(formats, "FILE_TYPES", (row, *formats.FILE_TYPES))
    (tmp_path / "a.pdf").write_bytes(b"ODD! words")
    document = open_document(tmp_path / "a.pdf", ReadOptions())
    assert (document.info.media_type, document.info.kind) == ("application/x-odd", "text")
    assert read_page(document, 1, ReadOptions()).words.texts == ("ODD!", "words")


@pytest.mark.parametrize("row", formats.FILE_TYPES, ids=lambda row: row.media_type)
def test_every_opener_can_be_imported(row):
    module, _, name = row.opener.partition(":")
    assert callable(getattr(import_module(module), name))
    assert all(extension.startswith(".") for extension in row.extensions)

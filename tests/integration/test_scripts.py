"""Which engine reads a page, by the script that is on it."""

from contextlib import closing

import numpy as np
import pymupdf
import pytest

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading.geometry import clean_word
from pagesight.indexer.reading.layout import TextLine, reading_order
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.indexer.reading.scripts import EitherOcr, UnknownScript, is_noise
from tests.integration.test_trust import PROSE


def lines(*texts, score):
    quad = np.array([(0, 0), (100, 0), (100, 10), (0, 10)], float)
    return [TextLine(text, quad + np.array([0, 20 * i]), score) for i, text in enumerate(texts)]


class Reads:
    """Stands for an engine: it gives what it is told to."""

    languages = ("eng", "rus")

    def __init__(self, found, script="Cyrillic"):
        self.found, self.script, self.n_seen, self.asked = found, script, len(found), None

    def script_of(self, image):
        return self.script

    def read(self, image, known, languages=()):
        self.asked = languages
        return self.found


IMAGE, NONE = np.zeros((10, 10, 3), np.uint8), np.empty((0, 4))
GOOD = lines("The pump in hall four was replaced", score=0.98)
DOTS = lines(". . - . , . . - .", ". . . - , . . .", score=0.87)
RUSSIAN = lines("Насос в четвёртом цехе заменила", score=0.93)


def test_what_the_first_engine_knows_is_not_read_twice():
    other = Reads(RUSSIAN)
    assert EitherOcr(Reads(GOOD), lambda: other).read(IMAGE, NONE) == GOOD
    assert other.asked is None


def test_another_script_is_read_by_tesseract_with_the_packs_of_that_script():
    other = Reads(RUSSIAN)
    assert EitherOcr(Reads(DOTS), lambda: other).read(IMAGE, NONE) == RUSSIAN
    assert other.asked == ["rus", "eng"]


@pytest.mark.parametrize("tesseract", [None, lambda: Reads(RUSSIAN, "Thai"), lambda: Reads(RUSSIAN, "")])
def test_what_nobody_can_read_is_said(tesseract):
    with pytest.raises(UnknownScript, match="in a script that no OCR here can read"):
        EitherOcr(Reads(DOTS), tesseract).read(IMAGE, NONE)


def test_numbers_and_poor_scans_are_no_noise():
    assert not is_noise(lines("1,250.00 17% 2024-05-01", "-44.1 300", score=0.8), 2)
    assert not is_noise(lines("the pump was replaced by the crew", score=0.6), 1)
    assert not is_noise([], 0)
    assert is_noise([], 5), "lines were seen, and none could be read"


@pytest.mark.slow
@pytest.mark.parametrize("language", ["th", "ko"])
def test_a_scan_in_an_unknown_script_is_reported_and_not_stored_as_noise(tmp_path, monkeypatch, language):
    from pagesight.indexer.reading import ocr

    monkeypatch.setattr(ocr.shutil, "which", lambda _: None)
    ocr._auto.cache_clear()
    document = pymupdf.open()
    page = document.new_page(width=595, height=300)
    page.insert_htmlbox((40, 40, 555, 280), 3 * f"<p>{PROSE[language]}</p>")
    page.get_pixmap(dpi=170).save(tmp_path / "a.png")
    with closing(open_document(tmp_path / "a.png", ReadOptions())) as opened:
        scan = read_page(opened, 1, ReadOptions())
    ocr._auto.cache_clear()
    assert (len(scan.words), scan.text_source) == (0, "none")
    assert "in a script that no OCR here can read" in scan.note


def test_rows_of_arabic_begin_on_the_right():
    def word(text, x, y):
        return TextLine(text, np.array([(x, y), (x + 40, y), (x + 40, y + 10), (x, y + 10)], float), 0.9)

    found = [word("يوم", 0, 0), word("رقم", 100, 0), word("العقد", 200, 0), word("قبل", 200, 30)]
    assert [line.text for line in reading_order(found)] == ["العقد", "رقم", "يوم", "قبل"]


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("f¨ur", "für"),
        ("J´erˆome", "Jérôme"),
        ("Mikul´ık", "Mikulík"),
        ("gar¸con", "garçon"),
        ("ˇSkoda", "Škoda"),
        ("¨", "¨"),
        ("x´q", "x´q"),
    ],
)
def test_accents_drawn_over_letters_become_part_of_them(stored, read):
    assert clean_word(stored) == read

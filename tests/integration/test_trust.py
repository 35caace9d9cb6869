"""Text layers that say something else than what is drawn, and those that only look like it."""

import pymupdf
import pytest

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.indexer.reading.plausible import surprise
from pagesight.indexer.reading.trust import SURPRISING, fault_of
from tests.integration.test_text_layer import saved

PROSE = {
    "en": "The pump in hall four was replaced on Tuesday by the night crew. Spare seals are kept in the blue cabinet.",
    "de": "Die Pumpe in Halle vier wurde am Dienstag von der Nachtschicht getauscht. Ersatzdichtungen liegen im Schrank.",
    "fi": "Hallin neljä pumppu vaihdettiin tiistaina yövuoron aikana. Varatiivisteet säilytetään sinisessä kaapissa.",
    "pl": "Pompę w hali czwartej wymieniono we wtorek podczas nocnej zmiany. Uszczelki zapasowe leżą w szafie.",
    "vi": "Máy bơm ở nhà xưởng số bốn được thay vào thứ ba bởi ca đêm. Gioăng dự phòng nằm trong tủ màu xanh.",
    "ru": "Насос в четвёртом цехе заменила во вторник ночная смена. Запасные уплотнения лежат в синем шкафу.",
    "el": "Η αντλία στην αίθουσα τέσσερα αντικαταστάθηκε την Τρίτη από τη νυχτερινή βάρδια.",
    "ar": "استبدلت المضخة في القاعة الرابعة يوم الثلاثاء من قبل طاقم الليل وتحفظ الأختام في الخزانة",
    "he": "המשאבה באולם ארבע הוחלפה ביום שלישי על ידי צוות הלילה והאטמים נמצאים בארון הכחול",
    "hi": "हॉल चार में पंप मंगलवार को रात की टीम द्वारा बदला गया और अतिरिक्त सील नीली अलमारी में हैं",
    "th": "ปั๊มในห้องโถงที่สี่ถูกเปลี่ยนเมื่อวันอังคารโดยทีมงานกะกลางคืน ซีลสำรองเก็บไว้ในตู้สีน้ำเงิน",
    "zh": "四号厅的水泵在星期二由夜班人员更换备用密封件放在压缩机旁边的蓝色柜子里",
    "ja": "四号棟のポンプは火曜日に夜勤の担当者によって交換されました予備のシールは青い棚にあります",
    "ko": "사호실의 펌프는 화요일에 야간 근무자가 교체했으며 예비 씰은 파란색 보관함에 있습니다",
}
WRONG = {
    "the next letter": lambda c: chr(ord(c) + 1) if c.isalnum() else c,
    "the one before": lambda c: chr(ord(c) - 1) if c.isalnum() else c,
    "glyph numbers": lambda c: chr(max(33, ord(c) - 29)) if c != " " else c,
    "another alphabet": lambda c: chr(0x3B1 + (ord(c.lower()) - 97) % 24) if c.isascii() and c.isalpha() else c,
    "one for all": lambda c: "n" if c.isalnum() else c,
    "private": lambda c: chr(0xE000 + ord(c)) if c != " " else c,
    "Chinese": lambda c: chr(0x4E00 + ord(c) * 97 % 20000) if c.isalnum() else c,
}
LINES = [
    "The pump in hall four was replaced on Tuesday by the night",
    "crew of the harbour works. Spare seals are kept in the blue",
    "cabinet beside the compressor. Report leaks to the shift",
    "leader before the end of the shift, and write them down.",
]


def with_map(path, lines, wrong):
    """Lines in Helvetica whose ToUnicode map says ``wrong`` of each letter."""
    document = pymupdf.open()
    page = document.new_page()
    for row, line in enumerate(lines):
        page.insert_text((50, 100 + 24 * row), line, fontname="helv", fontsize=14)
    (font,) = {font[0] for font in page.get_fonts()}
    codes = "\n".join(f"<{code:02x}> <{ord(wrong(chr(code))):04x}>" for code in range(32, 127))
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"95 beginbfchar\n{codes}\nendbfchar endcmap end end"
    )
    stream = document.get_new_xref()
    document.update_object(stream, "<<>>")
    document.update_stream(stream, cmap.encode())
    document.xref_set_key(font, "ToUnicode", f"{stream} 0 R")
    return saved(document, path)


def read(path):
    document = open_document(path, ReadOptions())
    try:
        return read_page(document, 1, ReadOptions())
    finally:
        document.close()


@pytest.mark.parametrize("language", PROSE)
def test_prose_of_any_language_does_not_surprise(language):
    value, n_pairs = surprise(PROSE[language])
    assert value < SURPRISING
    assert n_pairs > 20


@pytest.mark.parametrize("language", ["en", "de", "fi", "pl"])
@pytest.mark.parametrize("name", ["the next letter", "the one before", "glyph numbers", "one for all", "Chinese"])
def test_letters_that_stand_for_others_surprise(language, name):
    value, _ = surprise("".join(map(WRONG[name], PROSE[language])))
    assert value > SURPRISING


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=getattr(pytest.mark, "thorough" if name == "glyph numbers" else "slow"))
        for name in WRONG
    ],
)
def test_a_wrong_text_layer_is_noticed_and_the_pixels_are_read(tmp_path, name):
    page = read(with_map(tmp_path / "a.pdf", LINES, WRONG[name]))
    assert page.text_source == "ocr"
    assert "text layer" in page.note
    text = " ".join(page.words.texts)
    assert "Spare seals are kept in the blue" in text


@pytest.mark.parametrize(
    "lines",
    [
        LINES,
        pytest.param(
            ["XK-4471-QZ 0x1A10_1000 BXW VQJ-KP77", "ZXQ-11 WQK-93 PLMKX HJK-QQ2 VBX-77", "RXD TXD SCLK MOSI QSPI_CSN"]
            * 3,
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            ["x = (b*b - 4*a*c)**0.5; dxdt = kx*q - vz", "zq, wx = fqx(pjk), gvx(hqz)", "for i in rxq: kwz[i] += vbq"]
            * 3,
            marks=pytest.mark.thorough,
        ),
        ["aGVsbG8gd29ybGQxkqzvwq8fjxwKZQpX", "MIIBvQIBADANBgkqhkiG9w0BAQEFAASC", "qXzKvWjPqZxVbKwQyJxHzqPvXk"] * 3,
    ],
    ids=["prose", "part numbers", "source code", "base64"],
)
def test_a_text_layer_that_says_what_is_drawn_is_kept(tmp_path, lines):
    page = read(with_map(tmp_path / "a.pdf", lines, lambda c: c))
    assert (page.text_source, page.note) == ("text", "")


def test_pixels_are_not_read_where_nothing_surprises(tmp_path):
    page = read(with_map(tmp_path / "a.pdf", LINES, lambda c: c))

    def read_area(_):
        raise AssertionError("OCR of a good page")

    assert fault_of(page.words, read_area) == ""

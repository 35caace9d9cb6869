"""Words of PDF text layers that programs drew in odd ways."""

import pymupdf
import pytest

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading.page import open_document

HEBREW = pymupdf.mupdf.UCDN_SCRIPT_HEBREW
SIZE = 14


def read(path):
    document = open_document(path, ReadOptions(ocr="off"))
    try:
        return document.words(1)
    finally:
        document.close()


def saved(document, path):
    document.save(path)
    document.close()
    return path


def with_content(path, content, **page):
    """A page with a content stream of our own in Helvetica; {t} in it shows text."""
    document = pymupdf.open()
    new = document.new_page(**page)
    new.insert_text((50, 50), " ", fontname="helv")
    (stream,) = new.get_contents()
    document.update_stream(stream, content.encode("latin-1"))
    return saved(document, path)


def show(x, y, *parts, more=""):
    return f"BT /helv 12 Tf {more} {x} {y} Td {' '.join(parts)} ET\n"


# Words in pieces


def test_a_space_drawn_back_over_a_letter_parts_no_word(tmp_path):
    """As InDesign exports have them behind ligatures; 667 and 278 are widths of A and the space."""
    content = show(50, 700, "[(Bude) (P) 667 ( ) -389 (ension)] TJ")
    content += show(50, 680, "[(A ship) 556 ( ) -278 (ment of wi) 222 ( ) 56 (re)] TJ")
    assert read(with_content(tmp_path / "a.pdf", content)).texts == ("BudePension", "A", "shipment", "of", "wire")


def test_a_space_without_width_parts_no_word_and_plain_ones_do(tmp_path):
    content = show(50, 700, "(two)", "Tj", "[( ) 278] TJ (fold and) Tj ( ) Tj (three) Tj")
    assert read(with_content(tmp_path / "a.pdf", content)).texts == ("twofold", "and", "three")


def test_where_all_words_touch_their_widths_are_wrong_and_they_stay_apart(tmp_path):
    """As in text layers under scans, whose letters are as wide as some other font's."""
    content = show(50, 700, "[(every) ( ) 278 (word) ( ) 278 (on) ( ) 278 (this) ( ) 278 (line)] TJ")
    assert read(with_content(tmp_path / "a.pdf", content)).texts == ("every", "word", "on", "this", "line")


def test_letters_drawn_twice_for_weight_are_not_put_together(tmp_path):
    content = show(50, 700, "(I saw) Tj") + show(50.3, 700, "(I saw) Tj")
    texts = read(with_content(tmp_path / "a.pdf", content)).texts
    assert set(texts) == {"I", "saw"}


def test_numbers_of_footnotes_are_words_of_their_own_and_others_stay(tmp_path):
    content = show(50, 700, "(The revenue) Tj /helv 8 Tf 5 Ts (12) Tj /helv 12 Tf 0 Ts (, of Section3) Tj")
    content += show(50, 680, "/helv 7 Tf 4 Ts (3) Tj /helv 12 Tf 0 Ts (Without loans, 90 km) Tj /helv 7 Tf 5 Ts (2) Tj")
    content += show(50, 660, "(Benzol6 on the 1st) Tj")
    words = read(with_content(tmp_path / "a.pdf", content))
    assert words.texts == (
        *("The", "revenue", "12,", "of", "Section3"),
        *("3", "Without", "loans,", "90", "km2"),
        *("Benzol6", "on", "the", "1st"),
    )
    assert words.boxes[1, 2] == pytest.approx(words.boxes[2, 0])
    assert words.boxes[5, 2] == pytest.approx(words.boxes[6, 0])


def test_ligatures_are_letters(tmp_path):
    document = pymupdf.open()
    writer = pymupdf.TextWriter(document.new_page().rect)
    writer.append((50, 100), "o\ufb03ce sti\ufb00 upper", font=pymupdf.Font("helv"))
    writer.write_text(document[0])
    assert read(saved(document, tmp_path / "a.pdf")).texts == ("office", "stiff", "upper")


def test_letters_set_apart_are_words(tmp_path):
    content = show(50, 700, "(ANNUAL) Tj ( ) Tj (REPORT) Tj", more="4 Tc")
    content += show(50, 650, "(C H A P T E R) Tj")
    texts = read(with_content(tmp_path / "a.pdf", content)).texts
    assert texts == ("ANNUAL", "REPORT", "CHAPTER")


@pytest.mark.parametrize("line", ["a b c d e f", "x y z w", "I a m", "A 1 B 2 C 3"])
def test_single_letters_are_left_alone(tmp_path, line):
    assert read(with_content(tmp_path / "a.pdf", show(50, 700, f"({line}) Tj"))).texts == tuple(line.split())


def test_invisible_characters_go_and_a_soft_hyphen_at_the_end_is_a_hyphen(tmp_path):
    document = pymupdf.open()
    page = document.new_page()
    font = pymupdf.Font("helv")
    writer = pymupdf.TextWriter(page.rect)
    writer.append((50, 100), "The ther\u00admo\u00adstat has elec\u00ad", font=font)
    writer.append((50, 120), "tricity", font=font)
    writer.write_text(page)
    words = read(saved(document, tmp_path / "a.pdf"))
    assert words.texts == ("The", "thermostat", "has", "elec\u2010", "tricity")


# From right to left


def right_to_left(path, words, *, how, y=100.0):
    """Words from the right edge on, drawn word by word or letter by letter, in the order read or from the left."""
    font = pymupdf.Font(script=HEBREW)
    document = pymupdf.open()
    page = document.new_page()
    writer = pymupdf.TextWriter(page.rect)
    pen, runs = 520.0, []
    for word in words:
        clusters = [word] if word[0].isdigit() or word.isascii() else list(word)
        for cluster in clusters:
            pen -= font.text_length(cluster, SIZE)
            runs.append((pen, cluster))
        pen -= 0.3 * SIZE
    if how == "word by word":
        pen, runs = 520.0, []
        for word in words:
            visual = word if word.isascii() else word[::-1]
            pen -= font.text_length(visual, SIZE) + 0.3 * SIZE
            runs.append((pen, visual))
    for x, text in sorted(runs) if how == "visual" else runs:
        writer.append((x, y), text, font=font, fontsize=SIZE)
    writer.write_text(page)
    return saved(document, path)


SENTENCE = ["החוזה", "מספר", "4821", "ייחתם", "לפני", "סוף", "החודש", "PDF", "השנה"]


@pytest.mark.parametrize("how", ["logical", "visual", "word by word"])
def test_hebrew_is_read_from_right_to_left_however_it_was_drawn(tmp_path, how):
    words = read(right_to_left(tmp_path / "a.pdf", SENTENCE, how=how))
    assert list(words.texts) == SENTENCE
    left = words.boxes[:, 0].tolist()
    assert left == sorted(left, reverse=True)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("שָׁלוֹם עוֹלָם (לפני) 12.5% ב-2024", ["שָׁלוֹם", "עוֹלָם", "(לפני)", "12.5%", "ב-2024"]),
        ("מחיר 1,250 ש״ח", ["מחיר", "1,250", "ש״ח"]),
        ("רשימת word list חדשה", ["רשימת", "word", "list", "חדשה"]),
    ],
)
def test_points_brackets_and_numbers_of_shaped_text(tmp_path, html, expected):
    document = pymupdf.open()
    document.new_page().insert_htmlbox((50, 50, 545, 200), f'<p dir="rtl">{html}</p>')
    found = read(saved(document, tmp_path / "a.pdf")).texts
    assert [unicode_form(word) for word in found] == [unicode_form(word) for word in expected]


def unicode_form(word):
    import unicodedata

    return unicodedata.normalize("NFD", word)


def test_arabic_letters_are_letters_and_not_their_shapes(tmp_path):
    document = pymupdf.open()
    page = document.new_page()
    writer = pymupdf.TextWriter(page.rect)
    font = pymupdf.Font(script=pymupdf.mupdf.UCDN_SCRIPT_ARABIC)
    shapes = ["\ufe8d", "\ufedf", "\ufecc", "\ufed8", "\ufeaa"]  # al-aqd, from right to left
    pen = 300.0
    for shape in shapes:
        pen -= font.text_length(shape, SIZE)
        writer.append((pen, 100), shape, font=font, fontsize=SIZE)
    writer.append((200, 100), "\u0661\u0664\u0663\u0664", font=font, fontsize=SIZE)
    writer.write_text(page)
    assert read(saved(document, tmp_path / "a.pdf")).texts[0] == "العقد"


def test_columns_and_lines_from_left_to_right_stay_what_they_are(tmp_path):
    path = right_to_left(tmp_path / "a.pdf", ["שלום", "עולם"], how="logical")
    document = pymupdf.open(path)
    document[0].insert_text((50, 300), "an English line below", fontname="helv")
    document[0].insert_text((50, 100), "far left", fontname="helv")
    words = read(saved(document, tmp_path / "b.pdf"))
    assert set(words.texts) == {"שלום", "עולם", "an", "English", "line", "below", "far", "left"}
    assert "an English line below" in " ".join(words.texts)


def test_gaps_are_seen_behind_letters_of_any_script(tmp_path):
    """TeX draws no blanks, and MuPDF makes none of gaps behind these letters."""
    document = pymupdf.open()
    page = document.new_page()
    writer = pymupdf.TextWriter(page.rect)
    for row, (font, words) in enumerate(
        [
            (pymupdf.Font("korea"), ["나는", "여름", "방학이", "되어"]),
            (pymupdf.Font(script=2), ["ἐπειδὴ", "ἕνα", "τὰ", "δύο"]),
            (pymupdf.Font(script=2), ["Thế", "lạ", "ở", "đây"]),
        ]
    ):
        pen = 50.0
        for word in words:
            writer.append((pen, 100 + 30 * row), word, font=font, fontsize=SIZE)
            pen += font.text_length(word, SIZE) + 0.2 * SIZE
    writer.write_text(page)
    texts = read(saved(document, tmp_path / "a.pdf")).texts
    assert texts == ("나는", "여름", "방학이", "되어", "ἐπειδὴ", "ἕνα", "τὰ", "δύο", "Thế", "lạ", "ở", "đây")


@pytest.mark.parametrize("degrees", [-90, -80, -45, -20, -3, 3, 10, 45, 60, 135])
def test_words_on_a_slant_are_whole_and_apart(tmp_path, degrees):
    """A watermark, or the names below the columns of a chart, on a page of plain lines."""
    document = pymupdf.open()
    page = document.new_page(height=1000)
    for row in range(2):
        page.insert_text((50, 50 + 20 * row), "plain words to read")
    for font, text, y in [
        (pymupdf.Font("helv"), "Draft only", 200),
        (pymupdf.Font("korea"), "기밀문서 보관용", 450),
        (pymupdf.Font(script=HEBREW), "דבלב הטויט", 700),
    ]:
        writer, middle = pymupdf.TextWriter(page.rect), pymupdf.Point(300, y)
        writer.append(middle, text, font=font, fontsize=20)
        writer.write_text(page, morph=(middle, pymupdf.Matrix(degrees)))
    slanted = sorted(read(saved(document, tmp_path / "a.pdf")).texts[8:])
    assert slanted == ["Draft", "only", "בלבד", "טיוטה", "기밀문서", "보관용"]


def test_hidden_layers_and_what_is_cropped_off_stay_out(tmp_path):
    document = pymupdf.open()
    page = document.new_page()
    off, on = document.add_ocg("off", on=False), document.add_ocg("on", on=True)
    page.insert_text((50, 100), "hidden", oc=off)
    page.insert_text((50, 150), "seen", oc=on)
    page.insert_text((50, 300), "cropped off")
    page.insert_text((1000, 100), "beside the page")
    page.set_cropbox((0, 0, 595, 250))
    assert read(saved(document, tmp_path / "a.pdf")).texts == ("seen",)

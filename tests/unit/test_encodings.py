"""Bytes of any encoding become the text that was meant."""

import codecs

import pytest

from pagesight.indexer.reading.encodings import markup_text, text_of

GERMAN, CZECH, RUSSIAN, JAPANESE = "Größe „Maß“ 5 €", "Žluťoučký kůň", "Привет, мир", "日本語テキスト①"


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        (GERMAN, "utf-8", ""),
        (GERMAN, "utf-8-sig", "koi8-r"),  # a mark is believed before a name
        (GERMAN, "utf-16", ""),
        (GERMAN, "utf-32", ""),
        (GERMAN, "cp1252", ""),
        (GERMAN, "cp1252", "iso-8859-1"),
        (GERMAN, "cp1252", "US-ASCII"),
        (GERMAN, "cp1252", "utf-8"),  # it is not
        (GERMAN, "utf-8", "us-ascii"),
        (GERMAN, "utf-8", "x-unknown"),
        (GERMAN, "utf-8", "base64"),
        (GERMAN, "utf-8", "a\x00b"),
        (CZECH, "iso-8859-2", " ISO-8859-2 "),
        (RUSSIAN, "koi8-r", "KOI8-R"),
        (JAPANESE, "cp932", "x-sjis"),
        (JAPANESE, "iso-2022-jp-2004", "iso-2022-jp-2004"),
        ("镕基 €", "gb18030", "gb2312"),
        ("สวัสดี", "cp874", "windows-874"),
        ("שלום", "iso-8859-8", "iso-8859-8-i"),
        ("", "ascii", "cp1252"),
    ],
)
def test_text_is_what_was_meant(text, codec, label):
    assert text_of(text.encode(codec), label) == text


def test_a_few_strange_bytes_cost_no_other_letters():
    line = "Größe déjà vu\n".encode()
    assert text_of(line[3:] + line + line[:3]) == "¶ße déjà vu\nGröße déjà vu\nGrÃ", "a log that was cut within letters"
    assert text_of(line + b"Gr\xf6\xdfe \x93vu\x94\n") == "Größe déjà vu\nGröße “vu”\n", "two programs wrote it"
    assert text_of("CAFÉ\xa0: œuvre à".encode("cp1252")) == "CAFÉ\xa0: œuvre à", "what is UTF-8 by chance is less"
    assert text_of(b"a\x81b\xff") == "abÿ", "not every byte is a letter"


@pytest.mark.parametrize(
    ("said", "codec"),
    [
        ('<html><head><meta charset="koi8-r">', "koi8-r"),
        ("<html><META CHARSET = windows-1251 />", "cp1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-5">', "iso-8859-5"),
        ('<meta charset="utf-8"><meta http-equiv="Content-Type" content="text/html; charset=koi8-r">', "utf-8"),
        ('<!-- <meta charset="koi8-r"> --><meta charset="cp1251">', "cp1251"),
        ('\n<?xml version="1.0" encoding="koi8-r"?><html>', "koi8-r"),
        ('<meta charset="utf-16">', "utf-8"),  # nobody could have read that it is
        ('<meta charset="koi8-r">', "utf-16"),
        ("<p>", "utf-8"),
    ],
)
def test_markup_is_read_as_it_says_and_says_it_no_more(said, codec):
    text = markup_text(f"{said}<p>Привет</p>".encode(codec))
    assert text.endswith("<p>Привет</p>")
    assert "encoding" not in text
    assert "charset" not in text


def test_what_a_mail_says_of_its_markup_counts_more():
    assert markup_text('<meta charset="koi8-r"><p>Größe\x00'.encode("cp1252"), "iso-8859-1") == "<p>Größe"
    assert markup_text(codecs.BOM_UTF8 + b"<meta charset=koi8-r>charset=koi8-r") == "charset=koi8-r"

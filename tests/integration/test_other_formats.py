"""Files that are neither PDF, image nor text: read with their pages, or passed over with a word."""

import email
import shutil
import zipfile

import pytest

from pagesight.engine import IndexConfig, SearchEngine
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import FILE_TYPES, file_type, walked_extensions
from pagesight.indexer.reading import office
from pagesight.indexer.reading.mail import MAX_DEPTH, as_html
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.storage.errors import EncryptedDocument, UnreadableDocument
from tests.helpers import make_pdf, run_cli, text_image

OPTIONS = ReadOptions(ocr="off", image_pixels=200_000)
needs_office = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def docx(path, paragraphs):
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    rels = "http://schemas.openxmlformats.org"
    return zipped(
        path,
        {
            "[Content_Types].xml": f'<Types xmlns="{rels}/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/w.xml" ContentType='
            '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{rels}/package/2006/relationships"><Relationship Id="r1" '
            f'Type="{rels}/officeDocument/2006/relationships/officeDocument" Target="w.xml"/></Relationships>',
            "w.xml": f"<w:document {word}><w:body>{body}</w:body></w:document>",
        },
    )


def epub(path, chapters):
    names = [f"c{i}.xhtml" for i in range(len(chapters))]
    items = "".join(f'<item id="{n}" href="{n}" media-type="application/xhtml+xml"/>' for n in names)
    spine = "".join(f'<itemref idref="{n}"/>' for n in names)
    pages = {n: f"<html><body><p>{text}</p></body></html>" for n, text in zip(names, chapters, strict=True)}
    return zipped(
        path,
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
            "b.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="2.0"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Tides</dc:title></metadata>'
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
            **pages,
        },
    )


def mail(path):
    path.write_bytes(
        b"Received: from x\r\nFrom: Anna <anna@x.org>\r\nTo: b@x.org\r\nDate: Fri, 03 May 2024 10:00:00 +0200\r\n"
        b"Subject: =?utf-8?q?Bestellung_f=C3=BCr_M=C3=A4rz?=\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n'
        b"Twelve <copper> valves, please.\r\n--b\r\nContent-Type: application/pdf\r\n"
        b'Content-Disposition: attachment; filename="drawing.pdf"\r\n\r\nx\r\n--b--\r\n'
    )
    return path


def first_page(path):
    document = open_document(path, OPTIONS)
    try:
        page = read_page(document, 1, OPTIONS)
    finally:
        document.close()
    return document.info, " ".join(page.words.texts), page


def test_books_mails_drawings_and_web_pages_are_read(tmp_path):
    (tmp_path / "a.html").write_text("<!doctype html><html><title>Tides</title><body><h1>Harbour</h1><p>Ripe quinces")
    (tmp_path / "a.svg").write_text(
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="300" height="100">'
        '<text x="10" y="50">Harbour quinces</text></svg>'
    )
    epub(tmp_path / "a.epub", ["Harbour quinces", "Second chapter"])
    text_image("Harbour").save(tmp_path / "p.png")
    zipped(
        tmp_path / "a.cbz", {"p1.png": (tmp_path / "p.png").read_bytes(), "p2.png": (tmp_path / "p.png").read_bytes()}
    )
    seen = {path.suffix: first_page(path) for path in sorted(tmp_path.glob("a.*"))}
    assert [seen[suffix][0].n_pages for suffix in (".html", ".svg", ".epub", ".cbz")] == [1, 1, 2, 2]
    for suffix in (".html", ".svg", ".epub"):
        info, words, page = seen[suffix]
        assert info.kind == "document"
        assert "Harbour" in words
        assert "uinces" in words
        assert (page.image < 128).any()  # it is drawn
    assert seen[".html"][0].title == seen[".epub"][0].title == "Tides"


@pytest.mark.parametrize(
    ("name", "said", "codec"),
    [
        ("a.html", "<!doctype html><meta charset=shift_jis>", "shift_jis"),
        ("b.html", '<html><meta http-equiv="Content-Type" content="text/html; charset=gb2312">', "gb18030"),
        ("c.html", '<html><meta http-equiv="Content-Type" content="text/html; charset=shift_jis">', "utf-8-sig"),
        ("d.htm", "<html>", "utf-16"),
        ("e.htm", "It begins with text <b>and</b>", "utf-8"),
        ("f.xhtml", '<?xml version="1.0" encoding="euc-jp"?><html>', "euc-jp"),
        ("g.fb2", '<?xml version="1.0" encoding="iso-2022-jp"?><FictionBook><body><section>', "iso-2022-jp"),
    ],
)
def test_markup_in_any_encoding_is_read(tmp_path, name, said, codec):
    end = "</section></body></FictionBook>" if name.endswith(".fb2") else ""
    (tmp_path / name).write_bytes(f"{said}<p>日本 Harbour</p>{end}".encode(codec))
    info, words, _ = first_page(tmp_path / name)
    assert info.kind == "document"
    assert words.endswith("日本 Harbour")


def test_a_mail_has_its_head_its_text_and_the_names_of_what_is_attached(tmp_path):
    info, words, _ = first_page(mail(tmp_path / "a.eml"))
    assert (info.title, info.author, info.date) == ("Bestellung für März", "Anna <anna@x.org>", "2024-05-03")
    for part in ("anna@x.org", "Twelve <copper> valves, please.", "drawing.pdf"):
        assert part in words


def parts(kind, *inner):
    """A part of a mail with other parts in it, each with its own header."""
    opened = "".join(f"--{kind}\n{part}\n" for part in inner)
    return f"Content-Type: multipart/{kind}; boundary={kind}\n\n{opened}--{kind}--\n"


PLAIN, RICH = "Content-Type: text/plain\n\n", "Content-Type: text/html\n\n"
DRAWING = 'Content-Type: application/pdf\nContent-Disposition: attachment; filename="drawing.pdf"\n\nx'
FORWARDED = "Content-Type: message/rfc822\n\nFrom: carl\nSubject: valves\n" + parts("mixed", PLAIN + "twelve", DRAWING)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (parts("mixed", PLAIN + "one", DRAWING, PLAIN + "two"), "Attached: drawing.pdf one two"),
        (parts("alternative", PLAIN + "plain", RICH + "<p>rich"), "plain"),
        (parts("alternative", PLAIN + " ", RICH + "<p>&nbsp;rich", "Content-Type: text/calendar\n\nBEGIN"), "rich"),
        (parts("alternative", PLAIN + "one", parts("mixed", RICH + "one", DRAWING)), "Attached: drawing.pdf one"),
        (parts("digest", FORWARDED), "From: carl Subject: valves Attached: drawing.pdf twelve"),
        ("Content-Type: multipart/mixed\n\nno boundary", "no boundary"),
        ("Content-Disposition: attachment\n" + PLAIN + "all there is", "all there is"),
        ('Content-Type: application/pdf; name="=?utf-8?q?Ma=C3=9F.pdf?="\n\nx', "Attached: Maß.pdf"),
        ("Content-Type: text/plain; charset=x-unknown\n\nGröße", "Größe"),
        ("Content-Type: text/html; charset=utf-8\n\n<meta charset=koi8-r>Größe", "Größe"),
        ("Cc: =?windows-874?q?caf=E0=B9?= <a@b>\n\nx", "Cc: cafเน <a@b> x"),
        ("Cc: =?iso-8859-1?q?caf=E9=80?= =?x-odd?q?=80?= <a@b>\n\nx", "Cc: café€ € <a@b> x"),
        ("Cc: =?unicode-escape?q?=5Cud800?= <a@b>\n\nx", "Cc: =?unicode-escape?q?=5Cud800?= <a@b> x"),
        ("Cc: Größe: b;@c\n\nbody", "Cc: Größe: b;@c body"),
    ],
)
def test_all_that_a_mail_says_is_read(tmp_path, rest, words):
    for codec in ("utf-8-sig", "cp1252"):
        (tmp_path / "a.eml").write_bytes(f"From: a@b\nSubject: Größe\n{rest}\n".encode(codec).replace(b"\n", b"\r\n"))
        info, seen, _ = first_page(tmp_path / "a.eml")
        assert info.title == "Größe"
        assert seen.replace("From: a@b ", "").replace("Subject: Größe ", "") == words


def test_a_mail_in_mails_without_end_is_read_as_far_as_it_matters():
    text = "Subject: a\nContent-Type: message/rfc822\n\n" * 100 + "Subject: b\n\nbody"
    page = as_html(email.message_from_string(text))
    assert page.count("<b>Subject:</b> a") == MAX_DEPTH + 1
    assert "Attached:</b> message/rfc822" in page


@needs_office
@pytest.mark.slow
def test_office_files_are_found_under_their_own_name_and_drawn(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    docx(docs / "order.docx", ["Twelve copper valves for the harbour."])
    (docs / "two pages.rtf").write_text(r"{\rtf1\ansi First page on quinces.\page Second page on lighthouses.}")
    (docs / "broken.odt").write_bytes(b"PK\x03\x04" + b"no archive" * 20)
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        found = {o.source.path: o for o in engine.index([docs], IndexConfig(ocr="off", n_processes=1))}
        assert {name: str(o.status) for name, o in found.items()} == {
            "order.docx": "indexed",
            "two pages.rtf": "indexed",
            "broken.odt": "failed",
        }
        assert "cannot be turned into PDF" in found["broken.odt"].reason
        (hit,) = engine.search("lighthouses", k=1)
        assert (hit.document, hit.page, hit.n_pages, hit.kind) == ("two pages.rtf", 2, 2, "document")
        (picture,) = engine.pictures([hit])
        assert picture.width > 500
        assert engine.search("copper valves", k=1)[0].name == "order.docx:1"


COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@needs_office
@pytest.mark.slow
def test_office_files_are_what_they_are_whatever_their_ending(tmp_path):
    (tmp_path / "a.doc").write_text(r"{\rtf1\ansi Harbour <html> quinces}")
    docx(tmp_path / "b.doc", ["Harbour <html> quinces".replace("<", "&lt;")])
    for path in tmp_path.iterdir():
        assert "Harbour <html> quinces" in first_page(path)[1]


@pytest.mark.parametrize("codec", ["cp1252", "utf-16"])
def test_html_with_an_ending_of_office_is_html(tmp_path, codec):
    (tmp_path / "a.xls").write_bytes("<!-- x --><html><table><tr><td>Höhe<td>12</table>".encode(codec))
    info, words, _ = first_page(tmp_path / "a.xls")
    assert (info.media_type, words) == ("text/html", "Höhe 12")


def test_encrypted_office_files_are_told_as_such(tmp_path):
    (tmp_path / "a.docx").write_bytes(COMPOUND + b"..." + "EncryptedPackage".encode("utf-16-le"))
    zipped(tmp_path / "b.odt", {"META-INF/manifest.xml": "<manifest:encryption-data/>", "content.xml": "x"})
    for path in tmp_path.iterdir():
        with pytest.raises(EncryptedDocument, match="once it is saved without its password"):
            open_document(path, OPTIONS)


def test_an_office_file_that_only_holds_an_encrypted_one_is_not_encrypted(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.doc").write_bytes(COMPOUND + "WordDocument EncryptedPackage".encode("utf-16-le"))
    zipped(tmp_path / "b.odt", {"META-INF/manifest.xml": "<manifest:manifest/>"})
    (tmp_path / "c.ods").write_bytes(b"PK\x03\x04 no archive")
    for path in tmp_path.iterdir():
        with pytest.raises(UnreadableDocument, match="soffice, which is not installed"):
            open_document(path, OPTIONS)


def test_without_its_program_a_file_is_passed_over_in_folders_and_says_why_when_named(tmp_path, monkeypatch):
    docx(tmp_path / "order.docx", ["Twelve copper valves"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ".docx" not in walked_extensions(text=True)
    assert ".epub" in walked_extensions(text=False)
    with pytest.raises(UnreadableDocument, match="soffice, which is not installed"):
        open_document(tmp_path / "order.docx", OPTIONS)
    assert office.OfficeDocument is not None


@pytest.mark.thorough
def test_a_run_says_what_it_passed_over(tmp_path):
    docs = tmp_path / "docs"
    make_pdf(docs / "a.pdf", ["quinces"])
    for name in ("b.xyz", "c.XYZ", "d.md", "e.docx", "noending", ".hidden.xyz", "~$f.docx"):
        (docs / name).write_text("x")
    environment = {"PATH": "/nowhere"}  # no LibreOffice
    run = run_cli("--index", tmp_path / "i", "index", docs, "--model", "hashing", "--ocr", "off", **environment)
    said = [line for line in run.stderr.splitlines() if line.startswith("passed over")]
    assert run.returncode == 0
    assert any("2 .xyz, 1 without an ending (no reader" in line for line in said)
    assert any("1 .md (--text reads" in line for line in said)
    assert any("1 .docx (read where LibreOffice" in line for line in said)
    (docs / "a.pdf").rename(tmp_path / "a.pdf")
    nothing = run_cli("--index", tmp_path / "j", "index", docs, "--model", "hashing", **environment)
    assert nothing.returncode == 1
    assert "no files to index" in nothing.stdout
    assert "2 .xyz" in nothing.stderr
    tried = run_cli("--index", tmp_path / "j", "index", docs, "--dry-run", "--model", "hashing", **environment)
    assert "2 .xyz" in tried.stderr
    assert "0 files to read" in tried.stdout
    with SearchEngine.open(tmp_path / "k", model="hashing") as engine:
        assert engine.estimate([docs]).passed_over[".xyz"] == 2
        assert engine.index([docs]).passed_over[".xyz"] == 2


@pytest.mark.thorough
def test_the_doctor_names_the_readers(tmp_path):
    make_pdf(tmp_path / "a.pdf", ["quinces"])
    run_cli("--index", tmp_path / "i", "index", tmp_path / "a.pdf", "--model", "hashing", "--ocr", "off", check=True)
    said = run_cli("--index", tmp_path / "i", "doctor", PATH="/nowhere").stdout
    assert "reads: png jpg tif" in said
    assert "does not read: docx pptx xlsx odt" in said
    assert "reads scans in: Latin script, Chinese, Japanese; not in: Arabic, Armenian" in said


@pytest.mark.parametrize(
    ("head", "extension", "expected"),
    [
        (b"<!DOCTYPE html><html>", ".html", "text/html"),
        (b"<!DOCTYPE html><html>", ".pdf", None),
        (b"PK\x03\x04...", ".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04...", ".zip", None),
        (b"# Title\n", ".md", "text/plain"),
        (b"Title: not a mail\n", ".txt", "text/plain"),
        (b"%PDF-1.7", ".docx", "application/pdf"),
        (b"import os\n", ".py", "text/plain"),
        (rb"{\rtf1 x", ".doc", "application/msword"),
        (b"PK\x03\x04...", ".xls", "application/vnd.ms-excel"),
        (b"\xef\xbb\xbf<html>", ".xls", "application/vnd.ms-excel"),
        (COMPOUND, ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"", ".docx", None),
        (b"\xef\xbb\xbfFrom: a", ".eml", "message/rfc822"),
        (b"no tag in it", ".htm", "text/plain"),
        (b"\xfe\xff\x00\n\x00<\x00p", ".html", "text/html"),
    ],
)
def test_where_content_says_too_little_the_ending_counts_as_well(head, extension, expected):
    found = file_type(head, extension)
    assert (found and found.media_type) == expected


def test_no_two_kinds_share_an_ending_but_text_and_markup():
    endings = [e for row in FILE_TYPES if row.signature for e in row.extensions]
    assert len(endings) == len(set(endings))

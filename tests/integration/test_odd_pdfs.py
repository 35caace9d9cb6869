"""PDFs as they come: damaged, locked in odd ways, with more in them than is drawn."""

import io
import re
import shutil
import tracemalloc

import numpy as np
import pymupdf
import pytest

from pagesight.engine import IndexConfig, SearchEngine
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.reading import pdf_file
from pagesight.indexer.reading.page import open_document, read_page
from pagesight.storage.errors import EncryptedDocument, UnreadableDocument
from tests.helpers import make_pdf

OPTIONS = ReadOptions(ocr="off")
FAST = {"ocr": "off", "n_processes": 1}


def read(path, number=1, options=OPTIONS):
    document = open_document(path, options)
    try:
        return document.info, read_page(document, number, options)
    finally:
        document.close()


def found_at(page, word):
    """Boxes of a word, (n, 4)."""
    return page.words.boxes[[i for i, text in enumerate(page.words.texts) if text == word]]


# Files that are odd as a whole


@pytest.mark.parametrize("before", [b"From: x\r\nSubject: scan\r\n\r\n" * 90, b"\x00" * 1500, b"<html>" + b" " * 5000])
def test_a_header_far_from_the_beginning_is_found(tmp_path, before):
    path = make_pdf(tmp_path / "a.pdf", ["quinces and pears"])
    path.write_bytes(before + path.read_bytes())
    assert read(path)[1].words.texts == ("quinces", "and", "pears")


def test_a_file_that_only_speaks_of_pdf_is_none(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"<html>" + b" " * 3000 + b"no PDF here</html>")
    with pytest.raises(UnreadableDocument, match="an HTML page"):
        read(tmp_path / "a.pdf")


@pytest.mark.parametrize("kind", [b"/Filter/Adobe.PubSec/SubFilter/adbe.pkcs7.s5", b"/Filter /Adobe.PubSec /V 1"])
def test_encryption_for_a_certificate_is_told_as_such(tmp_path, kind):
    path = make_pdf(tmp_path / "a.pdf", ["secret"])
    data = path.read_bytes()
    encrypt = b"/Encrypt<<" + kind + b"/V 4/Length 128/CF<<>>>>"
    path.write_bytes(re.sub(rb"trailer\s*<<", b"trailer\n<<" + encrypt, data))
    with pytest.raises(UnreadableDocument, match=r"holder of a certificate.*decrypted first") as caught:
        read(path)
    assert not isinstance(caught.value, EncryptedDocument)  # no password helps


@pytest.mark.parametrize("memory", [True, False])
def test_a_large_encrypted_file_asks_for_its_password_and_is_not_read_as_a_whole(tmp_path, monkeypatch, memory):
    path = tmp_path / "a.pdf"
    document = pymupdf.open()
    document.new_page()
    document.embfile_add("large", np.random.default_rng(0).bytes(2_000_000))
    document.save(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="user")
    document.close()
    assert path.stat().st_size > 2_000_000

    def unlocked(data):
        assert len(data) == 10_000
        if not memory:
            raise MemoryError

    monkeypatch.setattr(pdf_file, "MAX_BYTES", 10_000)
    monkeypatch.setattr(pdf_file, "_unlocked", unlocked)
    tracemalloc.start()
    try:
        with pytest.raises(EncryptedDocument, match="password"):
            open_document(path, ReadOptions(ocr="off"))
        assert tracemalloc.get_traced_memory()[1] < 1_500_000
    finally:
        tracemalloc.stop()


def test_a_file_whose_attachments_alone_are_encrypted_is_read(tmp_path):
    path = make_pdf(tmp_path / "a.pdf", ["quinces and pears"])
    data = path.read_bytes()
    key = b"<" + b"00" * 48 + b">"
    encrypt = (
        b"/Encrypt<</Filter/Standard/V 5/R 6/Length 256/P -4/U "
        + key
        + b"/O "
        + key
        + b"/UE <"
        + b"00" * 32
        + b">/OE <"
        + b"00" * 32
        + b">/Perms <"
        + b"00" * 16
        + b">/CF<</StdCF<</AuthEvent/EFOpen/CFM/AESV3/Length 32>>>>"
        b"/StmF/Identity/StrF/Identity/EFF/StdCF>>/ID[<00><00>]"
    )
    path.write_bytes(re.sub(rb"trailer\s*<<", b"trailer\n<<" + encrypt, data))
    assert read(path)[1].words.texts == ("quinces", "and", "pears")


@pytest.mark.parametrize("encryption", [pymupdf.PDF_ENCRYPT_AES_256, pymupdf.PDF_ENCRYPT_RC4_128])
def test_a_password_of_the_owner_only_hinders_nobody(tmp_path, encryption):
    path = make_pdf(tmp_path / "a.pdf", ["quinces"], encryption=encryption, owner_pw="owner", permissions=0)
    assert read(path)[1].words.texts == ("quinces",)


def test_where_one_library_gives_up_another_reads(tmp_path):
    """A page tree whose root is a page to MuPDF, and no tree."""
    path = make_pdf(tmp_path / "a.pdf", ["first quinces", "second pears"])
    data = path.read_bytes()
    damaged = re.sub(rb"/Type\s*/Pages\s*/Count 2", b"/Type/Pages/Count 0", data)
    assert damaged != data
    path.write_bytes(damaged)
    info, page = read(path, 2)
    assert info.n_pages == 2
    assert page.words.texts == ("second", "pears")


# What a page holds beyond its drawing


def annotated(path, rotation=0):
    document = pymupdf.open()
    page = document.new_page(width=600, height=800)
    page.insert_text((60, 60), "Drawn words of the page", fontsize=12)
    page.set_rotation(rotation)
    note = page.add_text_annot((400, 300), "zirconium invoice")
    note.update()
    hidden = page.add_text_annot((100, 500), "hidden remark")
    hidden.set_flags(pymupdf.PDF_ANNOT_IS_HIDDEN)
    hidden.update()
    marked = page.add_highlight_annot(pymupdf.Rect(60, 50, 100, 64))
    marked.set_info(content="comment on the highlight")
    marked.update()
    shown = page.add_freetext_annot(pymupdf.Rect(60, 600, 300, 640), "Drawn words")
    shown.update()
    field = pymupdf.Widget()
    field.field_name, field.field_type = "remarks", pymupdf.PDF_WIDGET_TYPE_TEXT
    field.rect, field.text_fontsize = pymupdf.Rect(60, 400, 130, 415), 11
    field.field_value = "short and then much more of it behind the velodrome"
    page.add_widget(field)
    document.save(path)
    document.close()
    return path


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_comments_and_whole_field_values_are_found_where_they_are(tmp_path, rotation):
    page = read(annotated(tmp_path / "a.pdf", rotation))[1]
    turn = pymupdf.open(tmp_path / "a.pdf")[0].rotation_matrix
    size = (600, 800) if rotation in (0, 180) else (800, 600)

    def middle(x, y):
        point = pymupdf.Point(x, y) * turn
        return np.array([point.x / size[0], point.y / size[1]])

    for word, x, y in (("zirconium", 409, 309), ("highlight", 80, 57), ("velodrome", 95, 407)):
        boxes = found_at(page, word)
        assert len(boxes) == 1, word
        assert np.abs((boxes[0, :2] + boxes[0, 2:]) / 2 - middle(x, y)).max() < 0.03, word
    assert not {"hidden", "remark"} & set(page.words.texts)
    assert page.words.texts.count("Drawn") == 2  # once on the page, once in the box that draws it, never a third time


def test_titles_and_entries_of_the_outline_that_are_not_drawn_are_found(tmp_path):
    document = pymupdf.open()
    for text in ("First page with words on it", "Second page with words on it"):
        document.new_page(width=600, height=800).insert_text((60, 60), text)
    document.set_metadata({"title": "Tide tables of the harbour"})
    document.set_toc([[1, "First page", 1], [1, "Chapter on lighthouses", 2, {"kind": 1, "to": pymupdf.Point(0, 400)}]])
    document.save(tmp_path / "a.pdf")
    first, second = read(tmp_path / "a.pdf", 1)[1], read(tmp_path / "a.pdf", 2)[1]
    assert {"Tide", "tables"} <= set(first.words.texts)
    assert first.words.texts.count("First") == 1  # that entry is drawn
    (box,) = found_at(second, "lighthouses")
    assert abs(box[1] - 0.5) < 0.05
    assert "Tide" not in second.words.texts


def test_a_title_that_is_a_file_name_is_none(tmp_path):
    document = pymupdf.open()
    document.new_page().insert_text((60, 60), "Words on the page")
    document.set_metadata({"title": "Microsoft Word - draft3.doc"})
    document.save(tmp_path / "a.pdf")
    assert read(tmp_path / "a.pdf")[1].words.texts == ("Words", "on", "the", "page")


def with_attachments(path, text, attachments):
    document = pymupdf.open()
    document.new_page().insert_text((60, 60), text)
    for name, data in attachments.items():
        document.embfile_add(name, data, filename=name)
    document.save(path)
    document.close()
    return path


def pdf_bytes(folder, text):
    return make_pdf(folder / "x.pdf", [text]).read_bytes()


def statuses(engine, *paths, **config):
    return {o.source.path: str(o.status) for o in engine.index(paths, IndexConfig(**{**FAST, **config}))}


def names(engine):
    return sorted(name for document in engine.documents() for name in document.names)


@pytest.mark.thorough
def test_attachments_are_documents_of_their_own(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    inner = with_attachments(tmp_path / "inner.pdf", "offer", {"deep.pdf": pdf_bytes(tmp_path, "deepest walnuts")})
    contract = pdf_bytes(tmp_path, "krypton supplier contract")
    given = {"contract.pdf": contract, "../inner.pdf": inner.read_bytes(), "data.xml": b"<a/>"}
    outer = with_attachments(docs / "a.pdf", "see the attached files", given)
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        outcomes = list(engine.index([docs], IndexConfig(**FAST)))
        whole = ["a.pdf", "a.pdf > contract.pdf", "a.pdf > inner.pdf", "a.pdf > inner.pdf > deep.pdf"]
        assert [o.source.path for o in outcomes] == whole
        assert outcomes[0].notes == ("1 attachment not read: data.xml",)
        (hit,) = engine.search("krypton supplier", k=1)
        assert hit.name == "a.pdf > contract.pdf:1"
        (picture,) = engine.pictures([hit])
        assert (np.asarray(picture) < 128).any()
        assert engine.search("walnuts", k=1)[0].document == "a.pdf > inner.pdf > deep.pdf"
        assert statuses(engine, docs, prune=True) == {"a.pdf": "unchanged"}
        assert names(engine) == whole
        # Another file now: one attachment less.
        with_attachments(outer, "see the attached file", {"contract.pdf": contract})
        assert statuses(engine, docs) == {"a.pdf": "indexed", "a.pdf > contract.pdf": "unchanged"}
        assert "a.pdf > inner.pdf" not in names(engine)
        outer.rename(docs / "b.pdf")
        assert statuses(engine, docs, prune=True)["b.pdf"] == "renamed"
        assert names(engine)[:2] == ["b.pdf", "b.pdf > contract.pdf"]
        (docs / "b.pdf").unlink()
        assert set(statuses(engine, docs, prune=True).values()) == {"removed"}
        assert names(engine) == []


@pytest.mark.thorough
def test_attachments_go_with_copies_too_whichever_goes_first(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    inner = with_attachments(tmp_path / "inner.pdf", "offer", {"deep.pdf": pdf_bytes(tmp_path, "deepest walnuts")})
    with_attachments(docs / "a.pdf", "see the attached file", {"inner.pdf": inner.read_bytes()})
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        statuses(engine, docs)
        shutil.copy(docs / "a.pdf", docs / "b.pdf")
        assert statuses(engine, docs) == {"a.pdf": "unchanged", "b.pdf": "copied"}
        (docs / "a.pdf").unlink()
        statuses(engine, docs, prune=True)
        of_b = ["b.pdf", "b.pdf > inner.pdf", "b.pdf > inner.pdf > deep.pdf"]
        assert names(engine) == of_b
        (docs / "b.pdf").rename(docs / "c.pdf")
        assert statuses(engine, docs) == {"c.pdf": "renamed"}
        assert names(engine) == [name.replace("b.pdf", "c.pdf") for name in of_b]


@pytest.mark.thorough
@pytest.mark.parametrize("again", [{"password": "open sesame"}, {"retry": True}], ids=str)
def test_what_failed_inside_a_file_is_tried_again(tmp_path, again):
    docs = tmp_path / "docs"
    docs.mkdir()
    with pymupdf.open(make_pdf(tmp_path / "plain.pdf", ["secret walnuts"])) as document:
        document.save(
            tmp_path / "locked.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="open sesame", owner_pw="x"
        )
    with_attachments(docs / "a.pdf", "see inside", {"locked.pdf": (tmp_path / "locked.pdf").read_bytes()})
    with SearchEngine.open(tmp_path / "index", model="hashing") as engine:
        assert statuses(engine, docs) == {"a.pdf": "indexed", "a.pdf > locked.pdf": "failed"}
        assert statuses(engine, docs) == {"a.pdf": "unchanged"}
        now = statuses(engine, docs, **again)
        assert now == {"a.pdf": "indexed", "a.pdf > locked.pdf": "indexed" if "password" in again else "failed"}


def test_names_of_attachments_stay_names(tmp_path):
    data = io.BytesIO(pdf_bytes(tmp_path, "quinces")).getvalue()
    path = with_attachments(tmp_path / "a.pdf", "see", {"../../etc/x.pdf": data, "..": data, "y/x.pdf": data + b"\n"})
    info = read(path)[0]
    found = [one.name for one in info.attachments]
    assert len(set(found)) == len(found) == 3
    assert not any("/" in name or name in (".", "..") for name in found)

"""A folder of files that go wrong in every way we know, with what should become of each."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

from tests.helpers import make_pdf, text_image

# name -> (status, part of the reason); None as a name is not checked. Names as the engine shows them.
EXPECTED = {
    "aa good.pdf": ("indexed", ""),
    "truncated half.pdf": ("indexed|failed", ""),
    "truncated head.pdf": ("failed", "PDF"),
    "encrypted.pdf": ("failed", "it needs a password"),
    "owner password only.pdf": ("indexed", ""),
    "zero bytes.pdf": ("failed", "0 bytes"),
    "html.pdf": ("failed", "an HTML page"),
    "jpeg.pdf": ("indexed", ""),
    "pdf.jpg": ("indexed", ""),
    "one pixel.png": ("indexed", ""),
    "huge.png": ("failed", "400 megapixels"),
    "lying header.png": ("failed", "megapixels"),
    "wide page.pdf": ("indexed", ""),
    "page tree loop.pdf": ("indexed|failed", ""),
    "deep nesting.pdf": ("indexed|failed", ""),
    "zero pages.pdf": ("failed", "no pages"),
    "new\\nline.pdf": ("indexed", ""),
    "emoji \U0001f600.pdf": ("indexed", ""),
    "bad utf8 \\xff.pdf": ("indexed", ""),
    "circle.pdf": ("failed", "symbolic links"),
    "broken link.pdf": ("failed", "not there"),
    "folder/back": ("skipped", "a folder that contains it"),
    "pipe.pdf": ("skipped", "not a regular file"),
    "noise.pdf": ("failed", "binary data"),
    "self reference.pdf": ("indexed|failed", ""),
    "no size.pdf": ("indexed|failed", ""),
    "bomb.pdf": ("failed", "of processor time"),
    "frames.tiff": ("indexed", ""),
    "cmyk.jpg": ("indexed", ""),
    "deep grey.png": ("indexed", ""),
    "transparent.webp": ("indexed", ""),
    "cut.jpg": ("indexed|failed", ""),
    "zz good copy.pdf": ("copied", ""),
    "zz good.pdf": ("indexed", ""),
}
FORBIDDEN = "forbidden.pdf"  # only where the tests do not run as root, who may read everything


def make_hostile_folder(folder: Path) -> None:
    """Write the files of EXPECTED into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    good = make_pdf(
        folder / "aa good.pdf", ["The harbour master keeps the tide tables.", "Second page about lighthouses."]
    )
    make_pdf(folder / "zz good.pdf", ["A lonely page on the breeding of alpacas."])
    data = good.read_bytes()
    (folder / "zz good copy.pdf").write_bytes(data)
    (folder / "truncated half.pdf").write_bytes(data[: len(data) // 2])
    (folder / "truncated head.pdf").write_bytes(data[:60])
    make_pdf(folder / "encrypted.pdf", ["secret"], encryption=5, user_pw="open", owner_pw="owner")
    make_pdf(folder / "owner password only.pdf", ["printable"], encryption=5, owner_pw="owner")
    (folder / "zero bytes.pdf").touch()
    (folder / "html.pdf").write_bytes(b"<!DOCTYPE html><html><body>Not found</body></html>")
    picture = text_image("A jpeg in disguise")
    picture.save(folder / "jpeg.pdf", "JPEG")
    make_pdf(folder / "pdf.jpg", ["a PDF in disguise"])
    text_image("", (1, 1)).save(folder / "one pixel.png")
    write_png(folder / "huge.png", 20_000, 20_000, rows=20_000)
    write_png(folder / "lying header.png", 2_000_000, 2_000_000, rows=1)
    _wide_page(folder / "wide page.pdf")
    write_pdf(folder / "page tree loop.pdf", {2: b"<</Type/Pages/Kids[2 0 R]/Count 1>>"})
    write_pdf(folder / "deep nesting.pdf", {3: b"<</Type/Page/Parent 2 0 R/X " + b"[" * 20_000 + b"]" * 20_000 + b">>"})
    write_pdf(folder / "zero pages.pdf", {2: b"<</Type/Pages/Kids[]/Count 0>>"})
    make_pdf(folder / "new\nline.pdf", ["a name of two lines"])
    make_pdf(folder / "emoji \U0001f600.pdf", ["a cheerful name"])
    os.rename(make_pdf(folder / "bad.pdf", ["a name in latin one"]), os.fsencode(folder) + b"/bad utf8 \xff.pdf")
    (folder / "circle.pdf").symlink_to("circle.pdf")
    (folder / "broken link.pdf").symlink_to("nowhere.pdf")
    (folder / "folder").mkdir()
    (folder / "folder" / "back").symlink_to("..")
    os.mkfifo(folder / "pipe.pdf")
    (folder / "noise.pdf").write_bytes(bytes((i * 7919) % 251 for i in range(5000)))
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>/Length 5>>stream\n/F Do\nendstream"
    write_pdf(folder / "self reference.pdf", {4: stream(b"/F Do"), 5: form})
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 0 0]/Contents 4 0 R/Resources<<>>>>"
    write_pdf(folder / "no size.pdf", {3: page})
    make_bomb(folder / "bomb.pdf")
    frames = [text_image(f"frame number {word}") for word in ("one", "two", "three")]
    frames[0].save(folder / "frames.tiff", save_all=True, append_images=frames[1:])
    picture.convert("CMYK").save(folder / "cmyk.jpg", "JPEG")
    picture.convert("I;16").save(folder / "deep grey.png")
    picture.convert("RGBA").save(folder / "transparent.webp")
    jpeg = (folder / "jpeg.pdf").read_bytes()
    (folder / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])


def stream(content: bytes) -> bytes:
    """A PDF stream object."""
    return b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)


def write_pdf(path: Path, objects: dict[int, bytes]) -> Path:
    """A PDF of one page from raw objects; 1 is the catalogue, 2 the page tree, 3 the page, 4 its content."""
    resources = b"/Resources<</XObject<</F 5 0 R>>/Font<</H<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    usual = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R" + resources + b">>",
        4: stream(b"BT /H 12 Tf 20 100 Td (plain words) Tj ET"),
    }
    body, offsets = b"%PDF-1.7\n", {}
    for number, content in sorted({**usual, **objects}.items()):
        offsets[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 1\n0000000000 65535 f \n"
    for number, offset in offsets.items():
        table += b"%d 1\n%010d 00000 n \n" % (number, offset)
    trailer = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (max(offsets) + 1, len(body))
    path.write_bytes(body + table + trailer)
    return path


def make_bomb(path: Path, pages: int = 1) -> Path:
    """A page whose content draws a form that draws ten forms that draw ten forms ...: 10^12 words, a hang."""
    forms = {}
    for level in range(12):
        content = b"/F Do " * 10 if level < 11 else b"BT /H 1 Tf (x) Tj ET"
        below = b"/XObject<</F %d 0 R>>" % (6 + level) if level < 11 else b""
        fonts = b"/Font<</H<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
        head = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<<%s%s>>/Length %d>>" % (
            below,
            fonts,
            len(content),
        )
        forms[5 + level] = head + b"stream\n" + content + b"\nendstream"
    return write_pdf(path, {4: stream(b"/F Do"), **forms})


def write_png(path: Path, width: int, height: int, *, rows: int) -> None:
    """A white 1-bit PNG of any size, without holding it in memory. ``rows``: how many are really there."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    row = b"\x00" + b"\xff" * ((width + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


def _wide_page(path: Path) -> None:
    import pymupdf

    document = pymupdf.open()
    page = document.new_page(width=14_173, height=600)  # 5 m
    page.insert_text((7000, 300), "a banner for the facade", fontsize=200)
    document.save(path)
    document.close()

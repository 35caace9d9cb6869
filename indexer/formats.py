"""What a file is, told by its first bytes: names lie, and users rename. Only text has no first bytes to go by."""

from __future__ import annotations

PDF = "application/pdf"
TEXT = "text/plain"
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),  # BigTIFF
    (b"MM\x00+", "image/tiff"),
)
# Endings that are looked into while walking a folder; a file that is named on its own is looked into whatever its name.
EXTENSIONS = frozenset({".pdf", ".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp"})
# Endings of text and code. A folder is walked for them only on request: most people's folders have more of it than of pages.
_TEXT_NAMES = """
    txt md rst tex csv tsv json jsonl yaml yml toml ini cfg xml html css sql sh py pyi ipynb js jsx ts tsx java kt scala
    go rs c h cc cpp hpp cs swift rb php pl r jl lua hs ml ex erl clj dart m proto cmake gradle log
"""
TEXT_EXTENSIONS = frozenset("." + name for name in _TEXT_NAMES.split())
HEAD_BYTES = 1024  # PDF 1.7, annex H.3.4.1: the header may stand anywhere in the first 1,024 bytes


def media_type(head: bytes, extension: str = "") -> str | None:
    """Media type of a file with these first bytes, or None if it is nothing we read.

    extension: of its name, such as ".py". It makes a text of what is none of the others from its very first byte on.
    """
    if extension.lower() in TEXT_EXTENSIONS and not head.startswith(b"%PDF-"):
        return media_type(head[:12]) or TEXT
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return PDF if b"%PDF-" in head else None


def looks_like(head: bytes) -> str:
    """A guess for the message about a file that is no document."""
    start = head.lstrip()[:32].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"pk"):
        return "a ZIP archive or an Office document"
    if start.startswith(b"<?xml"):
        return "an XML file"
    if start.startswith(b"%!ps"):
        return "a PostScript file"
    if start.startswith(b"gif8"):
        return "a GIF image"
    if b"\x00" not in head:
        return "a text file"
    return "binary data"

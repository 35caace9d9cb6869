"""What a file is, told by its first bytes: names lie, and users rename."""

from __future__ import annotations

PDF = "application/pdf"
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
HEAD_BYTES = 1024  # PDF 1.7, annex H.3.4.1: the header may stand anywhere in the first 1,024 bytes


def media_type(head: bytes) -> str | None:
    """Media type of a file with these first bytes, or None if it is neither a PDF nor an image we read."""
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

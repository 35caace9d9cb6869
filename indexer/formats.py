"""What a file is, told by its first bytes: names lie, and users rename. Only text has no first bytes to go by.

A kind of file is one row here, and a class that opens it (``PagedDocument`` in reading/page.py says what it has to do).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["pdf", "image", "text"]
HEAD_BYTES = 1024  # PDF 1.7, annex H.3.4.1: the header may stand anywhere in the first 1,024 bytes
_NAMED_TEXT_BYTES = 12  # of a file with the name of a text: the longest signature of the others, at its very start


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """One type of file.

    extensions: the usual one first. signature: matches the first bytes; None where only the extension tells.
    opener: "module:function", called with (path, this row, ReadOptions), imported at its first use.
    """

    media_type: str
    kind: Kind
    extensions: tuple[str, ...]
    signature: re.Pattern[bytes] | None
    opener: str


_IMAGE = "pagesight.indexer.reading.image_file:ImageDocument"
_TEXT_NAMES = """
    txt md rst tex csv tsv json jsonl yaml yml toml ini cfg xml html css sql sh py pyi ipynb js jsx ts tsx java kt scala
    go rs c h cc cpp hpp cs swift rb php pl r jl lua hs ml ex erl clj dart m proto cmake gradle log
"""
FILE_TYPES = (
    FileType(
        media_type="image/png",
        kind="image",
        extensions=(".png",),
        signature=re.compile(rb"\x89PNG\r\n\x1a\n"),
        opener=_IMAGE,
    ),
    FileType(
        media_type="image/jpeg",
        kind="image",
        extensions=(".jpg", ".jpeg", ".jpe"),
        signature=re.compile(rb"\xff\xd8\xff"),
        opener=_IMAGE,
    ),
    FileType(
        media_type="image/tiff",
        kind="image",
        extensions=(".tif", ".tiff"),
        signature=re.compile(rb"II[*+]\x00|MM\x00[*+]"),  # + is BigTIFF
        opener=_IMAGE,
    ),
    FileType(
        media_type="image/webp",
        kind="image",
        extensions=(".webp",),
        signature=re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
        opener=_IMAGE,
    ),
    FileType(
        media_type="application/pdf",
        kind="pdf",
        extensions=(".pdf",),
        signature=re.compile(rb".*?%PDF-", re.DOTALL),
        opener="pagesight.indexer.reading.pdf:PdfDocument",
    ),
    FileType(
        media_type="text/plain",
        kind="text",
        extensions=tuple("." + name for name in _TEXT_NAMES.split()),
        signature=None,
        opener="pagesight.indexer.reading.text_file:TextDocument",
    ),
)
# Endings that are looked into while walking a folder; a file that is named on its own is looked into whatever its name.
EXTENSIONS = frozenset(extension for row in FILE_TYPES if row.signature for extension in row.extensions)
# Endings of text and code. A folder is walked for them only on request: most people's folders have more of it than of pages.
TEXT_EXTENSIONS = frozenset(extension for row in FILE_TYPES if not row.signature for extension in row.extensions)


def file_type(head: bytes, extension: str = "") -> FileType | None:
    """The row of a file with these first bytes, or None if it is nothing we read.

    extension: of its name, such as ".py". It makes a text of what is none of the others from its very first byte on.
    """
    named = next((row for row in FILE_TYPES if not row.signature and extension.lower() in row.extensions), None)
    start = head[:_NAMED_TEXT_BYTES] if named else head
    return next((row for row in FILE_TYPES if row.signature and row.signature.match(start)), named)


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

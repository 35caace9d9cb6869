"""What a file is, told by its first bytes: names lie, and users rename. Only text has no first bytes to go by.

A kind of file is one row here, and a class that opens it (``PagedDocument`` in reading/page.py says what it has to do).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from shutil import which
from typing import Literal

Kind = Literal["pdf", "image", "document", "text"]
PDF_READING, IMAGE_READING = 2, 2  # 2: pieces of words joined, comments and whole field values; turned scans in order
TEXT_READING = 2  # of text, markup and mail; 2: their encodings, and all parts of a mail
HEAD_BYTES = 1024  # PDF 1.7, annex H.3.4.1: the header may stand anywhere in the first 1,024 bytes
_NAMED_TEXT_BYTES = 12  # of a file with the name of a text: the longest signature of the others, at its very start


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """One type of file.

    extensions: the usual one first. signature: matches the first bytes; None where only the extension tells.
    opener: "module:function", called with (path, this row, ReadOptions), imported at its first use.
    named: the signature holds for other files too (all ZIP archives), so that the extension has to be one of these as well.
    program: an installed program that it is read with.
    reading: version of how it is read; what an older one read is read again by the next run. Raise it whenever other words,
    boxes or pages come of the same files.
    """

    media_type: str
    kind: Kind
    extensions: tuple[str, ...]
    signature: re.Pattern[bytes] | None
    opener: str
    named: bool = False
    program: str = ""
    reading: int = 1

    def is_readable(self) -> bool:
        """Whether its program is installed, if it needs one."""
        return not self.program or which(self.program) is not None

    def fits(self, head: bytes, extension: str) -> bool:
        """Whether a file with these first bytes, and this ending in lower case, is one."""
        fitting = self.signature is not None and self.signature.match(head) is not None
        return fitting and (not self.named or extension in self.extensions)


_IMAGE = "pagesight.indexer.reading.image_file:ImageDocument"
_ZIP, _OLE, _RTF = rb"PK\x03\x04", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", rb"\{\\rtf"
_TAGS = rb"(\xef\xbb\xbf)?\s*<[?!a-z]|\xff\xfe(\s\x00)*<\x00|\xfe\xff(\x00\s)*\x00<"  # or in UTF-16
_MARKUP = _TAGS + rb"|(\xef\xbb\xbf)?\s*$"
_HTML = _MARKUP + rb"|[^\x00]*?</?[a-z]"  # browsers take a page that begins with text, too
_ANY_OFFICE = rb"|".join((_ZIP, _OLE, _RTF, _TAGS))  # under any of their endings: LibreOffice looks for itself
_MAIL = rb"(\xef\xbb\xbf)?\s*([\x21-\x39\x3b-\x7e]+:|From )"
LIBREOFFICE, DJVU = "soffice", "ddjvu"


def _documents(*rows: tuple[str, str, bytes, str, str], reading: int = 1) -> Iterator[FileType]:
    """Of (media type, endings, signature, opener, program) of what is neither PDF nor image but has pages."""
    for media_type, extensions, signature, opener, program in rows:
        yield FileType(
            media_type=media_type,
            kind="document",
            extensions=tuple(extensions.split()),
            signature=re.compile(signature, re.DOTALL | re.IGNORECASE),
            opener=f"pagesight.indexer.reading.{opener}",
            named=True,
            program=program,
            reading=reading,
        )


def _images(*rows: tuple[str, str, bytes]) -> Iterator[FileType]:
    """Of (media type, endings, signature) of images."""
    for media_type, extensions, signature in rows:
        yield FileType(
            media_type=media_type,
            kind="image",
            extensions=tuple(extensions.split()),
            signature=re.compile(signature, re.DOTALL),
            opener=_IMAGE,
            reading=IMAGE_READING,
        )


_OFFICE, _MUPDF = "office:open_office", "other_document:OtherDocument"
_OOXML = "application/vnd.openxmlformats-officedocument."
_TEXT_NAMES = """
    txt md rst tex csv tsv json jsonl yaml yml toml ini cfg xml html htm css sql sh py pyi ipynb js jsx ts tsx java kt
    scala go rs c h cc cpp hpp cs swift rb php pl r jl lua hs ml ex erl clj dart m proto cmake gradle log
"""
FILE_TYPES = (
    FileType(
        media_type="image/png",
        kind="image",
        extensions=(".png",),
        signature=re.compile(rb"\x89PNG\r\n\x1a\n"),
        opener=_IMAGE,
        reading=IMAGE_READING,
    ),
    FileType(
        media_type="image/jpeg",
        kind="image",
        extensions=(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".mpo"),
        signature=re.compile(rb"\xff\xd8\xff"),
        opener=_IMAGE,
        reading=IMAGE_READING,
    ),
    FileType(
        media_type="image/tiff",
        kind="image",
        extensions=(".tif", ".tiff"),
        signature=re.compile(rb"II[*+]\x00|MM\x00[*+]"),  # + is BigTIFF
        opener=_IMAGE,
        reading=IMAGE_READING,
    ),
    FileType(
        media_type="image/webp",
        kind="image",
        extensions=(".webp",),
        signature=re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
        opener=_IMAGE,
        reading=IMAGE_READING,
    ),
    *_images(
        ("image/gif", ".gif", rb"GIF8[79]a"),
        ("image/bmp", ".bmp .dib", rb"BM.{4}\x00{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00{3}"),
        ("image/jp2", ".jp2 .j2k .jpf .jpx .j2c", rb"\x00{3}\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51\x00"),
        ("image/avif", ".avif", rb".{4}ftyp(avif|avis|mi[fa]1.{4}(.{4})*?avif)"),
        ("image/heic", ".heic .heif .hif", rb".{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)"),
        ("image/x-portable-anymap", ".pbm .pgm .ppm .pnm", rb"P[1-6]\s"),
        ("image/vnd.adobe.photoshop", ".psd", rb"8BPS\x00\x01"),
        ("image/x-pcx", ".pcx", rb"\x0a[\x00\x02\x03\x05]\x01[\x01\x02\x04\x08]"),
        ("image/x-dcx", ".dcx", rb"\xb1\x68\xde\x3a"),
        ("image/qoi", ".qoi", rb"qoif"),
    ),
    FileType(
        media_type="application/pdf",
        kind="pdf",
        extensions=(".pdf",),
        signature=re.compile(rb".*?%PDF-", re.DOTALL),
        opener="pagesight.indexer.reading.pdf_file:open_pdf",
        reading=PDF_READING,
    ),
    *_documents(
        ("application/epub+zip", ".epub", _ZIP, _MUPDF, ""),
        ("application/oxps", ".xps .oxps", _ZIP, _MUPDF, ""),
        ("application/vnd.comicbook+zip", ".cbz", _ZIP, _MUPDF, ""),
    ),
    *_documents(
        ("application/x-fictionbook+xml", ".fb2", _MARKUP, _MUPDF, ""),
        ("image/svg+xml", ".svg", _MARKUP, _MUPDF, ""),
        ("text/html", ".html .htm .xhtml", _HTML, _MUPDF, ""),
        ("message/rfc822", ".eml", _MAIL, "mail:MailDocument", ""),
        reading=TEXT_READING,
    ),
    *_documents(
        (_OOXML + "wordprocessingml.document", ".docx .docm .dotx", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        (_OOXML + "presentationml.presentation", ".pptx .pptm .ppsx", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        (_OOXML + "spreadsheetml.sheet", ".xlsx .xlsm", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("application/vnd.oasis.opendocument.text", ".odt .ott", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("application/vnd.oasis.opendocument.presentation", ".odp .otp", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("application/vnd.oasis.opendocument.spreadsheet", ".ods .ots", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("application/vnd.oasis.opendocument.graphics", ".odg", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("application/msword", ".doc .dot", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("application/vnd.ms-powerpoint", ".ppt .pps", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("application/vnd.ms-excel", ".xls", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("application/rtf", ".rtf", _ANY_OFFICE, _OFFICE, LIBREOFFICE),
        ("image/vnd.djvu", ".djvu .djv", rb"AT&TFORM", "office:DjvuDocument", DJVU),
    ),
    FileType(
        media_type="text/plain",
        kind="text",
        extensions=tuple("." + name for name in _TEXT_NAMES.split()),
        signature=None,
        opener="pagesight.indexer.reading.text_file:TextDocument",
        reading=TEXT_READING,
    ),
)
# Endings that are looked into while walking a folder; a file that is named on its own is looked into whatever its name.
EXTENSIONS = frozenset(e for row in FILE_TYPES if row.signature and not row.program for e in row.extensions)
# Endings of text and code. A folder is walked for them only on request: most people's folders have more of it than of pages.
TEXT_EXTENSIONS = frozenset(extension for row in FILE_TYPES if not row.signature for extension in row.extensions)


def walked_extensions(*, text: bool) -> frozenset[str]:
    """Endings that are looked into here, those that an installed program reads among them."""
    by_program = (e for row in FILE_TYPES if row.program and row.is_readable() for e in row.extensions)
    return EXTENSIONS.union(by_program, TEXT_EXTENSIONS if text else ())


def program_for(extension: str) -> str:
    """The program that files with this ending are read with, or ""."""
    return next((row.program for row in FILE_TYPES if extension in row.extensions), "")


def file_type(head: bytes, extension: str = "") -> FileType | None:
    """The row of a file with these first bytes, or None if it is nothing we read.

    extension: of its name, such as ".py". It makes a text of what is none of the others from its very first byte on.
    """
    extension = extension.lower()
    text = next((row for row in FILE_TYPES if not row.signature and extension in row.extensions), None)
    start = head[:_NAMED_TEXT_BYTES] if text else head
    return next((row for row in FILE_TYPES if row.fits(head if row.named else start, extension)), text)


def reading_version(media_type: str) -> int:
    """How files of this type are read now."""
    return next((row.reading for row in FILE_TYPES if row.media_type == media_type), 1)


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
    if b"\x00" not in head:
        return "a text file"
    return "binary data"

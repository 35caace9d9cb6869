"""A PDF file as it comes, also one that MuPDF gives up on, with what its pages hold beyond their drawing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import FileType
from pagesight.indexer.reading.attached import with_attachments
from pagesight.indexer.reading.beyond import Outline, beyond_drawing
from pagesight.indexer.reading.other_document import MAX_BYTES, OtherDocument
from pagesight.indexer.reading.pdf import PdfDocument
from pagesight.storage.errors import DocumentError, EncryptedDocument, UnreadableDocument
from pagesight.storage.values import PageWords

_PUBLIC_KEY = re.compile(rb"/Filter\s*/(Adobe\.PubSec|Entrust\.PPKEF)|/SubFilter\s*/adbe\.pkcs7\.s[345]")
_IDENTITY = re.compile(rb"/St[mr]F\s*/(?!Identity\b)\w+")  # a filter for streams or strings that does something
_CRYPT_FILTERS = re.compile(rb"/CF\s*<<")


def open_pdf(path: Path, found: FileType, options: ReadOptions) -> PdfDocument:
    """Open by MuPDF, or where that gives up, what pdfium makes of the file. Raises EncryptedDocument, UnreadableDocument."""
    try:
        return PdfFile(path, found, options)
    except DocumentError as error:
        try:
            mended = _mended(path, error, options.password)
        except MemoryError:  # the file is large, but what is wrong with it is known
            mended = None
        if mended is None:
            raise
        try:
            return RepairedPdf(mended, found, options)
        except DocumentError:
            raise error from None  # what is wrong with the file, not with our repair


def _mended(path: Path, error: DocumentError, password: str | None) -> bytes | None:
    """The file without what MuPDF gave up on, or None. Raises UnreadableDocument if that is encryption by a certificate."""
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES)
    if _PUBLIC_KEY.search(data):
        raise UnreadableDocument(
            "the PDF is encrypted for the holder of a certificate, not by a password; it has to be decrypted first"
        ) from error
    if isinstance(error, EncryptedDocument):
        return _unlocked(data)
    start = data.find(b"%PDF-")
    if start > 0:  # MuPDF took what stands before for something else
        return data[start:]
    return _repaired(data, password)


class _Whole:
    """What both kinds below add to a PdfDocument."""

    _document: Any
    _outline: Outline | None = None

    def beyond(self, number: int, words: PageWords) -> PageWords:
        """Text that belongs to a page but is not in ``words``, which are all that is drawn on it."""
        if self._outline is None:
            self._outline = Outline.of(self._document)
        return beyond_drawing(self._document[number - 1], words, self._outline)


class PdfFile(_Whole, PdfDocument):
    """A PDF that MuPDF opens."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        super().__init__(path, found, options)
        if not self._document.is_pdf:
            self.close()
            raise UnreadableDocument("damaged PDF: nothing in it can be read as one")
        self.info = with_attachments(self.info, self._document)


class RepairedPdf(_Whole, OtherDocument):
    """One that it opens once somebody else has mended it. data: the mended file."""

    def __init__(self, data: bytes, found: FileType, options: ReadOptions) -> None:
        self._open_bytes(data, found, options)
        self.info = with_attachments(self.info, self._document)


def _unlocked(data: bytes) -> bytes | None:
    """The file without its encryption, if that is for attachments only (PDF 2.0, 7.6.6: EFF); None if it is not."""
    if b"/Encrypt" not in data or not _CRYPT_FILTERS.search(data) or _IDENTITY.search(data):
        return None
    return data.replace(b"/Encrypt", b"/Xncrypt")


def _repaired(data: bytes, password: str | None) -> bytes | None:
    """The file as pdfium, which mends other things than MuPDF does, writes it anew; None if it has no page either."""
    import io

    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data, password=password)
        try:
            if len(document) == 0:
                return None
            pages = pypdfium2.PdfDocument.new()
            pages.import_pages(document)  # through a page tree of its own
            buffer = io.BytesIO()
            pages.save(buffer)
            return buffer.getvalue()
        finally:
            document.close()
    except pypdfium2.PdfiumError:
        return None

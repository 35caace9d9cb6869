"""What MuPDF opens besides PDF: e-books, XPS, comic books, SVG, HTML. Text that flows is laid out on A4, always the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import FileType
from pagesight.indexer.reading.encodings import markup_text, utf8_markup
from pagesight.indexer.reading.faults import as_document_error
from pagesight.indexer.reading.pdf import PdfDocument

WIDTH_PT, HEIGHT_PT, FONT_PT = 595, 842, 11.0
MAX_BYTES = 500_000_000  # of a file that is read into memory
MARKUP = frozenset(("text/html", "image/svg+xml", "application/x-fictionbook+xml"))


class OtherDocument(PdfDocument):
    """An open file of another format, with the same methods as PdfDocument."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        """Raises UnreadableDocument, and closes the file then."""
        with open(path, "rb") as file:  # as bytes, so that nothing that lies beside it is fetched
            data = file.read(MAX_BYTES)
        if found.media_type in MARKUP:  # MuPDF knows few encodings, and few ways to name them
            data = utf8_markup(markup_text(data))
        self._open_bytes(data, found, options)

    def _open_bytes(self, data: bytes, found: FileType, options: ReadOptions) -> None:
        import pymupdf

        pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - its only parameter
        pymupdf.TOOLS.mupdf_display_warnings(False)  # noqa: FBT003
        kind = "html" if found.media_type in ("text/html", "message/rfc822") else found.extensions[0][1:]
        with as_document_error(f"damaged {found.extensions[0][1:].upper()} file"):
            self._document: Any = pymupdf.open(stream=data, filetype=kind)
            try:
                if self._document.is_reflowable:
                    self._document.layout(width=WIDTH_PT, height=HEIGHT_PT, fontsize=FONT_PT)
                self.info = self._look(found, options.password)
            except BaseException:
                self._document.close()
                raise

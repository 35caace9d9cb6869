"""PDF files by PyMuPDF: words of the text layer, pictures without one, and rendering."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.content import OpenedDocument, ReadOptions
from pagesight.indexer.formats import FileType
from pagesight.indexer.reading.faults import as_document_error
from pagesight.indexer.reading.geometry import as_shown, make_words, zoom_for
from pagesight.indexer.reading.pictures import Picture, Remembered, large_pictures
from pagesight.indexer.reading.text_layer import text_words
from pagesight.indexer.sight.find import Drawn
from pagesight.storage.errors import EncryptedDocument, UnreadableDocument
from pagesight.storage.values import PageWords

_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?")  # PDF 1.7, 7.9.4


class PdfDocument:
    """An open PDF. Pages count from 1, and are as a viewer shows them: cropped and turned."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        """Raises EncryptedDocument, UnreadableDocument, and closes the file then."""
        import pymupdf

        pymupdf.TOOLS.mupdf_display_errors(False)  # noqa: FBT003 - its only parameter
        pymupdf.TOOLS.mupdf_display_warnings(False)  # noqa: FBT003
        with as_document_error("damaged PDF"):
            self._document: Any = _open(path)
            try:
                self.info = self._look(found, options.password)
            except BaseException:
                self._document.close()
                raise

    def _look(self, found: FileType, password: str | None) -> OpenedDocument:
        if self._document.needs_pass and not (password and self._document.authenticate(password)):
            problem = "the password given does not open it" if password else "it needs a password"
            raise EncryptedDocument(f"encrypted PDF: {problem}")
        n_pages = len(self._document)
        if n_pages == 0:
            raise UnreadableDocument("the PDF has no pages (or its page tree is damaged)")
        metadata: dict[str, str | None] = self._document.metadata or {}
        return OpenedDocument(
            media_type=found.media_type,
            kind=found.kind,
            n_pages=n_pages,
            title=_one_line(metadata.get("title")),
            author=_one_line(metadata.get("author")),
            date=_date(metadata.get("creationDate") or metadata.get("modDate") or ""),
        )

    def _page(self, number: int) -> Any:
        return self._document[number - 1]

    def size_pt(self, number: int) -> tuple[float, float]:
        """(width, height) as displayed, in points."""
        rect = self._page(number).rect
        return float(rect.width), float(rect.height)

    def words(self, number: int) -> PageWords:
        """The text layer, form fields and annotations included, in the order of the file."""
        page = self._page(number)
        width, height, rotation = page.rect.width, page.rect.height, page.rotation
        placed = ((text, *as_shown(box, rotation, width, height)) for text, *box in text_words(page))
        seen = (word for word in placed if _is_on_page(word[1:], width, height))
        return make_words(seen, width, height)

    def pictures(self, number: int) -> list[Picture]:
        """Large pictures on a page."""
        return large_pictures(self._page(number))

    @cached_property
    def remembered(self) -> Remembered:
        """What was read of its pictures."""
        return Remembered()

    def drawn(self, number: int) -> Drawn:
        """What is on a page beside its text: every image, and every path that is filled or stroked."""
        page = self._page(number)
        width, height = page.rect.width, page.rect.height
        kinds: dict[bool, list[Sequence[float]]] = {True: [], False: []}
        for kind, box in page.get_bboxlog():
            if "text" not in kind and kind != "clip-path":
                kinds[kind == "fill-image"].append(box)
        size = np.array([width, height, width, height])

        def shown(boxes: list[Sequence[float]]) -> NDArray[np.float32]:
            # as_shown takes four numbers, or four arrays of them.
            columns: Any = np.array(boxes, float).reshape(-1, 4).T
            placed = np.stack(as_shown(columns, page.rotation, width, height), axis=1)
            inside = np.asarray((placed / size).clip(0, 1), np.float32)
            whole = (inside[:, 0] <= inside[:, 2]) & (inside[:, 1] <= inside[:, 3])  # an empty one is inverted
            return np.asarray(inside[whole], np.float32)

        return Drawn(shown(kinds[True]), shown(kinds[False]), width / height)

    def render_size(self, number: int, *, max_pixels: int, max_dpi: float) -> tuple[int, int]:
        """(width_px, height_px) of what ``render`` draws of a whole page."""
        import pymupdf

        rect = self._page(number).rect
        zoom = zoom_for(rect.width, rect.height, max_pixels=max_pixels, max_dpi=max_dpi)
        drawn = (rect * pymupdf.Matrix(zoom, zoom)).round()
        return int(drawn.width), int(drawn.height)

    def render(
        self, number: int, *, max_pixels: int, max_dpi: float, area: NDArray[np.floating] | None = None
    ) -> NDArray[np.uint8]:
        """Draw a page, or an ``area`` of it (page fractions): (height_px, width_px, 3) uint8 RGB."""
        import pymupdf

        page = self._page(number)
        clip = page.rect
        if area is not None:
            clip = pymupdf.Rect(*(np.asarray(area, float) * np.tile((clip.width, clip.height), 2)).tolist())
        zoom = zoom_for(clip.width, clip.height, max_pixels=max_pixels, max_dpi=max_dpi)
        with as_document_error(f"page {number} cannot be drawn"):
            drawn = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), clip=clip, colorspace=pymupdf.csRGB, alpha=False)
        if drawn.width == 0 or drawn.height == 0:
            raise UnreadableDocument(f"page {number} is too thin to be drawn")
        pixels = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.stride)
        return pixels[:, : 3 * drawn.width].reshape(drawn.height, drawn.width, 3)

    def close(self) -> None:
        self._document.close()


def _is_on_page(box: Sequence[float], width: float, height: float) -> bool:
    """Whether the middle of a word is on what is shown of the page: the rest is cropped off."""
    return 0 <= box[0] + box[2] <= 2 * width and 0 <= box[1] + box[3] <= 2 * height


def _open(path: Path) -> Any:
    import pymupdf

    try:
        with _readable(path) as name:
            return pymupdf.open(name, filetype="pdf")
    except Exception as error:
        if str(error).startswith("Failed to open file"):  # and the path, which is said elsewhere
            raise UnreadableDocument("damaged PDF: nothing in it can be read as one") from error
        raise


@contextmanager
def _readable(path: Path) -> Iterator[str]:
    """The path, or where its name is not UTF-8, which MuPDF cannot open, that of an open descriptor to it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with open(path, "rb") as file:  # MuPDF opens it once more, and keeps what it opened
            yield f"/dev/fd/{file.fileno()}"
    else:
        yield str(path)


def _date(text: str) -> str:
    found = _DATE.match(text)
    return "-".join(found.groups(default="01")) if found else ""


def _one_line(text: str | None) -> str:
    """A title as it can be shown and stored."""
    return "".join(c for c in " ".join((text or "").split()) if c.isprintable())

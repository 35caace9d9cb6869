"""Text files and code: each block of lines is a page, laid out as an editor shows it, so that a place is a line number."""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.content import OpenedDocument, PageContent, ReadOptions
from pagesight.indexer.formats import FileType
from pagesight.indexer.reading.encodings import text_of
from pagesight.indexer.reading.geometry import make_words, zoom_for
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.values import PageWords

PAGE_LINES = 60
PAGE_COLUMNS = 100  # more where a line is longer: lines are never broken, or their numbers would be lost
WIDTH_PT, HEIGHT_PT = 595.0, 842.0  # A4
MAX_TEXT_BYTES = 50_000_000
_ROW_TOP, _ROW_BOTTOM = 0.1, 0.9  # of a row's height


class TextDocument:
    """An open text file, with the same methods as PdfDocument."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:  # noqa: ARG002 - as PdfDocument
        with open(path, "rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
        if len(data) > MAX_TEXT_BYTES:
            raise UnreadableDocument(f"the text has more than the limit of {MAX_TEXT_BYTES // 1_000_000} MB")
        text = text_of(data)
        if "\x00" in text:
            raise UnreadableDocument("not text, but binary data")
        self._lines = [line.rstrip().expandtabs(4) for line in io.StringIO(text, newline=None)]
        n_pages = max(1, -(-len(self._lines) // PAGE_LINES))
        self.info = OpenedDocument(media_type=found.media_type, kind=found.kind, n_pages=n_pages)

    def _page(self, number: int) -> tuple[list[str], int]:
        """Its lines, and how many columns it has."""
        lines = self._lines[(number - 1) * PAGE_LINES : number * PAGE_LINES]
        return lines, max(PAGE_COLUMNS, *map(len, lines)) if lines else PAGE_COLUMNS

    def size_pt(self, number: int) -> tuple[float, float]:  # noqa: ARG002 - as PdfDocument.size_pt
        return WIDTH_PT, HEIGHT_PT

    def words(self, number: int) -> PageWords:
        lines, n_columns = self._page(number)
        return make_words(_placed(lines), n_columns, PAGE_LINES)

    def render_size(self, number: int, *, max_pixels: int, max_dpi: float) -> tuple[int, int]:  # noqa: ARG002
        """As PdfDocument.render_size."""
        zoom = zoom_for(WIDTH_PT, HEIGHT_PT, max_pixels=max_pixels, max_dpi=max_dpi)
        return math.ceil(WIDTH_PT * zoom), math.ceil(HEIGHT_PT * zoom)

    def render(
        self, number: int, *, max_pixels: int, max_dpi: float, area: NDArray[np.floating] | None = None
    ) -> NDArray[np.uint8]:
        """As PdfDocument.render; each word is drawn into its box."""
        import pymupdf

        words = self.words(number)
        _, n_columns = self._page(number)
        size = min(HEIGHT_PT / PAGE_LINES * 0.8, WIDTH_PT / n_columns / 0.6)  # Courier is 0.6 of its size wide
        with pymupdf.open() as drawing:
            page: Any = drawing.new_page(width=WIDTH_PT, height=HEIGHT_PT)
            for text, (x0, _, _, y1) in zip(words.texts, words.boxes.tolist(), strict=True):
                font = "cour" if max(map(ord, text)) < 256 else "china-s"  # the latter has most scripts
                page.insert_text((x0 * WIDTH_PT, y1 * HEIGHT_PT - 0.2 * size), text, fontname=font, fontsize=size)
            clip = page.rect
            if area is not None:
                clip = pymupdf.Rect(*(np.asarray(area, float) * np.tile((WIDTH_PT, HEIGHT_PT), 2)).tolist())
            zoom = zoom_for(clip.width, clip.height, max_pixels=max_pixels, max_dpi=max_dpi)
            drawn = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), clip=clip, colorspace=pymupdf.csRGB, alpha=False)
        pixels = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.stride)
        return pixels[:, : 3 * drawn.width].reshape(drawn.height, drawn.width, 3)

    def close(self) -> None:
        self._lines = []


def text_page(text: str) -> PageContent:
    """All of a text as one page, however long it is."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, PAGE_COLUMNS) or [""]]
    words = make_words(_placed(lines), PAGE_COLUMNS, max(PAGE_LINES, len(lines)))
    source = "text" if len(words) else "none"
    return PageContent(number=1, width_pt=WIDTH_PT, height_pt=HEIGHT_PT, words=words, text_source=source)


def page_of(line: int) -> int:
    """The page of a text file on which a line is, both from 1."""
    return (line - 1) // PAGE_LINES + 1


def line_span(page: int, box: tuple[float, float, float, float]) -> tuple[int, int]:
    """First and last line, from 1, of a box on a page of a text file."""
    before = (page - 1) * PAGE_LINES
    return before + int(box[1] * PAGE_LINES) + 1, before + min(PAGE_LINES, int(box[3] * PAGE_LINES) + 1)


def _placed(lines: Sequence[str]) -> Iterator[tuple[str, float, float, float, float]]:
    """Words with their boxes, in columns and rows."""
    for row, line in enumerate(lines):
        for found in re.finditer(r"\S+", line):
            yield found[0], found.start(), row + _ROW_TOP, found.end(), row + _ROW_BOTTOM

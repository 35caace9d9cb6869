"""One page of one file: its words, from the text layer and, where there is none, from the pixels."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.content import OpenedDocument, PageContent, ReadOptions
from pagesight.indexer.formats import HEAD_BYTES, FileType, file_type, looks_like
from pagesight.indexer.reading.faults import as_document_error
from pagesight.indexer.reading.geometry import beside, is_garbage, join_words, make_words
from pagesight.indexer.reading.pictures import WHOLE, Picture, Remembered
from pagesight.indexer.reading.trust import fault_of
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.names import outer_file
from pagesight.storage.values import PageWords, SeenPicture

OCR_PIXELS = 3_000_000  # an A4 page at 170 dpi
OCR_DPI = 200.0
RENDER_DPI = 200.0  # of images made for an encoder with a large pixel budget, as in the collections it is measured on
LATE_HEADER_BYTES = 1_000_000
FEW_WORDS = 3  # a page with fewer words in its text layer is read from its pixels as a whole


class PagedDocument(Protocol):
    """What the openers in formats.py return; see PdfDocument. What they raise is a fault of the file, or of one page."""

    info: OpenedDocument

    def size_pt(self, number: int) -> tuple[float, float]: ...
    def words(self, number: int) -> PageWords: ...
    def render_size(self, number: int, *, max_pixels: int, max_dpi: float) -> tuple[int, int]: ...
    def render(
        self, number: int, *, max_pixels: int, max_dpi: float, area: NDArray[np.floating] | None = None
    ) -> NDArray[np.uint8]: ...
    def close(self) -> None: ...


@runtime_checkable
class Deep(Protocol):
    """A PagedDocument whose pages may hold more than is drawn on them."""

    def beyond(self, number: int, words: PageWords) -> PageWords: ...


@runtime_checkable
class Pictured(Protocol):
    """A PagedDocument that may show pictures beside its words."""

    remembered: Remembered

    def pictures(self, number: int) -> list[Picture]: ...


@runtime_checkable
class Noting(Protocol):
    """A PagedDocument that has something to say of pages that it could read."""

    def note(self, number: int) -> str: ...


def open_document(path: Path, options: ReadOptions) -> PagedDocument:
    """Open a file by what it is, not by its name, or a text. Raises EncryptedDocument, UnreadableDocument."""
    outer = outer_file(path)
    if outer is not None:
        from pagesight.indexer.reading.attached import open_attached

        return open_attached(Path(outer), path.relative_to(outer).parts, lambda inner: open_document(inner, options))
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror}") from error
    found = file_type(head, path.suffix) or _late_pdf(path)
    if found is None:
        raise UnreadableDocument(f"neither a PDF nor an image, but {looks_like(head)}")
    with as_document_error("cannot be opened"):
        module, _, opener = found.opener.partition(":")
        document: PagedDocument = getattr(import_module(module), opener)(path, found, options)
    return document


def _late_pdf(path: Path) -> FileType | None:
    """The row of PDF for a file with its ending that begins with something else, such as the mail it came in."""
    if path.suffix.lower() != ".pdf":
        return None
    with open(path, "rb") as file:
        at = file.read(LATE_HEADER_BYTES).find(b"%PDF-")
    return file_type(b"%PDF-") if at >= 0 else None


def read_page(document: PagedDocument, number: int, options: ReadOptions) -> PageContent:
    """Read page ``number`` (from 1). Raises UnreadableDocument."""
    with as_document_error(f"page {number} cannot be read"):
        width_pt, height_pt = document.size_pt(number)
        words, source, reason = _read_words(document, number, options)
        if isinstance(document, Deep):
            more = document.beyond(number, words)
            if len(more):
                words, source = join_words(words, more), source if source != "none" else "text"
        image = None
        if options.image_pixels is not None:
            image = document.render(number, max_pixels=options.image_pixels, max_dpi=RENDER_DPI)
        pictures, unseen = _look(document, number, words, options)
        return PageContent(
            number=number,
            width_pt=width_pt,
            height_pt=height_pt,
            words=words,
            text_source=source,
            image=image,
            note=reason or (document.note(number) if isinstance(document, Noting) else "") or unseen,
            pictures=pictures,
        )


def _look(
    document: PagedDocument, number: int, words: PageWords, options: ReadOptions
) -> tuple[tuple[SeenPicture, ...], str]:
    """What kinds of pictures a page has, and why it was not looked at, or "". Words are worth more: nothing is raised."""
    if options.sight is None:
        return (), ""
    from pagesight.indexer.sight.see import Drawing, see

    if not isinstance(document, Drawing):
        return (), ""
    try:
        return see(document, number, words, Path(options.sight)), ""
    except Exception as error:
        return (), f"its pictures were not looked at: {error}"


def drawn_sizes(document: PagedDocument, options: ReadOptions) -> list[tuple[int, int]]:
    """(width_px, height_px) of the image that ``read_page`` makes of each page. Raises UnreadableDocument."""
    assert options.image_pixels is not None, "no images are asked for"
    sizes = []
    for number in range(1, document.info.n_pages + 1):
        with as_document_error(f"page {number} cannot be read"):
            sizes.append(document.render_size(number, max_pixels=options.image_pixels, max_dpi=RENDER_DPI))
    return sizes


def _read_words(document: PagedDocument, number: int, options: ReadOptions) -> tuple[PageWords, str, str]:
    """Words, where they come from, and why from the pixels although there is a text layer, or ""."""
    strange: list[str] = []  # what could not be read of the pixels

    def read_area(area: NDArray[np.float32]) -> PageWords:
        return _read_area(document, number, area, PageWords.none(), options, strange)

    words, fault = document.words(number), ""
    if len(words) and is_garbage(words.texts):
        words, fault = PageWords.none(), "the fonts of its text layer do not say which letters they draw"
    if options.ocr == "off" or document.info.kind == "text":
        return words, "text" if len(words) else "none", ""
    if len(words) >= FEW_WORDS:
        fault = fault_of(words, read_area)
    if len(words) < FEW_WORDS or fault:
        read = read_area(WHOLE)
        if len(read) > (0 if fault else len(words)):
            return read, "ocr", f"read from its pixels: {fault}" if fault else ""
        return words, "text" if len(words) else "none", strange[-1] if strange else ""
    source = "text"
    if not isinstance(document, Pictured):
        return words, source, ""
    for picture in document.pictures(number):
        known = document.remembered.find(picture)
        if known is None:
            read = _read_area(document, number, picture.area, words, options)
            document.remembered.keep(picture, read)
        else:
            read = beside(known, words)
        if len(read):
            words, source = join_words(words, read), "text+ocr"
    return words, source, ""


def _read_area(
    document: PagedDocument,
    number: int,
    area: NDArray[np.float32],
    known: PageWords,
    options: ReadOptions,
    strange: list[str] | None = None,
) -> PageWords:
    """Words in the pixels of an area (page fractions), except those already known. strange: gets what cannot be read."""
    from pagesight.indexer.reading.layout import line_words, reading_order
    from pagesight.indexer.reading.ocr import ocr_engine
    from pagesight.indexer.reading.scripts import UnknownScript

    share = float((area[2] - area[0]) * (area[3] - area[1]))
    pixels = document.render(
        number, max_pixels=max(1, round(OCR_PIXELS * min(1.0, 4 * share))), max_dpi=OCR_DPI, area=area
    )
    size_px = np.array([pixels.shape[1], pixels.shape[0]] * 2, float)
    origin, extent = np.tile(area[:2], 2), np.tile(area[2:] - area[:2], 2)
    try:
        lines = ocr_engine(options.ocr).read(pixels, (known.boxes - origin) / extent * size_px)
    except UnknownScript as error:
        if strange is not None:
            strange.append(str(error))
        return PageWords.none()
    found = make_words((word for line in reading_order(lines) for word in line_words(line)), size_px[0], size_px[1])
    return PageWords(found.texts, (found.boxes * extent + origin).astype(np.float32))

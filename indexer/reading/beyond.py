"""What a PDF page holds beyond its drawing: comments, whole values of form fields, entries of the outline, the title.

Each is put where it belongs on the page, so that it is marked there, and only if its words are not drawn there already.
Hidden ones stay out, as hidden layers do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pagesight.indexer.reading.geometry import clean_word, join_words
from pagesight.storage.values import PageWords

_HIDDEN = 2 | 32  # PDF 1.7, table 165: Hidden, NoView
_PASSWORD_FIELD = 1 << 13  # table 228
_NO_COMMENTS = frozenset({"Popup", "Widget", "Link"})  # a popup repeats the comment it belongs to
_NO_TITLE = re.compile(
    r"(?i)^(untitled|microsoft |powerpoint |slide \d|\W*$)|\.(docx?|pptx?|xlsx?|odt|pdf|indd|tex|dvi|qxd?)$"
)
MAX_CHARS = 20_000  # of one comment or field
LINE_SHARE = 0.02  # of a page's height: the mark of an entry of the outline
TITLE_SHARE = (
    0.5  # a title that is drawn in other words is no news, and as a second one it draws questions to the first page
)
_SIGNS = ".,;:!?()[]\"'"
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Outline:
    """title: of the document, or "". entries: by page from 1, (text, how far down from the top in points or None)."""

    title: str
    entries: dict[int, list[tuple[str, float | None]]]

    @classmethod
    def of(cls, document: Any) -> Self:
        """Of a document of PyMuPDF; a damaged outline has no entries."""
        title = str((document.metadata or {}).get("title") or "")
        entries: dict[int, list[tuple[str, float | None]]] = {}
        try:
            listed = document.get_toc(simple=False) if document.is_pdf else []
        except Exception:  # its parser raises anything
            listed = []
        for _, text, number, details in listed:
            place = details.get("to") if isinstance(details, dict) else None
            entries.setdefault(number, []).append((str(text), None if place is None else float(place.y)))
        return cls("" if _NO_TITLE.search(title) else title, entries)


def beyond_drawing(page: Any, drawn: PageWords, outline: Outline) -> PageWords:
    """Words that are not drawn, in fractions of the page; all words of one comment have its place.

    page: of PyMuPDF. drawn: all words that are on the page.
    """
    found = PageWords.none()
    on_page = {word.casefold().strip(_SIGNS) for word in drawn.texts}
    for text, box, enough in _texts(page, outline):
        words = [clean for word in text[:MAX_CHARS].split() if (clean := clean_word(word))]
        there = sum(word.casefold().strip(_SIGNS) in on_page for word in words)
        if there < enough * len(words):
            boxes = np.tile(np.clip(np.array(box, np.float32), 0, 1), (len(words), 1))
            found = join_words(found, PageWords(tuple(words), boxes))
    return found


def _texts(page: Any, outline: Outline) -> Iterator[tuple[str, Box, float]]:
    """Texts, where they belong, and the share of their words that makes them no news if it is drawn."""
    if page.parent.is_pdf:
        for text, box in _of_annotations(page):
            yield text, box, 1.0
    height = page.rect.height
    for text, y in outline.entries.get(page.number + 1, ()):
        top = 0.0 if y is None else min(max(y / height, 0.0), 1.0 - LINE_SHARE)
        yield text, (0.0, top, 1.0, top + LINE_SHARE), 1.0
    if page.number == 0 and outline.title:
        yield outline.title, (0.0, 0.0, 1.0, LINE_SHARE), TITLE_SHARE


def _of_annotations(page: Any) -> Iterator[tuple[str, Box]]:
    if not page.annot_xrefs():
        return
    for annotation in page.annots():
        kind, text = annotation.type[1], annotation.info.get("content", "")
        if text and kind not in _NO_COMMENTS and not annotation.flags & _HIDDEN:
            box = _place(page, annotation.rect)
            if box is not None:
                yield text, box
    for field in page.widgets():
        value = field.field_value
        secret = field.field_flags & _PASSWORD_FIELD
        if isinstance(value, str) and not secret and field.field_type_string in ("Text", "ComboBox", "ListBox"):
            box = _place(page, field.rect)
            if box is not None and field.field_display != 1:  # 1: hidden
                yield value, box


def _place(page: Any, rect: Any) -> Box | None:
    """A rectangle of the page as it is stored -> fractions of it as it is displayed; None if it is outside."""
    import pymupdf

    shown = pymupdf.Rect(rect) * page.rotation_matrix & page.rect
    if shown.is_empty:
        return None
    width, height = page.rect.width, page.rect.height
    return shown.x0 / width, shown.y0 / height, shown.x1 / width, shown.y1 / height

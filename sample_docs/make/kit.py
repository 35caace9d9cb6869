"""Typography and page helpers shared by all documents.

A `Look` is one organisation's house style: typeface, colours, sizes. Text is written in a
small markup (see `prose`) so that the content of a document reads like text, not like code.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Picture
from reportlab import rl_config
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageTemplate,
)

from .fonts import width

rl_config.useA85 = 0  # binary streams: a fifth smaller than the ASCII ones
rl_config.invariant = 1  # no creation dates, so that the same code gives the same bytes

MM = 72 / 25.4


@dataclass(frozen=True)
class Meta:
    """What a reader shows in the properties of a document."""

    title: str
    author: str
    subject: str = ""
    lang: str = "en"


class Draw(Flowable):
    """A flowable whose content is drawn by a function straight onto the canvas."""

    def __init__(self, width: float, height: float, paint: Callable[[Canvas, float, float], None]) -> None:
        super().__init__()
        self.width, self.height, self.paint = width, height, paint
        self.spaceBefore = self.spaceAfter = 0

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        self.canv.saveState()
        self.paint(self.canv, self.width, self.height)
        self.canv.restoreState()


def jpeg(picture: Picture.Image, quality: int = 80) -> ImageReader:
    """A picture as an embedded JPEG stream."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=True)
    out.seek(0)
    return ImageReader(out)


def label(
    c: Canvas,
    x: float,
    y: float,
    text: str,
    font: str,
    size: float,
    color: str | Color = "#000000",
    anchor: str = "l",
    track: float = 0.0,
) -> float:
    """One line of text at a point; anchor l, c or r. Returns the width."""
    c.setFillColor(HexColor(color) if isinstance(color, str) else color)
    w = width(text, font, size) + track * max(0, len(text) - 1)
    x -= {"l": 0.0, "c": w / 2, "r": w}[anchor]
    line = c.beginText(x, y)
    line.setFont(font, size)
    line.setCharSpace(track)
    line.textOut(text)
    line.setCharSpace(0)
    c.drawText(line)
    return w


def flow(c: Canvas, x: float, top: float, w: float, items: Sequence[Flowable], bottom: float = 0.0) -> float:
    """Put flowables one below the other from `top`; returns the y where they end."""
    y, gap = top, 0.0
    for item in items:
        if y != top:
            y -= max(gap, item.getSpaceBefore())
        _, h = item.wrapOn(c, w, 10_000)
        item.drawOn(c, x, y - h)
        y -= h
        gap = item.getSpaceAfter()
    if y < bottom:
        raise ValueError(f"page {c.getPageNumber()}: text runs {bottom - y:.1f} points over")
    return y


def save(
    path: Path, meta: Meta, size: tuple[float, float], pages: Sequence[Callable[[Canvas], None]]
) -> None:
    """A document designed page by page, each by its own function."""
    c = Canvas(str(path), pagesize=size, invariant=1, pageCompression=1, lang=meta.lang)
    _describe(c, meta)
    for page in pages:
        page(c)
        c.showPage()
    c.save()


def _describe(c: Canvas, meta: Meta) -> None:
    c.setTitle(meta.title)
    c.setAuthor(meta.author)
    c.setSubject(meta.subject)
    c.setCreator(meta.author)


def build(
    path: Path,
    meta: Meta,
    size: tuple[float, float],
    story: list[Flowable],
    margins: tuple[float, float, float, float],
    furniture: Callable[[Canvas, int], None],
    first: Callable[[Canvas, int], None] | None = None,
    first_margins: tuple[float, float, float, float] | None = None,
    columns: int = 1,
    gutter: float = 16.0,
    special: Mapping[str, tuple[tuple[float, float, float, float], Callable[[Canvas, int], None]]]
    | None = None,
) -> None:
    """A flowing document. Margins are left, top, right, bottom; furniture draws head and foot.

    `special` holds further page templates by name, to be asked for with NextPageTemplate.
    """

    def frames(box: tuple[float, float, float, float]) -> list[Frame]:
        left, top, right, bottom = box
        w = (size[0] - left - right - gutter * (columns - 1)) / columns
        return [
            Frame(left + i * (w + gutter), bottom, w, size[1] - top - bottom, 0, 0, 0, 0, id=f"c{i}")
            for i in range(columns)
        ]

    def painter(draw: Callable[[Canvas, int], None]) -> Callable[[Canvas, Any], None]:
        def on_page(c: Canvas, _doc: Any) -> None:
            c.saveState()
            draw(c, c.getPageNumber())
            c.restoreState()

        return on_page

    doc = BaseDocTemplate(
        str(path),
        pagesize=size,
        title=meta.title,
        author=meta.author,
        subject=meta.subject,
        creator=meta.author,
        lang=meta.lang,
        invariant=1,
        pageCompression=1,
    )
    doc.addPageTemplates(
        [
            PageTemplate(
                "first",
                frames(first_margins or margins),
                painter(first or furniture),
                autoNextPageTemplate="later",
            ),
            PageTemplate("later", frames(margins), painter(furniture)),
            *(
                PageTemplate(name, frames(box), painter(draw), autoNextPageTemplate="later")
                for name, (box, draw) in (special or {}).items()
            ),
        ]
    )
    doc.build(story)

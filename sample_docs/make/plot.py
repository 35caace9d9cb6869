"""Matplotlib figures drawn straight onto a reportlab canvas.

The charts keep vector shapes and real text set in the document's own fonts. `bitmap` gives
the same figure as pixels, for the documents whose charts were pasted in as pictures.
"""

from __future__ import annotations

import functools
import io
import math
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline
from PIL import Image as Picture
from reportlab.lib.colors import Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from .fonts import FAMILIES, face, font_bytes, use_file, width
from .look import Look

matplotlib.use("agg")
matplotlib.rcParams["mathtext.fontset"] = "stix"


class CanvasRenderer(RendererBase):  # type: ignore[misc]
    """One matplotlib pixel is one PDF point, so nothing has to be scaled."""

    def __init__(self, canvas: Canvas, size: tuple[float, float], family: str) -> None:
        super().__init__()
        self.c, self.size, self.family = canvas, size, family

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.size

    def flipy(self) -> bool:
        return False

    def points_to_pixels(self, points: Any) -> Any:
        return points

    def option_image_nocomposite(self) -> bool:
        return True

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Outline,
        transform: Any,
        rgbFace: Any = None,  # noqa: N803
    ) -> None:
        c = self.c
        c.saveState()
        self._clip(gc)
        stroke = gc.get_linewidth() > 0 and (len(gc.get_rgb()) < 4 or gc.get_rgb()[3] > 0)
        alpha = gc.get_alpha()
        if rgbFace is not None:
            own = rgbFace[3] if len(rgbFace) > 3 and not gc.get_forced_alpha() else alpha
            c.setFillColor(Color(*rgbFace[:3], alpha=own))
            stroke = (stroke and own > 0) or stroke
        if stroke:
            c.setStrokeColor(Color(*gc.get_rgb()[:3], alpha=alpha))
            c.setLineWidth(gc.get_linewidth())
            c.setLineCap({"butt": 0, "round": 1, "projecting": 2}[gc.get_capstyle()])
            c.setLineJoin({"miter": 0, "round": 1, "bevel": 2}[gc.get_joinstyle()])
            offset, dashes = gc.get_dashes()
            if dashes is not None:
                c.setDash([float(d) for d in np.asarray(dashes)], float(offset))
        outline = self._outline(path, transform)
        c.drawPath(outline, stroke=int(stroke), fill=int(rgbFace is not None))
        c.restoreState()

    def _outline(self, path: Any, transform: Any) -> Any:
        out = self.c.beginPath()
        here = (0.0, 0.0)
        for points, code in path.iter_segments(transform, simplify=False, curves=True):
            p = [round(float(v), 3) for v in points]
            if code == Outline.MOVETO:
                out.moveTo(*p)
            elif code == Outline.LINETO:
                out.lineTo(*p)
            elif code == Outline.CURVE3:  # PDF has cubic curves only
                (x0, y0), (x1, y1, x2, y2) = here, p
                out.curveTo(
                    x0 + (x1 - x0) * 2 / 3, y0 + (y1 - y0) * 2 / 3,
                    x2 + (x1 - x2) * 2 / 3, y2 + (y1 - y2) * 2 / 3, x2, y2,
                )  # fmt: skip
            elif code == Outline.CURVE4:
                out.curveTo(*p)
            elif code == Outline.CLOSEPOLY:
                out.close()
                continue
            here = (p[-2], p[-1])
        return out

    def _clip(self, gc: GraphicsContextBase) -> None:
        box = gc.get_clip_rectangle()
        if box is not None:
            x, y, w, h = box.bounds
            area = self.c.beginPath()
            area.rect(x, y, w, h)
            self.c.clipPath(area, stroke=0, fill=0)
        path, transform = gc.get_clip_path()
        if path is not None:
            self.c.clipPath(self._outline(path, transform), stroke=0, fill=0)

    def draw_image(self, gc: GraphicsContextBase, x: float, y: float, im: Any, transform: Any = None) -> None:
        picture = Picture.fromarray(np.ascontiguousarray(np.asarray(im)[::-1]))
        h, w = np.asarray(im).shape[:2]
        self.c.saveState()
        self._clip(gc)
        self.c.drawImage(ImageReader(picture.convert("RGB")), x, y, w, h)
        self.c.restoreState()

    def _face(self, prop: font_manager.FontProperties) -> str:
        weight = prop.get_weight()
        bold = weight in ("bold", "semibold", "heavy", "black") or (isinstance(weight, int) and weight >= 600)
        return face(self.family, bold, prop.get_style() in ("italic", "oblique"))

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: font_manager.FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        c = self.c
        c.saveState()
        self._clip(gc)
        c.setFillColor(Color(*gc.get_rgb()[:3], alpha=gc.get_alpha()))
        c.translate(x, y)
        c.rotate(angle)
        if ismath:
            self._draw_math(s, prop)
        else:
            c.setFont(self._face(prop), prop.get_size_in_points())
            c.drawString(0, 0, s)
        c.restoreState()

    def _draw_math(self, s: str, prop: font_manager.FontProperties) -> None:
        """A formula, glyph by glyph, as text: it can be selected and searched like any other."""
        _, _, _, glyphs, rects = self._text2path.mathtext_parser.parse(s, 72, prop)
        for font, size, code, _, x, y in glyphs:
            self.c.setFont(use_file(font.fname), size)
            self.c.drawString(x, y, chr(code))
        for x, y, w, h in rects:
            self.c.rect(x, y, w, h, stroke=0, fill=1)

    def get_text_width_height_descent(
        self, s: str, prop: font_manager.FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        if ismath:
            w, h, d = self._text2path.mathtext_parser.parse(s, 72, prop)[:3]
            return w, h, d
        font, size = self._face(prop), prop.get_size_in_points()
        rise, drop = pdfmetrics.getAscentDescent(font, size)
        return width(s, font, size), (rise - drop) * 0.8, -drop * 0.8


class Plot(Flowable):
    """A figure as a flowable; `paint` puts it on a canvas at a point."""

    def __init__(self, figure: Figure, look: Look, before: float = 2, after: float = 2) -> None:
        super().__init__()
        self.figure, self.look = figure, look
        self.width, self.height = (float(v) for v in figure.get_size_inches() * 72)
        self.spaceBefore, self.spaceAfter = before, after

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        self.canv.saveState()
        self.figure.draw(CanvasRenderer(self.canv, (self.width, self.height), self.look.family))
        self.canv.restoreState()

    def paint(self, c: Canvas, x: float, y: float) -> None:
        self.drawOn(c, x, y)


def figure(w: float, h: float) -> Figure:
    """An empty figure of w by h points, transparent."""
    fig = Figure(figsize=(w / 72, h / 72), dpi=72)
    FigureCanvasAgg(fig)
    fig.patch.set_visible(False)
    return fig


def axes(
    fig: Figure,
    look: Look,
    box: tuple[float, float, float, float],
    size: float = 7.5,
    grid: str = "y",
    **options: Any,
) -> Axes:
    """Axes in a box (left, bottom, width, height in points) in the house style: few lines, no frame."""
    w, h = (float(v) for v in fig.get_size_inches() * 72)
    x, y, bw, bh = box
    ax = fig.add_axes((x / w, y / h, bw / w, bh / h), **options)
    ax.patch.set_visible(False)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(look.muted)
    ax.spines["bottom"].set_linewidth(0.7)
    ax.tick_params(labelsize=size, colors=look.ink, length=0, pad=4)
    ax.set_axisbelow(True)
    if grid:
        ax.grid(
            axis=grid,  # type: ignore[arg-type]
            color=look.line,
            linewidth=0.4,
        )
    ax.xaxis.label.set(fontsize=size, color=look.ink)
    ax.yaxis.label.set(fontsize=size, color=look.ink)
    return ax


def boxed(ax: Axes, look: Look, lw: float = 0.6) -> None:
    """The frame and inward ticks of a plot in a paper or a data sheet."""
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set(visible=True, color=look.ink, linewidth=lw)
    ax.tick_params(direction="in", length=3, width=lw, top=True, right=True, color=look.ink, pad=3)


def clean(value: float, digits: int = 0) -> str:
    """A number with thousands commas and a real minus sign."""
    text = f"{abs(value):,.{digits}f}"
    return f"\N{MINUS SIGN}{text}" if value < 0 and not math.isclose(value, 0) else text


@functools.cache
def _screen_font(family: str) -> str:
    """Matplotlib's own text drawing wants font files, so the packaged fonts are written out once."""
    folder = Path(tempfile.mkdtemp(prefix="sample-docs-fonts-"))
    name = ""
    for source in FAMILIES[family]:
        file = folder / (source if source.endswith(".ttf") else source + ".ttf")
        file.write_bytes(font_bytes(source))
        font_manager.fontManager.addfont(str(file))
        name = font_manager.get_font(str(file)).family_name
    return name


def bitmap(fig: Figure, family: str, dpi: float = 150, background: str = "#ffffff") -> Picture.Image:
    """The figure as pixels, as when a chart is pasted into a document as a picture."""
    fig.patch.set(visible=True, facecolor=background)
    name = _screen_font(family)
    for text in fig.findobj(match=lambda a: hasattr(a, "set_fontfamily")):
        text.set_fontfamily(name)  # type: ignore[attr-defined]
    out = io.BytesIO()
    fig.savefig(out, format="png", dpi=dpi, facecolor=background, metadata={"Software": None})
    out.seek(0)
    return Picture.open(out).convert("RGB")

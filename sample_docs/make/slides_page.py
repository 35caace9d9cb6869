"""House style and drawing helpers of the Fernway slides."""

from __future__ import annotations

import math

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from .kit import flow, label
from .look import Look, prose

W, H = 960.0, 540.0
DEEP, VIOLET, LIME, CORAL, PAPER = "#1d1842", "#4a3fa3", "#c3e351", "#e8603c", "#fbfaf6"
LOOK = Look(
    family="Ubuntu",
    ink="#22203a",
    accent=VIOLET,
    second=CORAL,
    tint="#eeecf7",
    line="#d5d3e3",
    muted="#77748f",
    size=15,
    leading=21,
)


def text(
    c: Canvas, x: float, y: float, s: str, size: float, color: str, anchor: str = "l", bold: bool = False
) -> float:
    return label(c, x, y, s, LOOK.font(bold=bold), size, color, anchor)


def wrapped(c: Canvas, x: float, top: float, w: float, s: str, size: float = 15) -> float:
    return flow(c, x, top, w, prose(LOOK, s, fontSize=size, leading=size * 1.4, spaceAfter=size * 0.6))


def background(c: Canvas, color: str) -> None:
    c.setFillColor(HexColor(color))
    c.rect(0, 0, W, H, stroke=0, fill=1)


def frame(c: Canvas, title: str) -> None:
    """Paper ground, title, and the foot with the slide number."""
    background(c, PAPER)
    c.setFillColor(HexColor(LIME))
    c.rect(64, H - 100, 46, 5, stroke=0, fill=1)
    text(c, 64, H - 80, title, 30, DEEP, bold=True)
    text(c, W - 40, 22, str(c.getPageNumber()), 11, LOOK.muted, "r")
    text(c, 64, 22, "fernway", 11, VIOLET, bold=True)


def card(c: Canvas, x: float, y: float, w: float, h: float, color: str = "#ffffff") -> None:
    c.setFillColor(HexColor(color))
    c.setStrokeColor(HexColor(LOOK.line))
    c.setLineWidth(0.8)
    c.roundRect(x, y, w, h, 10, stroke=1, fill=1)


def arrow(c: Canvas, x1: float, y1: float, x2: float, y2: float, color: str, lw: float = 2.5) -> None:
    a = math.atan2(y2 - y1, x2 - x1)
    head = 4.2 * lw
    c.setStrokeColor(HexColor(color))
    c.setFillColor(HexColor(color))
    c.setLineWidth(lw)
    c.line(x1, y1, x2 - head * 0.8 * math.cos(a), y2 - head * 0.8 * math.sin(a))
    tip = c.beginPath()
    tip.moveTo(x2, y2)
    for side in (0.42, -0.42):
        tip.lineTo(x2 - head * math.cos(a + side), y2 - head * math.sin(a + side))
    tip.close()
    c.drawPath(tip, stroke=0, fill=1)

"""The parts of a paper form: bars, fields, boxes for single characters, ticks, signatures."""

from __future__ import annotations

import math

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from .fonts import face
from .kit import label
from .look import WHITE, Look

LOOK = Look(
    family="Noto",
    ink="#1d2530",
    accent="#24506b",
    tint="#e6eef2",
    line="#7f97a5",
    muted="#546874",
    size=8.4,
    leading=11.4,
)


L, R = 42.0, A4[0] - 42.0
PEN = "#15358c"


def typed(c: Canvas, x: float, y: float, s: str, anchor: str = "l", size: float = 9.2) -> None:
    """What the traveller filled in."""
    label(c, x, y, s, face("Cascadia"), size, PEN, anchor)


def section(c: Canvas, y: float, number: str, title: str) -> None:
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(L, y, R - L, 15, stroke=0, fill=1)
    label(c, L + 6, y + 4.2, f"{number}   {title}", LOOK.font(bold=True), 8.6, WHITE)


def field(c: Canvas, x: float, y: float, w: float, name: str, value: str, h: float = 29) -> None:
    c.setStrokeColor(HexColor(LOOK.line))
    c.setLineWidth(0.6)
    c.rect(x, y, w, h, stroke=1, fill=0)
    label(c, x + 4, y + h - 8.5, name, LOOK.font(), 6.4, LOOK.muted)
    typed(c, x + 5, y + 6, value)


def combs(c: Canvas, x: float, y: float, name: str, value: str, cell: float = 14.2) -> None:
    """One box for each character."""
    label(c, x, y + 21, name, LOOK.font(), 6.4, LOOK.muted)
    c.setStrokeColor(HexColor(LOOK.line))
    c.setLineWidth(0.6)
    for i, ch in enumerate(value):
        c.rect(x + i * cell, y, cell, 17, stroke=1, fill=0)
        typed(c, x + (i + 0.5) * cell, y + 5, ch, "c")


def tick(c: Canvas, x: float, y: float, name: str, on: bool) -> float:
    """A box with or without a cross; returns where the next one may begin."""
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setLineWidth(0.8)
    c.rect(x, y, 9, 9, stroke=1, fill=0)
    if on:
        c.setStrokeColor(HexColor(PEN))
        c.setLineWidth(1.5)
        c.line(x + 1.5, y + 1.5, x + 7.5, y + 7.5)
        c.line(x + 1.5, y + 7.5, x + 7.5, y + 1.5)
    return x + 13 + label(c, x + 13, y + 1.4, name, LOOK.font(), 8.2, LOOK.ink) + 16


def signature(c: Canvas, x: float, y: float, w: float, seed: float, turns: int = 9) -> None:
    """A pen stroke that looks like a name written in a hurry."""
    path = c.beginPath()
    path.moveTo(x, y + 4)
    step = w / turns
    for k in range(turns):
        rise = 15 * abs(math.sin(seed + k * 1.9)) * (1.5 if k in (0, 4) else 0.75) + 3
        x0 = x + k * step
        path.curveTo(x0 + step * 0.1, y + rise, x0 + step * 0.9, y + rise * 0.9, x0 + step * 0.55, y + 1)
        path.curveTo(x0 + step * 0.4, y - 4 * math.cos(seed * k), x0 + step * 0.9, y - 2, x0 + step, y + 4)
    path.curveTo(x + w + 8, y + 10, x + w + 20, y + 6, x + w + 34, y + 9)
    c.setStrokeColor(HexColor(PEN))
    c.setLineWidth(1.1)
    c.setLineCap(1)
    c.drawPath(path, stroke=1, fill=0)

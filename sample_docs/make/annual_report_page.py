"""The house style and the page frame of Tarnholm's annual report."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Spacer

from .fonts import face
from .kit import flow, label
from .look import Look, prose

LOOK = Look(
    family="Fira",
    display="Stix",
    display_bold=False,
    ink="#26323a",
    accent="#0f4c5c",
    second="#c8692b",
    tint="#f4efe8",
    line="#d3d0c9",
    muted="#6f7a80",
    size=9.9,
    leading=14.6,
)
PETROL, COPPER, TEAL, SAND, SLATE = "#0f4c5c", "#c8692b", "#5fa8a0", "#d9c3a0", "#8b979c"
W, H = A4
LEFT, TOP, BOTTOM, GAP = 50.0, H - 96, 56.0, 20.0
FULL = W - 2 * LEFT
HALF = (FULL - GAP) / 2


def page_head(c: Canvas, section: str, title: str) -> None:
    n = c.getPageNumber()
    label(c, LEFT, H - 40, section.upper(), LOOK.font(bold=True), 6.6, COPPER, track=1.1)
    label(c, W - LEFT, H - 40, "TARNHOLM GROUP", LOOK.font(), 6.6, LOOK.muted, "r", track=1.1)
    label(c, LEFT, H - 72, title, face("Stix"), 25, PETROL)
    c.setStrokeColor(HexColor(SAND))
    c.setLineWidth(0.8)
    c.line(LEFT, H - 82, W - LEFT, H - 82)
    label(c, LEFT, 30, "Annual report 2025", LOOK.font(), 7, LOOK.muted)
    label(c, W - LEFT, 30, str(n), LOOK.font(bold=True), 8, PETROL, "r")


def columns(c: Canvas, left: Sequence[Flowable], right: Sequence[Flowable], top: float = TOP) -> float:
    a = flow(c, LEFT, top, HALF, left, BOTTOM)
    b = flow(c, LEFT + HALF + GAP, top, HALF, right, BOTTOM)
    return min(a, b)


def captioned(caption: str, chart: Flowable, note: str = "") -> list[Flowable]:
    head = prose(LOOK, caption, "h3", textColor=HexColor(PETROL), fontName=LOOK.font(bold=True))
    return [*head, chart, *(prose(LOOK, note, "caption") if note else [Spacer(0, 8)])]

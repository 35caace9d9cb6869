"""Safety data sheet of a descaler in sixteen sections, with hazard pictograms drawn as vectors."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Spacer

from . import safety_sheet_text as parts
from .kit import Draw, Meta, build, label
from .look import WHITE, Look, prose, table

NAME = "engineering/safety-data-sheet-klarin-k7.pdf"
W, H = A4
L, R = 54.0, A4[0] - 54.0
FULL = R - L
LOOK = Look(
    family="Helvetica",
    ink="#111111",
    accent="#1a1a1a",
    tint="#ececec",
    line="#9a9a9a",
    muted="#555555",
    size=9.5,
    leading=13.0,
)


def pictogram(c: Canvas, x: float, y: float, s: float, kind: str) -> None:
    """A red diamond with a black picture: hand and metal under drops, or an exclamation mark."""
    diamond = c.beginPath()
    diamond.moveTo(x, y + s)
    diamond.lineTo(x + s, y)
    diamond.lineTo(x, y - s)
    diamond.lineTo(x - s, y)
    diamond.close()
    c.setStrokeColor(HexColor("#d0021b"))
    c.setFillColor(WHITE)
    c.setLineWidth(s * 0.11)
    c.drawPath(diamond, stroke=1, fill=1)
    c.setFillColor(HexColor("#111111"))
    c.setStrokeColor(HexColor("#111111"))
    if kind == "exclamation":
        mark = c.beginPath()
        mark.moveTo(x - s * 0.11, y + s * 0.52)
        mark.lineTo(x + s * 0.11, y + s * 0.52)
        mark.lineTo(x + s * 0.06, y - s * 0.14)
        mark.lineTo(x - s * 0.06, y - s * 0.14)
        mark.close()
        c.drawPath(mark, stroke=0, fill=1)
        c.circle(x, y - s * 0.33, s * 0.10, stroke=0, fill=1)
        return
    for side in (-1, 1):
        # A tilted test tube with drops, above a bar (left) and a hand (right).
        c.saveState()
        c.translate(x + side * s * 0.26, y + s * 0.30)
        c.rotate(28 * side)
        c.setLineWidth(s * 0.04)
        c.roundRect(-s * 0.24, -s * 0.06, s * 0.44, s * 0.13, s * 0.05, stroke=1, fill=0)
        c.restoreState()
        for k in range(3):
            c.ellipse(
                x + side * s * 0.30 - s * 0.02,
                y + s * (0.10 - 0.10 * k),
                x + side * s * 0.30 + s * 0.02,
                y + s * (0.05 - 0.10 * k),
                stroke=0,
                fill=1,
            )
    c.rect(x - s * 0.58, y - s * 0.34, s * 0.46, s * 0.10, stroke=0, fill=1)
    c.setFillColor(WHITE)
    c.circle(x - s * 0.30, y - s * 0.24, s * 0.08, stroke=0, fill=1)
    c.setFillColor(HexColor("#111111"))
    hand = c.beginPath()
    hand.moveTo(x + s * 0.08, y - s * 0.36)
    hand.lineTo(x + s * 0.08, y - s * 0.26)
    hand.curveTo(x + s * 0.20, y - s * 0.18, x + s * 0.40, y - s * 0.20, x + s * 0.58, y - s * 0.28)
    hand.lineTo(x + s * 0.52, y - s * 0.36)
    hand.close()
    c.drawPath(hand, stroke=0, fill=1)
    c.setFillColor(WHITE)
    c.circle(x + s * 0.29, y - s * 0.20, s * 0.07, stroke=0, fill=1)


def symbols(c: Canvas, w: float, h: float) -> None:
    pictogram(c, 36, h / 2, 32, "corrosion")
    label(c, 80, h / 2 + 4, "DANGER", LOOK.font(bold=True), 17, LOOK.ink)
    label(c, 80, h / 2 - 12, "GHS05 corrosive", LOOK.font(), 9, LOOK.muted)
    pictogram(c, w - 36, h / 2, 26, "exclamation")
    label(c, w - 74, h / 2 + 4, "diluted 1:10", LOOK.font(bold=True), 10, LOOK.ink, "r")
    label(c, w - 74, h / 2 - 10, "GHS07 irritant", LOOK.font(), 9, LOOK.muted, "r")


def furniture(c: Canvas, page: int) -> None:
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setLineWidth(1.4)
    c.line(L, H - 56, R, H - 56)
    label(c, L, H - 40, "Safety data sheet", LOOK.font(bold=True), 12, LOOK.ink)
    label(c, L, H - 51, "according to Regulation (EC) 1907/2006, Article 31", LOOK.font(), 7.6, LOOK.muted)
    label(c, R, H - 40, "Klarin K7", LOOK.font(bold=True), 12, LOOK.ink, "r")
    label(c, R, H - 51, "version 5.1, 14 January 2025", LOOK.font(), 7.6, LOOK.muted, "r")
    label(c, L, 32, "Pollard & Finch Hygiene Ltd", LOOK.font(), 7.6, LOOK.muted)
    label(c, R, 32, f"page {page} of 3", LOOK.font(), 7.6, LOOK.muted, "r")


def section(number: int, title: str, *body: Flowable) -> list[Flowable]:
    """A grey bar with the number, kept with what follows."""

    def bar(c: Canvas, w: float, h: float) -> None:
        c.setFillColor(HexColor(LOOK.tint))
        c.rect(0, 2, w, h - 6, stroke=0, fill=1)
        label(c, 5, 7, f"{number}.  {title}", LOOK.font(bold=True), 9.8, LOOK.ink)

    first, *rest = body
    return [KeepTogether([Draw(FULL, 24, bar), first]), *rest, Spacer(0, 6)]


def words(text: str) -> list[Flowable]:
    return prose(LOOK, text)


def grid(rows: list[list[str]], widths: tuple[float, ...], align: str, head: int = 1) -> Flowable:
    return table(LOOK, rows, widths, align, head=head, grid=True, size=8.6, pad=3)


def make(out: Path) -> None:
    q = FULL / 4
    story: list[Flowable] = [
        *section(1, "Identification", *words(parts.PART_1)),
        *section(2, "Hazards", Draw(FULL, 76, symbols), *words(parts.PART_2)),
        *section(3, "Composition", grid(parts.INGREDIENTS, (120, 76, 76, FULL - 272), "lccp")),
        *section(4, "First aid", *words(parts.PART_4)),
        *section(5, "Fire", *words(parts.PART_5)),
        *section(6, "Spillage", *words(parts.PART_6)),
        *section(7, "Handling and storage", *words(parts.PART_7)),
        *section(
            8,
            "Exposure and protection",
            grid(parts.LIMITS, (FULL - 330, 110, 110, 110), "lccc"),
            Spacer(0, 6),
            grid(parts.PROTECTION, (70, FULL - 70), "lp", head=0),
        ),
        *section(
            9, "Physical and chemical properties", grid(parts.PROPERTIES, (FULL - 220, 220), "ll", head=0)
        ),
        *section(10, "Stability and reactivity", *words(parts.PART_10)),
        *section(11, "Toxicology", grid(parts.TOXIC, (q * 1.4, q * 1.1, q * 1.5), "lll")),
        *section(12, "Ecology", grid(parts.ECO, (q * 1.4, q * 1.1, q * 1.5), "lll")),
        *section(13, "Disposal", *words(parts.PART_13)),
        *section(
            14,
            "Transport: corrosive liquid, acidic, inorganic, n.o.s. (sulfamic acid)",
            grid(parts.TRANSPORT, (FULL - 330, 90, 90, 150), "lccc"),
        ),
        *section(15, "Regulations", *words(parts.PART_15)),
        *section(16, "Other information", *words(parts.PART_16)),
        *section(
            17,
            "Annex: dilutions",
            grid(parts.DILUTIONS, (FULL - 330, 70, 100, 80, 80), "lrrrr"),
            Spacer(0, 6),
            *words(parts.ANNEX),
        ),
    ]
    meta = Meta("Safety data sheet: Klarin K7", "Pollard & Finch Hygiene Ltd", "Descaler, version 5.1")
    build(out / NAME, meta, A4, story, (L, 70, W - R, 52), furniture)

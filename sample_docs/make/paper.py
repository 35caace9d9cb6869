"""Scientific paper in two columns: night cooling by green roofs, with figures, tables, equations."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, FrameBreak, KeepTogether, NextPageTemplate

from . import paper_tables as tables
from . import paper_text as words
from .kit import Draw, Meta, build, flow, label
from .look import prose, table
from .paper_drawings import decision_tree, schematic
from .paper_figures import (
    COLUMN,
    LOOK,
    ceiling,
    drying,
    equation,
    flux_boxes,
    heat_wave,
    saving_map,
    water_scatter,
)

NAME = "science/green-roof-night-cooling.pdf"
W, H = A4
LEFT = 45.0
FULL = W - 2 * LEFT
CITE = "J. Urban Surf. Phys. 12 (2025) 041\N{EN DASH}046"


def running(c: Canvas, page: int) -> None:
    left, right = ("Verkaik, Osei and Lindqvist", CITE) if page % 2 == 0 else (CITE, "Wet roofs, cool nights")
    label(c, LEFT, H - 34, left, LOOK.font(italic=True), 8.4, LOOK.muted)
    label(c, W - LEFT, H - 34, right, LOOK.font(italic=True), 8.4, LOOK.muted, "r")
    c.setLineWidth(0.4)
    c.line(LEFT, H - 39, W - LEFT, H - 39)
    label(c, W / 2, 26, str(40 + page), LOOK.font(), 9, LOOK.ink, "c")


def first(c: Canvas, page: int) -> None:
    label(c, LEFT, H - 40, "Journal of Urban Surface Physics", LOOK.font(italic=True), 11, LOOK.ink)
    label(c, W - LEFT, H - 40, "Vol. 12, 2025, pp. 41\N{EN DASH}46", LOOK.font(), 9, LOOK.muted, "r")
    c.setLineWidth(1.2)
    c.line(LEFT, H - 47, W - LEFT, H - 47)
    head = [
        *prose(
            LOOK,
            words.TITLE,
            fontName=LOOK.font(bold=True),
            fontSize=18,
            leading=22,
            alignment=1,
            spaceAfter=8,
        ),
        *prose(LOOK, words.AUTHORS, fontSize=11, leading=14, alignment=1, spaceAfter=4),
        *prose(LOOK, words.PLACES, "small", alignment=1, fontName=LOOK.font(italic=True), spaceAfter=10),
        *prose(LOOK, words.ABSTRACT, fontSize=9.6, leading=11.9, leftIndent=30, rightIndent=30, spaceAfter=4),
        *prose(LOOK, words.KEYWORDS, "small", leftIndent=30, rightIndent=30),
    ]
    y = flow(c, LEFT, H - 66, FULL, head)
    c.setLineWidth(0.4)
    c.line(LEFT, y - 8, W - LEFT, y - 8)
    label(c, W / 2, 26, str(40 + page), LOOK.font(), 9, LOOK.ink, "c")


def wide(c: Canvas, page: int) -> None:
    """A page with the time series over both columns."""
    running(c, page)
    y = flow(c, LEFT, H - 50, FULL, [heat_wave(FULL)])
    flow(c, LEFT, y, FULL, prose(LOOK, words.CAPTION_2, "caption"))


def fig(drawing: Flowable, caption: str) -> KeepTogether:
    drawing.spaceBefore = 6
    return KeepTogether([drawing, *prose(LOOK, caption, "caption")])


def numbered_table(
    caption: str, rows: list[list[str]], widths: tuple[float, ...], align: str
) -> KeepTogether:
    head = prose(LOOK, caption, "caption", spaceBefore=8, spaceAfter=3)
    rule = [("LINEABOVE", (0, 0), (-1, 0), 0.9, "black"), ("LINEBELOW", (0, -1), (-1, -1), 0.9, "black")]
    body = table(LOOK, rows, widths, align, size=8.6, pad=1.7, extra=rule)
    body.spaceAfter = 9
    return KeepTogether([*head, body])


def make(out: Path) -> None:
    def text(part: str) -> list[Flowable]:
        return prose(LOOK, part, firstLineIndent=0, spaceAfter=4)

    story: list[Flowable] = [
        *text(words.INTRODUCTION),
        *text(words.SITE),
        numbered_table(tables.TABLE_1, tables.ROOFS, (COLUMN - 150, 50, 50, 50), "lrrr"),
        fig(Draw(COLUMN, 190, schematic), words.CAPTION_1),
        *text(words.INSTRUMENTS),
        NextPageTemplate("wide"),
        numbered_table(tables.TABLE_2, tables.SENSORS, (COLUMN - 152, 86, 66), "lll"),
        *text(words.BALANCE),
        equation(r"R_n = H + \lambda E + G + \frac{d}{dt}\int_0^{z_s} \rho c\, T\, dz", 1, 34),
        *text(words.BALANCE_2),
        equation(r"\Delta T_N = \frac{1}{t_2 - t_1}\int_{t_1}^{t_2}\left(T_A - T_i\right) dt", 2, 34),
        *text(words.MODEL),
        equation(
            r"\Delta T_N = \alpha + \beta\,\min(\theta,\theta_c)"
            r" + \gamma\,U + \delta\,\sqrt{e_a} + \varepsilon",
            3,
            24,
        ),
        *text(words.MODEL_2),
        *text(words.UNCERTAINTY),
        *text(words.RESULTS),
        fig(water_scatter(), words.CAPTION_3),
        *text(words.RESULTS_2),
        numbered_table(tables.TABLE_3, tables.COEFFICIENTS, (COLUMN - 144, 48, 48, 48), "lrrr"),
        *text(words.DRYING),
        *text(words.DEW),
        fig(drying(), words.CAPTION_DRYING),
        numbered_table(tables.TABLE_DEW, tables.SUMMERS, (COLUMN - 111, 37, 37, 37), "lrrr"),
        *text(words.RESULTS_3),
        fig(flux_boxes(), words.CAPTION_4),
        fig(saving_map(), words.CAPTION_5),
        numbered_table(tables.TABLE_4, tables.ENERGY, (COLUMN - 135, 45, 45, 45), "lrrr"),
        *text(words.CEILING),
        fig(ceiling(), words.CAPTION_CEILING),
        *text(words.DISCUSSION),
        *text(words.RULE),
        fig(Draw(COLUMN, 170, decision_tree), words.CAPTION_RULE),
        *text(words.CONCLUSION),
        *text(words.APPENDIX),
        numbered_table(tables.TABLE_PLANTS, tables.PLANTS, (COLUMN - 120, 40, 40, 40), "lrrr"),
        *text(words.SPECIES_NOTE),
        FrameBreak(),
        *prose(LOOK, words.THANKS, "small", spaceAfter=4),
        *prose(LOOK, "## References"),
        *prose(LOOK, words.REFERENCES, "small", leftIndent=14, firstLineIndent=-14, spaceAfter=2.4),
    ]
    meta = Meta(
        "Wet roofs, cool nights: substrate water and night-time cooling on three roofs in Rotterdam",
        "M. Verkaik, K. Osei, S. Lindqvist",
        "Research article",
    )
    box = (LEFT, 50.0, LEFT, 46.0)
    gutter = FULL - 2 * COLUMN
    build(
        out / NAME,
        meta,
        A4,
        story,
        box,
        running,
        first,
        (LEFT, 284.0, LEFT, 46.0),
        columns=2,
        gutter=gutter,
        special={"wide": ((LEFT, 306.0, LEFT, 46.0), wide)},
    )

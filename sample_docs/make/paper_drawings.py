"""Drawings of the green-roof paper: section through the roofs, decision tree."""

from __future__ import annotations

import math

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from .kit import label
from .paper_figures import LOOK


def schematic(c: Canvas, w: float, h: float) -> None:
    """Section through the three test fields with sensor positions."""
    fields = (
        ("A  gravel", ((6, "#e9e4da", "gravel 50 mm"),)),
        (
            "B  sedum, dry",
            ((4, "#a9bd8a", ""), (12, "#8a6f55", "substrate 80 mm"), (6, "#cfd8dc", "drainage 25 mm")),
        ),
        (
            "C  meadow, irrigated",
            ((9, "#7fa66a", ""), (16, "#8a6f55", "substrate 150 mm"), (6, "#9cc3d6", "retention 60 mm")),
        ),
    )
    fw, base = (w - 16) / 3, 44.0
    for i, (name, layers) in enumerate(fields):
        x, y = i * (fw + 8), base
        for layer, colour, what in (
            (15, "#c4c4c4", "concrete 180 mm"),
            (14, "#f4e3b5", "insulation 160 mm"),
            (2, "#333333", ""),
            *reversed(layers),
        ):
            t = layer * 1.5
            c.setFillColor(HexColor(colour))
            c.setStrokeColor(HexColor("#555555"))
            c.setLineWidth(0.35)
            c.rect(x, y, fw, t, stroke=1, fill=1)
            if what:
                pale = colour in ("#8a6f55",)
                label(c, x + 4, y + t / 2 - 2.2, what, LOOK.font(), 6.2, "#ffffff" if pale else LOOK.ink)
            y += t
        if i:
            c.setStrokeColor(HexColor("#4c7a3f"))
            c.setLineWidth(0.6)
            rise = 5 if i == 1 else 13
            for k in range(26):
                gx = x + 2 + k * (fw - 4) / 25
                c.line(gx, y, gx + 1.5 * math.sin(k * 2.1), y + rise * (0.7 + 0.3 * math.sin(k * 1.7)))
        label(c, x + fw / 2, 4, name, LOOK.font(bold=True), 7.4, LOOK.ink, "c")
        # Sensors: surface temperature, heat-flux plate, moisture probe, ceiling temperature.
        spots = [(0.9, y, "T"), (0.9, base + 22.5 + 21 + 1, "G"), (0.9, base, "I")]
        if i:
            spots.append((0.76, y - (4 if i == 1 else 9) * 1.5 - 7, "W"))
        for fx, sy, letter in spots:
            c.setFillColor(HexColor("#ffffff"))
            c.setStrokeColor(HexColor("#b5483a"))
            c.setLineWidth(0.9)
            c.circle(x + fx * fw, sy, 4.6, stroke=1, fill=1)
            label(c, x + fx * fw, sy - 2.2, letter, LOOK.font(bold=True), 6.2, "#b5483a", "c")
    # Mast with weather station over field B, drip line on field C.
    mx = fw + 8 + fw * 0.32
    c.setStrokeColor(HexColor("#333333"))
    c.setLineWidth(1)
    c.line(mx, base + 72, mx, h - 14)
    c.line(mx - 10, h - 20, mx + 10, h - 20)
    c.circle(mx - 10, h - 17, 2.6, stroke=1, fill=0)
    c.rect(mx + 7, h - 20, 6, 6, stroke=1, fill=0)
    label(c, mx + 17, h - 19, "weather mast, 2.0 m", LOOK.font(), 6.8, LOOK.ink)
    cx = 2 * (fw + 8)
    c.setStrokeColor(HexColor("#2b6fa8"))
    c.setLineWidth(1.2)
    top = base + (15 + 14 + 2 + 6 + 16 + 9) * 1.5 - 9
    c.line(cx + 4, top, cx + fw * 0.6, top)
    for k in range(4):
        c.circle(cx + 10 + k * 11, top - 3.4, 0.9, stroke=0, fill=1)
    label(c, cx + fw, h - 19, "drip line", LOOK.font(), 6.8, "#2b6fa8", "r")
    c.setLineWidth(0.5)
    c.line(cx + fw - 22, h - 22, cx + fw * 0.5, top + 2)
    label(
        c,
        w / 2,
        24,
        "T surface   G heat flux   W water content   I ceiling inside",
        LOOK.font(italic=True),
        7,
        LOOK.ink,
        "c",
    )


def decision_tree(c: Canvas, w: float, h: float) -> None:
    questions = ("Rain of 5 mm or more before 6:00?", "Probe above 0.31?", "Wind above 4 m/s expected?")
    answers = ("do nothing", "do nothing", "give 1.2 mm at 21:30")
    c.setLineWidth(0.7)
    box, gap = 130.0, 44.0
    for i, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        y = h - 26 - i * gap
        c.setFillColor(HexColor(LOOK.tint))
        c.roundRect(2, y, box, 20, 4, stroke=1, fill=1)
        label(c, 2 + box / 2, y + 7, question, LOOK.font(), 7.8, LOOK.ink, "c")
        c.line(2 + box, y + 10, w - 92, y + 10)
        label(c, (2 + box + w - 92) / 2, y + 13, "yes", LOOK.font(italic=True), 7.4, LOOK.ink, "c")
        c.rect(w - 92, y, 90, 20, stroke=1, fill=0)
        label(c, w - 47, y + 7, answer, LOOK.font(bold=True), 7.8, LOOK.ink, "c")
        c.line(2 + box / 2, y, 2 + box / 2, y - gap + 20)
        label(c, 6 + box / 2, y - 15, "no", LOOK.font(italic=True), 7.4)
    c.setFillColor(HexColor("#dfe9df"))
    c.rect(2, h - 26 - 3 * gap, box, 20, stroke=1, fill=1)
    label(c, 2 + box / 2, h - 19 - 3 * gap, "give 2.6 mm at 21:30", LOOK.font(bold=True), 7.8, LOOK.ink, "c")

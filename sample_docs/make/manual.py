"""User manual of a dehumidifier, A5, with line drawings and numbered call-outs."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Spacer

from . import manual_text as words
from .kit import Draw, Meta, flow, label, save
from .look import WHITE, prose, table
from .manual_drawings import (
    LOOK,
    callout,
    clearances,
    filter_drawing,
    front_view,
    panel,
    rear_view,
    tank_steps,
)

NAME = "engineering/dehumidifier-manual.pdf"
W, H = A5
L, R = 36.0, A5[0] - 36.0
FULL = R - L
TOP = H - 66


def head(c: Canvas, title: str) -> None:
    page = c.getPageNumber()
    label(c, L, H - 46, title, LOOK.font(bold=True), 15, LOOK.ink)
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(L, H - 54, 28, 2.4, stroke=0, fill=1)
    label(c, L, 22, "Drylander D25", LOOK.font(), 6.8, LOOK.muted)
    label(c, R, 22, str(page), LOOK.font(bold=True), 8, LOOK.ink, "r")


def cover(c: Canvas) -> None:
    c.setFillColor(HexColor("#efece7"))
    c.rect(0, 0, W, H, stroke=0, fill=1)
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(0, H - 92, W, 92, stroke=0, fill=1)
    label(c, L, H - 50, "Aldermoor", LOOK.font(bold=True), 24, WHITE)
    label(c, L, H - 70, "Appliances for damp houses", LOOK.font(), 9, "#f3cfcb")
    c.saveState()
    c.translate(128, 168)
    c.scale(1.25, 1.25)
    front_view(c, 0, 0, 108, 158)
    c.restoreState()
    label(c, L, 96, "Drylander D25", LOOK.font(bold=True), 25, LOOK.ink)
    label(c, L, 76, "Dehumidifier: user manual", LOOK.font(), 12, LOOK.ink)
    label(c, L, 40, "Models D25-230 and D25-230H (with pump)", LOOK.font(), 8, LOOK.muted)
    label(c, R, 40, "English, edition 4, 06/2025", LOOK.font(), 8, LOOK.muted, "r")


def warning(c: Canvas, y: float, text: str) -> float:
    """A boxed warning with a triangle; returns its lower edge."""
    items = prose(LOOK, text, "small", spaceAfter=0, fontSize=8.6, leading=11.6)
    h = sum(i.wrap(FULL - 52, 500)[1] for i in items) + 18
    c.setFillColor(HexColor("#fbe9e7"))
    c.setStrokeColor(HexColor(LOOK.accent))
    c.setLineWidth(0.9)
    c.roundRect(L, y - h, FULL, h, 4, stroke=1, fill=1)
    tx, ty = L + 22, y - h / 2
    sign = c.beginPath()
    sign.moveTo(tx, ty + 11)
    sign.lineTo(tx + 12, ty - 9)
    sign.lineTo(tx - 12, ty - 9)
    sign.close()
    c.setFillColor(WHITE)
    c.setLineWidth(1.4)
    c.drawPath(sign, stroke=1, fill=1)
    label(c, tx, ty - 6, "!", LOOK.font(bold=True), 11, LOOK.accent, "c")
    flow(c, L + 44, y - 9, FULL - 52, items)
    return y - h


def safety(c: Canvas) -> None:
    head(c, "Before you begin")
    y = warning(c, TOP, words.WARNING)
    y = flow(c, L, y - 8, FULL, prose(LOOK, words.SAFETY))
    contents = [[name, str(page)] for name, page in words.CONTENTS]
    flow(
        c,
        L,
        y - 6,
        FULL,
        [*prose(LOOK, "## In this manual"), table(LOOK, contents, (FULL - 40, 40), "lr", head=0, pad=3)],
        34,
    )


def parts(c: Canvas) -> None:
    head(c, "Parts")
    x, y, w, h = 82.0, 362.0, 92.0, 132.0
    front_view(c, x, y, w, h)
    marks = (
        (1, (x + w / 2 + 14, y + h + 10), (x + w / 2 - 20, y + h + 34)),
        (2, (x + 13, y + h - 20), (44, y + h - 4)),
        (3, (x + w / 2, y + h * 0.58), (44, y + h * 0.62)),
        (4, (x + 22, y + h * 0.4), (44, y + h * 0.36)),
        (5, (x + 24, y + 22), (44, y + 18)),
        (6, (x + w - 28, y + 22), (x + w + 52, y + 4)),
        (7, (x + w + 16, y + h * 0.8 + 14), (x + w + 58, y + h * 0.72)),
        (8, (x + w - 14, y - 4), (x + w + 22, y - 16)),
    )
    for number, at, bubble in marks:
        callout(c, number, at, bubble)
    x2 = 258.0
    rear_view(c, x2, y, w, h)
    for number, at, bubble in (
        (9, (x2 + w / 2, y + h * 0.7), (x2 + w + 58, y + h * 0.86)),
        (10, (x2 + 20, y + h * 0.22), (x2 - 22, y + h * 0.36)),
        (11, (x2 + w - 30, y + h * 0.26), (x2 + w + 58, y + h * 0.36)),
        (12, (x2 + w / 2 + 2, y + 14), (x2 + w + 40, y - 8)),
        (13, (x2 - 28, y - 14), (x2 - 2, y - 26)),
    ):
        callout(c, number, at, bubble)
    label(c, x + w / 2, y - 44, "Front", LOOK.font(), 8, LOOK.muted, "c")
    label(c, x2 + w / 2, y - 44, "Back", LOOK.font(), 8, LOOK.muted, "c")
    rows = [["No.", "Part", "What it is for"], *words.PARTS]
    flow(c, L, y - 60, FULL, [table(LOOK, rows, (26, 96, FULL - 122), "clp", pad=2.7, size=8.5)], 32)


def placing(c: Canvas) -> None:
    head(c, "Where to put it")
    y = flow(c, L, TOP, FULL, prose(LOOK, words.PLACING))
    y = flow(c, L, y - 4, FULL, [Draw(FULL, 190, clearances)])
    y = flow(
        c,
        L,
        y,
        FULL,
        prose(
            LOOK, "<b>Figure 2.</b> Distances to keep. Less space means less water and more noise.", "small"
        ),
    )
    rows = [["Room", "Up to m²", "Litres a day", "First week, hours"], *words.ROOMS]
    flow(
        c,
        L,
        y - 8,
        FULL,
        [*prose(LOOK, "## Is it large enough?"), table(LOOK, rows, (FULL - 210, 60, 65, 85), "lrrr", pad=4)],
        34,
    )


def controls(c: Canvas) -> None:
    head(c, "Control panel")

    def drawing(c: Canvas, w: float, h: float) -> None:
        spots = panel(c, w, h)
        for k, (x, y) in enumerate(spots):
            up = k in (0, 2, 3, 5)
            edge = h - 9 if up else 9
            lift = 13 if k in (0, 1, 4, 5, 6) else 4
            callout(c, k + 1, (x, y + (lift if up else -lift)), (x, edge))

    y = flow(c, L, TOP, FULL, [Draw(FULL, 112, drawing)])
    rows = [["", "Key or sign", "Press once", "Hold for 3 s"], *words.KEYS]
    y = flow(c, L, y - 8, FULL, [table(LOOK, rows, (20, 76, FULL - 220, 124), "clpp", pad=3, size=8.5)])
    flow(c, L, y - 8, FULL, prose(LOOK, words.OPERATION), 34)


def humidity(c: Canvas) -> None:
    head(c, "Choosing the humidity")
    y = flow(c, L, TOP, FULL, prose(LOOK, words.HUMIDITY))
    y = flow(c, L, y - 6, FULL, [Draw(FULL, 164, _comfort)])
    y = flow(c, L, y, FULL, prose(LOOK, "<b>Figure 4.</b> What different values are good for.", "small"))
    flow(c, L, y - 6, FULL, prose(LOOK, words.MODES), 34)


def _comfort(c: Canvas, w: float, h: float) -> None:
    """Bars over a humidity scale from 20 to 90 per cent."""
    left, right = 92.0, w - 8
    bars = (
        ("Wood, instruments", 40, 55, "#2d6e8e"),
        ("People", 40, 60, "#4d8b57"),
        ("Books, archives", 35, 50, "#8a6f55"),
        ("Drying laundry", 35, 45, "#b3261e"),
        ("House mites thrive", 62, 88, "#9a9a9a"),
        ("Mould on cold walls", 68, 90, "#6b6b6b"),
    )

    def at(value: float) -> float:
        return left + (value - 20) / 70 * (right - left)

    c.setStrokeColor(HexColor(LOOK.line))
    c.setLineWidth(0.4)
    for value in range(20, 91, 10):
        c.line(at(value), 18, at(value), h - 4)
        label(c, at(value), 6, f"{value}%", LOOK.font(), 7, LOOK.muted, "c")
    for k, (name, low, high, colour) in enumerate(bars):
        y = h - 24 - k * 22.5
        c.setFillColor(HexColor(colour))
        c.roundRect(at(low), y, at(high) - at(low), 13, 4, stroke=0, fill=1)
        label(c, left - 8, y + 3.4, name, LOOK.font(), 7.6, LOOK.ink, "r")


def emptying(c: Canvas) -> None:
    head(c, "Emptying and draining")
    y = flow(c, L, TOP, FULL, prose(LOOK, words.EMPTYING))
    y = flow(c, L, y - 4, FULL, [Draw(FULL, 104, tank_steps)])
    y = flow(c, L, y - 4, FULL, prose(LOOK, "<b>Figure 5.</b> Pull, pour, push.", "small"))
    y = flow(c, L, y - 6, FULL, prose(LOOK, words.HOSE))
    flow(c, L, y - 2, FULL, [Draw(FULL, 92, _hose)], 34)


def _hose(c: Canvas, w: float, h: float) -> None:
    """Right and wrong way to lead the hose."""
    for k, good in enumerate((True, False)):
        x = 4 + k * w / 2
        c.setStrokeColor(HexColor(LOOK.ink))
        c.setLineWidth(1)
        c.setFillColor(WHITE)
        c.roundRect(x + 4, 26, 40, 60, 3, stroke=1, fill=1)
        c.circle(x + 40, 44, 3, stroke=1, fill=0)
        c.setLineWidth(0.8)
        c.rect(x + 116, 4, 30, 14, stroke=1, fill=0)
        c.setStrokeColor(HexColor(LOOK.second))
        c.setLineWidth(2.4)
        p = c.beginPath()
        p.moveTo(x + 43, 44)
        if good:
            p.curveTo(x + 70, 42, x + 100, 30, x + 130, 12)
        else:
            p.curveTo(x + 58, 12, x + 72, 8, x + 84, 40)
            p.curveTo(x + 92, 62, x + 118, 50, x + 130, 12)
        c.drawPath(p, stroke=1, fill=0)
        mark = "always downhill" if good else "no loops, no kinks"
        label(c, x + 92, 76, mark, LOOK.font(bold=True), 8, "#3d7a45" if good else LOOK.accent, "c")
        if not good:
            c.setStrokeColor(HexColor(LOOK.accent))
            c.setLineWidth(2)
            c.line(x + 62, 6, x + 112, 66)
            c.line(x + 62, 66, x + 112, 6)


def cleaning(c: Canvas) -> None:
    head(c, "Cleaning and maintenance")
    y = flow(c, L, TOP, FULL, prose(LOOK, words.CLEANING))
    y = flow(c, L, y - 2, FULL, [Draw(FULL, 150, filter_drawing)])
    y = flow(
        c,
        L,
        y - 2,
        FULL,
        prose(
            LOOK,
            "<b>Figure 6.</b> Take the filter out at the back and brush it from the clean side.",
            "small",
        ),
    )
    rows = [["Work", "How often", "By whom"], *words.CARE]
    flow(
        c,
        L,
        y - 8,
        FULL,
        [*prose(LOOK, "## Calendar"), table(LOOK, rows, (FULL - 176, 104, 72), "pll", pad=3.2, size=8.5)],
        34,
    )


def errors(c: Canvas) -> None:
    head(c, "When something is wrong")
    rows = [["Display", "Meaning", "What to do"], *words.ERRORS]
    codes = [
        ("FONT", (0, 1), (0, -1), LOOK.font(bold=True), 8.4),
        ("TEXTCOLOR", (0, 1), (0, -1), HexColor(LOOK.accent)),
    ]
    y = flow(
        c,
        L,
        TOP,
        FULL,
        [table(LOOK, rows, (42, 118, FULL - 160), "lpp", pad=3.6, size=8.5, filled=True, extra=codes)],
    )
    flow(c, L, y - 8, FULL, [*prose(LOOK, words.TROUBLE)], 34)


def data(c: Canvas) -> None:
    head(c, "Technical data, guarantee, disposal")
    rows = [["", "D25-230", "D25-230H"], *words.DATA]
    items: list[Flowable] = [
        table(LOOK, rows, (FULL - 150, 75, 75), "lrr", pad=2.7, size=8.5),
        Spacer(0, 8),
        *prose(LOOK, words.GUARANTEE),
    ]
    flow(c, L, TOP, FULL, items, 34)


def make(out: Path) -> None:
    meta = Meta(
        "Drylander D25: user manual",
        "Aldermoor Appliances Ltd",
        "Manual for the dehumidifiers D25-230 and D25-230H",
    )
    save(
        out / NAME,
        meta,
        A5,
        [cover, safety, parts, placing, controls, humidity, emptying, cleaning, errors, data],
    )

"""Slide deck 16:9: the quarterly product review of Fernway, a bicycle subscription."""

from __future__ import annotations

import math
from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from . import slides_more as more
from .kit import Meta, flow, save
from .look import prose
from .plot import Plot, axes, figure
from .slides_page import (
    CORAL,
    DEEP,
    LIME,
    LOOK,
    PAPER,
    VIOLET,
    H,
    W,
    arrow,
    background,
    card,
    frame,
    text,
    wrapped,
)

NAME = "office/product-review-q3-2025.pdf"


def title(c: Canvas) -> None:
    background(c, DEEP)
    # Spokes and rims: the mark of the firm, cropped by the page.
    for x, y, r, colour in ((W - 190, 150, 250, VIOLET), (W - 40, 430, 150, CORAL)):
        c.setStrokeColor(HexColor(colour))
        c.setLineWidth(20)
        c.circle(x, y, r, stroke=1, fill=0)
        c.setLineWidth(1.4)
        for k in range(28):
            a = math.tau * k / 28
            c.line(
                x + 26 * math.cos(a + 0.5),
                y + 26 * math.sin(a + 0.5),
                x + r * math.cos(a),
                y + r * math.sin(a),
            )
        c.setFillColor(HexColor(LIME))
        c.circle(x, y, 26, stroke=0, fill=1)
    text(c, 64, H - 92, "fernway", 22, LIME, bold=True)
    text(c, 64, 290, "Product review", 56, PAPER, bold=True)
    text(c, 64, 238, "Third quarter 2025", 30, PAPER)
    text(c, 64, 66, "Board meeting, Ghent, 16 October 2025", 14, "#c9c6e6")
    text(c, 64, 46, "Maud Verhelst, product   ·   Anselm Okafor, operations", 14, "#c9c6e6")


def three_things(c: Canvas) -> None:
    frame(c, "If you remember three things")
    points = (
        ("31,600", "riders pay every month,", "a third more than in June", VIOLET),
        ("1 in 3", "people who start to sign up", "give up at the identity check", CORAL),
        ("€3.30", "stays with us from a monthly", "fee of 39 euros", "#5b8c1a"),
    )
    for i, (number, one, two, colour) in enumerate(points):
        x = 64 + i * 284
        card(c, x, 130, 264, 250)
        text(c, x + 24, 270, number, 54, colour, bold=True)
        text(c, x + 24, 212, one, 16, LOOK.ink)
        text(c, x + 24, 190, two, 16, LOOK.ink)
    text(c, 64, 84, "The rest of this deck explains these numbers and asks for one decision.", 16, LOOK.muted)


def riders(c: Canvas) -> None:
    frame(c, "The summer was kind to us")
    fig = figure(600, 350)
    ax = axes(fig, LOOK, (44, 28, 540, 300), size=12)
    months = ("Oct", "Nov", "Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep")
    paying = (17.9, 17.1, 15.8, 15.2, 15.9, 18.4, 20.7, 22.6, 23.7, 26.9, 29.8, 31.6)
    paused = (1.4, 2.6, 4.1, 4.9, 4.2, 2.3, 1.5, 1.2, 1.0, 1.3, 1.9, 1.2)
    ax.fill_between(range(12), paying, color=VIOLET, alpha=0.16, linewidth=0)
    ax.plot(range(12), paying, color=VIOLET, linewidth=3.5)
    ax.plot(range(12), paused, color=CORAL, linewidth=2.5)
    ax.plot(11, paying[-1], "o", color=VIOLET, markersize=9)
    ax.text(10.9, 32.9, "31.6", fontsize=17, weight="bold", color=VIOLET, ha="right")
    ax.text(3, 12.4, "15.2", fontsize=13, color=VIOLET, ha="center")
    ax.text(4.2, 5.6, "paused subscriptions", fontsize=12, color=CORAL)
    ax.text(7.3, 19.2, "paying riders", fontsize=12, color=VIOLET, weight="bold")
    ax.set_xticks(range(12), months)
    ax.set(ylim=(0, 36), yticks=(0, 10, 20, 30), xlim=(-0.35, 11.2))
    Plot(fig, LOOK).paint(c, 50, 66)
    text(c, 64, 424, "Thousands of riders, October 2024 to September 2025", 13, LOOK.muted)
    notes = """
    <b>July</b> Bologna opened and brought 2,100 riders in five weeks.

    <b>August</b> The rail strike in Lyon lasted 17 days. Four out of ten who joined during it have stayed.

    <b>Winter pause</b> One click since last November. We lose the fee for three months but keep the rider: 86
    per cent of those who paused came back by May.
    """
    flow(c, 690, 400, 214, prose(LOOK, notes, fontSize=14, leading=20, spaceAfter=14))


FUNNEL = (
    ("Visited the plans page", 214_000),
    ("Started to sign up", 61_300),
    ("Passed the identity check", 40_900),
    ("Took a first ride", 37_200),
    ("Paid a second month", 26_800),
)


def funnel(c: Canvas) -> None:
    frame(c, "From curious to committed, July to September")
    shades = ("#2c2570", VIOLET, "#6f66b8", "#9d97d1", "#8fb53a")
    centre, top, step = 430.0, 410.0, 70.0
    widths = [max(90.0, 560 * (n / FUNNEL[0][1]) ** 0.55) for _, n in FUNNEL]
    for i, (name, n) in enumerate(FUNNEL):
        y = top - i * step
        below = widths[i + 1] if i < 4 else widths[i] * 0.82
        shape = c.beginPath()
        shape.moveTo(centre - widths[i] / 2, y)
        shape.lineTo(centre + widths[i] / 2, y)
        shape.lineTo(centre + (widths[i] * 0.35 + below * 0.65) / 2, y - step + 10)
        shape.lineTo(centre - (widths[i] * 0.35 + below * 0.65) / 2, y - step + 10)
        shape.close()
        c.setFillColor(HexColor(shades[i]))
        c.drawPath(shape, stroke=0, fill=1)
        text(c, centre, y - 38, f"{n:,}", 19, PAPER, "c", bold=True)
        text(c, 64, y - 36, name, 14, LOOK.ink) if i else text(c, 64, y - 20, "Visited the", 14, LOOK.ink)
        if i == 0:
            text(c, 64, y - 38, "plans page", 14, LOOK.ink)
        else:
            rate = n / FUNNEL[i - 1][1]
            colour = CORAL if rate < 0.7 and i == 2 else LOOK.muted
            text(c, 740, y - 4, f"{rate:.0%} go on", 15, colour, bold=colour == CORAL)
    text(c, 740, top - 2 * step - 24, "worst loss among", 12, CORAL)
    text(c, 740, top - 2 * step - 40, "people who want to buy", 12, CORAL)
    text(c, 64, 44, "Only web and app; riders signed up by an employer are not counted.", 11, LOOK.muted)


def identity_check(c: Canvas) -> None:
    frame(c, "Where the identity check loses people")
    steps = (
        ("Take photo of", "identity card", "61,300", "4,700 leave"),
        ("Take photo of", "own face", "56,600", "3,100 leave"),
        ("Wait for", "comparison", "53,500", "10,900 leave"),
        ("Result by", "e-mail", "42,600", "1,700 refused"),
    )
    for i, (one, two, n, lost) in enumerate(steps):
        x = 64 + i * 216
        colour = CORAL if i == 2 else VIOLET
        c.setFillColor(HexColor(colour))
        c.roundRect(x, 280, 176, 116, 12, stroke=0, fill=1)
        text(c, x + 88, 356, one, 16, PAPER, "c", bold=True)
        text(c, x + 88, 336, two, 16, PAPER, "c", bold=True)
        text(c, x + 88, 300, n, 20, PAPER, "c")
        if i < 3:
            arrow(c, x + 180, 338, x + 212, 338, LOOK.muted)
        arrow(c, x + 88, 274, x + 88, 236, colour)
        text(c, x + 88, 214, lost, 16, colour, "c", bold=True)
    notes = """
    The comparison takes <b>six minutes</b> on average and up to forty in the evening, because a person in
    another time zone looks at every third pair of photos. People put the telephone away and forget us.
    """
    wrapped(c, 64, 176, 520, notes, 15)
    remedy = """
    <b>Remedy:</b> let them ride at once, up to 25 km/h and three kilometres, while the check runs. Risk: two
    stolen bicycles in a thousand first rides, by the insurer's estimate.
    """
    wrapped(c, 620, 176, 276, remedy, 15)


def big_number(c: Canvas) -> None:
    background(c, LIME)
    text(c, W / 2, 232, "11 hours", 130, DEEP, "c", bold=True)
    text(c, W / 2, 150, "from a broken bicycle to a working one", 26, DEEP, "c")
    text(c, W / 2, 116, "a year ago: 29", 18, "#4a5a10", "c")


def quote(c: Canvas) -> None:
    background(c, DEEP)
    text(c, 60, 330, "“", 170, LIME, bold=True)
    lines = (
        "I sold the car in August.",
        "My daughter thinks it was",
        "for the planet. It was the",
        "parking.",
    )
    for i, line in enumerate(lines):
        text(c, 150, 372 - i * 56, line, 42, PAPER, bold=True)
    text(c, 150, 128, "Rider in Graz, 47, subscribed since March", 18, "#c9c6e6")
    text(c, 150, 102, "Interview 23 of 40, September 2025", 14, "#8f8abf")


def make(out: Path) -> None:
    meta = Meta(
        "Product review, third quarter 2025", "Fernway BV", "Slides for the board meeting of 16 October 2025"
    )
    pages = [
        title,
        three_things,
        riders,
        funnel,
        identity_check,
        big_number,
        more.loop,
        more.unit_cost,
        more.cities,
        quote,
        more.experiments,
        more.roadmap,
        more.decision,
    ]
    save(out / NAME, meta, (W, H), pages)

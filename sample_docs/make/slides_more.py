"""Second half of the Fernway slides: operations, money, plans."""

from __future__ import annotations

import math

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from .kit import flow
from .look import table
from .plot import Plot, axes, figure
from .slides_page import CORAL, DEEP, LIME, LOOK, PAPER, VIOLET, arrow, card, frame, text, wrapped


def loop(c: Canvas) -> None:
    frame(c, "How a bicycle gets well again")
    cx, cy, r = 310.0, 242.0, 140.0
    stations = (
        ("Rider", "reports a fault", "0 h"),
        ("Van", "brings a spare", "3 h"),
        ("Hub", "sorts by fault", "5 h"),
        ("Workshop", "repairs in batches", "8 h"),
        ("Test ride", "two kilometres", "10 h"),
        ("Street", "back in service", "11 h"),
    )
    spots = [
        (cx + r * 1.05 * math.cos(a), cy + r * math.sin(a))
        for a in (math.pi / 2 - k * math.tau / 6 for k in range(6))
    ]
    for k, (x, y) in enumerate(spots):
        x2, y2 = spots[(k + 1) % 6]
        dx, dy = x2 - x, y2 - y
        length = math.hypot(dx, dy)
        ux, uy = dx / length, dy / length
        arrow(c, x + 42 * ux, y + 42 * uy, x2 - 42 * ux, y2 - 42 * uy, LOOK.line if k == 5 else VIOLET)
    for (x, y), (name, what, hours) in zip(spots, stations, strict=True):
        c.setFillColor(HexColor(LIME if name == "Street" else VIOLET))
        c.circle(x, y, 34, stroke=0, fill=1)
        text(c, x, y - 5, hours, 16, DEEP if name == "Street" else PAPER, "c", bold=True)
        side, anchor = (46, "l") if x > cx - 5 else (-46, "r")
        text(c, x + side, y + 4, name, 14, LOOK.ink, anchor, bold=True)
        text(c, x + side, y - 13, what, 12, LOOK.muted, anchor)
    notes = """
    <b>What changed in May.</b> Vans used to wait until eight bicycles were broken in one district. Now they
    go round every three hours, whatever the number, and leave a spare at once.

    <b>What it costs.</b> Two more vans in each city and 9,400 kilometres a month.

    <b>What it brings.</b> Cancellations that mention repairs fell from 31 to 12 in a hundred.
    """
    wrapped(c, 624, 400, 272, notes, 15)


COSTS = (
    ("Wear of the bicycle", 9.4, "#2c2570"),
    ("Battery and parts", 8.1, VIOLET),
    ("Mechanics", 7.6, "#6f66b8"),
    ("Moving bicycles", 3.2, "#9d97d1"),
    ("Advertising", 2.9, "#e8a48f"),
    ("Insurance and theft", 2.4, CORAL),
    ("Rider support", 2.1, "#b9b6cc"),
    ("Left for us", 3.3, "#8fb53a"),
)


def unit_cost(c: Canvas) -> None:
    frame(c, "Where the 39 euros go")
    text(c, 64, 424, "Average subscription, euros a month without tax, third quarter 2025", 13, LOOK.muted)
    fig = figure(520, 330)
    ax = axes(fig, LOOK, (150, 6, 350, 318), size=14, grid="")
    names = [name for name, _, _ in COSTS]
    ax.barh(range(8), [v for _, v, _ in COSTS], color=[k for _, _, k in COSTS], height=0.66)
    for i, (_, v, _) in enumerate(COSTS):
        ax.text(v + 0.15, i, f"{v:.2f}", va="center", fontsize=14, weight="bold", color=LOOK.ink)
    ax.set_yticks(range(8), names)
    ax.set(ylim=(7.5, -0.5), xticks=[], xlim=(0, 11))
    ax.spines["bottom"].set_visible(False)
    Plot(fig, LOOK).paint(c, 50, 72)
    notes = """
    A frame now lasts <b>52 months</b>, five more than planned. Each further month is worth 17 cents.

    Theft is down since the steering lock: 0.9 bicycles in a thousand a month instead of 1.6.

    Mechanics are our largest lever. One looks after 118 bicycles in Ghent and 84 in Lyon.
    """
    wrapped(c, 606, 396, 290, notes, 15)


def cities(c: Canvas) -> None:
    frame(c, "Five cities, two speeds")
    rows = [
        [
            "City",
            "Since",
            "Riders",
            "Bicycles per\nmechanic",
            "Leave us\na month",
            "Hours to\nrepair",
            "Margin a\nrider, €",
        ],
        ["Ghent", "2021", "9,800", "118", "3.1%", "8", "7.90"],
        ["Graz", "2022", "7,300", "109", "3.4%", "9", "6.20"],
        ["Malmo", "2023", "6,100", "97", "4.0%", "10", "2.90"],
        ["Lyon", "2024", "6,300", "84", "5.8%", "17", "\N{MINUS SIGN}3.40"],
        ["Bologna", "2025", "2,100", "71", "4.4%", "12", "\N{MINUS SIGN}6.80"],
        ["All", "", "31,600", "99", "4.0%", "11", "3.30"],
    ]
    extra = [
        ("TEXTCOLOR", (6, 4), (6, 5), HexColor(CORAL)),
        ("TEXTCOLOR", (4, 4), (5, 4), HexColor(CORAL)),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ]
    widths = (170, 90, 110, 130, 110, 110, 112)
    flow(c, 64, 410, 832, [table(LOOK, rows, widths, "lcrrrrr", total=[6], size=16, pad=7, extra=extra)])
    text(
        c,
        64,
        62,
        "A city pays for itself after about 5,500 riders, if repairs take less than twelve hours.",
        15,
        LOOK.muted,
    )


def experiments(c: Canvas) -> None:
    frame(c, "What we tried")
    items = (
        (
            "Show the price by day",
            "€1.30 a day instead of €39 a month",
            "+4.2%",
            "started to sign up",
            "kept",
            "#5b8c1a",
        ),
        (
            "Child seat for free",
            "for the first three months",
            "+0.3%",
            "no clear effect",
            "stopped",
            LOOK.muted,
        ),
        (
            "Call after the first fault",
            "a person rings within a day",
            "\N{MINUS SIGN}22%",
            "cancelled in the next 60 days",
            "kept",
            "#5b8c1a",
        ),
        (
            "Weekly ride summary",
            "e-mail with distance and weather",
            "+9%",
            "unsubscribed from all mail",
            "stopped",
            CORAL,
        ),
    )
    for i, (name, how, effect, on, verdict, colour) in enumerate(items):
        x, y = 64 + (i % 2) * 426, 238 - (i // 2) * 178
        card(c, x, y, 406, 162)
        text(c, x + 22, y + 122, name, 20, DEEP, bold=True)
        text(c, x + 22, y + 98, how, 14, LOOK.muted)
        text(c, x + 22, y + 38, effect, 40, colour, bold=True)
        text(c, x + 150, y + 42, on, 13, LOOK.ink)
        text(c, x + 384, y + 124, verdict, 14, colour, "r", bold=True)


def roadmap(c: Canvas) -> None:
    frame(c, "The next four quarters")
    quarters = ("Q4 2025", "Q1 2026", "Q2 2026", "Q3 2026")
    left, top, col, lane = 170.0, 396.0, 182.0, 78.0
    for i, name in enumerate(quarters):
        c.setFillColor(HexColor(LOOK.tint if i % 2 else "#f4f2ea"))
        c.rect(left + i * col, 66, col, top - 66, stroke=0, fill=1)
        text(c, left + (i + 0.5) * col, top + 10, name, 15, VIOLET, "c", bold=True)
    lanes = (
        (
            "Sign-up",
            (
                (0.0, 1.0, "Ride while we check", CORAL),
                (1.15, 2.1, "Employer portal 2", VIOLET),
                (2.6, 3.9, "Family plan", VIOLET),
            ),
        ),
        ("Bicycle", ((0.3, 1.7, "Lighter battery, 2.1 kg", VIOLET), (1.9, 3.6, "Cargo model", "#6f66b8"))),
        ("Repair", ((0.1, 1.9, "Fault guess by vibration", VIOLET), (2.1, 3.2, "Parts vending", "#6f66b8"))),
        (
            "Cities",
            (
                (0.5, 1.5, "Lyon: second workshop", CORAL),
                (2.0, 3.0, "Porto opens", "#5b8c1a"),
                (3.15, 4.0, "Aachen", "#8fb53a"),
            ),
        ),
    )
    for j, (name, bars) in enumerate(lanes):
        y = top - (j + 1) * lane - 4
        text(c, 64, y + 36, name, 16, LOOK.ink, bold=True)
        for start, end, what, colour in bars:
            c.setFillColor(HexColor(colour))
            c.roundRect(left + start * col, y + 22, (end - start) * col - 6, 40, 8, stroke=0, fill=1)
            text(c, left + start * col + 12, y + 37, what, 13, PAPER)
    text(c, 64, 44, "Coral: needed to reach the margin target. Everything else can move.", 12, LOOK.muted)


def decision(c: Canvas) -> None:
    frame(c, "The decision we need today")
    options = (
        (
            "A",
            "Ride while we check, everywhere",
            "9,000 more riders by June",
            "€410,000, of which 260,000 for thefts",
            "insurer has agreed for six months",
            LIME,
            DEEP,
        ),
        (
            "B",
            "Ride while we check, Ghent and Graz only",
            "3,900 more riders by June",
            "€150,000",
            "no change of the policy needed",
            LOOK.tint,
            DEEP,
        ),
    )
    for i, (letter, name, gain, cost, note, fill, ink) in enumerate(options):
        y = 262 - i * 160
        card(c, 64, y, 832, 144, fill)
        c.setFillColor(HexColor(DEEP))
        c.circle(122, y + 72, 34, stroke=0, fill=1)
        text(c, 122, y + 59, letter, 36, PAPER, "c", bold=True)
        text(c, 182, y + 100, name, 24, ink, bold=True)
        for k, (what, value) in enumerate((("Brings", gain), ("Costs", cost), ("Insurance", note))):
            text(c, 182, y + 70 - k * 24, what, 14, "#5d5a78")
            text(c, 272, y + 70 - k * 24, value, 16, ink)
    text(c, 64, 62, "We recommend A, with a review after 10,000 first rides.", 18, CORAL, bold=True)

"""Minutes of a library trust, plain office style, with two charts pasted in as screenshots."""

# ruff: noqa: RUF001
from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Spacer

from .form_parts import signature
from .kit import Draw, Meta, build, jpeg, label
from .look import Look, prose, table
from .plot import axes, bitmap, figure

NAME = "office/trustees-minutes-december.pdf"
W, H = A4
L, R = 72.0, A4[0] - 72.0
FULL = R - L
LOOK = Look(
    family="Serif",
    ink="#1d1d1d",
    accent="#2f4a6b",
    second="#a8442e",
    tint="#f1f3f6",
    line="#c4cad2",
    muted="#666666",
    size=9.8,
    leading=15.0,
)
SCREEN = Look(family="Noto", ink="#33383d", accent="#2b7de0", line="#dfe3e8", muted="#7b848c")

OPENING = """
<b>Date and place:</b> Tuesday, 2 December 2025, 18:00 to 20:05, in the reading room<br/>
<b>Present:</b> Gwyneth Abara (chair), Oluwaseun Hartnell (treasurer), Pascal Dunmore, Rosalind Keay, Imran
Chaudhry<br/>
<b>Also present:</b> Benedict Yarrow (librarian), Sunniva Holt (minutes)<br/>
<b>Apologies:</b> Canon Peter Lisle

## 1. Minutes of the last meeting

The minutes of 7 October were approved with one correction: the gift of the late Miss Trevanion was 4,000
pounds, not 4,000 books.

## 2. Visitors

Mr Yarrow showed the counts from the door sensor (screenshot below). The reading room was closed for three
weeks in November for the new furniture; in those weeks only the hatch was open. Saturday mornings are now
the busiest time of the week. The sensor counts prams twice, and Mr Yarrow has asked the maker whether it can
be taught not to.
"""
VISITORS_CAPTION = "Visits a week since September, from the counter's web page"
ROOM = """
## 3. Reading room and the bill of the joiners

The trustees looked at the new furniture. Ms Keay praised the window seats; Mr Dunmore finds the issue desk
too high on one side and was told that this is the point of it. Three defects were noted: a drawer of the
middle seat sticks, one brass label holder is missing, and the low side of the desk has a rough edge at the
knee space.

Mrs Hartnell presented the invoice of Brightwell &amp; Oakes of 24 November. It is 415 pounds above the order
because the floor below the desk had to be strengthened. The discount had been agreed as six per cent, not
five. She will ask for it to be corrected, which would reduce the amount by 273.46 pounds with tax.
<b>Resolved:</b> to pay when this and the defects have been settled, at the latest on 24 December, from the
Trevanion gift and the building fund.

## 4. Heating

Since the thermostats were fitted in the spring the boiler uses less gas (second screenshot). Mr Chaudhry
pointed out that October was mild as well. The back office remains cold: 16 degrees on Monday mornings.
<b>Resolved:</b> to try an electric panel there for one winter before moving any pipes. The draughty north
door will get a curtain, sewn by the Thursday group.
"""
GAS_CAPTION = "Gas, kilowatt-hours a month, from the supplier's customer page"
MONEY = """
## 5. Money

Mrs Hartnell reported for the eleven months to 30 November:
"""
BUDGET = [
    ["£", "Budget 2025", "To 30 Nov.", "Expected"],
    ["Grant of the town council", "38,000", "38,000", "38,000"],
    ["Gifts and legacies", "6,500", "11,240", "11,600"],
    ["Hire of the room", "4,200", "4,865", "5,100"],
    ["Book sale and fines", "1,900", "2,310", "2,450"],
    ["Income", "50,600", "56,415", "57,150"],
    ["Salaries", "29,400", "26,870", "29,310"],
    ["Books and periodicals", "8,200", "7,455", "8,150"],
    ["Heating, power, water", "6,100", "4,020", "4,780"],
    ["Insurance and repairs", "3,900", "4,635", "4,900"],
    ["Events", "1,600", "1,385", "1,700"],
    ["Running costs", "49,200", "44,365", "48,840"],
]
REST = """
Furniture is not in this table; it is paid from the building fund, which stood at 41,730 pounds before the
invoice.

Fines were discussed at length. Mr Dunmore moved to abolish them for children. Carried by four votes to one.
Adults will continue to pay 10 pence a day, at most 3 pounds.

## 6. Events

The author's evening with Delphine Marchetti on 23 January is sold out; the chapel has been booked instead.
The children's night in the library (sleeping bags, 24 places) takes place on 13 February. Two trustees are
needed to stay awake; Ms Keay and Mr Chaudhry volunteered.

## 7. Opening hours

From 5 January the library will open on Wednesdays at noon instead of two and close on Fridays at five
instead of six. The hatch stays open during the lunch hour on trial until Easter.

## 8. Loans

Loans to the end of November are up by six per cent in spite of the closure. Crime has overtaken travel;
nobody borrows atlases any more, and the trustees agreed to sell the large ones at the spring fair.
"""
LOANS = [
    ["Loans, January to November", "2023", "2024", "2025"],
    ["Novels and crime", "9,840", "10,115", "10,930"],
    ["Children and young people", "8,205", "8,690", "9,470"],
    ["Travel, garden, cookery", "3,310", "3,180", "2,960"],
    ["History and biography", "2,745", "2,830", "2,905"],
    ["Audio books and films", "2,120", "1,765", "1,390"],
    ["Seeds (borrowed in spring, returned in autumn)", "–", "412", "981"],
    ["Total", "26,220", "26,992", "28,636"],
]
LAST = """
## 9. Any other business

The cat that has moved into the boiler room belongs to nobody. Mr Yarrow was permitted to buy food from petty
cash, up to two pounds a week. Next meeting: Tuesday, 3 February 2026, 18:00.
"""
ACTIONS = [
    ["Action", "Who", "By"],
    ["Write to the joiners: discount, drawer, label holder, edge", "O. Hartnell", "5 December"],
    ["Electric panel for the back office, under 150 pounds", "I. Chaudhry", "19 December"],
    ["Curtain for the north door", "R. Keay", "10 January"],
    ["Signs with the new hours, also in Polish", "B. Yarrow", "20 December"],
    ["Ask the maker of the counter about prams", "B. Yarrow", "done"],
    ["Fire drill before the children's night", "P. Dunmore", "31 January"],
]


def framed(chart: Image.Image, title: str) -> Image.Image:
    """The chart inside a strip of browser window, as people paste it."""
    bar = 46
    out = Image.new("RGB", (chart.width, chart.height + bar), "#e9ecef")
    fig = figure(chart.width / 2, bar / 2)
    for k, colour in enumerate(("#ec6a5e", "#f4bf4f", "#61c554")):
        fig.text(0.012 + k * 0.018, 0.5, "●", color=colour, fontsize=9, va="center")
    fig.text(0.085, 0.5, title, fontsize=8, color="#555b61", va="center")
    strip = bitmap(fig, "DejaVu", 144, "#e9ecef").resize((chart.width, bar))
    out.paste(strip, (0, 0))
    out.paste(chart, (0, bar))
    return out


def visits() -> Image.Image:
    fig = figure(450, 170)
    ax = axes(fig, SCREEN, (34, 24, 404, 122), size=8)
    weeks = [
        f"{d}" for d in ("1 Sep", "8", "15", "22", "29", "6 Oct", "13", "20", "27", "3 Nov", "10", "17", "24")
    ]
    count = (412, 438, 455, 447, 470, 489, 502, 634, 511, 208, 176, 231, 598)
    ax.bar(range(13), count, color=["#2b7de0"] * 9 + ["#a9c8f2"] * 3 + ["#2b7de0"], width=0.7)
    for i, v in enumerate(count):
        ax.text(i, v + 9, str(v), ha="center", fontsize=7.6, color=SCREEN.ink)
    ax.set_xticks(range(13), weeks)
    ax.set(ylim=(0, 720), yticks=(0, 200, 400, 600))
    ax.set_title("Visits per week", fontsize=9.5, loc="left", weight="bold", color=SCREEN.ink)
    return framed(bitmap(fig, "Noto", 144), "doorcount.example/tidewater/weekly")


def gas() -> Image.Image:
    fig = figure(450, 165)
    ax = axes(fig, SCREEN, (38, 20, 400, 118), size=8)
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov")
    last = (9120, 8240, 7310, 4620, 2210, 640, 410, 430, 1380, 4150, 7260)
    this = (9040, 8310, 6980, 3790, 1480, 420, 300, 310, 930, 2870, 5440)
    x = np.arange(11)
    ax.plot(x, last, color="#b3b9bf", linewidth=2.4, marker="o", markersize=4)
    ax.plot(x, this, color="#e0662b", linewidth=2.4, marker="o", markersize=4)
    for i in (0, 3, 9, 10):
        dx, dy = {0: (0, -1000), 3: (-0.12, -1000), 9: (0.2, -1150), 10: (0.1, -1350)}[i]
        ax.text(
            i + dx,
            this[i] + dy,
            f"{this[i]:,}",
            fontsize=7.6,
            color="#c9531c",
            ha="right" if i == 3 else "center",
        )
        ax.text(
            i + (0.1 if i == 3 else -0.25 if i == 9 else 0),
            last[i] + 420,
            f"{last[i]:,}",
            fontsize=7.6,
            color="#6b747c",
            ha="left" if i == 3 else "center",
        )
    ax.text(5.2, 8300, "2024", fontsize=9, weight="bold", color="#8d949b")
    ax.text(6.2, 8300, "2025", fontsize=9, weight="bold", color="#e0662b")
    ax.set_xticks(x, months)
    ax.set(xlim=(-0.6, 10.6), ylim=(-900, 10800), yticks=(0, 3000, 6000, 9000))
    ax.set_title("Consumption (kWh)", fontsize=9.5, loc="left", weight="bold", color=SCREEN.ink)
    return framed(bitmap(fig, "Noto", 144), "my.severngas.example/meter/7741")


class Shot(Flowable):
    """A picture over the width of the text, with a thin frame."""

    def __init__(self, image: Image.Image) -> None:
        super().__init__()
        self.image, self.width = image, FULL
        self.height = FULL * image.height / image.width

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        self.canv.drawImage(jpeg(self.image, 82), 0, 0, self.width, self.height)
        self.canv.setStrokeColor(HexColor(LOOK.line))
        self.canv.setLineWidth(0.6)
        self.canv.rect(0, 0, self.width, self.height, stroke=1, fill=0)


def furniture(c: Canvas, page: int) -> None:
    label(c, L, H - 44, "The Tidewater Library Trust", LOOK.font(italic=True), 8.6, LOOK.muted)
    label(c, R, H - 44, "Trustees' meeting, 2 December 2025", LOOK.font(italic=True), 8.6, LOOK.muted, "r")
    label(c, W / 2, 36, f"{page} of 3", LOOK.font(), 8.2, LOOK.muted, "c")


def signed(c: Canvas, w: float, h: float) -> None:
    signature(c, 8, h - 30, 84, 1.7, 8)
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setLineWidth(0.5)
    c.line(0, h - 36, 170, h - 36)
    label(c, 0, h - 48, "Gwyneth Abara, chair", LOOK.font(), 8.4, LOOK.ink)
    label(c, w, h - 48, "Draft of 4 December, S.H.", LOOK.font(), 8.4, LOOK.muted, "r")


def make(out: Path) -> None:
    story: list[Flowable] = [
        *prose(LOOK, "# Minutes of the trustees' meeting"),
        *prose(LOOK, OPENING),
        KeepTogether([Shot(visits()), *prose(LOOK, VISITORS_CAPTION, "caption")]),
        *prose(LOOK, ROOM),
        KeepTogether([Shot(gas()), *prose(LOOK, GAS_CAPTION, "caption")]),
        *prose(LOOK, MONEY),
        table(LOOK, BUDGET, (FULL - 240, 80, 80, 80), "lrrr", total=[5, 11], pad=2.4),
        Spacer(0, 8),
        *prose(LOOK, REST),
        table(LOOK, LOANS, (FULL - 195, 65, 65, 65), "lrrr", total=[7], pad=2.8),
        Spacer(0, 6),
        *prose(LOOK, LAST),
        KeepTogether(
            [*prose(LOOK, "## Actions"), table(LOOK, ACTIONS, (FULL - 165, 85, 80), "lll", pad=2.6)]
        ),
        Spacer(0, 10),
        Draw(FULL, 54, signed),
    ]
    meta = Meta("Minutes of the trustees' meeting, 2 December 2025", "The Tidewater Library Trust", "Minutes")
    build(out / NAME, meta, A4, story, (L, 66, W - R, 58), furniture)

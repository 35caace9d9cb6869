"""Market research report on coffee at home: the charts are bitmaps pasted into the pages."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from . import survey_charts as charts
from .kit import Meta, flow, jpeg, label, save
from .look import WHITE, prose, table
from .survey_charts import LOOK, PLUM

NAME = "office/coffee-survey-2025.pdf"
W, H = A4
L, R = 56.0, A4[0] - 56.0
FULL = R - L
HALF = (FULL - 20) / 2

SUMMARY = """
For the seventh year we asked households in six countries how they make coffee, what they pay and what annoys
them. 2,148 people answered between 3 and 21 March 2025. Three findings stand out.

<b>Capsules have passed their peak.</b> They are still the most common way in the Netherlands and second
elsewhere in the west, but among people under 35 they lost four points in a year. What replaces them is not
filter coffee; it is the fully automatic machine.

<b>People repair less than they would like to.</b> Automatic machines are thrown away young. Half of the
owners of a broken one had asked for a repair; only one in seven got it at a price they accepted.

<b>The second kilogram is bought elsewhere.</b> A third of the buyers at local roasters also buy the cheapest
beans at a discounter, for the office or for guests.
"""
METHODS = """
## How coffee is made

Habits differ between neighbours more than between generations. No other kitchen tool in Europe divides a
continent so sharply as the small aluminium pot that is indispensable in one country and a curiosity
everywhere else. Northern households are loyal to paper filters, and most of them own two machines: a large
one for visitors.

Instant coffee is declining slowly where it is strong. In Britain a quarter of its drinkers also own another
machine and use it at weekends only.
"""
METHODS_2 = """
The question allowed one answer: the method used for the first cup on an ordinary working day. When the
second cup is counted as well, automatic machines gain three points on average and moka pots lose five.

## Who decides

In households of two, one person makes the coffee for both in 71 per cent of cases. That person is as likely
to be a man as a woman, except in Italy (women 64 per cent) and Sweden (men 58 per cent). New machines,
however, are chosen jointly, after eleven days and four shops on average.
"""
MONEY = """
## What it costs

The average household spends 18.60 euros a month, 2.10 more than a year ago. Prices explain all of the
increase; the number of cups fell by two per cent. Poorer households pay more for each cup than richer ones,
because they buy small packs and, more often, capsules.

We also asked at which price people would change to a cheaper product. Customers of roasters and of
supermarkets behave as two different species (right-hand chart). The curves come from 1,206 answers to a
series of five prices in random order.
"""
TABLE = [
    ["Cost of a cup, cents", "Coffee", "Machine", "Power, water", "Together"],
    ["Capsule, brand", "39", "4", "1", "44"],
    ["Capsule, own label", "24", "4", "1", "29"],
    ["Fully automatic", "13", "15", "2", "30"],
    ["Filter", "8", "2", "2", "12"],
    ["Moka pot", "9", "1", "2", "12"],
    ["Instant", "7", "1", "1", "9"],
]
CHANNELS = """
## Where it is bought

The supermarket remains the largest channel, but has lost ground each year since the pandemic. Discounters
won those who count; subscriptions and roasters won those who taste. Subscriptions are cancelled after nine
months on average, mostly because too much coffee piles up. Sellers that let the customer skip a parcel with
one click keep them for sixteen.
"""
REASONS = """
## Why people change their machine

We asked the 463 households that bought another kind of machine within the past two years. Up to two reasons
could be given. Environmental reasons are named more often by those over fifty than by the young.
"""
SEGMENTS = """
## Five kinds of households

A cluster analysis of 28 questions yields five groups. The size of a circle is the share of households.
"""
SEGMENTS_2 = """
The smallest group is the one every maker courts. It owns scales and a grinder, watches films about
extraction, and replaces its machine every four years. The largest wants to be left alone: it would pay
twelve euros more for a machine that descales itself, and nothing at all for a milk frother with an app.

## Method

Online panel and, for people over 70, telephone; quotas for age, region and size of household; weighted to
the census. Margin of error ±2.1 points for the whole, ±5.2 points for one country (n between 341 and 382).
Amounts in pounds, zloty and kronor were converted at the rates of 10 March 2025. The study was paid for by
three makers of machines, two roasters and a consumer association, none of which saw the questions in
advance.
"""


def picture(c: Canvas, image: Image.Image, x: float, top: float, w: float) -> float:
    """A chart as a JPEG, with the slight blur of something copied from another program."""
    h = w * image.height / image.width
    c.drawImage(jpeg(image, 84), x, top - h, w, h)
    return top - h


def head(c: Canvas) -> None:
    c.setFillColor(HexColor(PLUM))
    c.rect(0, H - 34, W, 34, stroke=0, fill=1)
    label(c, L, H - 22, "Coffee at home 2025", LOOK.font(bold=True), 9.5, WHITE)
    label(c, R, H - 22, "Lattice Street Research", LOOK.font(), 9, "#e4d4ea", "r")
    label(c, R, 30, str(c.getPageNumber()), LOOK.font(bold=True), 9, PLUM, "r")
    label(c, L, 30, "For subscribers. Quotation allowed with source.", LOOK.font(), 7.6, LOOK.muted)


def caption(c: Canvas, y: float, text: str) -> float:
    return flow(c, L, y - 4, FULL, prose(LOOK, text, "caption"))


def first(c: Canvas) -> None:
    c.setFillColor(HexColor(PLUM))
    c.rect(0, H - 200, W, 200, stroke=0, fill=1)
    # Rings left by wet cups.
    for x, y, r in ((470, H - 70, 60), (520, H - 150, 44), (408, H - 150, 30)):
        c.setStrokeColor(HexColor("#8a5a9d"))
        for k in range(3):
            c.setLineWidth(3.5 - k)
            c.arc(x - r - k, y - r - k, x + r + k, y + r + k, 20 + 40 * k, 300)
    label(c, L, H - 96, "Coffee at home", LOOK.font(bold=True), 36, WHITE)
    label(c, L, H - 128, "Consumer survey 2025, six countries", LOOK.font(), 15, "#e4d4ea")
    label(c, L, H - 174, "Lattice Street Research, Utrecht, May 2025", LOOK.font(), 9.5, "#e4d4ea")
    y = flow(c, L, H - 224, FULL, prose(LOOK, SUMMARY, fontSize=11, leading=16.4))
    y = picture(c, charts.ownership(), L, y - 12, FULL)
    caption(
        c,
        y,
        "Figure 1. Machines in use, by age. Base: 409 owners of automatic and 472 owners of filter machines.",
    )
    label(c, R, 30, "1", LOOK.font(bold=True), 9, PLUM, "r")


def second(c: Canvas) -> None:
    head(c)
    y = flow(c, L, H - 54, FULL, prose(LOOK, METHODS))
    y = picture(c, charts.methods(), L, y - 8, FULL)
    y = caption(c, y, "Figure 2. Method of the first cup on a working day, per cent of households.")
    flow(c, L, y - 6, FULL, prose(LOOK, METHODS_2), 46)


def third(c: Canvas) -> None:
    head(c)
    y = flow(c, L, H - 54, FULL, prose(LOOK, MONEY))
    picture(c, charts.spending(), L, y - 8, HALF)
    y = picture(c, charts.price_limit(), L + HALF + 20, y - 8, HALF)
    y = caption(
        c, y, "Figure 3. Left: households by spending. Right: willingness to pay for a kilogram of beans."
    )
    t = table(LOOK, TABLE, (FULL - 280, *[70] * 4), "lrrrr", zebra=True, pad=5)
    note = "Machine: purchase price over the average life, with descaling and repairs; 1,100 cups a year."
    flow(c, L, y - 8, FULL, [*prose(LOOK, "## The price of one cup"), t, *prose(LOOK, note, "caption")], 46)


def fourth(c: Canvas) -> None:
    head(c)
    y = flow(c, L, H - 54, FULL, prose(LOOK, CHANNELS))
    y = picture(c, charts.channels(), L, y - 6, FULL)
    y = caption(c, y, "Figure 4. Share of coffee bought for the home, by weight, 2019 to 2025.")
    y = flow(c, L, y - 4, FULL, prose(LOOK, REASONS))
    y = picture(c, charts.reasons(), L, y - 6, FULL)
    caption(c, y, "Figure 5. Reasons for choosing another kind of machine.")


def fifth(c: Canvas) -> None:
    head(c)
    y = flow(c, L, H - 54, FULL, prose(LOOK, SEGMENTS))
    y = picture(c, charts.segments(), L, y - 6, FULL)
    y = caption(c, y, "Figure 6. Groups by number of cups and spending.")
    flow(c, L, y - 4, FULL, prose(LOOK, SEGMENTS_2), 46)


def make(out: Path) -> None:
    meta = Meta(
        "Coffee at home: consumer survey 2025",
        "Lattice Street Research",
        "Survey of 2,148 households in six countries",
    )
    save(out / NAME, meta, A4, [first, second, third, fourth, fifth])

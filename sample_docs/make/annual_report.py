"""Annual report of Tarnholm Group, a maker of heat pumps and cold stores: 16 designed pages."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import Color, HexColor
from reportlab.pdfgen.canvas import Canvas

from . import annual_report_charts as charts
from . import annual_report_duties as duties
from . import annual_report_reviews as reviews
from . import annual_report_segments as segments
from .annual_report_accounts import balance_page, income_page
from .annual_report_page import (
    A4,
    BOTTOM,
    COPPER,
    FULL,
    GAP,
    HALF,
    LEFT,
    LOOK,
    PETROL,
    TEAL,
    TOP,
    H,
    W,
    captioned,
    columns,
    page_head,
)
from .fonts import face
from .kit import Draw, Meta, flow, label, save
from .look import prose, table

NAME = "finance/annual-report-2025.pdf"
SECTIONS = (
    ("The year at a glance", 2),
    ("Letter from the chair and the chief executive", 3),
    ("What we do", 4),
    ("Strategy to 2028", 5),
    ("Financial review", 6),
    ("Segment reviews", 9),
    ("People and safety", 11),
    ("Climate", 12),
    ("Risk", 13),
    ("Governance and pay", 14),
    ("Financial statements", 15),
)


def cover(c: Canvas) -> None:
    c.setFillColor(HexColor(PETROL))
    c.rect(0, 0, W, H, stroke=0, fill=1)
    c.saveState()
    # Isotherms: the group's mark is a family of curves between a warm and a cold pole.
    for i in range(34):
        t = i / 33
        warm, cold = HexColor(COPPER), HexColor("#8fd0c8")
        mix = [getattr(cold, k) * (1 - t) + getattr(warm, k) * t for k in ("red", "green", "blue")]
        c.setStrokeColor(Color(*mix, alpha=0.85))
        c.setLineWidth(0.6 + 1.6 * abs(0.5 - t))
        y = 40 + t * 430
        path = c.beginPath()
        path.moveTo(-20, y)
        path.curveTo(
            W * 0.3, y + 210 * (1 - t) + 20, W * 0.55, y - 190 * t - 30, W + 20, y + 150 * (0.5 - t) + 60
        )
        c.drawPath(path, stroke=1, fill=0)
    c.restoreState()
    label(c, LEFT, H - 84, "TARNHOLM GROUP", LOOK.font(bold=True), 10, "#ffffff", track=2.4)
    label(c, LEFT, H - 190, "Moving heat,", face("Stix"), 50, "#ffffff")
    label(c, LEFT, H - 244, "keeping cold", face("Stix"), 50, "#ffffff")
    label(c, LEFT, H - 284, "Annual report 2025", LOOK.font(), 15, "#e9c9ae")


def glance(c: Canvas) -> None:
    page_head(c, "Overview", "The year at a glance")
    tiles = (
        ("EUR 862.7m", "revenue", "+8.6% on 2024"),
        ("EUR 81.9m", "operating profit", "9.5% of revenue (2024: 9.0%)"),
        ("EUR 59.2m", "free cash flow", "2024: 18.3m"),
        ("EUR 902m", "order intake", "1.05 orders for each euro billed"),
        ("18.3 kt", "own emissions, CO\N{SUBSCRIPT TWO}e", "down 21% in one year"),
        ("4,160", "people", "at five main sites"),
    )
    tw, th = (FULL - 2 * 12) / 3, 100
    for i, (number, what, note) in enumerate(tiles):
        x, y = LEFT + (i % 3) * (tw + 12), TOP - 8 - th - (i // 3) * (th + 12)
        c.setFillColor(HexColor(LOOK.tint))
        c.rect(x, y, tw, th, stroke=0, fill=1)
        c.setFillColor(HexColor(COPPER if i % 2 else PETROL))
        c.rect(x, y, 3, th, stroke=0, fill=1)
        label(c, x + 14, y + 60, number, face("Stix"), 21, PETROL)
        label(c, x + 14, y + 40, what, LOOK.font(bold=True), 8.2, LOOK.ink)
        label(c, x + 14, y + 22, note, LOOK.font(), 7.6, LOOK.muted)
    five = [
        ["Five years, EUR million", *charts.YEARS],
        ["Revenue", "612.4", "688.9", "731.5", "794.2", "862.7"],
        ["EBITDA", "83.1", "85.6", "98.8", "110.4", "123.5"],
        ["Operating profit", "49.0", "51.0", "60.7", "71.5", "81.9"],
        ["Operating margin", "8.0%", "7.4%", "8.3%", "9.0%", "9.5%"],
        ["Profit for the year", "33.8", "34.1", "40.9", "48.7", "56.4"],
        ["Net debt", "151.2", "214.8", "221.3", "198.6", "171.9"],
        ["Return on capital employed", "11.4%", "10.6%", "11.5%", "13.0%", "14.6%"],
        ["Employees at year end", "3,480", "3,655", "3,790", "3,965", "4,160"],
    ]
    y = flow(
        c, LEFT, TOP - 246, FULL, [table(LOOK, five, (FULL - 300, *[60] * 5), "lrrrrr", bold=[1], pad=4.2)]
    )
    label(c, LEFT, y - 34, "In this report", face("Stix"), 15, PETROL)
    for i, (name, page) in enumerate(SECTIONS):
        x = LEFT + (i // 6) * (HALF + GAP)
        yy = y - 58 - (i % 6) * 24
        label(c, x, yy, str(page), LOOK.font(bold=True), 9, COPPER)
        label(c, x + 22, yy, name, LOOK.font(), 9, LOOK.ink)
        c.setStrokeColor(HexColor(LOOK.line))
        c.setLineWidth(0.35)
        c.line(x, yy - 6, x + HALF, yy - 6)


def letter(c: Canvas) -> None:
    page_head(c, "Overview", "To our shareholders")
    lead = """
    > A mild winter, a stubborn steel price and a flood in our largest factory: 2025 was not the year we had
    planned for. It was nevertheless the best one we have had.
    """
    y = flow(c, LEFT, TOP, FULL, prose(LOOK, lead, textColor=HexColor(COPPER)))
    left = """
    On the night of 11 May the Motlawa canal came over its bank and left forty centimetres of water on the
    assembly floor in Gdansk. Nobody was hurt. Nineteen days later the first line ran again, and by the end of
    July the plant had caught up with its orders. Colleagues from Leipzig slept in camper vans on the car park
    to help; the board has seen few things that made it prouder.

    The insurers have paid 8.3 of the 9.6 million euros of damage. The remaining 1.3 million, together with
    the cost of air freight for compressors, is contained in the operating profit of this report. We have not
    adjusted any figure for it.

    ## Where the growth came from

    Heat pumps for blocks of flats grew by a quarter, those for single houses by three per cent. The large
    machines need planning, permits and an installer who has done it before, and that is the work we are good
    at. Service contracts now cover 39 of every 100 machines in the field.

    Controls, our smallest segment, earned its own development costs for the second year running. Its
    customers own ten machines or more and tell us that they buy it for one sentence on the screen: which
    machine to visit first on Monday morning.
    """
    right = """
    ## What went less well

    Cold Storage grew by only 2.4 per cent. Two supermarket chains in the United Kingdom put off the
    replacement of their refrigeration by a year, and we were late with the propane cabinet that others
    already sell. It will be shown to customers in April 2026, nine months after the date we gave you.

    ## Dividend

    The board proposes 0.80 euro a share, ten cents more than last year. That is 34 per cent of the profit and
    within our policy of paying out between 30 and 40 per cent.

    ## The years ahead

    Two things will decide whether we reach our goals for 2028: permits for large plants, which cities have
    begun to grant faster, and people who can weld, braze and commission. The schools in Gdansk and Aarhus
    will train 150 of them a year from 2027.

    ## Thank you

    Kirsten Aaboe steps down after eleven years on the board. She taught us to ask, of every project, what we
    would stop doing in order to do it. We intend to keep asking.
    """
    y = columns(c, prose(LOOK, left), prose(LOOK, right), y - 4)
    y = flow(c, LEFT, y - 16, FULL, [Draw(FULL, 126, _dates)])
    for i, (name, role) in enumerate(
        (("Ingrid Sandmo-Holt", "Chair of the board"), ("Tomasz Wierzbowski", "Chief executive"))
    ):
        x = LEFT + i * (HALF + GAP)
        label(c, x, y - 40, name, face("Stix", italic=True), 17, PETROL)
        label(c, x, y - 56, f"{role}, 4 March 2026", LOOK.font(), 8, LOOK.muted)


def _dates(c: Canvas, w: float, h: float) -> None:
    """Six dates of the year on a line of months."""
    dates = (
        (0.9, "28 Jan", "German subsidy", "suspended"),
        (3.2, "8 April", "Fjellkjol", "acquired"),
        (4.35, "11 May", "Flood in", "Gdansk"),
        (6.9, "28 July", "Plant back to", "full output"),
        (9.1, "3 Oct", "Accident in", "Leipzig"),
        (11.6, "19 Dec", "Propane cabinet", "certified"),
    )
    c.setFillColor(HexColor(LOOK.tint))
    c.rect(0, 0, w, h, stroke=0, fill=1)
    label(c, 14, h - 20, "Six dates of 2025", LOOK.font(bold=True), 9, PETROL)
    scale = (w - 60) / 12
    c.setStrokeColor(HexColor(PETROL))
    c.setLineWidth(1)
    c.line(30, 44, w - 30, 44)
    for month, name in enumerate("JFMAMJJASOND"):
        c.line(30 + month * scale, 41, 30 + month * scale, 47)
        label(c, 30 + (month + 0.5) * scale, 30, name, LOOK.font(), 7, LOOK.muted, "c")
    for at, date, first, second in dates:
        x = 30 + at * scale
        c.setFillColor(HexColor(COPPER))
        c.circle(x, 44, 4, stroke=0, fill=1)
        label(c, x, 80, date, LOOK.font(bold=True), 7.6, COPPER, "c")
        label(c, x, 69, first, LOOK.font(), 7.4, LOOK.ink, "c")
        label(c, x, 59, second, LOOK.font(), 7.4, LOOK.ink, "c")


def what_we_do(c: Canvas) -> None:
    page_head(c, "Overview", "What we do")
    rows = [
        ["Segment", "What it sells", "Who buys", "Share"],
        ["Heat Pumps", "Air, brine and river-water machines from 6 to 900 kW, built in Gdansk and Leipzig",
         "Housing companies, district heating, installers", "45%"],
        ["Cold Storage", "Cold rooms, freezer cabinets and blast chillers with natural refrigerants",
         "Food makers, logistics firms, supermarkets", "31%"],
        ["Service & Parts", "Maintenance contracts, spare parts and refurbished compressors",
         "Owners of our machines and of other makes", "18%"],
        ["Controls", "The Polaris controller and its fault-prediction subscription",
         "Owners with ten machines or more", "6%"],
    ]  # fmt: skip
    y = flow(
        c,
        LEFT,
        TOP,
        FULL,
        [table(LOOK, rows, (84, 205, FULL - 84 - 205 - 40, 40), "lppr", filled=True, pad=7)],
    )
    left = """
    ## One machine, four incomes

    A heat pump sold today brings work for twenty years. On average we earn 0.62 euro of service and parts
    for each euro of the first invoice, most of it between the sixth and the fourteenth year. The controller
    makes this predictable: a machine that reports its own compressor current tells us about a worn bearing
    some five weeks before the owner would hear it.

    ## Made where it is used

    Eighty-four per cent of what we build is sold within 1,200 kilometres of the factory. Compressors come
    from two suppliers in Slovenia and Japan; heat exchangers we have brazed ourselves since 2019. A machine
    of 60 kW needs 31 hours of work, from the first bent pipe to the leak test with helium.
    """
    right = captioned(
        "Revenue 2025 by region", charts.region_donut(),
        "Customers' place of delivery. The Nordics overtook the German-speaking countries in 2025.",
    )  # fmt: skip
    y = columns(c, prose(LOOK, left), right, y - 22)
    flow(c, LEFT, y - 18, FULL, [Draw(FULL, 130, _cycle)], BOTTOM)


def _cycle(c: Canvas, w: float, h: float) -> None:
    """The life of a machine as a ribbon with years."""
    c.setFillColor(HexColor(LOOK.tint))
    c.rect(0, 0, w, h, stroke=0, fill=1)
    label(c, 14, h - 20, "The twenty years of a Tarnholm machine", LOOK.font(bold=True), 9, PETROL)
    steps = (
        ("Year 0", "Design and sale", "heat survey, permit,\ncrane day"),
        ("Year 1", "First winter", "settings tuned from\n8,000 readings"),
        ("Year 6", "First parts", "fan motor, filters,\nsoftware"),
        ("Year 11", "Mid-life", "compressor exchanged\nfor a rebuilt one"),
        ("Year 20", "Return", "91% of the metal and\nall refrigerant recovered"),
    )
    step = (w - 28) / 5
    c.setStrokeColor(HexColor(TEAL))
    c.setLineWidth(4)
    c.line(14 + step / 2, h - 62, w - 14 - step / 2, h - 62)
    for i, (year, name, note) in enumerate(steps):
        x = 14 + step * (i + 0.5)
        c.setFillColor(HexColor(COPPER if i in (0, 4) else PETROL))
        c.circle(x, h - 62, 9, stroke=0, fill=1)
        label(c, x, h - 44, year, LOOK.font(), 7.5, LOOK.muted, "c")
        label(c, x, h - 90, name, LOOK.font(bold=True), 8.5, LOOK.ink, "c")
        for j, line in enumerate(note.split("\n")):
            label(c, x, h - 104 - 11 * j, line, LOOK.font(), 7.5, LOOK.ink, "c")


def make(out: Path) -> None:
    save(
        out / NAME,
        Meta("Annual report 2025", "Tarnholm Group A/S", "Annual report for the year to 31 December 2025"),
        A4,
        [
            cover,
            glance,
            letter,
            what_we_do,
            reviews.strategy,
            reviews.revenue,
            reviews.profit,
            reviews.orders_and_debt,
            segments.segments_one,
            segments.segments_two,
            duties.people,
            duties.climate,
            duties.risk,
            duties.governance,
            statements,
            balance,
        ],
    )


def statements(c: Canvas) -> None:
    page_head(c, "Financial statements", "Income and cash flow")
    flow(c, LEFT, TOP + 8, FULL, income_page(FULL), BOTTOM - 10)


def balance(c: Canvas) -> None:
    page_head(c, "Financial statements", "Balance sheet at 31 December")
    flow(c, LEFT, TOP + 8, FULL, balance_page(FULL), BOTTOM - 10)

"""The segment reviews of the annual report."""

# ruff: noqa: RUF001
from __future__ import annotations

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from . import annual_report_charts as charts
from .annual_report_page import (
    BOTTOM,
    COPPER,
    FULL,
    LEFT,
    LOOK,
    PETROL,
    TEAL,
    captioned,
    columns,
    page_head,
)
from .kit import Draw, flow, label
from .look import WHITE, prose, table


def segments_one(c: Canvas) -> None:
    page_head(c, "Segment reviews", "Heat Pumps and Cold Storage")
    left = """
    ## Heat Pumps

    Revenue 391.8 million, up 11.1 per cent. The segment delivered 11,240 machines, fewer than the 12,060 of
    the year before, but their average output rose from 31 to 38 kilowatts.

    The landmark of the year is the river-water plant at Aarhus docks: four machines of 860 kW lift the
    harbour water from 4 to 68 degrees and heat 5,300 flats. In its first full month it used one
    kilowatt-hour of electricity for 3.4 of heat.

    In Germany the subsidy for owners of older houses was suspended between January and April. Orders for
    small machines stopped overnight and came back, but not completely. We have moved one of the three
    small-machine lines in Gdansk to medium sizes.
    """
    right = """
    ## Cold Storage

    Revenue 268.4 million, up 2.4 per cent. Logistics firms bought more cold rooms than ever, supermarkets
    fewer cabinets. The average cold room now has 2,900 square metres; five years ago it had 1,700.

    For Nordhav Seafood in Bodo we built the first blast freezer that runs on carbon dioxide alone at minus 46
    degrees. It freezes a 40-kilogram block of cod in 84 minutes and sends its waste heat to the town's
    swimming pool.

    The propane cabinet is late because a sensor for leaks failed its salt-spray test twice. A supplier change
    in September solved the problem; the certificates were issued on 19 December.
    """
    y = columns(c, prose(LOOK, left), prose(LOOK, right))
    rows = [
        ["Key figures", "Heat Pumps\n2025", "Heat Pumps\n2024", "Cold Storage\n2025", "Cold Storage\n2024"],
        ["Revenue, EUR million", "391.8", "352.6", "268.4", "262.1"],
        ["Order intake, EUR million", "421.0", "358.9", "263.7", "267.4"],
        ["Gross margin", "29.6%", "28.7%", "24.3%", "24.4%"],
        ["Operating profit, EUR million", "34.9", "28.3", "13.2", "14.6"],
        ["Units delivered", "11,240", "12,060", "7,415", "7,980"],
        ["Delivered on the agreed day", "93%", "89%", "87%", "91%"],
        ["Warranty cost, % of revenue", "1.4%", "1.3%", "0.9%", "0.8%"],
        ["Employees", "2,010", "1,905", "1,085", "1,090"],
    ]
    y = flow(c, LEFT, y - 18, FULL, [table(LOOK, rows, (FULL - 352, *[88] * 4), "lrrrr", zebra=True)], BOTTOM)
    flow(c, LEFT, y - 20, FULL, [Draw(FULL, 118, _river_plant)], BOTTOM)


def _river_plant(c: Canvas, w: float, h: float) -> None:
    """River water in, heat out: boxes and arrows with the temperatures of the Aarhus plant."""
    c.setFillColor(HexColor(LOOK.tint))
    c.rect(0, 0, w, h, stroke=0, fill=1)
    label(c, 14, h - 18, "How the harbour plant in Aarhus works", LOOK.font(bold=True), 8.6, PETROL)
    boxes = (
        ("Harbour water", "in 4 °C, out 1 °C", TEAL),
        ("Evaporator", "ammonia boils at \N{MINUS SIGN}3 °C", PETROL),
        ("Compressor", "4 × 253 kW electric", COPPER),
        ("Condenser", "gives off heat at 71 °C", PETROL),
        ("District heating", "flow 68 °C, return 41 °C", COPPER),
    )
    bw, gap = 82.0, (w - 28 - 5 * 82) / 4
    for i, (name, note, colour) in enumerate(boxes):
        x = 14 + i * (bw + gap)
        c.setFillColor(HexColor(colour))
        c.roundRect(x, h - 74, bw, 36, 4, stroke=0, fill=1)
        label(c, x + bw / 2, h - 59, name, LOOK.font(bold=True), 8.2, WHITE, "c")
        label(c, x + bw / 2, h - 88, note, LOOK.font(), 7.2, LOOK.ink, "c")
        if i < 4:
            c.setStrokeColor(HexColor(LOOK.muted))
            c.setFillColor(HexColor(LOOK.muted))
            c.setLineWidth(1.2)
            c.line(x + bw + 2, h - 56, x + bw + gap - 5, h - 56)
            tip = c.beginPath()
            tip.moveTo(x + bw + gap - 1, h - 56)
            tip.lineTo(x + bw + gap - 7, h - 53)
            tip.lineTo(x + bw + gap - 7, h - 59)
            c.drawPath(tip, stroke=0, fill=1)
    label(
        c,
        14,
        12,
        "Sludge of mussels is brushed off the intake screen every six hours.",
        LOOK.font(),
        7.2,
        LOOK.muted,
    )


def segments_two(c: Canvas) -> None:
    page_head(c, "Segment reviews", "Service & Parts and Controls")
    left = """
    ## Service & Parts

    Revenue 152.9 million, up 10.5 per cent, of which 9.6 million through Fjellkjol Service. Its 46
    technicians know machines on islands and in mines that our own people had to fly to.

    A call is now answered in 74 seconds and four out of ten faults are cleared without a visit. The workshop
    in Sheffield rebuilt 1,310 compressors; a rebuilt one costs 58 per cent of a new one and carries the same
    guarantee.
    """
    chart = captioned(
        "Machines in the field, thousands, and share under contract",
        charts.installed_base(),
        "Copper: with a service contract. Sand: without. Machines older than 22 years are left out.",
    )
    y = columns(c, prose(LOOK, left), chart)
    left = """
    ## Controls

    Revenue 49.6 million, up 20.7 per cent. Polaris is now installed in 31,800 machines, of which 6,900 are of
    other makes. Subscriptions bring 17.2 million a year, and 94 per cent of subscribers renewed.

    The system predicted 412 compressor failures; in 351 cases the part opened in the workshop showed the
    damage. The other 61 were false alarms, too many for our taste.
    """
    right = """
    ## Security

    In June a student from Gothenburg showed us that the diagnostic port of the second controller generation
    accepted a factory password. The patch was out after nine days and 97 per cent of the connected machines
    have it. We paid the student 15,000 euros and hired her in August.

    Controllers older than 2017 cannot be patched. We exchange them free of charge until the end of 2027; 640
    of some 2,100 had been exchanged by the end of the year.
    """
    y = columns(c, prose(LOOK, left), prose(LOOK, right), y - 20)
    rows = [
        ["Key figures", "Service & Parts\n2025", "Service & Parts\n2024", "Controls\n2025", "Controls\n2024"],
        ["Revenue, EUR million", "152.9", "138.4", "49.6", "41.1"],
        ["Gross margin", "45.9%", "45.2%", "63.4%", "62.0%"],
        ["Operating profit, EUR million", "29.4", "25.2", "11.8", "9.3"],
        ["Central costs, EUR million", "–", "–", "(7.4)", "(5.9)"],
        ["Contracts or subscriptions", "47,300", "38,600", "22,400", "18,150"],
        ["Renewal rate", "91%", "90%", "94%", "93%"],
        ["Employees", "755", "665", "310", "305"],
    ]
    note = "Central costs of the group are shown with Controls, which runs the shared data centre."
    flow(
        c,
        LEFT,
        y - 14,
        FULL,
        [table(LOOK, rows, (FULL - 352, *[88] * 4), "lrrrr", zebra=True), *prose(LOOK, note, "caption")],
        BOTTOM,
    )

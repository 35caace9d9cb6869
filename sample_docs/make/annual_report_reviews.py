"""The inner pages of the annual report: strategy and results."""

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
    TOP,
    captioned,
    columns,
    page_head,
)
from .kit import Draw, flow, label
from .look import prose, table


def strategy(c: Canvas) -> None:
    page_head(c, "Overview", "Strategy to 2028")
    lead = """
    > We set four goals in 2023, each with a number and a year. Two are on course, one is ahead, one is
    behind.
    """
    y = flow(c, LEFT, TOP, FULL, prose(LOOK, lead, textColor=HexColor(COPPER)))
    y = flow(c, LEFT, y - 8, FULL, [Draw(FULL, 196, _goals)])
    left = """
    ## Larger machines

    Permits for river-water and sewage-heat plants above 200 kW in our markets rose from 61 to 148 a year. We
    shall open a test hall for machines of up to 1.5 MW in Leipzig in the autumn of 2026; it costs 14 million
    euros, of which the Free State of Saxony bears 2.1 million.

    ## Natural refrigerants only

    From January 2027 no new Tarnholm product will contain a fluorinated gas. Propane and carbon dioxide
    already account for 88 per cent of the machines shipped.
    """
    right = """
    ## Service as a habit

    Half of all machines sold in 2025 left the factory with a contract of five years or more. The weak spot is
    Poland, where installers prefer to do the work themselves: there the rate is 21 per cent. We now train and
    certify those installers instead of competing with them.

    ## A quieter outdoor unit

    Noise, not price, was the most frequent reason for a lost order in dense cities. The Sileo fan, in series
    since October, lowers the sound at three metres from 52 to 44 decibels.
    """
    y = columns(c, prose(LOOK, left), prose(LOOK, right), y - 14)
    rows = [
        ["What happens when", "Half-year", "Cost, EUR million", "Responsible"],
        ["Flood wall around the Gdansk plant", "1 / 2026", "5.2", "Operations"],
        ["Propane cabinet on sale in the Nordics and Poland", "1 / 2026", "9.8", "Cold Storage"],
        ["Test hall in Leipzig for machines up to 1.5 MW", "2 / 2026", "14.0", "Heat Pumps"],
        ["Last product with a fluorinated gas leaves the line", "2 / 2026", "3.1", "Operations"],
        ["Polaris 3, with weather forecast and tariff control", "1 / 2027", "11.5", "Controls"],
        ["Compressor without oil in three pilot plants", "2 / 2027", "18.4", "Research"],
        ["Second rebuilding workshop, in Gdansk", "1 / 2028", "6.7", "Service & Parts"],
    ]
    flow(c, LEFT, y - 14, FULL, [table(LOOK, rows, (FULL - 255, 70, 95, 90), "lcrl", zebra=True)], BOTTOM)


def _goals(c: Canvas, w: float, h: float) -> None:
    rows = (
        ("Operating margin of 11%", "7.4%", "9.5%", "11%", 0.58, "on course"),
        ("Half of all machines under contract", "27%", "39%", "50%", 0.52, "on course"),
        ("No fluorinated gases in new products", "64%", "88%", "100%", 0.67, "ahead"),
        ("A fifth of sales from products under three years old", "14%", "13%", "20%", 0.0, "behind"),
    )
    c.setFillColor(HexColor(LOOK.tint))
    c.rect(0, 0, w, h, stroke=0, fill=1)
    for i, (goal, start, now, target, part, verdict) in enumerate(rows):
        y = h - 40 - i * 46
        colour = {"on course": PETROL, "ahead": TEAL, "behind": COPPER}[verdict]
        label(c, 16, y + 12, goal, LOOK.font(bold=True), 8.6, LOOK.ink)
        label(c, w - 16, y + 12, verdict, LOOK.font(bold=True), 8, colour, "r")
        c.setFillColor(HexColor("#e3dbce"))
        c.roundRect(16, y, w - 32, 6, 3, stroke=0, fill=1)
        c.setFillColor(HexColor(colour))
        c.roundRect(16, y, max(6, (w - 32) * part), 6, 3, stroke=0, fill=1)
        label(c, 16, y - 11, f"2022: {start}", LOOK.font(), 7, LOOK.muted)
        label(
            c, max(80, 16 + (w - 32) * part), y - 11, f"2025: {now}", LOOK.font(bold=True), 7.4, colour, "c"
        )
        label(c, w - 16, y - 11, f"2028: {target}", LOOK.font(), 7, LOOK.muted, "r")


def revenue(c: Canvas) -> None:
    page_head(c, "Financial review", "Revenue")
    chart = captioned("Revenue by segment, EUR million", charts.revenue_by_segment())
    y = flow(c, LEFT, TOP, FULL, chart)
    left = """
    Revenue rose by 8.6 per cent to 862.7 million euros. At constant exchange rates the increase was 9.4 per
    cent; the weaker Norwegian and Swedish crowns took away 6.1 million.

    ## Volume before price

    Of the 68.5 million of additional revenue, 44 million came from more and larger machines, 21 million from
    the price increases of February and September, and 9.6 million from Fjellkjol Service, the Trondheim
    maintenance firm acquired in April. Currency explains the difference.
    """
    right = """
    ## A different mix

    Five years ago heat pumps for single-family houses were the largest product line. In 2025 they fell to
    third place, behind machines for blocks of flats and behind service. A single-house unit sells for 9,400
    euros on average and is installed in two days; a machine for a block costs 186,000 euros and takes five
    months from order to handover. The order book has become longer and our forecasts better.
    """
    y = columns(c, prose(LOOK, left), prose(LOOK, right), y - 2)
    rows = [
        [
            "Change in revenue 2025,\nEUR million",
            "Heat Pumps",
            "Cold\nStorage",
            "Service\n& Parts",
            "Controls",
            "Group",
        ],
        ["Revenue 2024", "352.6", "262.1", "138.4", "41.1", "794.2"],
        ["Volume and mix", "29.3", "2.4", "5.1", "7.2", "44.0"],
        ["Price", "13.0", "5.9", "0.8", "1.3", "21.0"],
        ["Acquisition", "–", "–", "9.6", "–", "9.6"],
        ["Currency", "(3.1)", "(2.0)", "(1.0)", "0.0", "(6.1)"],
        ["Revenue 2025", "391.8", "268.4", "152.9", "49.6", "862.7"],
    ]
    flow(c, LEFT, y - 14, FULL, [table(LOOK, rows, (FULL - 325, *[65] * 5), "lrrrrr", total=[6])], BOTTOM)


def profit(c: Canvas) -> None:
    page_head(c, "Financial review", "Profit")
    chart = captioned(
        "From the operating profit of 2024 to that of 2025, EUR million",
        charts.ebit_bridge(),
        "The scale starts at 50. Teal steps add to the profit, copper steps reduce it.",
    )
    y = flow(c, LEFT, TOP, FULL, chart)
    left = """
    The operating margin reached 9.5 per cent after 9.0 per cent in 2024. Selling prices, raised twice, more
    than covered dearer copper and aluminium. Wages rose by 5.2 per cent under the new collective agreement in
    Denmark and by 7.8 per cent in Gdansk.

    Productivity gains of 4.6 million stem from the second brazing line in Leipzig, which has cut the scrap of
    plate heat exchangers from 3.1 to 1.2 per cent, and from bringing transport planning in house.
    """
    right = captioned(
        "Gross margin by segment, per cent of revenue",
        charts.gross_margin(),
        "Controls sells software and few parts. Cold Storage suffers from a price war for freezer cabinets.",
    )
    y = columns(c, prose(LOOK, left), right, y - 2)
    more = """
    ## Research and development

    Spending rose to 43.1 million, five per cent of revenue. A further 7.7 million was capitalised, mainly for
    the propane cabinet and the third generation of Polaris. The largest single project, a compressor without
    oil, passed 6,000 hours on the test stand in November and moves to three pilot customers.

    ## Tax

    The tax rate was 23.0 per cent (2024: 23.4). We pay tax where the work is done: 8.9 million in Denmark,
    3.4 million in Poland, 2.6 million in Germany and 1.9 million elsewhere.
    """
    flow(c, LEFT, y - 8, FULL, prose(LOOK, more), BOTTOM)


def orders_and_debt(c: Canvas) -> None:
    page_head(c, "Financial review", "Orders, cash and debt")
    y = flow(
        c,
        LEFT,
        TOP,
        FULL,
        captioned("Orders and revenue by quarter, EUR million", charts.orders_and_revenue()),
    )
    left = """
    Orders of 902 million exceeded revenue in three quarters of four; only the third, after the flood had
    delayed quotations, fell short. The order book of 418 million covers the first five months of 2026 fully
    and a third of the remainder.

    ## Less stock, more cash

    Inventories fell by 12.7 million although we sold more. The safety stock of semiconductors built up in
    2022 has gone, and compressors are now delivered to Gdansk twice a week instead of every ten days. Free
    cash flow, before the acquisition, rose from 18.3 to 59.2 million.
    """
    right = captioned(
        "Net debt, EUR million, and its multiple of EBITDA",
        charts.net_debt(),
        "Including leases. The board wants the multiple to stay between 1.0 and 2.0.",
    )
    y = columns(c, prose(LOOK, left), right, y - 2)
    more = """
    ## Outlook for 2026

    We expect revenue of between 910 and 940 million euros and an operating margin of 9.7 to 10.3 per cent.
    Investment will rise to about 70 million because of the test hall in Leipzig. The forecast assumes a
    copper price of 8,900 euros a tonne, no new duties between the United Kingdom and the European Union, and
    a winter no milder than that of 2024.
    """
    y = flow(c, LEFT, y - 6, FULL, prose(LOOK, more))
    rows = [
        ["Net debt, EUR million", "31.12.2025", "31.12.2024", "Change"],
        ["Bank loans and green bond", "200.5", "210.5", "(10.0)"],
        ["Leases", "38.8", "40.2", "(1.4)"],
        ["Cash", "(67.4)", "(52.1)", "(15.3)"],
        ["Net debt", "171.9", "198.6", "(26.7)"],
    ]
    flow(c, LEFT, y - 8, FULL, [table(LOOK, rows, (FULL - 225, 75, 75, 75), "lrrr", total=[4])], BOTTOM)

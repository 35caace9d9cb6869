"""The pages of the annual report on people, climate, risk and governance."""

from __future__ import annotations

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from . import annual_report_charts as charts
from .annual_report_page import (
    BOTTOM,
    FULL,
    GAP,
    HALF,
    LEFT,
    LOOK,
    PETROL,
    TOP,
    captioned,
    columns,
    page_head,
)
from .kit import Draw, flow, label
from .look import WHITE, prose, table


def people(c: Canvas) -> None:
    page_head(c, "Responsibility", "People and safety")
    left = captioned("People by site, 31 December 2025", charts.headcount(), "Full-time equivalents: 3,985.")
    right = captioned(
        "Accidents with lost days per million hours", charts.accident_rate(), "Own staff and agency workers."
    )
    y = columns(c, left, right)
    left_text = """
    ## Fewer injuries, one grave one

    The accident rate has more than halved in four years. On 3 October, however, a fitter in Leipzig lost two
    fingers in a press whose light curtain had been bridged for a repair. The press has been scrapped, and all
    214 presses and shears of the group have been checked by an outside engineer. Eleven needed changes.

    ## Learning the trade

    We employ 268 apprentices, 41 more than a year ago. Of the 83 who finished in 2025, 76 stayed.
    """
    right_text = """
    ## Pay gap

    Women earn 4.1 per cent less than men in comparable positions (2024: 5.3). They hold 27 per cent of the
    management posts and 19 per cent of all jobs. In the workshops the share is only 8 per cent, and progress
    there is slow.

    ## Leaving and staying

    The turnover rate fell from 11.8 to 9.6 per cent. The most frequent reason given by those who left was the
    shift pattern in Gdansk; since November teams there draw up their own rota.
    """
    y = columns(c, prose(LOOK, left_text), prose(LOOK, right_text), y - 8)
    rows = [
        ["Training and health", "2023", "2024", "2025"],
        ["Training hours a person", "17", "21", "26"],
        ["Apprentices", "204", "227", "268"],
        ["Sick days a person", "9.8", "9.1", "8.7"],
        ["Women in management", "22%", "25%", "27%"],
        ["Employees who would recommend us", "64%", "69%", "73%"],
        ["Nationalities", "38", "41", "44"],
    ]
    flow(c, LEFT, y - 14, FULL, [table(LOOK, rows, (FULL - 210, 70, 70, 70), "lrrr", zebra=True)], BOTTOM)


def climate(c: Canvas) -> None:
    page_head(c, "Responsibility", "Climate")
    chart = captioned("Own emissions, thousand tonnes of CO\N{SUBSCRIPT TWO}e", charts.emissions())
    side = """
    ### What changed in 2025

    - The roof of the Gdansk plant carries 3.4 MW of solar panels since June.
    - Leipzig bought its electricity from one wind farm, hour by hour.
    - Leak checks of our own cooling plants moved from yearly to monthly.
    - The paint ovens in Aarhus run on a 240 kW machine of our own make instead of gas.
    - 96 of 180 vans of the service fleet are electric.
    """
    flow(c, LEFT, TOP, 300, chart)
    flow(c, LEFT + 318, TOP, FULL - 318, prose(LOOK, side))
    text = """
    ## The larger part lies elsewhere

    Our machines use far more electricity in their lives than we use to build them. Emissions from their use
    (scope 3) are estimated at 4.9 million tonnes over twenty years for the machines sold in 2025; the oil
    and gas boilers they replace would have emitted 11.6 million. The estimate assumes that the power mix of
    each country follows the path its government has published.
    """
    y = flow(c, LEFT, TOP - 296, FULL, prose(LOOK, text))
    rows = [
        ["Environmental figures", "Unit", "2023", "2024", "2025", "Target 2030"],
        ["Scope 1 emissions", "kt", "12.8", "11.1", "9.6", "4.5"],
        ["Scope 2 emissions, market based", "kt", "16.7", "12.2", "8.7", "1.5"],
        ["Energy used in own plants", "GWh", "148", "141", "136", "120"],
        ["of which renewable", "%", "46", "58", "71", "95"],
        ["Refrigerant lost in own plants", "kg", "1,920", "1,540", "1,085", "300"],
        ["Water drawn", "1,000 m³", "212", "204", "231", "170"],
        ["Waste to landfill", "t", "640", "515", "890", "150"],
        ["Metal recovered from old machines", "%", "86", "89", "91", "95"],
    ]
    note = "Water and landfill waste rose in 2025 because of the flood in Gdansk and the cleaning after it."
    flow(
        c,
        LEFT,
        y - 8,
        FULL,
        [
            table(LOOK, rows, (FULL - 300, 60, 55, 55, 55, 75), "lrrrrr", zebra=True),
            *prose(LOOK, note, "caption"),
        ],
        BOTTOM,
    )


def risk(c: Canvas) -> None:
    page_head(c, "Governance", "Risk")
    rows = [
        ["", "Risk", "What we do about it", "Trend"],
        ["A", "Heat-pump subsidies are cut at short notice, as in Germany in 2025",
         "No market above 30% of revenue; more machines for housing firms, which need none", "rising"],
        ["B", "Copper and aluminium become dearer than price lists allow",
         "60% of twelve months' needs hedged; price clauses in contracts above EUR 100,000", "steady"],
        ["C", "One of two compressor suppliers fails",
         "Third supplier in Brno qualified for four of nine sizes; ten weeks of stock", "falling"],
        ["D", "An attacker takes over connected machines",
         "Signed updates, outside tests twice a year, manual mode on every machine", "rising"],
        ["E", "Flood or fire in a main factory",
         "Flood wall of 1.4 m in Gdansk by June 2026; insured up to EUR 180 million", "rising"],
        ["F", "Too few installers and fitters",
         "Own schools in Gdansk and Aarhus; 1,900 outside installers certified", "steady"],
        ["G", "A product has to be recalled",
         "Field data read every night; serial numbers of all pressure parts recorded", "falling"],
    ]  # fmt: skip
    y = flow(c, LEFT, TOP, FULL, [table(LOOK, rows, (20, 165, FULL - 230, 45), "lppl", filled=True, pad=6)])
    flow(c, LEFT, y - 22, HALF, [Draw(HALF, 285, _heat_map)], BOTTOM)
    text = """
    ## How to read the map

    The board places each risk twice a year by the loss it could cause within three years and by its
    probability. Rings show where a risk stood a year ago.

    Risk E moved the most. Before May 2025 we had thought that a flood in Gdansk would come once in two
    hundred years; the water authority now speaks of once in forty.

    Risk C has lost weight because the supplier in Brno delivered its first 600 compressors without a
    complaint.

    Risk F has not moved, which is no comfort: it is the most probable of all. One order in nine is delayed
    because the owner cannot find anyone to install the machine.
    """
    flow(c, LEFT + HALF + GAP, y - 14, HALF, prose(LOOK, text), BOTTOM)


def _heat_map(c: Canvas, w: float, h: float) -> None:
    """Probability against loss in a five by five grid, with this year's place and last year's ring."""
    x0, y0, cell_w, cell_h = 34.0, 34.0, (w - 38) / 5, (h - 44) / 5
    shades = (
        "#dcebe8",
        "#e9ead9",
        "#f3e2c7",
        "#eec9a3",
        "#e3a677",
        "#d2824c",
        "#c8692b",
        "#b65b22",
        "#a34e1b",
    )
    for i in range(5):
        for j in range(5):
            c.setFillColor(HexColor(shades[i + j]))
            c.rect(x0 + i * cell_w, y0 + j * cell_h, cell_w - 1.5, cell_h - 1.5, stroke=0, fill=1)
    now = {
        "A": (3, 3),
        "B": (3.0, 1.0),
        "C": (1.0, 2.6),
        "D": (1.9, 3.8),
        "E": (2.6, 4),
        "F": (4, 2),
        "G": (1, 1.6),
    }
    before = {"A": (2, 3), "C": (2, 3), "D": (1.2, 3.6), "E": (0.4, 3.8), "G": (1.7, 1.8)}

    def spot(place: tuple[float, float]) -> tuple[float, float]:
        return x0 + (place[0] + 0.5) * cell_w - 1, y0 + (place[1] + 0.5) * cell_h - 1

    c.setStrokeColor(HexColor(PETROL))
    for name, place in before.items():
        (x, y), (x2, y2) = spot(place), spot(now[name])
        c.setLineWidth(0.9)
        c.setDash(2, 2)
        c.line(x, y, x2, y2)
        c.setDash()
        c.setFillColor(HexColor("#ffffff"))
        c.circle(x, y, 5.5, stroke=1, fill=1)
    for name, place in now.items():
        x, y = spot(place)
        c.setFillColor(HexColor(PETROL))
        c.circle(x, y, 9, stroke=0, fill=1)
        label(c, x, y - 3, name, LOOK.font(bold=True), 8.5, WHITE, "c")
    for i, name in enumerate(("rare", "unlikely", "possible", "likely", "certain")):
        label(c, x0 + (i + 0.5) * cell_w, y0 - 11, name, LOOK.font(), 7, LOOK.muted, "c")
    for j, name in enumerate(("< 2", "2\N{EN DASH}5", "5\N{EN DASH}15", "15\N{EN DASH}40", "> 40")):
        label(c, x0 - 5, y0 + (j + 0.4) * cell_h, name, LOOK.font(), 7, LOOK.muted, "r")
    label(c, x0 + 2.5 * cell_w, 6, "Probability within three years", LOOK.font(bold=True), 7.4, LOOK.ink, "c")
    c.rotate(90)
    label(c, y0 + 2.5 * cell_h, -7, "Loss, EUR million", LOOK.font(bold=True), 7.4, LOOK.ink, "c")


def governance(c: Canvas) -> None:
    page_head(c, "Governance", "Board and pay")
    rows = [
        ["Board member", "Since", "Born", "Other main post", "Meetings", "Shares"],
        ["Ingrid Sandmo-Holt, chair", "2018", "1962", "Chair, Vestfjord Ferries", "9 of 9", "41,200"],
        ["Peder Lyngsaa", "2016", "1958", "Professor of thermodynamics (emeritus)", "9 of 9", "12,750"],
        ["Kirsten Aaboe (until May 2026)", "2015", "1955", "None", "8 of 9", "18,300"],
        ["Dr. Annelore Wiegand", "2020", "1969", "Finance director, Haberkorn & Sohn", "9 of 9", "6,400"],
        ["Callum Strachan", "2022", "1974", "Partner, Longshore Capital", "7 of 9", "1,104,000"],
        ["Zofia Grabiec, employees", "2023", "1981", "Brazing line leader, Gdansk", "9 of 9", "310"],
        ["Mads Overgaard, employees", "2021", "1977", "Design engineer, Aarhus", "9 of 9", "455"],
    ]
    y = flow(c, LEFT, TOP, FULL, [table(LOOK, rows, (140, 34, 34, FULL - 308, 45, 55), "lrrlrr", zebra=True)])
    left = """
    ## Work of the board

    The board met nine times, two of them in Gdansk while the plant was being pumped dry. It approved the
    test hall, the purchase of Fjellkjol Service and the sale of the former foundry in Horsens. The audit
    committee (Wiegand, Lyngsaa, Strachan) examined above all how repairs after the flood were separated from
    investment.
    """
    right = """
    ## Pay of the executives

    Half of the yearly bonus depends on operating profit, a quarter on free cash flow and a quarter on
    accidents and emissions. The accident in Leipzig reduced the bonus of all four executives by ten per
    cent. Shares granted under the long-term plan can be sold after five years at the earliest.
    """
    y = columns(c, prose(LOOK, left), prose(LOOK, right), y - 8)
    pay = [
        ["Pay 2025, EUR thousand", "Salary", "Bonus", "Shares", "Pension", "Total", "2024"],
        ["Tomasz Wierzbowski, chief executive", "640", "288", "310", "96", "1,334", "1,279"],
        ["Hanne Brix Moller, finance", "455", "196", "205", "68", "924", "891"],
        ["Dieter Kolbe, operations", "420", "172", "180", "63", "835", "848"],
        ["Saoirse Devlin, sales and service", "410", "181", "180", "62", "833", "769"],
        ["Total", "1,925", "837", "875", "289", "3,926", "3,787"],
    ]
    y = flow(c, LEFT, y - 10, FULL, [table(LOOK, pay, (FULL - 312, *[52] * 6), "lrrrrrr", total=[5])])
    more = """
    The chief executive earned 29 times the median pay of all employees (2024: 30 times).

    ## Auditor

    Revisionshuset Strandgade audited these accounts for the sixth year. The contract will be put out to
    tender in 2027. Fees were 1.14 million euros, of which 0.09 million was for work other than auditing.

    ## Shareholders

    Foundation Tarnholm Fonden holds 51.2 per cent of the votes, Longshore Capital 4.6 per cent, employees 2.1
    per cent. About 9,800 shareholders own the remainder. The annual general meeting takes place on Thursday,
    7 May 2026, at 14:00 in the Musikhuset in Aarhus.
    """
    flow(c, LEFT, y - 6, FULL, prose(LOOK, more), BOTTOM)

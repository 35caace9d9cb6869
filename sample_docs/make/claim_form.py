"""Filled-in travel expense claim: boxes, ticks and typed values, two pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from .fonts import face
from .form_parts import LOOK, PEN, L, R, combs, field, section, signature, tick, typed
from .kit import Meta, flow, label, save
from .look import prose, table

NAME = "office/travel-claim-form.pdf"
W, H = A4


def head(c: Canvas, page: int) -> None:
    c.setFillColor(HexColor(LOOK.accent))
    for k in range(4):
        c.rect(L + k * 7, H - 62 + k * 3, 5, 14 + k * 3, stroke=0, fill=1)
    label(c, L + 38, H - 50, "Vestmark Research Centre", LOOK.font(bold=True), 11, LOOK.accent)
    label(c, L + 38, H - 61, "Travel office, building 4, room 112", LOOK.font(), 7.6, LOOK.muted)
    label(c, R, H - 52, "Claim for travel expenses", LOOK.font(bold=True), 15, LOOK.ink, "r")
    label(c, R, H - 64, "Form T-7, edition 03/2025", LOOK.font(), 7, LOOK.muted, "r")
    label(c, L, 26, "Send within 60 days of return to travel@vestmark.example", LOOK.font(), 7, LOOK.muted)
    label(c, R, 26, f"Page {page} of 2", LOOK.font(), 7, LOOK.muted, "r")


COSTS: Sequence[tuple[str, str, str, float, str, float]] = (
    # date, what, receipt, amount, currency, rate to euro
    ("07.06.", "Night train Bergen to Oslo, sleeper, one way", "1", 1140.00, "NOK", 0.0860),
    ("08.06.", "Flight Oslo to Ljubljana via Vienna", "2", 287.40, "EUR", 1.0),
    ("08.06.", "Airport bus, Brnik to city", "3", 6.50, "EUR", 1.0),
    ("08.06.", "Hotel Pri Mostu, 5 nights, breakfast included", "4", 540.00, "EUR", 1.0),
    ("09.06.", "Conference fee, early rate (member)", "5", 420.00, "EUR", 1.0),
    ("09.06.", "Printing of poster, A0 on cloth", "6", 64.90, "EUR", 1.0),
    ("11.06.", "Excursion bus to Cerknica lake", "7", 28.00, "EUR", 1.0),
    ("13.06.", "Taxi to airport, 4:50, no bus at that hour", "8", 45.00, "EUR", 1.0),
    ("13.06.", "Flight Ljubljana to Bergen via Frankfurt", "9", 311.80, "EUR", 1.0),
    ("13.06.", "Baggage fee, poster tube", "10", 35.00, "EUR", 1.0),
)
NIGHT_RATE, DAY_RATE = 96.0, 54.0
# day, part of the day, meals that were provided
DAYS = (
    ("Sat 7 June", "Leave 22:10", 0.5, ""),
    ("Sun 8 June", "Full day", 1.0, ""),
    ("Mon 9 June", "Full day", 1.0, "BL"),
    ("Tue 10 June", "Full day", 1.0, "BLD"),
    ("Wed 11 June", "Full day", 1.0, "BL"),
    ("Thu 12 June", "Full day", 1.0, "BL"),
    ("Fri 13 June", "Back 13:35", 0.5, "B"),
)
MEALS = {"B": 0.2, "L": 0.4, "D": 0.4}  # share of a full day's allowance taken off


def costs_total() -> float:
    return sum(round(amount * rate, 2) for *_, amount, _, rate in COSTS)


def day_allowance(part: float, meals: str) -> float:
    return max(0.0, DAY_RATE * part - DAY_RATE * sum(MEALS[m] for m in meals))


def first(c: Canvas) -> None:
    head(c, 1)
    y = H - 98
    section(c, y, "1", "Traveller")
    field(c, L, y - 33, 200, "Family name", "Sandvik-Yilmaz")
    field(c, L + 204, y - 33, 150, "Given names", "Elif Marie")
    field(c, L + 358, y - 33, R - L - 358, "Staff number", "V-20417")
    field(c, L, y - 66, 200, "Department", "Lake sediments")
    field(c, L + 204, y - 66, 150, "Cost centre", "4410-17")
    field(c, L + 358, y - 66, R - L - 358, "Telephone", "ext. 3386")
    combs(c, L, y - 98, "IBAN", "NO9386011117947")
    combs(c, L + 260, y - 98, "Date of birth (day month year)", "23041989")
    label(c, L + 396, y - 77, "Status", LOOK.font(), 6.4, LOOK.muted)
    x = tick(c, L + 396, y - 94, "staff", True)
    tick(c, x, y - 94, "guest", False)
    y -= 124
    section(c, y, "2", "Journey")
    field(c, L, y - 33, 354, "Purpose", "LIMNOS 2025 conference, poster and session chair")
    field(c, L + 358, y - 33, R - L - 358, "Approval number", "TA-25-0631")
    field(c, L, y - 66, 200, "Destination", "Ljubljana, Slovenia")
    field(c, L + 204, y - 66, 150, "Left home (date, time)", "07.06.2025  22:10")
    field(c, L + 358, y - 66, R - L - 358, "Came home (date, time)", "13.06.2025  13:35")
    label(c, L, y - 82, "Means of travel", LOOK.font(bold=True), 7.6, LOOK.ink)
    x = L + 76
    for name, on in (
        ("train", True),
        ("aeroplane", True),
        ("own car", False),
        ("hired car", False),
        ("ship", False),
        ("bus, taxi", True),
    ):
        x = tick(c, x, y - 83, name, on)
    label(c, L, y - 100, "Private days", LOOK.font(bold=True), 7.6, LOOK.ink)
    x = tick(c, L + 76, y - 101, "none", True)
    x = tick(c, x, y - 101, "before", False)
    x = tick(c, x, y - 101, "after", False)
    label(c, x + 8, y - 100, "Advance received", LOOK.font(bold=True), 7.6, LOOK.ink)
    x = tick(c, x + 86, y - 101, "no", False)
    x = tick(c, x, y - 101, "yes, EUR", True)
    typed(c, x - 8, y - 99.5, "400.00")
    y -= 128
    section(c, y, "3", "Costs with receipts")
    rows = [["Date", "What", "Receipt", "Amount", "", "Rate", "EUR"]]
    for date, what, receipt, amount, currency, rate in COSTS:
        rows.append(
            [
                date,
                what,
                receipt,
                f"{amount:,.2f}",
                currency,
                "" if rate == 1 else f"{rate:.4f}",
                f"{round(amount * rate, 2):,.2f}",
            ]
        )
    rows += [[""] * 7, ["", "Sum of section 3", "", "", "", "", f"{costs_total():,.2f}"]]
    extra = [
        ("FONT", (0, 1), (-1, -1), face("Cascadia"), 8.4),
        ("TEXTCOLOR", (0, 1), (-1, -1), HexColor(PEN)),
        ("FONT", (0, -1), (-2, -1), LOOK.font(bold=True), 8.4),
        ("TEXTCOLOR", (0, -1), (-2, -1), HexColor(LOOK.ink)),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor(LOOK.tint)),
        ("BACKGROUND", (-1, -1), (-1, -1), HexColor(LOOK.tint)),
    ]
    widths = (44, R - L - 44 - 42 - 62 - 32 - 46 - 62, 42, 62, 32, 46, 62)
    y = flow(
        c, L, y - 3, R - L, [table(LOOK, rows, widths, "llcrlrr", grid=True, size=8.6, pad=4.6, extra=extra)]
    )
    note = """
    Attach receipts in the order of their numbers. Amounts in other currencies at the rate of the day of
    payment, taken from the bank statement or from the list on the intranet. First class, minibar and fines
    are not refunded.
    """
    flow(c, L, y - 6, R - L, prose(LOOK, note, "small", textColor=HexColor(LOOK.muted)))


def second(c: Canvas) -> None:
    head(c, 2)
    y = H - 98
    section(c, y, "4", "Daily allowance")
    label(
        c,
        L,
        y - 14,
        "Cross each meal paid by others or included in a fee. Full day EUR 54.00, first and last day half.",
        LOOK.font(),
        7.6,
        LOOK.muted,
    )
    top = y - 22
    heads = ("Day", "Part", "Breakfast (20%)", "Lunch (40%)", "Dinner (40%)", "Night", "EUR")
    widths = (92, 92, 82, 70, 70, 44, R - L - 450)
    x = L
    c.setFillColor(HexColor(LOOK.tint))
    c.rect(L, top - 16, R - L, 16, stroke=0, fill=1)
    edges = [L]
    for name, w in zip(heads, widths, strict=True):
        label(c, x + w / 2, top - 11, name, LOOK.font(bold=True), 7.4, LOOK.ink, "c")
        x += w
        edges.append(x)
    for i, (day, part, share, meals) in enumerate(DAYS):
        yy = top - 16 - (i + 1) * 21
        typed(c, L + 5, yy + 5.5, day, size=8.2)
        typed(c, edges[1] + 5, yy + 5.5, part, size=8.2)
        for k, meal in enumerate("BLD"):
            tick(c, (edges[2 + k] + edges[3 + k]) / 2 - 4.5, yy + 4.5, "", meal in meals)
        tick(c, (edges[5] + edges[6]) / 2 - 4.5, yy + 4.5, "", 1 <= i <= 5)
        typed(c, R - 5, yy + 5.5, f"{day_allowance(share, meals):.2f}", "r", 8.2)
    bottom = top - 16 - 7 * 21
    c.setStrokeColor(HexColor(LOOK.line))
    c.setLineWidth(0.5)
    for k in range(8):
        c.line(L, top - 16 - k * 21, R, top - 16 - k * 21)
    c.line(L, top, R, top)
    for edge in edges:
        c.line(edge, top, edge, bottom)
    allowance = sum(day_allowance(share, meals) for _, _, share, meals in DAYS)
    label(c, R - 70, bottom - 13, "Sum of section 4", LOOK.font(bold=True), 8.4, LOOK.ink, "r")
    typed(c, R - 5, bottom - 13, f"{allowance:.2f}", "r")

    y = bottom - 52
    section(c, y, "5", "Own car")
    field(c, L, y - 33, 120, "Kilometres", "0")
    field(c, L + 124, y - 33, 120, "Passengers on duty", "0")
    field(c, L + 248, y - 33, R - L - 248, "Reason why no train was taken", "does not apply")

    y -= 60
    section(c, y, "6", "Result")
    total = costs_total() + allowance
    sums = (
        ("Section 3, costs with receipts", f"{costs_total():,.2f}"),
        ("Section 4, daily allowance", f"{allowance:,.2f}"),
        ("Section 5, own car", "0.00"),
        ("Total claim", f"{total:,.2f}"),
        ("Less advance", "\N{MINUS SIGN}400.00"),
        ("To be paid to the traveller, EUR", f"{total - 400:,.2f}"),
    )
    for i, (name, value) in enumerate(sums):
        yy = y - 16 - i * 16
        strong = i in (3, 5)
        label(c, L + 4, yy + 3, name, LOOK.font(bold=strong), 8.6, LOOK.ink)
        typed(c, L + 300, yy + 3, value, "r", 9.6 if strong else 9.0)
        c.setStrokeColor(HexColor(LOOK.line))
        c.line(L, yy - 2, L + 306, yy - 2)
    note = """
    The conference dinner on 10 June was included in the fee. The taxi is explained by the timetable enclosed.
    """
    label(c, L + 320, y - 12, "Remarks of the traveller", LOOK.font(), 6.4, LOOK.muted)
    flow(
        c,
        L + 320,
        y - 17,
        R - L - 320,
        prose(LOOK, note, fontName=face("Cascadia"), textColor=HexColor(PEN), fontSize=8, leading=11),
    )

    y -= 148
    section(c, y, "7", "Declaration")
    words = """
    I declare that the costs arose on duty, that nobody else refunds them, and that bonus points of airlines
    were not used for private purposes.
    """
    flow(c, L, y - 6, R - L, prose(LOOK, words, "small"))
    for x, name, place, seed in (
        (L, "Traveller", "Bergen, 24.06.2025", 0.4),
        (L + 265, "Head of department", "Bergen, 27.06.2025", 1.3),
    ):
        typed(c, x + 4, y - 60, place, size=8.4)
        signature(c, x + 120, y - 60, 80, seed)
        c.setStrokeColor(HexColor(LOOK.ink))
        c.setLineWidth(0.6)
        c.line(x, y - 65, x + 240, y - 65)
        label(c, x, y - 74, f"Place, date, signature: {name.lower()}", LOOK.font(), 6.6, LOOK.muted)

    # Office use: grey box with a stamp across it.
    box = y - 158
    c.setFillColor(HexColor("#f0f0ec"))
    c.setStrokeColor(HexColor(LOOK.line))
    c.rect(L, box, R - L, 70, stroke=1, fill=1)
    label(c, L + 6, box + 58, "For the travel office", LOOK.font(bold=True), 7.6, LOOK.ink)
    x = L + 6
    for name, on in (
        ("receipts complete", True),
        ("rate checked", True),
        ("receipt 7 refused", True),
        ("returned", False),
    ):
        x = tick(c, x, box + 38, name, on)
    label(c, L + 6, box + 22, "Approved amount, EUR", LOOK.font(), 8.2, LOOK.ink)
    label(c, L + 190, box + 22, f"{total - 400 - 28:,.2f}", face("Cascadia", bold=True), 10.5, "#8c1d18", "r")
    label(
        c,
        L + 6,
        box + 8,
        "Excursion is not part of the programme, rule 4.3",
        face("Cascadia"),
        7.6,
        "#8c1d18",
    )
    c.saveState()
    c.translate(R - 96, box + 34)
    c.rotate(-11)
    c.setStrokeColor(HexColor("#a6322b"))
    c.setLineWidth(1.8)
    c.roundRect(-62, -19, 124, 38, 5, stroke=1, fill=0)
    label(c, 0, 2, "PAID", LOOK.font(bold=True), 15, "#a6322b", "c", track=3)
    label(c, 0, -12, "4 JULY 2025", LOOK.font(), 8, "#a6322b", "c", track=1)
    c.restoreState()


def make(out: Path) -> None:
    meta = Meta(
        "Claim for travel expenses, Ljubljana, June 2025", "Vestmark Research Centre", "Form T-7, filled in"
    )
    save(out / NAME, meta, A4, [first, second])

"""Invoice of a joinery for the furniture of a library: two pages with sums that add up."""

# ruff: noqa: RUF001
from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from .fonts import face
from .kit import Meta, flow, label, save
from .look import Look, prose, table
from .plot import clean

NAME = "finance/invoice-2025-0417.pdf"
W, H = A4
L, R = 56.0, A4[0] - 56.0
LOOK = Look(
    family="Fira",
    display="Serif",
    ink="#2d2722",
    accent="#7a4a2b",
    second="#4f6b4a",
    tint="#f6f0e8",
    line="#d9cdbd",
    muted="#85786b",
    size=9,
    leading=12.6,
)

# description, quantity, unit, unit price in pounds
ITEMS = (
    ("Bookcase, oak, 2,100 × 900 × 320 mm", "five adjustable shelves, hard-wax oil", 14, "pcs", 486.00),
    ("Children's bookcase, low, 1,050 × 1,200 × 360 mm", "rounded corners, birch ply", 8, "pcs", 352.50),
    ("Seat for bay window, ash", "with three drawers on full runners", 3, "pcs", 918.00),
    ("Reading table, 2,400 × 1,100 mm", "linoleum top, bottle green, oak edge", 4, "pcs", 1265.00),
    ("Newspaper rack, wall-hung", "ten rods", 2, "pcs", 240.00),
    (
        "Issue desk in two heights, 720 and 1,050 mm",
        "curved front, knee space for wheelchair on the low side",
        1,
        "pcs",
        4870.00,
    ),
    ("Socket and cable module for reading table", "two sockets, two USB-C", 8, "pcs", 74.60),
    ("Label holder, brass", "for shelf edge, 80 × 25 mm", 180, "pcs", 3.15),
    ("Delivery by lorry", "11 and 12 November, two loads", 2, "trips", 310.00),
    ("Fitting on site, joiner", "time sheets enclosed", 86, "hours", 46.00),
    ("Fitting on site, apprentice", "time sheets enclosed", 64, "hours", 27.50),
    ("Removal of old steel shelving", "weighed 2.3 t, recycled; certificate enclosed", 1, "lot", 690.00),
    ("Extra: strengthening of floor under issue desk", "agreed by e-mail on 13 November", 1, "lot", 415.00),
    ("Credit: shelves scratched in transit", "replaced on 19 November", -2, "pcs", 38.00),
)
FIRST_PAGE = 8
DISCOUNTED = 6  # the charity discount covers the furniture, items 1 to 6


def rows(start: int, end: int) -> list[list[str]]:
    out = [["", "Description", "Quantity", "Unit", "Price £", "Amount £"]]
    for number, (name, note, count, unit, price) in enumerate(ITEMS[start:end], start + 1):
        text = f"<b>{name}</b><br/><font size='7.6' color='{LOOK.muted}'>{note}</font>"
        out.append([str(number), text, clean(count), unit, clean(price, 2), clean(count * price, 2)])
    return out


def items(start: int, end: int) -> list[object]:
    widths = (22, R - L - 22 - 48 - 40 - 62 - 70, 48, 40, 62, 70)
    return [table(LOOK, rows(start, end), widths, "lprlrr", size=8.8, pad=4.4)]


def furniture(c: Canvas, page: int) -> None:
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(0, H - 12, W, 12, stroke=0, fill=1)
    # A dovetail joint as the mark of the workshop.
    c.setFillColor(HexColor(LOOK.accent))
    for k in range(3):
        x = L + k * 13
        tail = c.beginPath()
        tail.moveTo(x + 2, H - 66)
        tail.lineTo(x, H - 44)
        tail.lineTo(x + 11, H - 44)
        tail.lineTo(x + 9, H - 66)
        tail.close()
        c.drawPath(tail, stroke=0, fill=1)
    label(c, L + 48, H - 56, "Brightwell & Oakes", face("Serif", bold=True), 17, LOOK.accent)
    label(c, L + 49, H - 68, "Joiners since 1971", face("Serif", italic=True), 8.4, LOOK.muted)
    for i, line in enumerate(
        ("Unit 7, Sailmaker's Yard", "Bristol BS3 9QX", "accounts@brightwelloakes.example", "0117 496 0137")
    ):
        label(c, R, H - 42 - i * 11, line, LOOK.font(), 8, LOOK.muted, "r")
    c.setStrokeColor(HexColor(LOOK.line))
    c.line(L, 62, R, 62)
    foot = (
        "Brightwell & Oakes Joinery Ltd, registered in England 01029384",
        "VAT number GB 417 0291 66",
        f"Page {page} of 2",
    )
    for text, x, anchor in zip(foot, (L, L + 300, R), "lcr", strict=True):
        label(c, x, 48, text, LOOK.font(), 7.4, LOOK.muted, anchor)


def first(c: Canvas) -> None:
    furniture(c, 1)
    label(c, L, H - 132, "Invoice", face("Serif"), 26, LOOK.ink)
    address = """
    The Tidewater Library Trust<br/>attn. Mrs Oluwaseun Hartnell, treasurer<br/>14 Chapel Quay<br/>Clevedon
    BS21 5RW
    """
    flow(c, L, H - 158, 240, prose(LOOK, address, leading=13.4))
    facts = [
        ["Invoice number", "2025-0417"],
        ["Date of invoice", "24 November 2025"],
        ["Date of completion", "20 November 2025"],
        ["Your order", "TLT/RF/38 of 2 July 2025"],
        ["Our job", "J-1182 Reading room"],
        ["Payment due", "24 December 2025"],
    ]
    label_grey = [
        ("TEXTCOLOR", (0, 0), (0, -1), HexColor(LOOK.muted)),
        ("FONT", (1, 5), (1, 5), LOOK.font(bold=True), 8.8),
    ]
    flow(
        c,
        R - 220,
        H - 150,
        220,
        [table(LOOK, facts, (96, 124), "lr", head=0, size=8.8, pad=1.8, extra=label_grey)],
    )
    y = flow(c, L, H - 274, R - L, items(0, FIRST_PAGE))
    carried = sum(count * price for _, _, count, _, price in ITEMS[:FIRST_PAGE])
    label(c, R - 4, y - 18, clean(carried, 2), LOOK.font(bold=True), 9, LOOK.ink, "r")
    label(c, R - 90, y - 18, "carried over", LOOK.font(italic=True), 9, LOOK.muted, "r")


def second(c: Canvas) -> None:
    furniture(c, 2)
    label(c, L, H - 112, "Invoice 2025-0417, continued", face("Serif"), 14, LOOK.ink)
    y = flow(c, L, H - 130, R - L, items(FIRST_PAGE, len(ITEMS)))
    total = sum(count * price for _, _, count, _, price in ITEMS)
    discount = 0.05 * sum(count * price for _, _, count, _, price in ITEMS[:DISCOUNTED])
    net = total - discount
    vat = 0.20 * net
    deposit = 10_000.0
    sums = [
        ["Sum of items 1 to 14", clean(total, 2)],
        ["Charity discount, 5% of items 1 to 6", clean(-discount, 2)],
        ["Net amount", clean(net, 2)],
        ["VAT 20%", clean(vat, 2)],
        ["Total", clean(net + vat, 2)],
        ["Deposit received 12 September 2025", clean(-deposit, 2)],
        ["To be paid, £", clean(net + vat - deposit, 2)],
    ]
    last = [
        ("BACKGROUND", (0, 6), (1, 6), HexColor(LOOK.tint)),
        ("FONT", (0, 6), (1, 6), LOOK.font(bold=True), 11),
    ]
    y = flow(
        c,
        R - 290,
        y - 16,
        290,
        [table(LOOK, sums, (200, 90), "lr", head=0, bold=[2, 4], size=9.2, pad=4, extra=last)],
    )
    terms = """
    ## Payment

    Please pay by bank transfer within thirty days, quoting the invoice number. Account name Brightwell &amp;
    Oakes Joinery Ltd, Severn Mutual Bank, sort code 60-99-14, account 4471 0926. We do not take cheques any
    more. After the due date we charge interest of 0.6 per cent a month.

    ## Care of the furniture

    Wipe oiled oak with a damp cloth only. A second coat of oil is due after one year; the tin we left under
    the issue desk is enough for all tables. The timber came from the Forest of Dean; the batch number is
    25-DF-0093.

    ## Guarantee

    Five years on joints and runners. Defects should be reported with a photograph to the address above. The
    furniture remains our property until it has been paid for.
    """
    flow(c, L, y - 18, R - L, prose(LOOK, terms), 70)


def make(out: Path) -> None:
    meta = Meta(
        "Invoice 2025-0417",
        "Brightwell & Oakes Joinery Ltd",
        "Furniture for the reading room, Tidewater Library",
    )
    save(out / NAME, meta, A4, [first, second])

"""Two pages of laboratory results for four village wells, as a grey scan without text layer."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from .fonts import face
from .kit import Meta, flow, label
from .look import Look, prose, table
from .scan import scribble, write

NAME = "scans/well-water-analysis.pdf"
W, H = A4
L, R = 54.0, A4[0] - 54.0
LOOK = Look(
    family="Helvetica",
    display="Times",
    ink="#111111",
    accent="#111111",
    tint="#ececec",
    line="#555555",
    muted="#333333",
    size=9.4,
    leading=12.4,
)
WELLS = ("Church\nWell", "Mill\nLane", "Upper\nFarm", "Station\nPump")
HEAD = ["Parameter", "Unit", "Limit", *WELLS]
GENERAL = [
    ["Temperature at the tap", "°C", "25", "10.2", "11.0", "10.6", "12.4"],
    ["Colour", "Hazen", "20", "< 2", "3", "< 2", "14"],
    ["Turbidity", "FTU", "4", "0.3", "0.8", "0.4", "3.6"],
    ["Odour", "–", "none", "none", "none", "none", "earthy"],  # noqa: RUF001
    ["pH", "–", "5.5–9.5", "7.1", "7.3", "6.4", "7.0"],  # noqa: RUF001
    ["Conductivity at 20 °C", "µS/cm", "1,500", "512", "548", "731", "604"],
    ["Total hardness, as CaCO3", "mg/l", "–", "238", "251", "296", "274"],  # noqa: RUF001
    ["Alkalinity, as CaCO3", "mg/l", "–", "201", "214", "168", "229"],  # noqa: RUF001
    ["Oxidisability, as O2", "mg/l", "5", "0.9", "1.6", "1.1", "3.2"],
]
IONS = [
    ["Nitrate, as NO3", "mg/l", "50", "24.1", "31.7", "61.3", "8.4"],
    ["Nitrite, as NO2", "mg/l", "0.1", "< 0.01", "0.02", "0.03", "0.07"],
    ["Ammonium, as NH4", "mg/l", "0.5", "< 0.02", "0.04", "< 0.02", "0.31"],
    ["Chloride", "mg/l", "400", "27", "33", "58", "41"],
    ["Sulphate", "mg/l", "250", "36", "39", "72", "44"],
    ["Fluoride", "mg/l", "1.5", "0.18", "0.20", "0.11", "0.26"],
    ["Phosphate, as P", "mg/l", "2.2", "0.03", "0.05", "0.12", "0.04"],
    ["Sodium", "mg/l", "150", "14", "16", "22", "19"],
    ["Potassium", "mg/l", "12", "1.9", "2.4", "8.7", "2.2"],
    ["Calcium", "mg/l", "250", "84", "89", "97", "93"],
    ["Magnesium", "mg/l", "50", "6.8", "7.1", "13.0", "10.1"],
]
METALS = [
    ["Aluminium", "µg/l", "200", "< 10", "12", "34", "18"],
    ["Arsenic", "µg/l", "50", "1.1", "1.3", "0.9", "4.8"],
    ["Cadmium", "µg/l", "5", "< 0.2", "< 0.2", "< 0.2", "< 0.2"],
    ["Chromium", "µg/l", "50", "< 1", "< 1", "2", "< 1"],
    ["Copper", "µg/l", "3,000", "210", "45", "38", "52"],
    ["Iron", "µg/l", "200", "22", "41", "30", "418"],
    ["Lead", "µg/l", "50", "33", "4", "3", "6"],
    ["Manganese", "µg/l", "50", "3", "9", "6", "112"],
    ["Zinc", "µg/l", "5,000", "340", "120", "95", "160"],
]
ORGANIC = [
    ["Atrazine", "µg/l", "0.10", "< 0.02", "0.03", "0.09", "< 0.02"],
    ["Simazine", "µg/l", "0.10", "< 0.02", "< 0.02", "0.04", "0.02"],
    ["Mecoprop", "µg/l", "0.10", "< 0.05", "< 0.05", "0.13", "< 0.05"],
    ["Total pesticides", "µg/l", "0.50", "< 0.05", "0.03", "0.26", "0.02"],
]
BIOLOGY = [
    ["Coliform bacteria", "in 100 ml", "0", "0", "4", "0", "0"],
    ["of these Escherichia coli", "in 100 ml", "0", "0", "1", "0", "0"],
    ["Faecal streptococci", "in 100 ml", "0", "0", "0", "0", "0"],
    ["Colonies at 22 °C, 72 h", "in 1 ml", "–", "12", "85", "9", "40"],  # noqa: RUF001
    ["Colonies at 37 °C, 48 h", "in 1 ml", "–", "1", "11", "0", "3"],  # noqa: RUF001
]
REMARKS = """
## Remarks

1) Values outside the limits are ringed. A second sample from Mill Lane, taken on 9 May after the cover had
been renewed, showed no coliforms; its certificate follows.
2) Upper Farm: nitrate has risen from 38 mg/l in 1989. The water should not be given to infants under six
months.
3) Station Pump: iron and manganese come from the ground. They stain linen but do no harm. An aerator with a
sand filter would remove both.
4) Church Well: the lead is likely to stem from the old service pipe. Let the tap run for a minute in the
morning.
"""


def block(c: Canvas, top: float, title: str, rows: list[list[str]], head: bool) -> float:
    widths = (R - L - 66 - 54 - 4 * 54, 66, 54, 54, 54, 54, 54)
    bar = [[title, *[""] * 6]]
    data = [*([HEAD] if head else []), *bar, *rows]
    at = int(head)
    extra = [
        ("SPAN", (0, at), (-1, at)),
        ("BACKGROUND", (0, at), (-1, at), HexColor(LOOK.tint)),
        ("BOX", (0, 0), (-1, -1), 1.1, HexColor(LOOK.ink)),
    ]
    t = table(LOOK, data, widths, "lcrrrrr", head=at, bold=[at], grid=True, size=9.2, pad=2.5, extra=extra)
    bottom = flow(c, L, top, R - L, [t])
    # The analyst's pen: rings around what exceeds the limit.
    row_h = (top - bottom - (27.0 if head else 0)) / (len(rows) + 1)
    for i, row in enumerate(rows):
        for k, value in enumerate(row[3:]):
            if _exceeds(value, row[2]):
                x = L + sum(widths[:3]) + 54 * k + 37
                y = bottom + (len(rows) - i - 0.5) * row_h
                c.setStrokeColor(HexColor("#333333"))
                c.setLineWidth(1.3)
                c.ellipse(x - 19, y - 7.5, x + 17, y + 8, stroke=1, fill=0)
    return bottom


def _exceeds(value: str, limit: str) -> bool:
    try:
        return float(value.replace(",", "")) > float(limit.replace(",", ""))
    except ValueError:
        return False


def head(c: Canvas, page: int) -> None:
    label(c, L, H - 62, "HALDANE & ROE", face("Times", bold=True), 19, LOOK.ink, track=1.5)
    label(c, L, H - 76, "Public Analysts, 9 Canal Street, Hereford", face("Times", italic=True), 10, LOOK.ink)
    label(c, R, H - 60, "Certificate of analysis", face("Times", bold=True), 13, LOOK.ink, "r")
    label(c, R, H - 75, f"No. W 1187/94     page {page} of 2", LOOK.font(), 9.4, LOOK.ink, "r")
    c.setLineWidth(1.4)
    c.line(L, H - 84, R, H - 84)


def first(c: Canvas) -> None:
    head(c, 1)
    facts = (
        ("Client", "Cotterley Parish Council, Mr D. Ambrose, clerk"),
        ("Samples", "four wells, taken by us on 3 May 1994, 8:15 to 10:40"),
        ("Weather", "dry for six days; 14 °C"),
        ("Method", "Standing Committee of Analysts, blue books"),
    )
    for i, (name, value) in enumerate(facts):
        label(c, L, H - 106 - i * 15, name, LOOK.font(bold=True), 9.6, LOOK.ink)
        label(c, L + 64, H - 106 - i * 15, value, LOOK.font(), 9.6, LOOK.ink)
    y = block(c, H - 172, "General", GENERAL, True)
    y = block(c, y - 10, "Ions", IONS, False)
    note = """
    The sign &lt; means that the substance was not found above the value given.
    Limits: Water Supply Regulations 1989.
    """
    flow(c, L, y - 10, R - L, prose(LOOK, note, "small"))


def second(c: Canvas) -> None:
    head(c, 2)
    y = block(c, H - 100, "Metals", METALS, True)
    y = block(c, y - 10, "Pesticides", ORGANIC, False)
    y = block(c, y - 10, "Bacteria", BIOLOGY, False)
    y = flow(c, L, y - 8, R - L, prose(LOOK, REMARKS))
    scribble(c, L + 6, y - 34, 84, seed=21, color="#222222")
    label(c, L, y - 62, "Margaret Roe, B.Sc., C.Chem.", LOOK.font(), 9.4, LOOK.ink)
    label(c, L, y - 75, "Hereford, 11 May 1994", LOOK.font(), 9.4, LOOK.ink)
    c.saveState()
    c.translate(R - 90, y - 46)
    c.rotate(-9)
    c.setStrokeColor(HexColor("#444444"))
    c.setLineWidth(1.6)
    c.circle(0, 0, 38, stroke=1, fill=0)
    c.circle(0, 0, 33, stroke=1, fill=0)
    label(c, 0, 8, "PARISH", face("Helvetica", bold=True), 9, "#444444", "c")
    label(c, 0, -3, "COTTERLEY", face("Helvetica", bold=True), 9, "#444444", "c")
    label(c, 0, -15, "16 MAY 1994", face("Helvetica"), 7.5, "#444444", "c")
    c.restoreState()


def make(out: Path) -> None:
    meta = Meta("Certificate of analysis W 1187/94", "Haldane & Roe", "Scan")
    looks = ((51, -1.1, (236, 236, 234)), (52, 0.7, (238, 238, 235)))
    write(out / NAME, meta, A4, [first, second], looks, gray=True)

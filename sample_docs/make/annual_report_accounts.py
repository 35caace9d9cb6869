"""The financial statements of the annual report, EUR million. The sums are checked on each run."""

from __future__ import annotations

from reportlab.platypus import Flowable, Table

from .annual_report_page import LOOK
from .look import prose, table
from .plot import clean

Row = tuple[str, str, float | None, float | None]

INCOME: list[Row] = [
    ("Revenue", "2", 862.7, 794.2),
    ("Cost of sales", "3", -579.7, -540.8),
    ("=Gross profit", "", 283.0, 253.4),
    ("Selling and distribution", "", -94.9, -87.4),
    ("Administration", "", -62.3, -55.6),
    ("Research and development", "4", -43.1, -39.2),
    ("Other operating items, net", "", -0.8, 0.3),
    ("=Operating profit (EBIT)", "", 81.9, 71.5),
    ("Finance income", "", 1.9, 1.4),
    ("Finance costs", "7", -10.6, -9.3),
    ("=Profit before tax", "", 73.2, 63.6),
    ("Income tax", "5", -16.8, -14.9),
    ("=Profit for the year", "", 56.4, 48.7),
]
CASH: list[Row] = [
    ("Operating profit (EBIT)", "", 81.9, 71.5),
    ("Depreciation and amortisation", "6", 41.6, 38.9),
    ("Change in working capital", "", 12.0, -18.6),
    ("Other non-cash items", "", 3.4, 2.7),
    ("Tax paid", "", -15.1, -13.8),
    ("Interest paid, net", "", -8.9, -8.0),
    ("=Cash flow from operations", "", 114.9, 72.7),
    ("Property, plant and equipment", "6", -45.3, -43.3),
    ("Intangible assets", "", -10.4, -11.1),
    ("Acquisition of Fjellkjol Service AS", "8", -6.5, 0.0),
    ("=Cash flow from investing", "", -62.2, -54.4),
    ("Borrowings drawn (repaid), net", "7", -10.0, 11.2),
    ("Lease payments", "", -10.4, -9.9),
    ("Dividends paid", "", -16.9, -14.5),
    ("=Cash flow from financing", "", -37.3, -13.2),
    ("Currency effect", "", -0.1, -0.3),
    ("=Change in cash", "", 15.3, 4.8),
]
ASSETS: list[Row] = [
    ("Goodwill", "8", 118.3, 114.9),
    ("Other intangible assets", "", 61.4, 57.2),
    ("Property, plant and equipment", "6", 243.9, 221.6),
    ("Right-of-use assets", "", 38.7, 40.2),
    ("Deferred tax assets", "5", 9.8, 8.9),
    ("=Non-current assets", "", 472.1, 442.8),
    ("Inventories", "", 148.6, 161.3),
    ("Trade receivables", "9", 139.2, 128.7),
    ("Other receivables", "", 21.5, 19.8),
    ("Cash and cash equivalents", "", 67.4, 52.1),
    ("=Current assets", "", 376.7, 361.9),
    ("#Total assets", "", 848.8, 804.7),
]
LIABILITIES: list[Row] = [
    ("Share capital", "", 24.1, 24.1),
    ("Other reserves", "", 31.6, 29.8),
    ("Retained earnings", "", 304.1, 265.6),
    ("Non-controlling interests", "", 4.2, 3.6),
    ("=Equity", "", 364.0, 323.1),
    ("Borrowings", "7", 176.0, 188.5),
    ("Lease liabilities", "", 28.9, 30.6),
    ("Pensions", "", 14.7, 15.2),
    ("Deferred tax liabilities", "5", 19.3, 18.1),
    ("Warranty and other provisions", "10", 22.8, 20.4),
    ("=Non-current liabilities", "", 261.7, 272.8),
    ("Borrowings", "7", 24.5, 22.0),
    ("Lease liabilities", "", 9.9, 9.6),
    ("Trade payables", "", 118.6, 112.4),
    ("Contract liabilities", "9", 33.4, 29.8),
    ("Tax payable", "5", 7.9, 6.7),
    ("Other payables", "", 28.8, 28.3),
    ("=Current liabilities", "", 223.1, 208.8),
    ("#Total equity and liabilities", "", 848.8, 804.7),
]


def check(rows: list[Row], running: bool) -> None:
    """`=` rows add up what is above: since the start (running) or since the last `=` row."""
    for year in (2, 3):
        part = whole = 0.0
        for row in rows:
            value = float(row[year] or 0)  # type: ignore[arg-type]
            if row[0].startswith("#") or row[0] == "=Change in cash":
                expected = whole
            elif row[0].startswith("="):
                expected = whole if running else part
                part = 0.0
            else:
                part, whole = part + value, whole + value
                continue
            if abs(expected - value) > 0.06:
                raise ValueError(f"{row[0]}: {expected:.1f} is not {value:.1f}")


def money(value: float | None) -> str:
    """Negative amounts in brackets, as accounts have them."""
    if value is None:
        return ""
    if value == 0:
        return "–"  # noqa: RUF001
    return f"({clean(-value, 1)})" if value < 0 else clean(value, 1)


def statement(rows: list[Row], w: float) -> Table:
    cells = [["EUR million", "Note", "2025", "2024"]]
    total = []
    for name, note, this, last in rows:
        if name[0] in "=#":
            total.append(len(cells))
        cells.append([name.lstrip("=#"), note, money(this), money(last)])
    return table(LOOK, cells, (w - 124, 28, 48, 48), "lcrr", total=total, size=8.3, pad=2.4)


def income_page(w: float) -> list[Flowable]:
    check(INCOME, running=True)
    check(CASH, running=False)
    per_share = [
        ["Per share, EUR", "", "2025", "2024"],
        ["Earnings per share (24.1 million shares)", "", "2.32", "2.00"],
        ["Dividend proposed per share", "", "0.80", "0.70"],
    ]
    return [
        *prose(LOOK, "## Income statement"),
        statement(INCOME, w),
        *prose(
            LOOK,
            "Of the profit for the year, 0.6 million (2024: 0.5) belongs to non-controlling interests.",
            "caption",
        ),
        table(LOOK, per_share, (w - 124, 28, 48, 48), "lcrr", size=8.3, pad=2.4),
        *prose(LOOK, "## Cash flow statement"),
        statement(CASH, w),
    ]


def balance_page(w: float) -> list[Flowable]:
    check(ASSETS, running=False)
    check(LIABILITIES, running=False)
    half = (w - 20) / 2
    columns = Table(
        [
            [
                [*prose(LOOK, "## Assets"), statement(ASSETS, half)],
                "",
                [*prose(LOOK, "## Equity and liabilities"), statement(LIABILITIES, half)],
            ]
        ],
        colWidths=(half, 20, half),
        style=[
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ],
    )
    maturities = [
        ["Note 7: borrowings by year of repayment", "2026", "2027", "2028", "2029", "Later", "Total"],
        ["Bank loans", "24.5", "21.0", "18.0", "12.5", "4.5", "80.5"],
        ["Green bond 3.85% 2030", "–", "–", "–", "–", "120.0", "120.0"],  # noqa: RUF001
        ["Total", "24.5", "21.0", "18.0", "12.5", "124.5", "200.5"],
    ]
    warranty = [
        ["Note 10: warranty provision", "2025", "2024"],
        ["At 1 January", "16.1", "14.8"],
        ["Added for sales of the year", "9.7", "8.6"],
        ["Used", "(7.4)", "(6.9)"],
        ["Released", "(0.6)", "(0.4)"],
        ["At 31 December", "17.8", "16.1"],
    ]
    return [
        columns,
        *prose(LOOK, "## Selected notes"),
        table(LOOK, maturities, (w - 294, *[49] * 6), "lrrrrrr", total=[3], size=8.3, pad=3),
        *prose(
            LOOK,
            """
            The revolving credit line of 90 million was undrawn at the end of the year and runs to June 2028.
            Its only covenant is that net debt stays below 3.25 times EBITDA, tested every half-year.
            """,
            "caption",
        ),
        table(LOOK, warranty, (w - 120, 60, 60), "lrr", total=[5], size=8.3, pad=3),
        *prose(
            LOOK,
            """
            Compressors carry a warranty of five years, all other parts two. The amount used in 2025 includes
            1.9 million for replacing expansion valves of one supplier, fitted between March and August 2023.
            """,
            "caption",
        ),
    ]

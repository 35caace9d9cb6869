"""Data sheet of a step-down converter chip: features, pins, ratings, curves, package."""

# ruff: noqa: RUF001
from __future__ import annotations

from pathlib import Path

import numpy as np
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Spacer, Table

from . import datasheet_text as words
from .datasheet_drawings import LOOK, circuit, package, pinout, timing
from .kit import Draw, Meta, flow, label, save
from .look import WHITE, prose, table
from .plot import Plot, axes, boxed, figure

NAME = "engineering/datasheet-or3471.pdf"
W, H = A4
L, R = 48.0, A4[0] - 48.0
FULL = R - L
HALF = (FULL - 18) / 2


def head(c: Canvas) -> None:
    page = c.getPageNumber()
    c.setFillColor(HexColor(LOOK.accent))
    c.rect(0, H - 42, W, 42, stroke=0, fill=1)
    c.setStrokeColor(WHITE)
    c.setLineWidth(1.6)
    c.circle(L + 9, H - 21, 9, stroke=1, fill=0)
    c.ellipse(L - 5, H - 25, L + 23, H - 17, stroke=1, fill=0)
    label(c, L + 32, H - 25, "ORRERY", LOOK.font(bold=True), 13, WHITE, track=2)
    label(c, L + 106, H - 25, "semiconductor", LOOK.font(), 11, "#bcd3e8")
    label(c, R, H - 25, "OR3471", LOOK.font(bold=True), 15, WHITE, "r")
    c.setStrokeColor(HexColor(LOOK.line))
    c.setLineWidth(0.5)
    c.line(L, 40, R, 40)
    label(c, L, 28, "DS-3471 revision D, August 2025", LOOK.font(), 7, LOOK.muted)
    label(c, W / 2, 28, "Orrery Semiconductor BV, Nijmegen", LOOK.font(), 7, LOOK.muted, "c")
    label(c, R, 28, f"{page} of 6", LOOK.font(), 7, LOOK.muted, "r")


def curve(
    title: str,
    x: str,
    y: str,
    lines: list[tuple[str, np.ndarray, np.ndarray]],
    limits: tuple[float, float, float, float],
    log: bool = False,
) -> list[Flowable]:
    """One characteristic curve with a title above, as data sheets have them six to a page."""
    w, h = HALF, 188.0
    fig = figure(w, h)
    ax = axes(fig, LOOK, (34, 28, w - 42, h - 36), size=7, grid="both")
    colours = (LOOK.accent, LOOK.second, "#4d8b57", "#8a5aa0")
    for (name, xs, ys), colour in zip(lines, colours, strict=False):
        ax.plot(xs, ys, color=colour, linewidth=1.3, label=name)
    if log:
        ax.set_xscale("log")
        ticks = [v for v in (0.001, 0.01, 0.1, 1.0) if limits[0] <= v <= limits[1]]
        ax.set_xticks(ticks, [f"{v:g}" for v in ticks])
        ax.minorticks_off()
    boxed(ax, LOOK)
    ax.set(xlim=limits[:2], ylim=limits[2:], xlabel=x, ylabel=y)
    if len(lines) > 1:
        ax.legend(
            fontsize=6.8,
            frameon=True,
            framealpha=1,
            edgecolor="none",
            handlelength=1.4,
            borderpad=0.3,
            labelspacing=0.25,
        )
    return [*prose(LOOK, f"<b>{title}</b>", "small", spaceAfter=2), Plot(fig, LOOK)]


def efficiency() -> list[Flowable]:
    i = np.logspace(-3, np.log10(2), 160)
    lines = []
    for vin, fixed, linear in ((12, 0.0010, 0.25), (24, 0.0021, 0.36), (36, 0.0036, 0.47)):
        loss = fixed + linear * i + 0.055 * i**2
        lines.append((f"VIN = {vin} V", i, 100 * 5 * i / (5 * i + loss)))
    return curve(
        "Figure 1. Efficiency, 5 V output, 500 kHz",
        "Load current (A)",
        "Efficiency (%)",
        lines,
        (0.001, 2, 40, 100),
        log=True,
    )


def curves() -> list[list[Flowable]]:
    temp = np.linspace(-40, 125, 100)
    load = np.linspace(0, 2, 100)
    rt = np.linspace(30, 400, 100)
    vin = np.linspace(4, 36, 100)
    air = np.linspace(25, 125, 100)
    return [
        curve(
            "Figure 4. Switching frequency against RT",
            "RT (kΩ)",
            "Frequency (kHz)",
            [("f", rt, 60_000 / (rt + 0.8))],
            (0, 400, 0, 2200),
        ),
        curve(
            "Figure 5. Feedback voltage against temperature",
            "Junction temperature (°C)",
            "VFB (mV)",
            [("VFB", temp, 800 - 2.9 * ((temp - 32) / 90) ** 2 - 0.4 * (temp - 32) / 90)],
            (-40, 125, 790, 806),
        ),
        curve(
            "Figure 6. Quiescent current against input voltage",
            "Input voltage (V)",
            "Current (µA)",
            [
                ("25 °C", vin, 14.2 + 0.11 * vin),
                ("125 °C", vin, 18.9 + 0.19 * vin),
                ("\N{MINUS SIGN}40 °C", vin, 11.8 + 0.09 * vin),
            ],
            (0, 36, 0, 35),
        ),
        curve(
            "Figure 7. Load current against air temperature, 500 kHz",
            "Air temperature (°C)",
            "Maximum load (A)",
            [
                ("VIN = 12 V", air, np.minimum(2, 2 - 0.047 * (air - 88))),
                ("VIN = 24 V", air, np.minimum(2, 2 - 0.044 * (air - 79))),
                ("VIN = 36 V", air, np.minimum(2, 2 - 0.039 * (air - 66))),
            ],
            (25, 125, 0, 2.4),
        ),
        curve(
            "Figure 8. Output voltage against load",
            "Load current (A)",
            "Deviation (%)",
            [("VIN = 12 V", load, 0.10 - 0.16 * load), ("VIN = 36 V", load, 0.16 - 0.11 * load)],
            (0, 2, -0.4, 0.4),
        ),
        curve(
            "Figure 9. Resistance of the switches",
            "Junction temperature (°C)",
            "RDS(on) (mΩ)",
            [
                ("upper", temp, 128 * (1 + 0.0041 * (temp - 25))),
                ("lower", temp, 71 * (1 + 0.0043 * (temp - 25))),
            ],
            (-40, 125, 0, 220),
        ),
    ]


def pair(left: list[Flowable], right: list[Flowable]) -> Table:
    style = [
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
    ]
    return Table([[left, "", right]], colWidths=(HALF, 18, HALF), style=style)


def grid(
    rows: list[list[str]], widths: tuple[float, ...], align: str, pad: float = 3.1, **more: object
) -> Table:
    return table(LOOK, rows, widths, align, grid=True, filled=True, size=8.2, pad=pad, **more)  # type: ignore[arg-type]


def overview(c: Canvas) -> None:
    head(c)
    title = [
        *prose(
            LOOK,
            "36 V, 2 A synchronous step-down converter with 15 µA quiescent current",
            fontName=LOOK.font(bold=True),
            fontSize=15,
            leading=19,
        ),
        Spacer(0, 6),
    ]
    y = flow(c, L, H - 58, FULL, title)
    block = pair(prose(LOOK, words.FEATURES), prose(LOOK, words.DESCRIPTION))
    y = flow(c, L, y, FULL, [block])
    y = flow(c, L, y - 8, FULL, prose(LOOK, "## Typical application"))
    y = flow(c, L, y - 2, FULL, [Draw(FULL, 178, circuit)])
    facts = [
        ["Output", "R1", "L1", "COUT", "Frequency"],
        ["1.8 V", "124 kΩ", "3.3 µH", "3 × 22 µF", "400 kHz"],
        ["3.3 V", "312 kΩ", "6.8 µH", "2 × 22 µF", "500 kHz"],
        ["5.0 V", "523 kΩ", "10 µH", "2 × 22 µF", "500 kHz"],
        ["12 V", "1.40 MΩ", "22 µH", "2 × 10 µF", "600 kHz"],
    ]
    right = [
        *prose(LOOK, "<b>Table 1. Parts for common outputs</b>", "small", spaceAfter=4),
        grid(facts, (40, 48, 44, 56, HALF - 188), "lrrrr"),
        *prose(LOOK, words.PARTS_NOTE, "small", spaceBefore=6),
    ]
    flow(c, L, y - 6, FULL, [pair(efficiency(), right)], 46)


def pins(c: Canvas) -> None:
    head(c)
    y = flow(c, L, H - 58, FULL, prose(LOOK, "## Pin configuration"))
    rows = grid(words.PINS, (30, 38, HALF + 24 - 68), "clp")
    style = [
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    left = [
        Draw(HALF - 30, 170, pinout),
        *prose(LOOK, "<b>Figure 2.</b> Pin assignment", "small", alignment=1),
    ]
    y = flow(c, L, y, FULL, [Table([[left, rows]], colWidths=(HALF - 6, HALF + 24), style=style)])
    y = flow(c, L, y - 10, FULL, prose(LOOK, "## Absolute maximum ratings"))
    y = flow(c, L, y, FULL, [grid(words.MAXIMUM, (FULL - 240, 70, 70, 70, 30), "lrrrl")])
    y = flow(c, L, y - 4, FULL, prose(LOOK, words.MAXIMUM_NOTE, "small"))
    y = flow(c, L, y - 12, FULL, prose(LOOK, "## Recommended operating conditions and thermal data"))
    a = grid(words.OPERATING, (HALF - 110, 35, 35, 40), "lrrl")
    b = grid(words.THERMAL, (HALF - 80, 40, 40), "lrl")
    flow(c, L, y, FULL, [pair([a], [b])], 46)


def electrical(c: Canvas) -> None:
    head(c)
    y = flow(c, L, H - 58, FULL, prose(LOOK, "## Electrical characteristics"))
    y = flow(c, L, y, FULL, prose(LOOK, words.CONDITIONS, "small"))
    groups = [i for i, row in enumerate(words.ELECTRICAL) if i and not row[-1]]
    extra = [("SPAN", (0, i), (-1, i)) for i in groups] + [
        ("BACKGROUND", (0, i), (-1, i), HexColor(LOOK.tint)) for i in groups
    ]
    widths = (52, 150, FULL - 52 - 150 - 126 - 34, 42, 42, 42, 34)
    t = grid(words.ELECTRICAL, widths, "lpprrrl", pad=4.6, bold=groups, extra=extra)
    y = flow(c, L, y - 6, FULL, [t])
    flow(c, L, y - 6, FULL, prose(LOOK, words.ELECTRICAL_NOTE, "small"), 46)


def typical(c: Canvas) -> None:
    head(c)
    y = flow(c, L, H - 58, FULL, prose(LOOK, "## Typical characteristics"))
    y = flow(
        c,
        L,
        y,
        FULL,
        prose(
            LOOK,
            "VIN = 24 V, VOUT = 5 V, L = 10 µH, air temperature 25 °C, unless another value is given.",
            "small",
        ),
    )
    plots = curves()
    for k in range(0, 6, 2):
        y = flow(c, L, y - 8, FULL, [pair(plots[k], plots[k + 1])], 46)


def application(c: Canvas) -> None:
    head(c)
    left = prose(LOOK, words.APPLICATION)
    right = [
        *prose(LOOK, words.PROTECTION),
        *prose(LOOK, "### Start-up sequence"),
        Spacer(0, 6),
        Draw(HALF, 126, timing),
        *prose(
            LOOK,
            "<b>Figure 3.</b> From enable to power good. PG is released 128 cycles after 94% is reached.",
            "small",
            spaceBefore=10,
        ),
        *prose(LOOK, words.LAYOUT),
        *prose(LOOK, "### Ten boards measured, 24 V to 5 V, 25 °C"),
        Spacer(0, 3),
        grid(words.MEASURED, (HALF - 150, 50, 50, 50), "lrrr"),
    ]
    flow(c, L, H - 58, HALF, left, 46)
    flow(c, L + HALF + 18, H - 58, HALF, right, 46)


def ordering(c: Canvas) -> None:
    head(c)
    y = flow(c, L, H - 58, FULL, prose(LOOK, "## Ordering information"))
    y = flow(c, L, y, FULL, [grid(words.ORDERING, (92, 78, 50, 78, 50, FULL - 348), "llllrp")])
    y = flow(c, L, y - 6, FULL, prose(LOOK, words.ORDERING_NOTE, "small"))
    y = flow(c, L, y - 14, FULL, prose(LOOK, "## Package DFN-10, 3 × 3 × 0.75 mm"))
    y = flow(c, L, y - 6, FULL, [Draw(FULL, 156, package)])
    dims = grid(words.DIMENSIONS, (40, HALF - 160, 40, 40, 40), "clrrr")
    tape = grid(words.TAPE, (HALF - 60, 60), "lr")
    right = [tape, *prose(LOOK, words.TAPE_NOTE, "small", spaceBefore=6)]
    y = flow(c, L, y - 8, FULL, [pair([dims], right)])
    y = flow(c, L, y - 14, FULL, prose(LOOK, "## Revision history"))
    flow(c, L, y, FULL, [grid(words.REVISIONS, (50, 84, FULL - 134), "llp")], 46)


def make(out: Path) -> None:
    meta = Meta(
        "OR3471: 36 V, 2 A synchronous step-down converter",
        "Orrery Semiconductor BV",
        "Data sheet DS-3471 revision D",
    )
    save(out / NAME, meta, A4, [overview, pins, electrical, typical, application, ordering])

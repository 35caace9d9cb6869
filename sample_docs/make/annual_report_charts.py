"""The charts of Tarnholm's annual report; the figures are those of its accounts."""

# ruff: noqa: RUF001
from __future__ import annotations

from matplotlib.patches import Rectangle

from .annual_report_page import COPPER, LOOK, PETROL, SAND, SLATE, TEAL
from .plot import Plot, axes, clean, figure

YEARS = ("2021", "2022", "2023", "2024", "2025")
SEGMENTS = {
    "Heat Pumps": (274.8, 322.4, 337.0, 352.6, 391.8),
    "Cold Storage": (215.9, 229.6, 240.3, 262.1, 268.4),
    "Service & Parts": (102.3, 111.2, 121.7, 138.4, 152.9),
    "Controls": (19.4, 25.7, 32.5, 41.1, 49.6),
}
COLOURS = (PETROL, TEAL, COPPER, SAND)
EBIT = (49.0, 51.0, 60.7, 71.5, 81.9)
REGIONS = {
    "Nordics": 31,
    "German-speaking": 27,
    "UK & Ireland": 14,
    "Benelux & France": 13,
    "Poland & Baltics": 9,
    "Rest of world": 6,
}


def revenue_by_segment(w: float = 495, h: float = 262) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (28, 18, w - 130, h - 34))
    base = [0.0] * 5
    for (name, values), colour in zip(SEGMENTS.items(), COLOURS, strict=True):
        ax.bar(YEARS, values, bottom=base, width=0.58, color=colour)
        for i, v in enumerate(values):
            if v > 30:
                ink = "white" if colour in (PETROL, COPPER) else LOOK.ink
                ax.text(i, base[i] + v / 2, f"{v:.1f}", ha="center", va="center", fontsize=7, color=ink)
        base = [b + v for b, v in zip(base, values, strict=True)]
        middle = base[-1] - values[-1] / 2
        ax.text(4.42, middle, name, va="center", fontsize=7.5, color=LOOK.ink)
    for i, total in enumerate(base):
        ax.text(i, total + 14, f"{total:.1f}", ha="center", fontsize=8, weight="bold", color=LOOK.ink)
    ax.set(ylim=(0, 940), xlim=(-0.5, 4.4), yticks=range(0, 901, 300))
    return Plot(fig, LOOK)


def region_donut(w: float = 235, h: float = 165) -> Plot:
    fig = figure(w, h)
    shades = (PETROL, "#3b7482", TEAL, COPPER, SAND, SLATE)
    ax = fig.add_axes((0, 0.02, 0.5, 0.96), aspect="equal")
    ax.pie(
        list(REGIONS.values()),
        colors=shades,
        startangle=90,
        counterclock=False,
        radius=1.2,
        wedgeprops={"width": 0.42, "edgecolor": "white", "linewidth": 1.5},
    )
    ax.text(0, 0.08, "862.7", ha="center", va="center", fontsize=15, weight="bold", color=PETROL)
    ax.text(0, -0.24, "EUR million", ha="center", va="center", fontsize=7, color=LOOK.muted)
    for i, ((name, share), colour) in enumerate(zip(REGIONS.items(), shades, strict=True)):
        y = 0.86 - i * 0.145
        fig.add_artist(Rectangle((0.535, y), 0.022, 0.035, color=colour, linewidth=0))
        fig.text(0.575, y, f"{share}%", fontsize=8.5, weight="bold", color=LOOK.ink)
        fig.text(0.665, y, name, fontsize=7.2, color=LOOK.ink)
    return Plot(fig, LOOK)


BRIDGE = (
    ("EBIT\n2024", 71.5),
    ("Volume\nand mix", 14.2),
    ("Price", 9.8),
    ("Materials", -5.3),
    ("Wages", -7.1),
    ("Produc-\ntivity", 4.6),
    ("Research", -3.9),
    ("Currency", -1.9),
    ("EBIT\n2025", 81.9),
)


def ebit_bridge(w: float = 495, h: float = 245) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (26, 28, w - 32, h - 40))
    level = 0.0
    for i, (name, value) in enumerate(BRIDGE):
        whole = name.startswith("EBIT")
        start = 0.0 if whole else level
        end = value if whole else level + value
        colour = PETROL if whole else TEAL if value > 0 else COPPER
        ax.bar(i, end - start, bottom=start, width=0.62, color=colour)
        text = f"{value:.1f}" if whole else ("+" if value > 0 else "") + clean(value, 1)
        ax.text(i, max(start, end) + 1.2, text, ha="center", fontsize=8, weight="bold", color=LOOK.ink)
        if i + 1 < len(BRIDGE):
            ax.plot([i + 0.31, i + 0.69], [end, end], color=LOOK.muted, linewidth=0.6)
        level = end
    ax.set_xticks(range(len(BRIDGE)), [name for name, _ in BRIDGE])
    ax.set(ylim=(50, 103), yticks=(50, 60, 70, 80, 90, 100))
    return Plot(fig, LOOK)


def orders_and_revenue(w: float = 495, h: float = 210) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (28, 28, w - 110, h - 36))
    quarters = [f"Q{q}\n{y}" if q == 1 else f"Q{q}" for y in (2024, 2025) for q in (1, 2, 3, 4)]
    orders = (188, 201, 193, 222, 214, 231, 209, 248)
    revenue = (181.4, 196.8, 199.5, 216.5, 198.2, 213.6, 216.4, 234.5)
    for name, values, colour, nudge in (
        ("Order intake", orders, COPPER, 4),
        ("Revenue", revenue, PETROL, -12),
    ):
        ax.plot(range(8), values, color=colour, linewidth=2, marker="o", markersize=4)
        ax.text(7.15, values[-1] + nudge / 3, name, fontsize=8, weight="bold", color=colour, va="center")
        for i in (0, 3, 7):
            ax.text(i, values[i] + nudge, f"{values[i]:.0f}", ha="center", fontsize=7, color=colour)
    ax.set_xticks(range(8), quarters)
    ax.set(ylim=(160, 262), yticks=(160, 180, 200, 220, 240, 260))
    return Plot(fig, LOOK)


def net_debt(w: float = 237, h: float = 168) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (24, 18, w - 30, h - 34), grid="")
    debt, ratio = (151.2, 214.8, 221.3, 198.6, 171.9), (1.82, 2.51, 2.24, 1.80, 1.39)
    ax.bar(YEARS, debt, width=0.6, color=[SAND] * 4 + [PETROL])
    for i, v in enumerate(debt):
        inside = "white" if i == 4 else LOOK.ink
        ax.text(i, v - 22, f"{v:.0f}", ha="center", fontsize=7.5, color=inside)
    ax.set(ylim=(0, 310), yticks=[])
    upper = ax.twinx()
    upper.set(ylim=(-3.6, 2.8), yticks=[])
    for side in upper.spines.values():
        side.set_visible(False)
    upper.tick_params(length=0)
    upper.plot(range(5), ratio, color=COPPER, marker="o", markersize=4, linewidth=1.6)
    for i, v in enumerate(ratio):
        upper.text(i, v + 0.28, f"{v:.2f}×", ha="center", fontsize=7.5, weight="bold", color=COPPER)
    return Plot(fig, LOOK)


def installed_base(w: float = 237, h: float = 190) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (24, 18, w - 30, h - 30))
    under, without = (19.2, 24.5, 31.1, 38.6, 47.3), (61.0, 66.8, 70.2, 72.9, 74.1)
    ax.bar(YEARS, under, width=0.6, color=COPPER)
    ax.bar(YEARS, without, bottom=under, width=0.6, color=SAND)
    for i, (a, b) in enumerate(zip(under, without, strict=True)):
        ax.text(i, a / 2, f"{a:.1f}", ha="center", va="center", fontsize=7, color="white")
        ax.text(i, a + b + 3, f"{a / (a + b):.0%}", ha="center", fontsize=7.5, weight="bold", color=COPPER)
    ax.set(ylim=(0, 140), yticks=(0, 40, 80, 120))
    return Plot(fig, LOOK)


def gross_margin(w: float = 237, h: float = 172) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (24, 18, w - 96, h - 30))
    lines = {
        "Controls": ((58.0, 59.6, 61.2, 62.0, 63.4), "#a88a55"),
        "Service": ((43.1, 42.6, 44.0, 45.2, 45.9), COPPER),
        "Heat Pumps": ((28.4, 26.1, 27.3, 28.7, 29.6), PETROL),
        "Cold Storage": ((24.9, 24.2, 23.8, 24.4, 24.3), TEAL),
    }
    for name, (values, colour) in lines.items():
        ax.plot(range(5), values, color=colour, linewidth=1.8)
        ax.plot(4, values[-1], "o", color=colour, markersize=4)
        shift = {"Heat Pumps": 1.6, "Cold Storage": -1.6}.get(name, 0)
        text = f"{name} {values[-1]:.1f}"
        ax.text(4.15, values[-1] + shift, text, fontsize=7.2, color=colour, va="center", weight="bold")
    ax.set_xticks(range(5), YEARS)
    ax.set(ylim=(15, 70), yticks=(20, 30, 40, 50, 60))
    return Plot(fig, LOOK)


def headcount(w: float = 237, h: float = 205) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (58, 6, w - 100, h - 12), grid="")
    sites = {"Gdansk": 1365, "Aarhus": 1140, "Leipzig": 610, "Trondheim": 420, "Sheffield": 385, "Other": 240}
    colours = [COPPER] + [PETROL] * 4 + [SLATE]
    ax.barh(range(6), list(sites.values()), height=0.62, color=colours)
    for i, v in enumerate(sites.values()):
        ax.text(v + 20, i, f"{v:,}", va="center", fontsize=8, weight="bold", color=LOOK.ink)
    ax.set_yticks(range(6), list(sites))
    ax.set(xticks=[], ylim=(5.5, -0.5))
    ax.spines["bottom"].set_visible(False)
    return Plot(fig, LOOK)


def accident_rate(w: float = 237, h: float = 205) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (20, 18, w - 30, h - 28))
    rate = (4.9, 4.1, 3.6, 2.7, 2.2)
    ax.fill_between(range(5), rate, color=TEAL, alpha=0.25, linewidth=0)
    ax.plot(range(5), rate, color=PETROL, linewidth=2, marker="o", markersize=4.5)
    for i, v in enumerate(rate):
        ax.text(i, v + 0.3, f"{v:.1f}", ha="center", fontsize=8, weight="bold", color=PETROL)
    ax.axhline(2.0, color=COPPER, linewidth=1, linestyle=(0, (4, 3)))
    ax.text(0, 1.55, "2026 target: 2.0", fontsize=7.2, color=COPPER)
    ax.set_xticks(range(5), YEARS)
    ax.set(ylim=(0, 6), yticks=(0, 2, 4, 6))
    return Plot(fig, LOOK)


def emissions(w: float = 300, h: float = 250) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (24, 18, w - 34, h - 44))
    years = (*YEARS, "2030\ntarget")
    one, two = (14.2, 13.9, 12.8, 11.1, 9.6, 4.5), (21.8, 19.4, 16.7, 12.2, 8.7, 1.5)
    fade = [1.0] * 5 + [0.45]
    for i in range(6):
        ax.bar(i, one[i], width=0.6, color=PETROL, alpha=fade[i])
        ax.bar(i, two[i], bottom=one[i], width=0.6, color=TEAL, alpha=fade[i])
        ax.text(i, one[i] + two[i] + 0.8, f"{one[i] + two[i]:.1f}", ha="center", fontsize=8, weight="bold")
    ax.set_xticks(range(6), years)
    ax.set(ylim=(0, 42), yticks=(0, 10, 20, 30, 40))
    for x, name, colour in (
        (0.1, "Scope 1: own fuel and refrigerant losses", PETROL),
        (0.62, "Scope 2: electricity", TEAL),
    ):
        fig.text(x, 0.94, name, fontsize=7.5, color=colour, weight="bold")
    return Plot(fig, LOOK)

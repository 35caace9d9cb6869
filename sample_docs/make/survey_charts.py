"""Charts of the coffee survey. They go into the report as pictures, so their labels exist in pixels only."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from .look import Look
from .plot import axes, bitmap, figure

LOOK = Look(
    family="Ubuntu",
    ink="#2b2233",
    accent="#5b2a6e",
    second="#d9773b",
    tint="#f5f0f7",
    line="#d8d0dc",
    muted="#7a7080",
    size=10.8,
    leading=16,
)
PLUM, ORANGE, ROSE, GOLD, GREEN, GREY = "#5b2a6e", "#d9773b", "#b46a9c", "#e3b23c", "#6d9a6b", "#b9b2bd"
COUNTRIES = ("Netherlands", "Germany", "United Kingdom", "Poland", "Italy", "Sweden")


def shot(fig: Figure, dpi: float = 160) -> Image.Image:
    return bitmap(fig, LOOK.family, dpi)


def methods() -> Image.Image:
    fig = figure(480, 300)
    ax = axes(fig, LOOK, (92, 10, 376, 252), size=9, grid="")
    parts = {
        "Capsules": ((38, 27, 31, 12, 24, 15), PLUM),
        "Fully automatic": ((21, 31, 12, 17, 8, 14), ROSE),
        "Filter": ((24, 26, 9, 14, 2, 52), ORANGE),
        "Moka pot": ((3, 4, 5, 9, 55, 4), GOLD),
        "Instant": ((6, 7, 34, 41, 5, 8), GREEN),
        "Other": ((8, 5, 9, 7, 6, 7), GREY),
    }
    left = np.zeros(6)
    for name, (values, colour) in parts.items():
        ax.barh(
            range(6),
            values,
            left=left,
            color=colour,
            height=0.68,
            label=name,
            edgecolor="white",
            linewidth=0.6,
        )
        for i, v in enumerate(values):
            if v >= 6:
                ink = LOOK.ink if colour in (GOLD, GREY, GREEN, ORANGE) else "white"
                ax.text(left[i] + v / 2, i, str(v), ha="center", va="center", fontsize=8.5, color=ink)
        left += values
    ax.set_yticks(range(6), COUNTRIES)
    ax.set(ylim=(5.5, -0.5), xlim=(0, 100), xticks=[])
    ax.spines["bottom"].set_visible(False)
    fig.legend(
        loc="upper center",
        ncols=6,
        fontsize=8.5,
        frameon=False,
        handlelength=0.9,
        columnspacing=1.2,
        handletextpad=0.4,
    )
    return shot(fig)


def spending() -> Image.Image:
    fig = figure(240, 215)
    ax = axes(fig, LOOK, (28, 34, 206, 155), size=7.6)
    bins = ("0-5", "5-10", "10-15", "15-20", "20-30", "30-40", "40-60", "60+")
    values = (7, 15, 24, 22, 17, 8, 5, 2)
    ax.tick_params(axis="x", labelsize=6.6)
    ax.bar(bins, values, color=[GREY, GREY, PLUM, PLUM, GREY, GREY, GREY, GREY], width=0.82)
    for i, v in enumerate(values):
        ax.text(i, v + 0.5, f"{v}%", ha="center", fontsize=8.5, color=LOOK.ink)
    ax.set(ylim=(0, 27), yticks=(0, 10, 20), xlabel="Euros a month for coffee drunk at home")
    ax.set_title("Monthly spending", fontsize=10, weight="bold", color=PLUM, loc="left")
    return shot(fig)


def price_limit() -> Image.Image:
    fig = figure(240, 215)
    ax = axes(fig, LOOK, (28, 34, 204, 155), size=7.6)
    price = np.linspace(8, 32, 120)
    for name, middle, width, colour, x in (
        ("Supermarket", 14.2, 2.1, ORANGE, 8.3),
        ("Roaster", 22.6, 2.9, PLUM, 23.0),
    ):
        share = 100 / (1 + np.exp((price - middle) / width))
        ax.plot(price, share, color=colour, linewidth=2.4)
        ax.plot([middle], [50], "o", color=colour, markersize=6)
        ax.text(
            x,
            10 if name == "Supermarket" else 72,
            f"{name}\nhalf leave\nat €{middle:.1f}0",
            fontsize=8,
            color=colour,
            weight="bold",
        )
    ax.axhline(50, color=LOOK.muted, linewidth=0.7, linestyle=(0, (3, 3)))
    ax.set(
        xlim=(8, 32),
        ylim=(0, 104),
        yticks=(0, 25, 50, 75, 100),
        xlabel="Price of one kilogram of beans, euros",
    )
    ax.set_title("Who would still buy, per cent", fontsize=10, weight="bold", color=PLUM, loc="left")
    return shot(fig)


def channels() -> Image.Image:
    fig = figure(480, 250)
    ax = axes(fig, LOOK, (32, 22, 322, 216), size=9)
    years = np.arange(2019, 2026)
    parts = {
        "Supermarket": ((71, 66, 64, 62, 59, 56, 53), GREY),
        "Discounter": ((13, 13, 13, 14, 16, 18, 19), GOLD),
        "Online subscription": ((4, 8, 9, 10, 11, 13, 14), PLUM),
        "Local roaster": ((5, 6, 7, 8, 8, 8, 9), ORANGE),
        "Other": ((7, 7, 7, 6, 6, 5, 5), "#ded9e1"),
    }
    ax.stackplot(
        years,
        [v for v, _ in parts.values()],
        colors=[k for _, k in parts.values()],
        edgecolor="white",
        linewidth=0.8,
    )
    base = 0.0
    for name, (values, _) in parts.items():
        ax.text(
            2025.12, base + values[-1] / 2, f"{name}  {values[-1]}%", va="center", fontsize=9, color=LOOK.ink
        )
        base += values[-1]
    ax.set(xlim=(2019, 2025), ylim=(0, 100), yticks=(0, 25, 50, 75, 100))
    return shot(fig)


def reasons() -> Image.Image:
    fig = figure(480, 215)
    ax = axes(fig, LOOK, (158, 8, 300, 200), size=9, grid="")
    rows = (
        ("Machine broke after warranty", 34),
        ("Cost of each cup", 29),
        ("Waste of capsules", 22),
        ("Descaling is a nuisance", 19),
        ("Taste", 17),
        ("Noise in the morning", 11),
        ("Got one as a present", 9),
    )
    ax.barh(range(7), [v for _, v in rows], color=[ORANGE, *[PLUM] * 6], height=0.62)
    for i, (_, v) in enumerate(rows):
        ax.text(v + 0.5, i, f"{v}%", va="center", fontsize=9, weight="bold", color=LOOK.ink)
    ax.set_yticks(range(7), [name for name, _ in rows])
    ax.set(ylim=(6.6, -0.6), xticks=[], xlim=(0, 38))
    ax.spines["bottom"].set_visible(False)
    return shot(fig)


def segments() -> Image.Image:
    fig = figure(480, 330)
    ax = axes(fig, LOOK, (40, 36, 420, 284), size=9, grid="both")
    groups = (
        ("Button pressers", 2.1, 20.5, 33, PLUM),
        ("Thermos families", 4.6, 14.2, 24, ORANGE),
        ("Weekend baristas", 2.6, 36.5, 13, ROSE),
        ("Moka loyalists", 3.6, 17.0, 15, GOLD),
        ("Spoon and kettle", 3.2, 7.5, 15, GREEN),
    )
    for name, cups, euros, share, colour in groups:
        ax.scatter(cups, euros, s=share * 70, color=colour, alpha=0.85, linewidths=0)
        ax.text(cups, euros, f"{share}%", ha="center", va="center", fontsize=10, weight="bold", color="white")
        ax.text(
            cups,
            euros - 1.9 - share * 0.055,
            name,
            ha="center",
            va="top",
            fontsize=9.5,
            weight="bold",
            color=LOOK.ink,
        )
    ax.set(xlim=(1.2, 5.6), ylim=(0, 44), xlabel="Cups a day in the household", ylabel="Euros a month")
    return shot(fig)


def ownership() -> Image.Image:
    """Cover picture: how old the machines in kitchens are."""
    fig = figure(480, 245)
    ax = axes(fig, LOOK, (30, 22, 440, 195), size=9)
    age = ("new", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10+")
    automatic = (14, 15, 14, 12, 10, 9, 8, 6, 5, 3, 4)
    filters = (7, 7, 8, 8, 8, 8, 8, 8, 8, 8, 22)
    x = np.arange(11)
    ax.bar(x - 0.2, automatic, width=0.38, color=PLUM, label="Fully automatic")
    ax.bar(x + 0.2, filters, width=0.38, color=ORANGE, label="Filter")
    for i, v in enumerate(filters):
        if v > 10:
            ax.text(i + 0.2, v + 0.6, f"{v}%", ha="center", fontsize=9, weight="bold", color=ORANGE)
    ax.text(1 - 0.2, 15.6, "15%", ha="center", fontsize=9, weight="bold", color=PLUM)
    ax.set_xticks(x, age)
    ax.set(ylim=(0, 25), yticks=(0, 10, 20))
    ax.set_title(
        "Age of the machine in years, per cent of owners", fontsize=10, weight="bold", color=PLUM, loc="left"
    )
    ax.legend(fontsize=9, frameon=False, loc="upper center", ncols=2)
    return shot(fig)

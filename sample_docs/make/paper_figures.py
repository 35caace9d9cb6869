"""Figures, equations and data of the green-roof paper. The data are drawn from a seeded model."""

from __future__ import annotations

import math

import numpy as np

from .look import Look
from .plot import Plot, axes, boxed, figure

LOOK = Look(
    family="Stix",
    ink="#111111",
    accent="#111111",
    second="#b5483a",
    tint="#f2f2f2",
    line="#b9b9b9",
    muted="#444444",
    size=10.3,
    leading=12.8,
    justify=True,
)
GRAVEL, SEDUM, MEADOW = "#7a7a7a", "#c98a2b", "#2f7d4f"
COLUMN = 244.0


def equation(formula: str, number: int, height: float = 26.0) -> Plot:
    fig = figure(COLUMN, height)
    fig.text(0.46, 0.5, f"${formula}$", fontsize=11.2, ha="center", va="center", color=LOOK.ink)
    fig.text(1.0, 0.5, f"({number})", fontsize=10.3, ha="right", va="center", color=LOOK.ink)
    return Plot(fig, LOOK, before=3, after=5)


def heat_wave(w: float, h: float = 205.0) -> Plot:
    rng = np.random.default_rng(11)
    t = np.arange(0, 120, 0.5)
    day = np.sin((t % 24 - 9.0) / 24 * math.tau)
    trend = np.interp(t, (0, 48, 84, 120), (0.0, 2.6, 3.4, 1.2))
    fig = figure(w, h)
    ax = axes(fig, LOOK, (34, 30, w - 42, h - 40), size=7.5, grid="")
    for k in range(5):
        ax.axvspan(k * 24 + 22, k * 24 + 29.5, color="#e6e9f2", linewidth=0)
    for name, base, swing, colour, damp in (
        ("A gravel", 32.5, 21.0, GRAVEL, 1.0),
        ("B sedum, dry", 29.8, 15.5, SEDUM, 0.9),
        ("C meadow, irrigated", 24.4, 6.6, MEADOW, 0.7),
    ):
        shape = np.where(day > 0, np.abs(day) ** 1.15, -(np.abs(day) ** 0.8) * 0.55)
        y = base + swing * shape + trend * damp + rng.normal(0, 0.25, t.size)
        if colour == MEADOW:  # the drip line runs from 21:00 to 22:00 and the leaves cool at once
            y -= np.where((t % 24 > 20.5) & (t % 24 < 24), 1.4, 0.0)
        ax.plot(t, y, color=colour, linewidth=1.1)
        at = {GRAVEL: (75.0, 56.0), SEDUM: (57.5, 47.5), MEADOW: (36.0, 15.6)}[colour]
        ax.text(
            *at, name, color=colour, fontsize=7.8, weight="bold", ha="right" if colour == SEDUM else "left"
        )
    air = 25.8 + 6.2 * day + trend + rng.normal(0, 0.15, t.size)
    ax.plot(t, air, color="#2b4f81", linewidth=0.9, linestyle=(0, (3, 2)))
    ax.text(1.2, 33.6, "air, 2 m", color="#2b4f81", fontsize=7.2)
    boxed(ax, LOOK)
    ax.set_xticks(range(0, 121, 24), ["14 July", "15 July", "16 July", "17 July", "18 July", "19 July"])
    ax.set(xlim=(0, 120), ylim=(12, 62), ylabel="Surface temperature (°C)")
    return Plot(fig, LOOK)


def water_scatter(w: float = COLUMN, h: float = 205.0) -> Plot:
    rng = np.random.default_rng(23)
    fig = figure(w, h)
    ax = axes(fig, LOOK, (32, 30, w - 40, h - 38), size=7.5, grid="")
    for low, high, n, slope, start, colour, mark, name in (
        (0.03, 0.21, 74, 7.9, 0.35, SEDUM, "s", "B sedum, dry"),
        (0.12, 0.42, 118, 7.9, 0.35, MEADOW, "o", "C meadow, irrigated"),
    ):
        x = rng.uniform(low, high, n)
        y = start + slope * x - 9.0 * np.maximum(x - 0.31, 0) + rng.normal(0, 0.33, n)
        ax.plot(x, y, mark, markersize=2.8, color=colour, alpha=0.65, markeredgewidth=0, label=name)
    xs = np.linspace(0.03, 0.42, 80)
    ax.plot(xs, 0.35 + 7.9 * xs - 9.0 * np.maximum(xs - 0.31, 0), color=LOOK.ink, linewidth=1.3)
    ax.axvline(0.31, color=LOOK.muted, linewidth=0.7, linestyle=(0, (2, 2)))
    ax.text(0.316, 0.22, r"$\theta_c = 0.31$", fontsize=8)
    ax.text(0.035, 3.55, "r² = 0.71, 192 nights", fontsize=8)
    boxed(ax, LOOK)
    ax.plot([0.045], [3.2], "s", color=SEDUM, markersize=3.5)
    ax.text(0.055, 3.2, "B sedum, dry", fontsize=7.4, va="center")
    ax.plot([0.045], [2.92], "o", color=MEADOW, markersize=3.5)
    ax.text(0.055, 2.92, "C meadow, irrigated", fontsize=7.4, va="center")
    ax.set(xlim=(0, 0.45), ylim=(0, 3.9))
    ax.set_xlabel("Water content of the substrate θ (m³/m³)")
    ax.set_ylabel("Night cooling against gravel (K)")
    return Plot(fig, LOOK)


def drying(w: float = COLUMN, h: float = 170.0) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (32, 28, w - 70, h - 36), size=7.5, grid="")
    day = np.arange(0, 19)
    cooling = (2.5, 2.5, 2.4, 2.0, 1.6, 1.1, 0.6, 0.5, 0.4, 0.5, 0.3, 0.4, 0.3, 0.3, 0.3, 1.4, 1.9, 2.3, 2.5)
    water = (
        0.33,
        0.325,
        0.31,
        0.27,
        0.22,
        0.17,
        0.13,
        0.11,
        0.10,
        0.09,
        0.085,
        0.08,
        0.08,
        0.075,
        0.075,
        0.19,
        0.26,
        0.31,
        0.33,
    )
    right = ax.twinx()
    right.plot(day, water, color="#2b6fa8", linewidth=1.2)
    right.axhline(0.31, color="#2b6fa8", linewidth=0.6, linestyle=(0, (2, 2)))
    ax.plot(day, cooling, "o", color=MEADOW, markersize=4, markeredgewidth=0)
    ax.annotate(
        "20 mm", (14, 0.45), (14, 1.7), fontsize=7.5, ha="center", arrowprops={"arrowstyle": "-|>", "lw": 0.7}
    )
    boxed(ax, LOOK)
    ax.tick_params(right=False)
    right.patch.set_visible(False)
    right.tick_params(labelsize=7.5, direction="in", length=3, width=0.6, colors="#2b6fa8", pad=3)
    for side in right.spines.values():
        side.set_visible(False)
    right.set(ylim=(0, 0.4))
    right.set_ylabel("Water content (m³/m³)", fontsize=7.5, color="#2b6fa8")
    ax.set_xticks(
        (0, 2, 4, 6, 8, 10, 12, 14, 16, 18), ("8", "10", "12", "14", "16", "18", "20", "22", "24", "26")
    )
    ax.set(xlim=(-0.6, 18.6), ylim=(0, 3), xlabel="August of the third summer", ylabel="Night cooling (K)")
    return Plot(fig, LOOK)


def flux_boxes(w: float = COLUMN, h: float = 190.0) -> Plot:
    rng = np.random.default_rng(5)
    fig = figure(w, h)
    ax = axes(fig, LOOK, (32, 20, w - 40, h - 28), size=7.5, grid="")
    months = ("May", "June", "July", "August", "September")
    centres = {
        GRAVEL: (3.1, 5.4, 7.2, 6.3, 2.4),
        SEDUM: (1.2, 2.9, 4.4, 3.6, 0.6),
        MEADOW: (-0.9, 0.1, 0.8, 0.5, -1.3),
    }
    for k, (colour, mids) in enumerate(centres.items()):
        data = [rng.normal(m, 1.5 - 0.35 * k, 60) for m in mids]
        ax.boxplot(
            data,
            positions=[i + (k - 1) * 0.26 for i in range(5)],
            widths=0.2,
            patch_artist=True,
            showfliers=False,
            boxprops={"facecolor": colour, "edgecolor": LOOK.ink, "linewidth": 0.5},
            medianprops={"color": "white", "linewidth": 1.1},
            whiskerprops={"linewidth": 0.6},
            capprops={"linewidth": 0.6},
        )
    ax.axhline(0, color=LOOK.ink, linewidth=0.5)
    boxed(ax, LOOK)
    ax.set_xticks(range(5), months)
    for k, name in enumerate(("A gravel", "B sedum", "C meadow")):
        ax.text(2.9 + 0.0 * k, 10.9 - k * 1.05, name, color=tuple(centres)[k], fontsize=7.6, weight="bold")
    ax.set(xlim=(-0.6, 4.6), ylim=(-5, 12), ylabel="Heat flux into the building (W/m²)")
    return Plot(fig, LOOK)


def saving_map(w: float = COLUMN, h: float = 195.0) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (34, 30, w - 84, h - 38), size=7.5, grid="")
    dose, hour = np.meshgrid(np.linspace(0, 6, 25), np.linspace(15, 27, 25))
    best = np.exp(-((hour - 21.5) ** 2) / 18)
    saving = 26 * (1 - np.exp(-dose / 1.9)) * (0.45 + 0.55 * best) - 1.1 * np.maximum(dose - 3.2, 0) ** 1.6
    mesh = ax.contourf(dose, hour, saving, levels=np.arange(-4, 25, 4), cmap="YlGnBu")
    lines = ax.contour(dose, hour, saving, levels=np.arange(0, 25, 4), colors=LOOK.ink, linewidths=0.4)
    del lines
    ax.plot(2.6, 21.5, "*", color="#b5483a", markersize=9, markeredgewidth=0)
    boxed(ax, LOOK)
    ax.set_yticks((15, 18, 21, 24, 27), ("15:00", "18:00", "21:00", "0:00", "3:00"))
    ax.set(xlabel="Irrigation dose (mm per night)", ylabel="Start of irrigation")
    bar = fig.add_axes(((w - 44) / w, 30 / h, 8 / w, (h - 38) / h))
    fig.colorbar(mesh, cax=bar)
    bar.tick_params(labelsize=7, length=2, width=0.4, pad=2)
    bar.set_ylabel("Saving of cooling energy (%)", fontsize=7.5, color=LOOK.ink)
    for side in bar.spines.values():
        side.set_linewidth(0.4)
    return Plot(fig, LOOK)


def ceiling(w: float = COLUMN, h: float = 165.0) -> Plot:
    rng = np.random.default_rng(41)
    fig = figure(w, h)
    ax = axes(fig, LOOK, (32, 30, w - 40, h - 38), size=7.5, grid="")
    steps = np.arange(22, 30.01, 0.1)
    for name, above, colour, spread in (
        ("A gravel", 17, GRAVEL, 1.35),
        ("B sedum", 11, SEDUM, 1.15),
        ("C meadow", 3, MEADOW, 0.8),
    ):
        nights = np.sort(rng.normal(0, spread, 24))
        # Shifted so that exactly the stated number of nights lies above 26 degrees.
        nights += 26 - (nights[23 - above] + nights[24 - above]) / 2
        count = [(nights > t).sum() for t in steps]
        ax.step(steps, count, where="post", color=colour, linewidth=1.3)
        ax.plot(26, above, "o", color=colour, markersize=4)
        ax.text(
            28.05, 21.6 - 2.4 * ("A", "B", "C").index(name[0]), name, color=colour, fontsize=8, weight="bold"
        )
    ax.axvline(26, color=LOOK.muted, linewidth=0.6, linestyle=(0, (2, 2)))
    boxed(ax, LOOK)
    ax.set(xlim=(22, 30), ylim=(0, 25), xlabel="Ceiling temperature at 2:00 (°C)", ylabel="Nights above")
    return Plot(fig, LOOK)

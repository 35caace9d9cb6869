"""Charts and formulas, drawn by matplotlib in many styles."""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from benchmarks.sight.kit import STRONG, Chance

MAPS = ("tab10", "Set2", "viridis", "Pastel1", "Blues", "plasma", "tab20", "Oranges", "Dark2")


def figure(
    c: Chance, draw: Callable[[object], None], *, bare: float = 0.45, size: tuple[float, float] | None = None
) -> Image.Image:
    """bare: how often only what is between the axes is kept, as where a PDF's drawing is found without its words."""
    r = c.r
    with plt.rc_context(
        {"font.size": r.choice([5, 6, 8, 10, 12]), "font.family": r.choice(["sans-serif", "sans-serif", "serif"])}
    ):
        w, h = size or (r.uniform(2.6, 6.5), r.uniform(2, 4.5))
        figure, axes = plt.subplots(figsize=(w, h), dpi=64)
        draw(axes)
        if r.random() < 0.5:
            axes.set_title(c.words(r.randint(2, 6)), loc=r.choice(["left", "center"]))
        if r.random() < 0.35:
            axes.set_xlabel(c.words(2))
            axes.set_ylabel(c.words(2))
        if r.random() < 0.45:
            for side in r.choice([("top", "right"), ("top", "right", "left"), ("top", "right", "left", "bottom")]):
                axes.spines[side].set_visible(False)
        if r.random() < 0.25:
            axes.set_facecolor(r.choice(["#e5ecf6", "#eeeeee", "#fafafa", "#fbf5ea"]))
        if r.random() < 0.45:
            axes.grid(axis=r.choice(["x", "y", "both"]), alpha=r.uniform(0.2, 0.8))
        if r.random() < bare:
            axes.set_xticklabels([])
            axes.set_yticklabels([])
            axes.set_title("")
        if r.random() < 0.08:
            figure.set_facecolor(r.choice(["#f7f1e5", "#eef", "#222233"]))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", bbox_inches="tight" if r.random() < 0.7 else None)
        plt.close(figure)
    return Image.open(buffer).convert("RGB")


def colours_of(c: Chance, n: int) -> list[object]:
    style = c.r.random()
    if style < 0.4:
        table = plt.get_cmap(c.r.choice(MAPS))
        return [table(i % 10 if table.N <= 20 else c.r.random()) for i in range(n)]
    if style < 0.8:
        return c.r.choices(STRONG, k=n)
    grey = c.r.random()
    return [str(min(0.9, 0.2 + 0.7 * ((grey + i / max(n, 1)) % 1))) for i in range(n)]


def bar(c: Chance) -> Image.Image:
    def draw(axes: object) -> None:
        r, n, series = c.r, c.r.randint(2, 14), c.r.randint(2, 5)
        kind = r.choice(["one", "one", "one", "stack", "group", "across", "across", "stack across", "combo"])
        base, colours = np.zeros(n), colours_of(c, 6)
        values = c.g.random(n) ** r.choice([1, 2]) * r.choice([1, 10, 100])
        if r.random() < 0.4:
            values = np.sort(values)[:: r.choice([1, -1])]
        width = r.uniform(0.4, 1.0)
        match kind:
            case "stack" | "stack across":
                parts = c.g.random((series, n)) + 0.1
                if r.random() < 0.5:
                    parts /= parts.sum(axis=0)
                for i, part in enumerate(parts):
                    (
                        axes.bar
                        if kind == "stack"
                        else lambda x, v, w, bottom, color: axes.barh(x, v, w, left=bottom, color=color)
                    )(range(n), part, width, bottom=base, color=colours[i])
                    base += part
            case "group":
                for i in range(series):
                    axes.bar(np.arange(n) + i * 0.8 / series, c.g.random(n), 0.8 / series, color=colours[i])
            case "across":
                axes.barh(range(n), values, width, color=colours[0] if r.random() < 0.7 else colours_of(c, n))
                if r.random() < 0.5:
                    axes.invert_yaxis()
            case _:
                axes.bar(range(n), values, width, color=colours[0] if r.random() < 0.7 else colours_of(c, n))
                if kind == "combo":
                    axes.plot(range(n), c.g.random(n) * values.max(), color=colours[1], marker=r.choice(["o", ""]))
        labels = [c.label() for _ in range(n)]
        if "across" in kind:
            axes.set_yticks(range(n), labels)
        else:
            axes.set_xticks(range(n), labels, rotation=r.choice([0, 30, 45, 90]))
        if kind not in ("one", "across") and r.random() < 0.6:
            axes.legend([c.word() for _ in range(series)], loc=r.choice(["best", "upper left"]))
        if kind in ("one", "across") and r.random() < 0.4:
            for i, v in enumerate(values):
                axes.text(
                    *((v, i) if kind == "across" else (i, v)), f"{v:.1f}%", ha="center" if kind == "one" else "left"
                )

    return figure(c, draw)


def pie(c: Chance) -> Image.Image:
    def draw(axes: object) -> None:
        r, n = c.r, c.r.randint(2, 8)
        axes.pie(
            c.g.random(n) + 0.08,
            labels=[c.word() for _ in range(n)] if r.random() < 0.5 else None,
            colors=colours_of(c, n),
            autopct="%d%%" if r.random() < 0.5 else None,
            wedgeprops={"width": r.choice([0.25, 0.35, 0.5]), "edgecolor": r.choice(["white", "none"])}
            if r.random() < 0.45
            else {"edgecolor": r.choice(["white", "black", "none"])},
            startangle=r.randint(0, 360),
            explode=[0.1 if r.random() < 0.15 else 0 for _ in range(n)],
            shadow=r.random() < 0.15,
        )
        if r.random() < 0.2:
            axes.set_aspect(r.uniform(0.4, 0.7))
        if r.random() < 0.35:
            axes.legend([c.word() for _ in range(n)], loc="center left", bbox_to_anchor=(1, 0.5))

    return figure(c, draw, bare=0)


def line(c: Chance) -> Image.Image:
    def draw(axes: object) -> None:
        r, n = c.r, c.r.choice([5, 8, 12, 30, 80, 200])
        area = r.random() < 0.15
        if area:
            axes.stackplot(
                range(n), np.abs(np.cumsum(c.g.normal(size=(r.randint(1, 5), n)), axis=1)) + 1, colors=colours_of(c, 6)
            )
        for _ in range(0 if area else r.choice([1, 1, 2, 3, 4, 5])):
            x = np.linspace(0, 1, n)
            shape = r.choice(["walk", "power", "wave", "spikes", "decay", "step"])
            match shape:
                case "walk":
                    v = np.cumsum(c.g.normal(size=n)) + r.random() * 5
                case "power":
                    v = (x ** r.uniform(0.3, 3)) * r.choice([-1, 1]) * r.uniform(1, 9)
                case "wave":
                    v = np.sin(x * r.uniform(4, 25) + r.random() * 6) * r.uniform(0.5, 2) + c.g.normal(0, 0.1, n)
                case "spikes":
                    v = c.g.exponential(1, n) ** 2 * (x > r.choice([0, 0, 0.5]) if r.random() < 0.5 else 1)
                case "decay":
                    v = np.exp(-x * r.uniform(1, 8)) * r.uniform(1, 5)
                case _:
                    v = np.round(np.cumsum(c.g.random(n)) * r.choice([1, -1]))
            axes.plot(
                x,
                v,
                color=colours_of(c, 1)[0],
                marker=r.choice(["", "", "o", "s", "."]),
                ms=3,
                lw=r.choice([0.7, 1, 1.5, 2.5]),
                ls=r.choice(["-", "-", "-", "--"]),
                drawstyle="steps" if shape == "step" else "default",
            )
            if r.random() < 0.15:
                axes.fill_between(x, v, v.min(), alpha=0.3)
        if r.random() < 0.3:
            axes.legend([c.word() for _ in range(5)], frameon=r.random() < 0.5)
        if r.random() < 0.2:
            axes.annotate(c.words(2), (0.5, 0.5), (0.6, 0.8), xycoords="axes fraction", arrowprops={"arrowstyle": "->"})

    return figure(c, draw)


def scatter(c: Chance) -> Image.Image:
    def draw(axes: object) -> None:
        r = c.r
        for _ in range(r.randint(1, 4)):
            n = r.choice([6, 15, 40, 120, 400])
            x = c.g.normal(r.random() * 3, 1, n)
            y = x * r.uniform(-1, 1) + c.g.normal(r.random() * 3, r.uniform(0.2, 1), n)
            axes.scatter(
                x,
                y,
                s=r.choice([4, 8, 15, 40]) if r.random() < 0.75 else c.g.random(n) * 300,
                color=colours_of(c, 1)[0],
                alpha=r.uniform(0.4, 1),
                marker=r.choice(["o", "o", ".", "x", "^", "+"]),
            )
            if r.random() < 0.2 and n < 50:
                for a, b in zip(x, y, strict=True):
                    axes.text(a, b, c.word(), fontsize=5)
            if r.random() < 0.15:
                for a, b in c.g.normal(0, 1.5, (6, 2)):
                    axes.annotate("", (a, b), (0, 0), arrowprops={"arrowstyle": "->", "color": r.choice(STRONG)})
            if r.random() < 0.2:
                axes.plot(np.sort(x), np.poly1d(np.polyfit(x, y, 1))(np.sort(x)), color="black", lw=1)

    return figure(c, draw)


def formula(c: Chance) -> Image.Image:
    r = c.r
    letters = [
        *"abcdefgknmpqrstuvwxyzABCEFGHKLMNPRSTVXY",
        r"\alpha",
        r"\beta",
        r"\gamma",
        r"\lambda",
        r"\mu",
        r"\pi",
        r"\sigma",
        r"\theta",
        r"\phi",
        r"\Omega",
        r"\Delta",
    ]
    names = ["f", "g", "h", r"\sin", r"\log", r"\exp", "P"]

    def one() -> str:
        return r.choice(letters)

    def term(depth: int = 0) -> str:
        simple = [
            one,
            lambda: f"{r.randint(1, 9)}{one()}",
            lambda: f"{one()}_{{{one()}}}",
            lambda: f"{one()}^{{{r.choice([one(), '2', 'n', '-1'])}}}",
            lambda: r.choice(names) + f"({one()})",
        ]
        deep = [
            lambda: rf"\frac{{{term(depth + 1)}}}{{{term(depth + 1)}}}",
            lambda: rf"\sum_{{{one()}=0}}^{{{one()}}} {term(depth + 1)}",
            lambda: rf"\int_{{0}}^{{\infty}} {term(depth + 1)}\, d{one()}",
            lambda: rf"\sqrt{{{term(depth + 1)}}}",
            lambda: rf"\left({term(depth + 1)} + {term(depth + 1)}\right)",
            lambda: rf"\partial_{{{one()}}} {term(depth + 1)}",
        ]
        return r.choice(simple if depth > 1 else deep + simple)()

    signs, joins = ["=", r"\leq", r"\approx", "=", r"\in"], ["+", "-", r"\cdot", ""]
    rows = [
        "$" + " ".join([term(), r.choice(signs), term(), r.choice(joins), term()]) + "$"
        for _ in range(r.choice([1, 1, 1, 2, 3]))
    ]
    with plt.rc_context({"mathtext.fontset": r.choice(["cm", "cm", "stix", "dejavusans", "dejavuserif"])}):
        figure = plt.figure(figsize=(4.5, 0.8 * len(rows)), dpi=80)
        for i, row in enumerate(rows):
            figure.text(0.5, 1 - (i + 0.5) / len(rows), row, ha="center", va="center", fontsize=r.choice([13, 16, 20]))
            if r.random() < 0.3:
                figure.text(0.98, 1 - (i + 0.5) / len(rows), f"({r.randint(1, 40)})", ha="right", va="center")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", bbox_inches="tight")
        plt.close(figure)
    return Image.open(buffer).convert("RGB")


def other(c: Chance) -> Image.Image:
    """Box plots, heat maps, contours, radars, plans of bars, gauges."""
    r, kind = c.r, c.r.choice(["box", "box", "heat", "heat", "contour", "radar", "gantt", "gauge"])

    def draw(axes: object) -> None:
        match kind:
            case "box":
                n = r.randint(3, 10)
                plot = axes.boxplot(
                    [c.g.normal(r.random() * 3, r.uniform(0.5, 2), 30) for _ in range(n)],
                    patch_artist=r.random() < 0.7,
                    widths=r.uniform(0.3, 0.8),
                )
                for box in plot["boxes"]:
                    box.set(color=r.choice(STRONG))
            case "heat":
                data = c.g.random((r.randint(4, 12), r.randint(4, 16)))
                axes.imshow(data, cmap=r.choice(MAPS), aspect="auto")
                if r.random() < 0.5 and data.size < 100:
                    for i, j in np.ndindex(data.shape):
                        axes.text(j, i, f"{data[i, j]:.1f}", ha="center", fontsize=5)
            case "contour":
                x, y = np.meshgrid(np.linspace(-2, 2, 50), np.linspace(-2, 2, 50))
                z = (
                    np.sin(x * r.uniform(0.5, 2) + r.random())
                    + np.cos(y * r.uniform(0.5, 2))
                    + x * y * r.uniform(-0.3, 0.3)
                )
                (axes.contourf if r.random() < 0.7 else axes.contour)(x, y, z, r.randint(5, 12), cmap=r.choice(MAPS))
            case "gantt":
                for i in range(r.randint(4, 14)):
                    axes.barh(
                        i,
                        r.uniform(1, 5),
                        r.uniform(0.4, 0.8),
                        left=i * r.uniform(0.4, 1) + r.random(),
                        color=r.choice(STRONG),
                    )
                axes.invert_yaxis()
            case "gauge":
                axes.pie(
                    [r.uniform(0.2, 0.9), 0.4, 1.0],
                    colors=[r.choice(STRONG), "#dddddd", "white"],
                    wedgeprops={"width": 0.3},
                    startangle=180,
                    counterclock=False,
                )
                axes.text(0, 0.05, f"{r.randint(5, 99)}%", ha="center", fontsize=16)
            case _:
                n = r.randint(4, 9)
                angle = np.linspace(0, 2 * np.pi, n + 1)
                for level in (0.33, 0.66, 1.0):
                    axes.plot(level * np.cos(angle), level * np.sin(angle), color="#bbb", lw=0.7)
                for _ in range(r.randint(1, 3)):
                    v = c.g.uniform(0.2, 1, n)
                    v = np.append(v, v[0])
                    colour = r.choice(STRONG)
                    axes.plot(v * np.cos(angle), v * np.sin(angle), color=colour)
                    axes.fill(v * np.cos(angle), v * np.sin(angle), color=colour, alpha=0.25)
                axes.axis("off")

    return figure(c, draw)

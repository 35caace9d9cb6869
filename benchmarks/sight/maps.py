"""Maps: countries of the world, one country in regions, streets."""

from __future__ import annotations

import struct
from functools import cache
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from benchmarks.sight.charts import colours_of, figure
from benchmarks.sight.kit import SOFT, STRONG, Chance


@cache
def _countries(path: Path) -> list[list[np.ndarray]]:
    """Rings of each shape in a shapefile (ESRI, "Shapefile Technical Description", 1998), in degrees."""
    data, at, shapes = path.read_bytes(), 100, []
    while at < len(data):
        _, words = struct.unpack_from(">2i", data, at)
        kind, *_ = struct.unpack_from("<i", data, at + 8)
        if kind == 5:
            n_parts, n_points = struct.unpack_from("<2i", data, at + 44)
            starts = [*struct.unpack_from(f"<{n_parts}i", data, at + 52), n_points]
            points = np.frombuffer(data, "<f8", 2 * n_points, at + 52 + 4 * n_parts).reshape(-1, 2)
            shapes.append([points[a:b] for a, b in pairwise(starts)])
        at += 8 + 2 * words
    return shapes


def country_map(c: Chance) -> Image.Image:
    path = c.material("naturalearth_lowres.shp")
    shapes = _countries(path)

    def draw(axes: object) -> None:
        r = c.r
        middle = np.concatenate(r.choice(shapes)).mean(axis=0)
        span = r.choice([8, 20, 40, 90, 180])
        sea = r.choice(["#cfe8f5", "white", "#a8d0e6", "white", "#eef3f7"])
        land = (
            colours_of(c, 7) if r.random() < 0.5 else [r.choice(["#e8e4d8", "#f3efe0", "#d9ead3", "#fff5dd", "#ddd"])]
        )
        edge = r.choice(["#888", "black", "white", "#b5651d"])
        axes.set_facecolor(sea)
        half = np.array([span / 2, span / 2 * 0.7])
        for shape in shapes:
            colour = r.choice(land)
            for ring in shape:
                if ((ring.max(axis=0) < middle - half) | (ring.min(axis=0) > middle + half)).any():
                    continue
                rough = ring
                if span <= 40:  # coasts have detail at every scale
                    for step in (0.25, 0.12):
                        mid = (rough[:-1] + rough[1:]) / 2 + c.g.normal(0, step * span / 60, (len(rough) - 1, 2))
                        rough = np.stack([rough[:-1], mid], axis=1).reshape(-1, 2)
                axes.fill(*rough.T, facecolor=colour, edgecolor=edge, lw=r.choice([0.4, 0.8]))
        for _ in range(r.choice([0, 3, 10, 25])):
            x, y = middle + c.g.uniform(-0.5, 0.5, 2) * span
            if r.random() < 0.6:
                axes.plot(x, y, marker=r.choice(["o", ".", "s"]), ms=r.choice([2, 4, 8]), color=r.choice(STRONG))
            axes.text(x, y, c.word(), fontsize=r.choice([4, 6, 8]))
        axes.set_xlim(middle[0] - span / 2, middle[0] + span / 2)
        axes.set_ylim(middle[1] - span / 2 * 0.7, middle[1] + span / 2 * 0.7)
        if r.random() < 0.85:
            axes.set_xticks([])
            axes.set_yticks([])

    return figure(c, draw)


def street_map(c: Chance) -> Image.Image:
    """Streets at odd angles, blocks, parks, a river."""
    r = c.r

    def draw(axes: object) -> None:
        axes.set_facecolor(r.choice(["#f2efe9", "#eeeeee", "white", "#f8f4e8"]))
        for _ in range(r.randint(1, 4)):
            angle = np.linspace(0, 6.3, 9)
            radius = c.g.uniform(0.03, 0.2, 9)
            axes.fill(
                c.g.random() + radius * np.cos(angle),
                c.g.random() + radius * np.sin(angle),
                color=r.choice(["#c8e6b8", "#aad3df", "#d5e8c8", "#e6dccb"]),
            )
        x = np.linspace(-0.1, 1.1, 40)
        if r.random() < 0.5:
            axes.plot(x, 0.5 + np.cumsum(c.g.normal(0, 0.03, 40)), color="#aad3df", lw=r.uniform(4, 14))
        tilt = r.uniform(0, np.pi)
        for _ in range(r.randint(15, 50)):
            a = tilt + r.choice([0, np.pi / 2]) + c.g.normal(0, r.choice([0.02, 0.2]))
            m, length = c.g.random(2), r.uniform(0.2, 1.4)
            d = np.array([np.cos(a), np.sin(a)]) * length / 2
            bend = c.g.normal(0, 0.02, 2)
            points = np.stack([m - d, m + bend, m + d])
            wide = r.choice([1, 1, 2, 4])
            axes.plot(*points.T, color=r.choice(["#999", "#bbb", "#e0a030", "#777"]), lw=wide + 1)
            axes.plot(*points.T, color=r.choice(["white", "white", "#ffe08a"]), lw=wide)
            if r.random() < 0.4:
                axes.text(*m, c.word(), fontsize=r.choice([4, 6]), rotation=np.degrees(a) % 180 - 90, clip_on=True)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.axis("off")
        for _ in range(r.choice([0, 1, 5])):
            axes.plot(*c.g.random(2), marker="o", ms=8, color=r.choice(["red", *SOFT]))

    return figure(c, draw, bare=0)


def regions_map(c: Chance) -> Image.Image:
    """One country on white, cut into regions that are coloured by a number, labelled, with a legend."""
    from matplotlib.patches import Polygon, Rectangle

    r = c.r
    path = c.material("naturalearth_lowres.shp")
    ring = max(r.choice([s for s in _countries(path) if max(map(len, s)) > 14]), key=len)
    for step in (0.02, 0.01):
        mid = (ring[:-1] + ring[1:]) / 2 + c.g.normal(0, step, (len(ring) - 1, 2)) * np.ptp(ring, axis=0).min()
        ring = np.stack([ring[:-1], mid], axis=1).reshape(-1, 2)

    def draw(axes: object) -> None:
        low, size = ring.min(axis=0), np.ptp(ring, axis=0)
        seeds = low + c.g.random((r.randint(4, 22), 2)) * size
        grid = np.stack(np.meshgrid(*(np.linspace(low[k], low[k] + size[k], 260) for k in (0, 1))), axis=-1)
        owner = np.argmin(np.square((grid[:, :, None] - seeds) / size).sum(axis=-1), axis=-1)
        shades = plt.get_cmap(r.choice(["Oranges", "Blues", "Greens", "YlOrRd", "viridis", "Pastel1", "Set2"]))
        levels = c.g.integers(1, 6, len(seeds)) / 6
        clip = Polygon(ring, facecolor="none", edgecolor=r.choice(["white", "#555", "black"]), lw=r.choice([0.8, 1.5]))
        axes.add_patch(clip)
        picture = axes.imshow(
            shades(levels)[owner],
            extent=(low[0], low[0] + size[0], low[1] + size[1], low[1]),
            aspect="auto",
            interpolation="bilinear",
        )
        picture.set_clip_path(clip)
        edges = axes.contour(
            grid[:, :, 0],
            grid[:, :, 1],
            owner,
            levels=np.arange(len(seeds)) + 0.5,
            colors=r.choice(["white", "#666"]),
            linewidths=0.8,
        )
        edges.set_clip_path(clip)
        for seed in seeds if r.random() < 0.8 else []:
            axes.text(
                *seed,
                f"{c.word()}\n{r.randint(10, 9000)}" if r.random() < 0.6 else c.word(),
                fontsize=r.choice([4, 5, 6]),
                ha="center",
            )
        axes.set_xlim(low[0] - size[0] * 0.05, low[0] + size[0] * r.choice([1.05, 1.4]))
        axes.set_ylim(low[1] - size[1] * 0.15, low[1] + size[1] * 1.05)
        for k in range(r.choice([0, 4, 5])):
            axes.add_patch(
                Rectangle(
                    (low[0] + size[0] * 0.22 * k, low[1] - size[1] * 0.12),
                    size[0] * 0.04,
                    size[1] * 0.04,
                    color=shades((k + 1) / 6),
                )
            )
            axes.text(low[0] + size[0] * (0.22 * k + 0.05), low[1] - size[1] * 0.12, f"> {k * 500}", fontsize=5)
        axes.axis("off")

    return figure(c, draw, bare=0)


def a_map(c: Chance) -> Image.Image:
    return c.r.choice([country_map, regions_map, regions_map, street_map])(c)

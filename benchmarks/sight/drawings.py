"""Drawings: plans, facades, devices, solids, illustrations, comics."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.sight.kit import SOFT, STRONG, Chance


def drawing(c: Chance) -> Image.Image:
    return c.r.choice([_plan, _plan, _facade, _device, _device, _cartoon, _cartoon, _comic, _solid])(c)


def _comic(c: Chance) -> Image.Image:
    """Frames with figures in them."""
    image, d = c.canvas(400, 480, c.r.choice(["white", *SOFT]))
    for y in range(10, 460, c.r.choice([150, 230])):
        part = _cartoon(c).resize((c.r.choice([180, 370]), 140))
        image.paste(part, (15, y))
        d.rectangle((15, y, 15 + part.width, y + 140), outline="black", width=3)
        if c.r.random() < 0.5:
            d.rounded_rectangle((30, y + 8, 150, y + 40), 12, fill="white", outline="black")
            d.text((40, y + 16), c.words(2), fill="black", font=c.font(9))
    return image


def _measure(c: Chance, d: ImageDraw.ImageDraw, a: tuple[float, float], b: tuple[float, float], ink: str) -> None:
    """A dimension line."""
    d.line((*a, *b), fill=ink)
    for p in (a, b):
        d.line((p[0] - 4, p[1] + 4, p[0] + 4, p[1] - 4), fill=ink)
    d.text(((a[0] + b[0]) / 2, (a[1] + b[1]) / 2 - 11), f"{c.r.randint(2, 4000)}", fill=ink, font=c.font(8))


def _plan(c: Chance) -> Image.Image:
    """A floor plan."""
    r = c.r
    image, d = c.canvas(520, 400)
    ink, wall = r.choice(["black", "#222", "#444"]), r.choice([1, 2, 4])
    x0, y0, x1, y1 = 60, 50, r.randint(360, 470), r.randint(260, 350)
    d.rectangle((x0, y0, x1, y1), outline=ink, width=wall + 1)
    for _ in range(r.randint(2, 7)):
        if r.random() < 0.5:
            x = r.randint(x0 + 30, x1 - 30)
            d.line((x, r.choice([y0, (y0 + y1) // 2]), x, r.choice([y1, (y0 + y1) // 2])), fill=ink, width=wall)
            d.arc((x - 25, y0 + 30, x + 25, y0 + 80), 0, 90, fill=ink)
        else:
            y = r.randint(y0 + 30, y1 - 30)
            d.line((r.choice([x0, (x0 + x1) // 2]), y, r.choice([x1, (x0 + x1) // 2]), y), fill=ink, width=wall)
    for _ in range(r.randint(0, 12)):
        x, y = r.randint(x0, x1 - 30), r.randint(y0, y1 - 20)
        r.choice([d.rectangle, d.ellipse])((x, y, x + r.randint(8, 30), y + r.randint(8, 20)), outline=ink)
    for _ in range(r.randint(2, 6)):
        d.text((r.randint(x0, x1 - 50), r.randint(y0, y1 - 10)), c.word().upper(), fill=ink, font=c.font(7))
    _measure(c, d, (x0, 25), (x1, 25), ink)
    _measure(c, d, (30, y0), (30, y1), ink)
    return image


def _facade(c: Chance) -> Image.Image:
    """A house from the front, hatched."""
    r = c.r
    image, d = c.canvas(500, 360)
    ink = r.choice(["black", "#333"])
    x0, x1, y0 = 80, r.randint(300, 440), r.randint(120, 180)
    d.rectangle((x0, y0, x1, 310), outline=ink)
    d.polygon([(x0 - 15, y0), ((x0 + x1) / 2, y0 - r.randint(40, 100)), (x1 + 15, y0)], outline=ink)
    for y in range(y0, 310, r.choice([4, 6, 9])):
        d.line((x0, y, x1, y), fill="#999")
    for i in range(r.randint(2, 5)):
        x = x0 + 20 + i * (x1 - x0 - 40) / 5
        d.rectangle((x, y0 + 25, x + 28, y0 + 75), outline=ink, fill="white")
        d.line((x + 14, y0 + 25, x + 14, y0 + 75), fill=ink)
        d.line((x, y0 + 50, x + 28, y0 + 50), fill=ink)
    d.line((10, 310, 490, 310), fill=ink, width=2)
    _measure(c, d, (x0, 335), (x1, 335), ink)
    return image


def _device(c: Chance) -> Image.Image:
    """A machine or part with leaders and numbers."""
    r = c.r
    image, d = c.canvas(r.choice([420, 520]), r.choice([320, 420]), r.choice(["white", "white", "#f4f1ea"]))
    ink, w, h, n = r.choice(["black", "#333", "#1f2d3d"]), image.width, image.height, 0
    fill = r.choice(["white", "#e8e8e8", "#dfe8ef", "#f7f2e8"])
    for _ in range(r.randint(1, 3)):
        bw, bh = r.uniform(0.2, 0.6) * w, r.uniform(0.25, 0.7) * h
        x, y = r.uniform(0.05, 0.9) * (w - bw), r.uniform(0.05, 0.9) * (h - bh)
        if r.random() < 0.4:  # a side in perspective
            s = r.uniform(15, 50)
            d.polygon(
                [(x + bw, y), (x + bw + s, y - s / 2), (x + bw + s, y + bh - s / 2), (x + bw, y + bh)],
                outline=ink,
                fill=fill,
            )
            d.polygon([(x, y), (x + s, y - s / 2), (x + bw + s, y - s / 2), (x + bw, y)], outline=ink, fill=fill)
        d.rounded_rectangle(
            (x, y, x + bw, y + bh), r.choice([0, 4, 14]), outline=ink, fill=fill, width=r.choice([1, 2])
        )
        for _ in range(r.randint(2, 9)):
            px, py, s = x + r.uniform(0.1, 0.85) * bw, y + r.uniform(0.1, 0.85) * bh, r.uniform(4, 24)
            match r.randint(0, 3):
                case 0:
                    d.ellipse((px - s, py - s, px + s, py + s), outline=ink, fill=r.choice(["white", "#ccc", fill]))
                case 1:
                    d.rectangle((px, py, px + 2 * s, py + s), outline=ink, fill=r.choice(["white", "#333", fill]))
                case 2:
                    for k in range(5):
                        d.line((px, py + 5 * k, px + 2 * s, py + 5 * k), fill=ink)
                case _:
                    d.arc((px - s, py - s, px + s, py + s), r.randint(0, 180), r.randint(180, 360), fill=ink)
            if r.random() < 0.3:
                n += 1
                ex, ey = r.choice([12, w - 14]), r.uniform(12, h - 12)
                d.line((px, py, ex, ey), fill=ink)
                d.ellipse((ex - 9, ey - 9, ex + 9, ey + 9), outline=ink, fill="white")
                d.text((ex, ey), str(n), fill=ink, font=c.font(9), anchor="mm")
    return image


def _solid(c: Chance) -> Image.Image:
    """A part in views, with axes and hatching."""
    r = c.r
    image, d = c.canvas(480, 320)
    ink = r.choice(["black", "#222", "#003366"])
    for cx in r.choice([(240,), (130, 360)]):
        for k in range(r.randint(2, 5)):
            s = 18 + 26 * k
            r.choice([d.ellipse, d.rectangle])((cx - s, 160 - s, cx + s, 160 + s), outline=ink)
        d.line((cx - 150, 160, cx + 150, 160), fill="#777")
        d.line((cx, 20, cx, 300), fill="#777")
        for k in range(0, 60, 6):
            d.line((cx - 60 + k, 220, cx - 50 + k, 230), fill=ink)
        _measure(c, d, (cx - 70, 290), (cx + 70, 290), ink)
    return image


def _cartoon(c: Chance) -> Image.Image:
    """An illustration of smooth, flat shapes."""
    r = c.r
    image, d = c.canvas(400, 400, r.choice(["white", "white", *SOFT]))
    colours, ink = r.sample(SOFT + STRONG, 5), r.choice(["black", "#333", None])
    for _ in range(r.randint(7, 24)):
        cx, cy, s = r.uniform(60, 340), r.uniform(60, 340), r.uniform(8, 110) * r.uniform(0.4, 1)
        n = r.choice([5, 8, 30])
        wobble = np.convolve(np.tile(c.g.uniform(0.6, 1.2, 6), 3), [0.25, 0.5, 0.25], "same")[6:12]
        angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
        radius = s * np.interp(angle, np.linspace(0, 2 * np.pi, 7), [*wobble, wobble[0]])
        points = [
            (cx + a * math.cos(t) * r.choice([1, 1, 1.02]), cy + a * math.sin(t))
            for a, t in zip(radius, angle, strict=True)
        ]
        d.polygon(points, fill=r.choice(colours), outline=ink)
        if r.random() < 0.3:
            d.ellipse((cx - s / 6, cy - s / 6, cx + s / 6, cy + s / 6), fill=r.choice(["black", "white", colours[0]]))
        if r.random() < 0.3:
            d.arc(
                (cx - s, cy - s, cx + s, cy + s),
                r.randint(0, 180),
                r.randint(180, 360),
                fill=ink or "#555",
                width=r.choice([1, 3]),
            )
    return image.filter(ImageFilter.SMOOTH)

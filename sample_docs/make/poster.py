"""Poster of a kite festival, A2: a computed sky, kites in flat shapes, programme below."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A2
from reportlab.pdfgen.canvas import Canvas

from .kit import Meta, jpeg, label, save
from .look import WHITE, Look

NAME = "public/kite-festival-poster.pdf"
W, H = A2
LOOK = Look(family="Ubuntu", ink="#17324d", accent="#e4572e")
RED, YELLOW, TEAL, NAVY, PINK, CREAM = "#e4572e", "#f3b61f", "#2a9d8f", "#17324d", "#ef7b9a", "#fff6e3"


def sky(w: int = 595, h: int = 842) -> Image.Image:
    """From summer blue to the warm haze over the sea."""
    stops = ((0.0, (38, 132, 196)), (0.45, (122, 196, 226)), (0.72, (252, 226, 178)), (1.0, (250, 190, 130)))
    y = np.linspace(0, 1, h)
    at = [s for s, _ in stops]
    rows = np.stack([np.interp(y, at, [k[i] for _, k in stops]) for i in range(3)], -1)
    grain = np.random.default_rng(3).normal(0, 1.6, (h, w, 1))
    return Image.fromarray(np.clip(rows[:, None] + grain, 0, 255).astype(np.uint8))


def poly(c: Canvas, points: list[tuple[float, float]], color: str) -> None:
    p = c.beginPath()
    p.moveTo(*points[0])
    for point in points[1:]:
        p.lineTo(*point)
    p.close()
    c.setFillColor(HexColor(color))
    c.drawPath(p, stroke=0, fill=1)


def string(c: Canvas, x: float, y: float, hand: tuple[float, float]) -> None:
    c.setStrokeColor(Color(1, 1, 1, alpha=0.75))
    c.setLineWidth(1.4)
    p = c.beginPath()
    p.moveTo(x, y)
    p.curveTo(x - 10, y - 170, hand[0] + 70, hand[1] + 110, *hand)
    c.drawPath(p, stroke=1, fill=0)


def diamond(c: Canvas, x: float, y: float, s: float, turn: float, colours: tuple[str, str, str, str]) -> None:
    """The classic kite with a tail of bows."""
    c.saveState()
    c.translate(x, y)
    c.rotate(turn)
    top, side, low = 0.62 * s, 0.46 * s, -0.9 * s
    for (a, b), colour in zip(
        (((0, top), (side, 0)), ((side, 0), (0, low)), ((0, low), (-side, 0)), ((-side, 0), (0, top))),
        colours,
        strict=True,
    ):
        poly(c, [(0, 0), a, b], colour)
    c.setStrokeColor(HexColor(NAVY))
    c.setLineWidth(1.6)
    c.line(0, top, 0, low)
    c.line(-side, 0, side, 0)
    last = (0.0, low)
    for k in range(1, 9):
        tail = (0.20 * s * math.sin(k * 1.1), low - 0.19 * s * k)
        c.setLineWidth(1.3)
        c.line(*last, *tail)
        bow = 0.075 * s
        poly(
            c,
            [tail, (tail[0] - bow * 1.4, tail[1] + bow), (tail[0] - bow * 1.4, tail[1] - bow)],
            colours[k % 4],
        )
        poly(
            c,
            [tail, (tail[0] + bow * 1.4, tail[1] + bow), (tail[0] + bow * 1.4, tail[1] - bow)],
            colours[(k + 1) % 4],
        )
        last = tail
    c.restoreState()


def box(c: Canvas, x: float, y: float, s: float) -> None:
    """A box kite in slanting view."""
    for dy in (0, 1.05 * s):
        poly(
            c,
            [(x, y + dy), (x + s, y + dy - 0.2 * s), (x + s, y + dy + 0.35 * s), (x, y + dy + 0.55 * s)],
            RED,
        )
        poly(
            c,
            [
                (x + s, y + dy - 0.2 * s),
                (x + 1.5 * s, y + dy + 0.1 * s),
                (x + 1.5 * s, y + dy + 0.65 * s),
                (x + s, y + dy + 0.35 * s),
            ],
            "#b53f1d",
        )
    c.setStrokeColor(HexColor(NAVY))
    c.setLineWidth(2)
    for px, py in ((x, y), (x + s, y - 0.2 * s), (x + 1.5 * s, y + 0.1 * s)):
        c.line(px, py, px, py + 1.6 * s)


def fish(c: Canvas, x: float, y: float, s: float) -> None:
    """A wind sock in the shape of a carp."""
    p = c.beginPath()
    p.moveTo(x, y + 0.28 * s)
    p.curveTo(x + 0.6 * s, y + 0.5 * s, x + 1.2 * s, y + 0.1 * s, x + 1.9 * s, y + 0.32 * s)
    p.lineTo(x + 2.35 * s, y + 0.62 * s)
    p.lineTo(x + 2.18 * s, y + 0.05 * s)
    p.lineTo(x + 2.3 * s, y - 0.45 * s)
    p.lineTo(x + 1.9 * s, y - 0.12 * s)
    p.curveTo(x + 1.2 * s, y - 0.36 * s, x + 0.6 * s, y - 0.05 * s, x, y - 0.28 * s)
    p.close()
    c.setFillColor(HexColor(TEAL))
    c.drawPath(p, stroke=0, fill=1)
    c.setFillColor(HexColor(CREAM))
    for k in range(12):
        sx, sy = x + (0.55 + 0.12 * (k // 3)) * s * 1.25, y + (0.14 - 0.12 * (k % 3)) * s
        c.wedge(sx - 0.09 * s, sy - 0.09 * s, sx + 0.09 * s, sy + 0.09 * s, 90, 180, stroke=0, fill=1)
    c.circle(x + 0.28 * s, y + 0.1 * s, 0.11 * s, stroke=0, fill=1)
    c.setFillColor(HexColor(NAVY))
    c.circle(x + 0.27 * s, y + 0.1 * s, 0.055 * s, stroke=0, fill=1)


def delta(c: Canvas, x: float, y: float, s: float, turn: float) -> None:
    c.saveState()
    c.translate(x, y)
    c.rotate(turn)
    for k, colour in enumerate((NAVY, PINK, YELLOW, CREAM)):
        f = 1 - k * 0.24
        poly(c, [(0, 0.5 * s * f), (-s * f, -0.32 * s * f), (0, -0.12 * s * f)], colour)
        poly(c, [(0, 0.5 * s * f), (s * f, -0.32 * s * f), (0, -0.12 * s * f)], colour)
    for side in (-1, 1):
        c.setStrokeColor(HexColor(PINK))
        c.setLineWidth(4)
        p = c.beginPath()
        p.moveTo(side * 0.55 * s, -0.2 * s)
        p.curveTo(side * 0.7 * s, -0.6 * s, side * 0.3 * s, -0.8 * s, side * 0.6 * s, -1.25 * s)
        c.drawPath(p, stroke=1, fill=0)
    c.restoreState()


def beach(c: Canvas) -> None:
    """Sea, dune and small people who hold the strings."""
    c.setFillColor(HexColor("#2b7a9b"))
    c.rect(0, 470, W, 74, stroke=0, fill=1)
    c.setStrokeColor(Color(1, 1, 1, alpha=0.5))
    c.setLineWidth(2)
    for k in range(34):
        x, y = (k * 137.5) % W, 478 + (k * 23.7) % 60
        c.line(x, y, x + 30 + (k * 7) % 40, y)
    p = c.beginPath()
    p.moveTo(0, 0)
    p.lineTo(0, 500)
    p.curveTo(W * 0.25, 540, W * 0.5, 452, W, 488)
    p.lineTo(W, 0)
    p.close()
    c.setFillColor(HexColor("#f0d09a"))
    c.drawPath(p, stroke=0, fill=1)
    for x, y, colour in (
        (205, 500, NAVY),
        (440, 478, RED),
        (690, 462, TEAL),
        (930, 462, NAVY),
        (1050, 468, PINK),
    ):
        c.setFillColor(HexColor(colour))
        c.roundRect(x - 8, y + 18, 16, 32, 6, stroke=0, fill=1)
        c.setFillColor(HexColor("#5b3a29"))
        c.circle(x, y + 60, 9, stroke=0, fill=1)
        c.setStrokeColor(HexColor(colour))
        c.setLineWidth(6)
        c.setLineCap(1)
        c.line(x + 4, y + 44, x + 19, y + 62)
        c.setStrokeColor(HexColor(NAVY))
        c.line(x - 4, y + 20, x - 6, y)
        c.line(x + 4, y + 20, x + 7, y)


def page(c: Canvas) -> None:
    c.drawImage(jpeg(sky(), 88), 0, 0, W, H)
    c.setFillColor(HexColor("#f3fafd"))
    for x, y, s in ((150, 1010, 1.0), (820, 1190, 1.3), (520, 720, 0.8), (1010, 800, 0.9)):
        for dx, dy, r in ((0, 0, 34), (42, 14, 44), (92, 6, 38), (132, -4, 26)):
            c.circle(x + dx * s, y + dy * s, r * s, stroke=0, fill=1)
        c.rect(x - 8 * s, y - 34 * s, 150 * s, 34 * s, stroke=0, fill=1)
    beach(c)
    hands = ((224, 562), (459, 540), (709, 524), (949, 524), (1069, 530))
    for (x, y), hand in zip(
        ((255, 905), (560, 980), (745, 780), (955, 1015), (1085, 730)), hands, strict=True
    ):
        string(c, x, y, hand)
    diamond(c, 250, 960, 175, 14, (RED, YELLOW, TEAL, CREAM))
    delta(c, 565, 1010, 165, -6)
    box(c, 720, 760, 74)
    diamond(c, 950, 1075, 150, -12, (PINK, CREAM, NAVY, YELLOW))
    fish(c, 975, 720, 82)
    label(c, 84, H - 190, "Wind over", LOOK.font(bold=True), 132, WHITE)
    label(c, 84, H - 318, "Skagen Bay", LOOK.font(bold=True), 132, WHITE)
    label(c, 90, H - 384, "17th international kite festival", LOOK.font(), 44, NAVY)
    c.setFillColor(HexColor(YELLOW))
    c.circle(W - 190, H - 175, 118, stroke=0, fill=1)
    label(c, W - 190, H - 165, "5\N{EN DASH}7", LOOK.font(bold=True), 78, NAVY, "c")
    label(c, W - 190, H - 215, "June 2026", LOOK.font(bold=True), 34, NAVY, "c")
    programme = (
        (
            "Friday",
            ("16:00  Children build and fly", "19:30  Opening with drums", "22:30  Night kites with lamps"),
        ),
        (
            "Saturday",
            (
                "10:00  Team flying, round one",
                "13:00  Giant kites over 60 m²",
                "17:00  Rokkaku battle, 24 lines",
            ),
        ),
        (
            "Sunday",
            ("9:30  Aerial photographs", "12:00  Final of the teams", "15:00  Sweets dropped from the sky"),
        ),
    )
    for k, (day, lines) in enumerate(programme):
        x = 84 + k * 350
        label(c, x, 392, day, LOOK.font(bold=True), 36, RED)
        for j, line in enumerate(lines):
            label(c, x, 352 - j * 32, line, LOOK.font(), 20.5, NAVY)
    c.setFillColor(HexColor(NAVY))
    c.rect(0, 0, W, 226, stroke=0, fill=1)
    label(c, 84, 150, "North Beach, free admission", LOOK.font(bold=True), 40, YELLOW)
    label(
        c,
        84,
        104,
        "Workshop 8 euros with material. Shuttle bus from the station every 15 minutes until midnight.",
        LOOK.font(),
        22,
        WHITE,
    )
    label(
        c,
        84,
        68,
        "No dogs, no drones. With less than 8 km/h of wind the battles move to Sunday at 16:30.",
        LOOK.font(),
        22,
        WHITE,
    )
    label(c, W - 84, 150, "windoverskagen.example", LOOK.font(bold=True), 26, WHITE, "r")
    label(
        c,
        84,
        30,
        "Dune Society with 41 teams from 19 countries. Drawing: Lone Aagaard",
        LOOK.font(),
        14,
        "#9db4c8",
    )


def make(out: Path) -> None:
    meta = Meta("Wind over Skagen Bay: kite festival, 5 to 7 June 2026", "Dune Society", "Poster A2")
    save(out / NAME, meta, (W, H), [page])

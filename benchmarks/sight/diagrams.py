"""Diagrams: boxes, architectures, circuits, cycles, trees, layers, timelines."""

from __future__ import annotations

import math
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from benchmarks.sight.kit import SOFT, STRONG, Chance


def diagram(c: Chance) -> Image.Image:
    return c.r.choice([_boxes, _boxes, _nested, _nested, _blocks, _circuit, _ring, _tree, _layers, _timeline])(c)


def icon(c: Chance, image: Image.Image, x: float, y: float, size: float) -> None:
    solid = c.material("fa-solid-900.ttf")
    font = ImageFont.truetype(str(solid), round(size))
    ImageDraw.Draw(image).text(
        (x, y), chr(c.r.randint(0xF000, 0xF2E0)), fill=c.r.choice(STRONG), font=font, anchor="mm"
    )


def _nested(c: Chance) -> Image.Image:
    """An architecture: groups with names, parts within, arrows between groups, icons."""
    r = c.r
    image, d = c.canvas(*r.choice([(620, 360), (520, 460), (700, 300)]), r.choice(["white", "white", "#fbfbfd"]))
    w, h, font = image.width, image.height, c.font(r.choice([8, 9, 11]))
    nx, ny = r.choice([(2, 1), (3, 1), (2, 2), (1, 3), (3, 2), (1, 2)])
    middles = []
    for i in range(nx):
        for j in range(ny):
            x0, y0 = w / nx * i + w / nx * 0.08, h / ny * j + h / ny * 0.1
            x1, y1 = w / nx * (i + 1) - w / nx * 0.08, h / ny * (j + 1) - h / ny * 0.06
            d.rectangle(
                (x0, y0, x1, y1),
                fill=r.choice(["#f3f6fb", "#fff8e5", "#eef8ee", "#fdf2f2", "white", *SOFT]),
                outline=r.choice(["#333", "#1a73e8", "#c0392b", "#777"]),
                width=r.choice([1, 1, 2, 3]),
            )
            d.text((x0 + 6, y0 + 3), c.words(2), fill="black", font=font)
            middles.append(((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0))
            columns, rows = r.randint(1, 3), r.randint(1, 4)
            style, fill = r.choice(["box", "round", "drum", "oval"]), r.choice(SOFT + STRONG)
            for a in range(columns):
                for b in range(rows):
                    if r.random() < 0.15:
                        continue
                    px, py = x0 + (x1 - x0) * (a + 0.5) / columns, y0 + 18 + (y1 - y0 - 24) * (b + 0.5) / rows
                    if r.random() < 0.12:
                        icon(c, image, px, py, 30)
                        continue
                    bw, bh = (x1 - x0) / columns * 0.42, (y1 - y0 - 24) / rows * 0.36
                    _shape(c, d, (px - bw, py - bh, px + bw, py + bh), style, fill, font, c.words(r.randint(1, 3)))
    for a in middles:
        for b in middles:
            if a is not b and r.random() < 0.5:
                dx, dy = b[0] - a[0], b[1] - a[1]
                side = (math.copysign(a[2] / 2, dx), 0) if abs(dx) > abs(dy) else (0, math.copysign(a[3] / 2, dy))
                _arrow(
                    d,
                    (a[0] + side[0], a[1] + side[1]),
                    (b[0] - side[0], b[1] - side[1]),
                    r.choice(["#333", "#1a73e8", "#c0392b"]),
                    r.choice([1, 2, 4]),
                )
    return image


def _blocks(c: Chance) -> Image.Image:
    """A block diagram as hardware has them: coloured blocks on a bus, thick arrows, names of signals."""
    r = c.r
    image, d = c.canvas(560, r.choice([300, 400]))
    font, middle = c.font(r.choice([8, 9])), image.height / 2
    d.rectangle((20, middle - 12, 540, middle + 12), fill=r.choice(SOFT + STRONG[:4]), outline="#444")
    d.text((280, middle), c.words(2), fill="black", font=font, anchor="mm")
    n = r.randint(3, 7)
    for top in (True, False):
        for i in range(n):
            if r.random() < 0.2:
                continue
            x, y = 30 + 520 * (i + 0.5) / n, middle + (-1 if top else 1) * r.uniform(70, middle - 40)
            _shape(
                c,
                d,
                (x - 230 / n, y - 28, x + 230 / n, y + 28),
                r.choice(["box", "round"]),
                r.choice(SOFT),
                font,
                c.words(2),
            )
            edge = y + 28 if top else y - 28
            _arrow(d, (x, edge), (x, middle - 12 if top else middle + 12), "#444", r.choice([1, 3, 5]))
    return image


def _arrow(
    d: ImageDraw.ImageDraw,
    a: tuple[float, float],
    b: tuple[float, float],
    colour: str,
    width: int,
    *,
    head: bool = True,
) -> None:
    d.line((*a, *b), fill=colour, width=width)
    if head:
        angle, size = math.atan2(b[1] - a[1], b[0] - a[0]), 4 + 2 * width
        d.polygon(
            [b, *((b[0] - size * math.cos(angle + t), b[1] - size * math.sin(angle + t)) for t in (0.45, -0.45))],
            fill=colour,
        )


def _shape(
    c: Chance,
    d: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    style: str,
    fill: str,
    font: ImageFont.FreeTypeFont,
    words: str,
) -> None:
    x0, y0, x1, y1 = box
    edge = c.r.choice(["#333", "#555", fill, "black"])
    match style:
        case "oval":
            d.ellipse(box, fill=fill, outline=edge)
        case "round":
            d.rounded_rectangle(box, min(x1 - x0, y1 - y0) * 0.2, fill=fill, outline=edge)
        case "diamond":
            d.polygon(
                [((x0 + x1) / 2, y0), (x1, (y0 + y1) / 2), ((x0 + x1) / 2, y1), (x0, (y0 + y1) / 2)],
                fill=fill,
                outline=edge,
            )
        case "drum":
            d.rectangle((x0, y0 + 6, x1, y1 - 6), fill=fill, outline=edge)
            d.ellipse((x0, y0, x1, y0 + 12), fill=fill, outline=edge)
            d.ellipse((x0, y1 - 12, x1, y1), fill=fill, outline=edge)
        case _:
            d.rectangle(box, fill=fill, outline=edge)
    dark = fill in STRONG
    lines = words.split()[: max(1, int((y1 - y0) / (font.size * 1.2)))]
    for i, line in enumerate(lines):
        shown = line[: max(1, int((x1 - x0) / (font.size * 0.6)))]
        y = (y0 + y1) / 2 + (i - len(lines) / 2) * font.size * 1.15
        d.text(((x0 + x1) / 2, y), shown, fill="white" if dark else "black", font=font, anchor="ma")


def _boxes(c: Chance) -> Image.Image:
    """Boxes on a loose grid, with arrows, sometimes in groups."""
    r = c.r
    w, h = r.choice([(560, 320), (480, 420), (600, 240), (600, 160), (360, 480)])
    image, d = c.canvas(w, h, r.choice(["white", "white", "white", "#f5f7fb", "#fafafa"]))
    font, places = c.font(r.choice([7, 8, 10, 12])), []
    nx, ny = r.randint(1, 6), r.randint(1, 5)
    if nx * ny < 3:
        nx = 4
    fills = [r.choice(SOFT + STRONG[:6]) for _ in range(3)]
    styles = r.choice([["box"], ["round"], ["box", "round", "drum"], ["oval", "box", "diamond"], ["oval"]])
    for _ in range(r.choice([0, 0, 1, 2])):
        x, y = r.uniform(0, w * 0.4), r.uniform(0, h * 0.4)
        d.rounded_rectangle(
            (x, y, x + w * r.uniform(0.3, 0.6), y + h * r.uniform(0.3, 0.6)),
            8,
            outline="#777",
            fill=r.choice(["#f3f6fb", "#fff8e5", "#eef8ee"]),
        )
    for i in range(nx):
        for j in range(ny):
            if r.random() < 0.15:
                continue
            places.append(
                (w / nx * (i + 0.5), h / ny * (j + 0.5), w / nx * r.uniform(0.5, 0.78), h / ny * r.uniform(0.3, 0.65))
            )
    colour, width = r.choice(["#333", "#333", "#1a73e8", "#c0392b"]), r.choice([1, 1, 2, 3])
    for a in places:
        for b in r.sample(places, min(len(places), r.choice([1, 1, 2]))):
            if a is b:
                continue
            if abs(a[1] - b[1]) < 5:
                side = math.copysign(1, b[0] - a[0])
                _arrow(
                    d,
                    (a[0] + side * a[2] / 2, a[1]),
                    (b[0] - side * b[2] / 2, b[1]),
                    colour,
                    width,
                    head=r.random() < 0.8,
                )
            elif abs(a[0] - b[0]) < 5 or r.random() < 0.4:
                side = math.copysign(1, b[1] - a[1])
                _arrow(
                    d,
                    (a[0], a[1] + side * a[3] / 2),
                    (b[0], b[1] - side * b[3] / 2),
                    colour,
                    width,
                    head=r.random() < 0.8,
                )
    for x, y, bw, bh in places:
        _shape(
            c, d, (x - bw / 2, y - bh / 2, x + bw / 2, y + bh / 2), r.choice(styles), r.choice(fills), font, c.words(2)
        )
    return image


def _circuit(c: Chance) -> Image.Image:
    """Right-angled wires between symbols."""
    r = c.r
    image, d = c.canvas(520, r.choice([260, 360]))
    ink, font = r.choice(["black", "#1f3a5f", "#8b0000"]), c.font(8)
    nodes = [(r.randrange(40, 480, 40), r.randrange(40, image.height - 40, 40)) for _ in range(r.randint(8, 18))]
    for a, b in pairwise(nodes):
        d.line((*a, b[0], a[1], *b), fill=ink, width=1)
    for x, y in nodes:
        match r.randint(0, 5):
            case 0:
                d.rectangle((x - 14, y - 5, x + 14, y + 5), outline=ink, fill="white")
            case 1:
                d.line((x - 2, y - 9, x - 2, y + 9), fill=ink, width=2)
                d.line((x + 3, y - 9, x + 3, y + 9), fill=ink, width=2)
            case 2:
                d.ellipse((x - 10, y - 10, x + 10, y + 10), outline=ink, fill="white")
            case 3:
                d.polygon([(x - 8, y - 8), (x - 8, y + 8), (x + 8, y)], outline=ink, fill="white")
            case 4:
                d.rectangle(
                    (x - 30, y - 22, x + 30, y + 22), outline=ink, fill=r.choice(["white", "#fff8d0", "#f4d6d0"])
                )
                d.text((x - 24, y - 5), c.word()[:8], fill=ink, font=font)
            case _:
                d.ellipse((x - 2, y - 2, x + 2, y + 2), fill=ink)
        d.text((x + 8, y - 18), f"{r.choice('RCLUQD')}{r.randint(1, 40)}", fill=ink, font=font)
    return image


def _ring(c: Chance) -> Image.Image:
    """A cycle."""
    r = c.r
    image, d = c.canvas(420, 400)
    n, font, style, fill = (
        r.randint(3, 8),
        c.font(r.choice([9, 11])),
        r.choice(["oval", "round", "box"]),
        r.choice(SOFT + STRONG),
    )
    at = [(210 + 150 * math.cos(i * 2 * math.pi / n), 200 + 150 * math.sin(i * 2 * math.pi / n)) for i in range(n)]
    for i in range(n):
        a, b = at[i], at[(i + 1) % n]
        _arrow(
            d,
            (a[0] + (b[0] - a[0]) * 0.3, a[1] + (b[1] - a[1]) * 0.3),
            (a[0] + (b[0] - a[0]) * 0.7, a[1] + (b[1] - a[1]) * 0.7),
            r.choice(["#333", "#2e7d32", "#555"]),
            2,
        )
    for x, y in at:
        _shape(
            c,
            d,
            (x - 38, y - 26, x + 38, y + 26),
            style,
            fill if r.random() < 0.8 else r.choice(SOFT),
            font,
            c.words(1),
        )
    if r.random() < 0.5:
        d.text((210, 200), c.words(2), fill="black", font=font, anchor="mm")
    return image


def _tree(c: Chance) -> Image.Image:
    """Who reports to whom."""
    r = c.r
    image, d = c.canvas(600, r.choice([240, 340]), r.choice(["white", "white", "#fafafa"]))
    levels, font, fill, style = (
        r.randint(2, 4),
        c.font(r.choice([7, 9])),
        r.choice(SOFT + STRONG),
        r.choice(["box", "round", "oval"]),
    )
    above: list[tuple[float, float]] = []
    for level in range(levels):
        n = min(8, r.randint(level + 1, 2 * level + 2))
        row = [(600 / n * (i + 0.5), image.height / levels * (level + 0.5)) for i in range(n)]
        for x, y in row:
            if above:
                up = min(above, key=lambda p: abs(p[0] - x))
                middle = (up[1] + y) / 2
                d.line((up[0], up[1], up[0], middle, x, middle, x, y) if r.random() < 0.7 else (*up, x, y), fill="#444")
        for x, y in row:
            _shape(c, d, (x - 240 / n, y - 18, x + 240 / n, y + 18), style, fill, font, c.words(2))
        for x, y in above:
            _shape(c, d, (x - 240 / len(above), y - 18, x + 240 / len(above), y + 18), style, fill, font, c.words(2))
        above = row
    return image


def _layers(c: Chance) -> Image.Image:
    """Steps, a pyramid, a stack."""
    r = c.r
    image, d = c.canvas(500, 320)
    n, font, pyramid = r.randint(3, 7), c.font(r.choice([9, 12])), r.random() < 0.5
    for i in range(n):
        top, bottom = 10 + i * 300 / n, 10 + (i + 1) * 300 / n - 3
        if pyramid:
            a, b = 230 * i / n, 230 * (i + 1) / n
            d.polygon(
                [(250 - a, top), (250 + a, top), (250 + b, bottom), (250 - b, bottom)],
                fill=r.choice(SOFT + STRONG),
                outline="#444",
            )
        else:
            d.rectangle((20 + i * r.choice([0, 0, 20]), top, 480, bottom), fill=r.choice(SOFT + STRONG), outline="#444")
        d.text((250, (top + bottom) / 2), c.words(2), fill="black", font=font, anchor="mm")
    if r.random() < 0.5:
        _arrow(d, (10, 310), (10, 10), r.choice(STRONG), 6)
    return image


def _timeline(c: Chance) -> Image.Image:
    """A line with stations, or bars of a plan."""
    r = c.r
    image, d = c.canvas(620, r.choice([120, 200]))
    n, font, y, colour = r.randint(3, 8), c.font(8), image.height / 2, r.choice(STRONG)
    d.line((20, y, 600, y), fill=colour, width=r.choice([2, 5]))
    for i in range(n):
        x = 20 + 580 * (i + 0.5) / n
        d.ellipse((x - 9, y - 9, x + 9, y + 9), fill=r.choice([colour, "white", *SOFT]), outline=colour)
        d.text((x, y + 14), c.word(), fill="#222", font=font, anchor="ma")
        d.text((x, y - 24), str(r.randint(1990, 2030)), fill="#222", font=font, anchor="ma")
    return image

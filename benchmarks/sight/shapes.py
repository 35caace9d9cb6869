"""Everything that is no chart: pages, screens, diagrams, drawings, marks of the hand, and what is no picture at all."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.sight.kit import INKS, SOFT, STRONG, Chance


def photo(c: Chance) -> Image.Image:
    picture = c.photo()
    if c.r.random() < 0.2:  # cut out, on white
        mask = Image.new("L", picture.size, 0)
        ImageDraw.Draw(mask).ellipse((0, 0, *picture.size), fill=255)
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, (0, 0), mask)
        picture = white
    return picture.convert("L").convert("RGB") if c.r.random() < 0.15 else picture


def text(c: Chance) -> Image.Image:
    r = c.r
    w, h = r.choice([(500, 700), (620, 440), (600, 200), (500, 300)])
    image, d = c.canvas(w, h, c.paper())
    font, y, x = c.font(r.choice([7, 9, 11, 14])), r.randint(5, 40), r.randint(5, 40)
    columns = r.choice([1, 1, 2])
    for column in range(columns):
        y, left = r.randint(5, 30), x + column * w // columns
        while y < h - 15:
            line = c.words(16)[: int((w / columns - 2 * x) / (font.size * 0.56))]
            if r.random() < 0.12:
                line = line[: r.randint(5, 40)]
            d.text((left, y), line, fill=r.choice(INKS[:2]), font=font)
            y += font.size * r.choice([1.3, 1.4, 2.4 if r.random() < 0.15 else 1.35])
    return image


def table(c: Chance) -> Image.Image:
    r = c.r
    w, h = r.choice([(560, 300), (620, 440), (500, 220), (420, 420), (700, 300)])
    image, d = c.canvas(w, h, c.paper())
    n, rows, font = r.randint(2, 9), r.randint(3, 22), c.font(r.choice([7, 9, 11]))
    x0, y0 = r.randint(2, 20), r.randint(2, 30)
    cw, rh = (w - 2 * x0) / n, min((h - 2 * y0) / rows, 30)
    bottom = y0 + rows * rh
    if r.random() < 0.4:
        band = r.choice(["#eef2f7", "#f3f3f3", "#e8f0e8", "#fdf1e3"])
        for i in range(1, rows, 2):
            d.rectangle((x0, y0 + i * rh, w - x0, y0 + (i + 1) * rh), fill=band)
    head = r.choice([*STRONG, "#dde", "#ccd", None, None])
    if head:
        d.rectangle((x0, y0, w - x0, y0 + rh), fill=head)
    rule = r.choice(["#777", "#bbb", "black"])
    if r.random() < 0.7:
        for i in range(rows + 1):
            d.line((x0, y0 + i * rh, w - x0, y0 + i * rh), fill=rule)
    if r.random() < 0.5:
        for j in range(n + 1):
            d.line((x0 + j * cw, y0, x0 + j * cw, bottom), fill=rule)
    for i in range(rows):
        for j in range(n):
            cell = (c.words(2) if j == 0 or i == 0 or r.random() < 0.1 else f"{r.randint(0, 9999):,}")[
                : max(2, int(cw / (font.size * 0.6)))
            ]
            d.text(
                (x0 + j * cw + 3, y0 + i * rh + max(1, (rh - font.size) / 2 - 1)),
                cell,
                fill="white" if i == 0 and head in STRONG else "#111",
                font=font,
            )
    return image


def form(c: Chance) -> Image.Image:
    r = c.r
    w, h = r.choice([(560, 400), (500, 640), (600, 250)])
    image, d = c.canvas(w, h, c.paper())
    font, y = c.font(r.choice([7, 9, 10])), 10
    while y < h - 30:
        kind = r.random()
        d.text((12, y), c.words(r.randint(1, 5)), fill="#111", font=font)
        if kind < 0.4:
            d.rectangle((w * 0.4, y - 2, w - 12, y + 14), outline="#555", fill=r.choice(["white", "#eef4fb"]))
        elif kind < 0.6:
            d.line((w * 0.35, y + 12, w - 12, y + 12), fill="#333")
        elif kind < 0.8:
            for k in range(r.randint(2, 5)):
                d.rectangle((w * 0.4 + k * 60, y, w * 0.4 + k * 60 + 10, y + 10), outline="#222")
                d.text((w * 0.4 + k * 60 + 14, y), c.word()[:6], fill="#111", font=font)
        y += r.choice([20, 24, 34])
    return image


def diagram(c: Chance) -> Image.Image:
    return c.r.choice([_boxes, _boxes, _nested, _nested, _blocks, _circuit, _ring, _tree, _layers, _timeline])(c)


def _icon(c: Chance, image: Image.Image, x: float, y: float, size: float) -> None:
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
                        _icon(c, image, px, py, 30)
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


def logo(c: Chance) -> Image.Image:
    """A mark of FontAwesome's brands, or of our own making, with or without a name."""
    r = c.r
    w, h = r.choice([(240, 240), (320, 140), (320, 100), (200, 260)])
    ground = r.choice(["white", "white", "white", *STRONG, "#0d1117"])
    image, d = c.canvas(w, h, ground)
    colours = r.sample(STRONG, 3) if ground == "white" else ["white", "#f1c40f", "#dddddd"]
    size = min(w, h)
    brands = c.material("fa-brands-400.ttf")
    if r.random() < 0.45:
        font = ImageFont.truetype(str(brands), round(size * r.uniform(0.5, 0.85)))
        d.text(
            (size / 2 if w > h else w / 2, size / 2),
            chr(r.choice([*range(0xF081, 0xF100), *range(0xF179, 0xF1A0), *range(0xF368, 0xF420)])),
            fill=colours[0],
            font=font,
            anchor="mm",
        )
    else:
        for _ in range(r.randint(1, 5)):
            x, y, s = r.uniform(0.3, 0.7) * size, r.uniform(0.3, 0.7) * size, r.uniform(0.12, 0.42) * size
            colour = r.choice(colours)
            match r.randint(0, 4):
                case 0:
                    d.ellipse((x - s, y - s, x + s, y + s), fill=colour)
                case 1:
                    d.regular_polygon((x, y, s), r.randint(3, 8), r.randint(0, 90), fill=colour)
                case 2:
                    d.pieslice((x - s, y - s, x + s, y + s), r.randint(0, 180), r.randint(181, 360), fill=colour)
                case 3:
                    d.arc(
                        (x - s, y - s, x + s, y + s),
                        r.randint(0, 180),
                        r.randint(200, 400),
                        fill=colour,
                        width=max(3, int(s / 4)),
                    )
                case _:
                    d.rounded_rectangle((x - s, y - s, x + s, y + s), s * 0.3, fill=colour)
    if w > h * 1.3 or h > w * 1.2 or r.random() < 0.3:
        name = c.word()[:9]
        name = r.choice([name.upper(), name, name.capitalize()])
        x, y = (size * 1.02, h * 0.3) if w > h * 1.3 else (w * 0.1, h * 0.78)
        d.text((x, y), name, fill=r.choice(colours), font=c.font(min(h * 0.3, (w - x) / max(len(name), 1) * 1.5)))
        if r.random() < 0.4 and w > h * 1.3:
            d.text((x, y + h * 0.34), c.words(2)[:16], fill=r.choice(colours), font=c.font(h * 0.13))
    return image


def screenshot(c: Chance) -> Image.Image:
    return c.screen() if c.r.random() < 0.55 else c.r.choice([_window, _window, _terminal, _phone])(c)


def _window(c: Chance) -> Image.Image:
    r = c.r
    w, h = r.choice([(640, 400), (560, 360), (480, 360), (700, 380)])
    dark = r.random() < 0.3
    image, d = c.canvas(w, h, "#1e1e1e" if dark else "white")
    font, fg, accent = c.font(r.choice([7, 8, 10])), "#ddd" if dark else "#222", r.choice(STRONG)
    bar = r.randint(14, 36)
    d.rectangle((0, 0, w, bar), fill=accent if r.random() < 0.6 else "#e5e7eb")
    if r.random() < 0.5:
        for i, colour in enumerate(("#ff5f56", "#ffbd2e", "#27c93f")):
            d.ellipse((6 + i * 12, 4, 14 + i * 12, 12), fill=colour)
    for i in range(r.randint(0, 7)):
        d.text((60 + i * 70, 5), c.word()[:8], fill="white" if dark else "#111", font=font)
    side = r.choice([0, 60, 120])
    if side:
        d.rectangle((0, bar, side, h), fill="#f3f4f6" if not dark else "#2a2a2a")
        for i in range(10):
            d.rectangle((8, bar + 12 + i * 20, 16, bar + 20 + i * 20), fill=r.choice(SOFT))
            d.text((22, bar + 10 + i * 20), c.word()[:9], fill=fg, font=font)
    y = bar + 10
    while y < h - 20:
        kind = r.random()
        if kind < 0.35:
            d.text(
                (side + 14 + r.choice([0, 0, 12, 24]), y),
                c.words(r.randint(2, 8))[: int((w - side - 30) / 6)],
                fill=fg,
                font=font,
            )
            y += 15
        elif kind < 0.55:
            for k in range(r.randint(1, 3)):
                d.rounded_rectangle(
                    (side + 14 + k * 110, y, side + 110 + k * 110, y + 20), 4, fill=r.choice([accent, "#e5e7eb"])
                )
                d.text((side + 22 + k * 110, y + 4), c.word(), fill="white", font=font)
            y += 28
        elif kind < 0.75:
            d.rectangle((side + 14, y, w - 20, y + 18), outline="#bbb")
            d.text((side + 18, y + 3), c.words(2), fill="#888", font=font)
            y += 26
        elif kind < 0.85 and not dark:
            part = c.photo().resize((r.randint(80, 200), 70))
            image.paste(part, (side + 14, y))
            y += 80
        else:
            for k in range(r.randint(3, 6)):
                d.line((side + 14, y, w - 20, y), fill="#ccc" if not dark else "#444")
                d.text((side + 18, y + 3), c.word(), fill=fg, font=font)
                d.text((side + 160, y + 3), f"{r.randint(1, 9999)}", fill=fg, font=font)
                y += 18
                if k > 4:
                    break
    return image


def _terminal(c: Chance) -> Image.Image:
    """Code or a terminal."""
    r = c.r
    dark = r.random() < 0.7
    image, d = c.canvas(
        560,
        r.choice([200, 340]),
        r.choice(["#000000", "#1e1e1e", "#300a24", "#272822"]) if dark else r.choice(["white", "#f8f8f8"]),
    )
    mono = next(path for path in c.plain if "Mono" in path.name)
    font, y, indent = ImageFont.truetype(str(mono), r.choice([8, 10, 12])), 6, 0
    palette = (
        ["#dddddd", "#8ae234", "#729fcf", "#fce94f", "#ef2929"]
        if dark
        else ["#111111", "#0000cc", "#008800", "#aa0066", "#777777"]
    )
    while y < image.height - 12:
        indent = max(0, indent + r.choice([-2, 0, 0, 2]))
        x = 8 + indent * font.size * 0.6
        for _ in range(r.randint(0, 7)):
            word = c.word() + r.choice(["", "", "(", ");", ":", "=", ","])
            d.text((x, y), word, fill=r.choice(palette), font=font)
            x += (len(word) + 1) * font.size * 0.6
        y += font.size * 1.3
    return image


def _phone(c: Chance) -> Image.Image:
    r = c.r
    image, d = c.canvas(260, 480, r.choice(["white", "#f5f5f7", "#111827"]))
    accent, font = r.choice(STRONG), c.font(10)
    d.rectangle((0, 0, 260, 54), fill=accent)
    d.text((14, 24), c.words(2), fill="white", font=font)
    for y in range(70, 420, r.choice([60, 80])):
        d.rounded_rectangle((12, y, 248, y + 50), 10, fill=r.choice(["white", "#e5e7eb", *SOFT]), outline="#ccc")
        d.ellipse((20, y + 10, 48, y + 38), fill=r.choice(STRONG))
        d.text((58, y + 10), c.words(2)[:22], fill="#222", font=font)
    d.rectangle((0, 440, 260, 480), fill="#eeeeee")
    return image


def cloud(c: Chance) -> Image.Image:
    r = c.r
    dark = r.random() < 0.5
    image = Image.new("RGB", (420, r.choice([260, 320])), "black" if dark else "white")
    colours = r.choice(
        [
            ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"],
            STRONG,
            ["#cccccc", "#888888", "#dddddd"],
            ["#ae2012", "#ee9b00", "#0a9396"],
        ]
    )
    taken = np.zeros((image.height, image.width), bool)
    path, upright = str(r.choice(c.plain)), r.choice([0.0, 0.3])
    for i in range(220):
        size = max(8, int(70 * 0.97**i))
        font = ImageFont.truetype(path, size)
        word = c.word() if r.random() < 0.7 else c.word().lower()
        x0, y0, x1, y1 = font.getbbox(word)
        mask = Image.new("L", (int(x1 - x0) + 2, int(y1 - y0) + 2), 0)
        ImageDraw.Draw(mask).text((-x0, -y0), word, fill=255, font=font)
        if r.random() < upright:
            mask = mask.rotate(90, expand=True)
        for _ in range(25):
            x, y = r.randint(0, max(0, image.width - mask.width)), r.randint(0, max(0, image.height - mask.height))
            if not taken[y : y + mask.height, x : x + mask.width].any():
                taken[y : y + mask.height, x : x + mask.width] = True
                image.paste(r.choice(colours), (x, y), mask)
                break
    return image


def qr(c: Chance) -> Image.Image:
    import cv2

    r = c.r
    content = r.choice(["https://", "WIFI:S:", "mailto:", ""]) + "".join(
        r.choices("abcdefghijklmnop./0123456789", k=r.randint(8, 120))
    )
    code = cv2.QRCodeEncoder.create().encode(content)
    side = code.shape[0] * r.randint(2, 8)
    picture = Image.fromarray(code).resize((side, side), Image.Resampling.NEAREST).convert("RGB")
    if r.random() < 0.25:
        picture = Image.fromarray(
            np.where(
                np.asarray(picture) < 128,
                np.array(r.choice([(30, 60, 120), (120, 20, 20), (40, 40, 40)]), np.uint8),
                np.uint8(255),
            )
        )
    if r.random() < 0.2:  # a mark in its middle
        d = ImageDraw.Draw(picture)
        d.rectangle((side * 0.4, side * 0.4, side * 0.6, side * 0.6), fill="white")
        d.ellipse((side * 0.43, side * 0.43, side * 0.57, side * 0.57), fill=r.choice(STRONG))
    return picture


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


def _strokes(c: Chance, d: ImageDraw.ImageDraw, x: float, y: float, size: float, n: int, ink: str) -> None:
    """A quick hand: loops that lean and run to the right."""
    r = c.r
    t = np.linspace(0, n, n * 24)
    slant, speed = r.uniform(0.1, 0.7), r.uniform(0.35, 0.8)
    high = np.interp(t, np.arange(n + 1), c.g.choice([0.35, 0.5, 1.0, 1.5], n + 1, p=[0.4, 0.3, 0.2, 0.1]))
    px = x + size * (speed * t + 0.35 * np.cos(2 * np.pi * t + r.random() * 6))
    py = y - size * high * 0.5 * np.sin(2 * np.pi * t) + np.cumsum(c.g.normal(0, 0.12, len(t)))
    px += slant * (y - py)
    points = list(zip(px.tolist(), py.tolist(), strict=True))
    for a, b in pairwise(points):
        d.line((*a, *b), fill=ink, width=max(1, round(size / 14 * r.uniform(0.7, 1.5))))


def signature(c: Chance) -> Image.Image:
    r = c.r
    image, d = c.canvas(360, r.choice([110, 150]), c.paper())
    ink, size = r.choice(["black", "#1a237e", "#0d47a1", "#222"]), r.uniform(22, 42)
    if r.random() < 0.55:
        _strokes(c, d, 30, 75, size, r.randint(4, 9), ink)
        if r.random() < 0.6:
            _strokes(c, d, 30, 70, size * 1.7, r.randint(1, 3), ink)
    else:
        name = f"{c.word().capitalize()[:6]} {c.word().capitalize()}"
        d.text((24, 30), name[: r.randint(6, 14)], fill=ink, font=c.hand(r.uniform(38, 60)))
        d.line((20, 95, r.randint(120, 320), r.randint(80, 100)), fill=ink, width=2)
    if r.random() < 0.3:
        d.line((10, 100, 350, 100), fill="#444")
    return image.rotate(r.uniform(-6, 6), fillcolor="white", resample=Image.Resampling.BILINEAR)


def handwriting(c: Chance) -> Image.Image:
    r = c.r
    w, h = r.choice([(480, 300), (520, 420), (420, 160)])
    image, d = c.canvas(w, h, c.paper())
    ink, font, y = r.choice(["black", "#1a237e", "#0d47a1", "#444"]), c.hand(r.uniform(20, 36)), 10.0
    if r.random() < 0.3:
        for k in range(0, h, 28):
            d.line((0, k, w, k), fill="#c8d8e8")
    while y < h - font.size:
        x = r.uniform(8, 40)
        for word in c.words(8).lower().split()[: r.randint(3, 8)]:
            if x + len(word) * font.size * 0.45 > w:
                break
            d.text((x, y + r.uniform(-2, 2)), word, fill=ink, font=font)
            x += d.textlength(word + " ", font=font)
        y += font.size * r.uniform(1.0, 1.5)
    return image.filter(ImageFilter.GaussianBlur(r.uniform(0, 0.6)))


def stamp(c: Chance) -> Image.Image:
    r = c.r
    side = 260
    image, d = c.canvas(side, side if r.random() < 0.65 else 130, "white")
    ink = r.choice(["#c0392b", "#b00020", "#1f4e9c", "#3b3b98", "#2e7d32", "#444"])
    cx, cy = side / 2, image.height / 2
    if image.height == side:
        for radius in r.choice([(118, 78), (118, 112, 76), (115,)]):
            d.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), outline=ink, width=r.choice([2, 3, 5]))
        ring = (c.words(4).upper() + " * ")[: r.randint(18, 34)]
        font = c.font(r.choice([14, 17]))
        for i, letter in enumerate(ring):
            angle = 2 * math.pi * i / len(ring) - math.pi / 2
            tile = Image.new("L", (28, 28), 0)
            ImageDraw.Draw(tile).text((14, 14), letter, fill=255, font=font, anchor="mm")
            tile = tile.rotate(-math.degrees(angle) - 90, resample=Image.Resampling.BILINEAR)
            image.paste(ink, (round(cx + 96 * math.cos(angle) - 14), round(cy + 96 * math.sin(angle) - 14)), tile)
        if r.random() < 0.5:
            d.regular_polygon((cx, cy, 40), r.randint(3, 6), fill=ink)
        else:
            d.text((cx, cy), c.word().upper()[:8], fill=ink, font=c.font(20), anchor="mm")
    else:
        d.rounded_rectangle((8, 20, side - 8, 110), 8, outline=ink, width=r.choice([3, 5]))
        d.text(
            (cx, 55),
            r.choice(["PAID", "APPROVED", "COPY", "RECEIVED", "DRAFT", "VOID", c.word().upper()[:9]]),
            fill=ink,
            font=c.font(r.uniform(26, 38)),
            anchor="mm",
        )
        d.text(
            (cx, 92),
            f"{r.randint(1, 28)} {r.choice(['JAN', 'MAR', 'JUL', 'NOV'])} {r.randint(1980, 2030)}",
            fill=ink,
            font=c.font(13),
            anchor="mm",
        )
    if r.random() < 0.6:  # worn rubber
        pixels = np.asarray(image).copy()
        holes = c.g.random(pixels.shape[:2]) < r.uniform(0.05, 0.35)
        pixels[holes] = 255
        image = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.6))
    return image.rotate(r.uniform(-25, 25), expand=True, fillcolor="white", resample=Image.Resampling.BILINEAR)


def nothing(c: Chance) -> Image.Image:
    """Ornaments, grounds, tiles with a word, icons, bar codes."""
    r = c.r
    w, h = r.choice([(300, 200), (240, 240), (500, 120), (200, 300)])
    match r.randint(0, 9):
        case 7:  # rings, rosettes, waves of circles
            image, d = c.canvas(w, h, r.choice(["white", *SOFT, *STRONG]))
            for _ in range(r.randint(1, 4)):
                x, y, colour, n = r.uniform(0, w), r.uniform(0, h), r.choice(SOFT + STRONG), r.randint(1, 14)
                for k in range(1, n + 1):
                    s = k * r.choice([6, 12, 20])
                    d.ellipse((x - s, y - s, x + s, y + s), outline=colour, width=r.choice([1, 2, 6]))
        case 8:  # the title of a slide
            image, d = c.canvas(560, 320, r.choice(["white", "white", *STRONG]))
            for _ in range(r.randint(0, 3)):
                x, y, s = r.uniform(0, 560), r.choice([0, 300]), r.uniform(30, 200)
                d.ellipse((x - s, y - s, x + s, y + s), fill=r.choice(SOFT + STRONG))
            for i in range(r.randint(1, 3)):
                d.text(
                    (280, 110 + 40 * i),
                    c.words(r.randint(2, 4)),
                    fill=r.choice(INKS + STRONG),
                    font=c.font(r.choice([18, 24])),
                    anchor="mm",
                )
            d.rectangle((0, 300, 560, 320), fill=r.choice(STRONG))
            _icon(c, image, 60, 40, 40)
        case 9:  # numbers in fields
            image, d = c.canvas(560, 200, r.choice(["white", *SOFT]))
            for i in range(n := r.randint(2, 4)):
                d.rounded_rectangle(
                    (10 + 540 / n * i, 20, 540 / n * (i + 1), 180), 8, fill=r.choice(["white", *SOFT]), outline="#ccc"
                )
                d.text(
                    (5 + 540 / n * (i + 0.5), 80),
                    r.choice([f"{r.randint(1, 99)}%", f"{r.randint(1, 99)},{r.randint(100, 999)}", "1 in 3"]),
                    fill=r.choice(STRONG),
                    font=c.font(30),
                    anchor="mm",
                )
                d.text((5 + 540 / n * (i + 0.5), 130), c.words(2), fill="#333", font=c.font(10), anchor="mm")
        case 0:
            a, b = (np.array(Image.new("RGB", (1, 1), r.choice(SOFT + STRONG)))[0, 0].astype(float) for _ in range(2))
            ramp = np.linspace(0, 1, w)[None, :, None] * (r.random() < 0.5) + np.linspace(0, 1, h)[:, None, None] * 0.7
            return Image.fromarray((a + (b - a) * ramp.clip(0, 1)).clip(0, 255).astype(np.uint8))
        case 1:
            image, d = c.canvas(w, h, r.choice(SOFT + STRONG))
            d.text(
                (w / 2, h / 2),
                c.word()[: r.randint(1, 8)],
                fill=r.choice(["white", "black"]),
                font=c.font(h * 0.3),
                anchor="mm",
            )
        case 2:
            image, d = c.canvas(w, h, r.choice(["white", *STRONG]))
            for k in range(r.randint(4, 40)):
                d.line(
                    [(x, h / 2 + (k - 10) * 9 + 14 * math.sin(x / 40 + k)) for x in range(0, w, 8)], fill=r.choice(SOFT)
                )
        case 3:
            image, d = c.canvas(240, 240, r.choice(["white", "white", *STRONG]))
            solid = c.material("fa-solid-900.ttf")
            d.text(
                (120, 120),
                chr(r.randint(0xF000, 0xF2E0)),
                fill=r.choice([*INKS, "white"]),
                font=ImageFont.truetype(str(solid), 150),
                anchor="mm",
            )
        case 4:
            image, d = c.canvas(320, 130)
            x = 10
            while x < 300:
                bar = r.randint(1, 4)
                d.rectangle((x, 8, x + bar, 105), fill="black")
                x += bar + r.randint(1, 5)
            d.text((60, 110), "".join(r.choices("0123456789", k=13)), fill="black", font=c.font(12))
        case 5:
            image, d = c.canvas(w, h)
            for _ in range(r.randint(1, 6)):
                box = sorted(r.uniform(0, w) for _ in range(2)), sorted(r.uniform(0, h) for _ in range(2))
                d.rectangle((box[0][0], box[1][0], box[0][1], box[1][1]), fill=r.choice([*SOFT, None]), outline="#777")
        case _:
            image, d = c.canvas(w, h, r.choice(["white", *SOFT]))
            d.text((10, 10), c.words(r.randint(2, 6)), fill=r.choice(INKS), font=c.font(r.choice([14, 20, 28])))
            d.line((10, h - 20, w - 10, h - 20), fill=r.choice(STRONG), width=r.choice([1, 3, 8]))
    return image

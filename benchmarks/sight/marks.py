"""Photographs, logos, codes, clouds of words, marks of the hand and of rubber, and what is no picture at all."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.sight.diagrams import icon
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
            icon(c, image, 60, 40, 40)
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

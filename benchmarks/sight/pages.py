"""Pages and screens: text, tables, forms, windows, terminals, phones."""

from __future__ import annotations

from PIL import Image, ImageFont

from benchmarks.sight.kit import INKS, SOFT, STRONG, Chance


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

"""Line drawings of the converter data sheet: circuit, pin-out, package, timing."""

# ruff: noqa: RUF001
from __future__ import annotations

import math
from collections.abc import Sequence

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from .kit import label
from .look import Look

LOOK = Look(
    family="Noto",
    ink="#15181c",
    accent="#00467f",
    second="#d9661f",
    tint="#eef3f8",
    line="#aab4bf",
    muted="#59636e",
    size=9.0,
    leading=12.4,
)
PINS = (
    ("VIN", 1), ("VIN", 2), ("EN", 3), ("RT", 4), ("SS", 5),
    ("FB", 6), ("PG", 7), ("AGND", 8), ("SW", 9), ("BST", 10),
)  # fmt: skip


def t(c: Canvas, x: float, y: float, s: str, size: float = 7, anchor: str = "l", bold: bool = False) -> None:
    label(c, x, y, s, LOOK.font(bold=bold), size, LOOK.ink, anchor)


def wire(c: Canvas, points: Sequence[tuple[float, float]]) -> None:
    p = c.beginPath()
    p.moveTo(*points[0])
    for point in points[1:]:
        p.lineTo(*point)
    c.drawPath(p, stroke=1, fill=0)


def dot(c: Canvas, x: float, y: float) -> None:
    c.setFillColor(HexColor(LOOK.ink))
    c.circle(x, y, 1.8, stroke=0, fill=1)


def ground(c: Canvas, x: float, y: float) -> None:
    for k, half in enumerate((6, 4, 2)):
        c.line(x - half, y - 2.4 * k, x + half, y - 2.4 * k)


def capacitor(c: Canvas, x: float, top: float, bottom: float, name: str, value: str) -> None:
    middle = (top + bottom) / 2
    wire(c, [(x, top), (x, middle + 2.2)])
    wire(c, [(x, middle - 2.2), (x, bottom)])
    c.setLineWidth(1.5)
    c.line(x - 7, middle + 2.2, x + 7, middle + 2.2)
    c.line(x - 7, middle - 2.2, x + 7, middle - 2.2)
    c.setLineWidth(0.8)
    t(c, x + 10, middle + 2, name, 6.6)
    t(c, x + 10, middle - 6.5, value, 6.6)


def resistor(c: Canvas, x: float, top: float, bottom: float, name: str, value: str) -> None:
    middle = (top + bottom) / 2
    wire(c, [(x, top), (x, middle + 9)])
    wire(c, [(x, middle - 9), (x, bottom)])
    c.rect(x - 3.6, middle - 9, 7.2, 18, stroke=1, fill=0)
    t(c, x + 7, middle + 2, name, 6.6)
    t(c, x + 7, middle - 6.5, value, 6.6)


def coil(c: Canvas, x: float, y: float, w: float) -> None:
    r = w / 8
    p = c.beginPath()
    p.moveTo(x, y)
    for k in range(4):
        p.arcTo(x + 2 * r * k, y - r, x + 2 * r * (k + 1), y + r, 180, -180)
    c.drawPath(p, stroke=1, fill=0)


def circuit(c: Canvas, w: float, h: float) -> None:
    """Typical application: 24 V in, 5 V at 2 A out."""
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setLineWidth(0.8)
    cx, cy, bw, bh = w * 0.44, h * 0.24, 104.0, h * 0.58
    top = cy + bh
    c.setFillColor(HexColor(LOOK.tint))
    c.setLineWidth(1.1)
    c.rect(cx - bw / 2, cy, bw, bh, stroke=1, fill=1)
    c.setLineWidth(0.8)
    t(c, cx, cy + bh / 2 - 3, "OR3471", 10, "c", bold=True)
    left, right = cx - bw / 2, cx + bw / 2
    rows = {name: top - 16 - 24 * k for k, name in enumerate(("VIN", "EN", "RT", "SS"))}
    rrows = {name: top - 16 - 24 * k for k, name in enumerate(("BST", "SW", "FB", "PG"))}
    for name, y in rows.items():
        t(c, left + 5, y - 2.5, name, 7)
    for name, y in rrows.items():
        t(c, right - 5, y - 2.5, name, 7, "r")
    t(c, cx, cy + 6, "AGND", 7, "c")
    wire(c, [(cx, cy), (cx, cy - 12)])
    ground(c, cx, cy - 12)
    # Input side.
    y = rows["VIN"]
    wire(c, [(24, y), (left, y)])
    c.circle(21, y, 3, stroke=1, fill=0)
    t(c, 10, y + 8, "6 to 36 V", 7.4, bold=True)
    capacitor(c, 62, y, y - 50, "CIN", "2 × 4.7 µF")
    dot(c, 62, y)
    ground(c, 62, y - 50)
    wire(c, [(left, rows["EN"]), (left - 16, rows["EN"]), (left - 16, y)])
    dot(c, left - 16, y)
    wire(c, [(left, rows["RT"]), (left - 30, rows["RT"])])
    resistor(c, left - 30, rows["RT"], rows["RT"] - 40, "RT", "")
    t(c, left - 37, rows["RT"] - 24, "120 kΩ", 6.6, "r")
    ground(c, left - 30, rows["RT"] - 40)
    wire(c, [(left, rows["SS"]), (left - 10, rows["SS"]), (left - 10, rows["SS"] - 10)])
    capacitor(c, left - 10, rows["SS"] - 6, rows["SS"] - 30, "", "")
    t(c, left - 20, rows["SS"] - 34, "CSS 22 nF", 6.6, "r")
    ground(c, left - 10, rows["SS"] - 30)
    # Output side.
    yb, ys, yf = rrows["BST"], rrows["SW"], rrows["FB"]
    node = right + 30
    wire(c, [(right, yb), (right + 8, yb)])
    c.setLineWidth(1.5)
    c.line(right + 14, yb + 6, right + 14, yb - 6)
    c.line(right + 18, yb + 6, right + 18, yb - 6)
    c.setLineWidth(0.8)
    wire(c, [(right + 8, yb), (right + 14, yb)])
    wire(c, [(right + 18, yb), (node, yb), (node, ys)])
    t(c, right + 10, yb + 9, "CBST 100 nF", 6.6)
    wire(c, [(right, ys), (node + 14, ys)])
    dot(c, node, ys)
    coil(c, node + 14, ys, 40)
    t(c, node + 34, ys + 10, "L1 10 µH", 6.6, "c")
    out = w - 34
    wire(c, [(node + 54, ys), (out, ys)])
    c.circle(out + 3, ys, 3, stroke=1, fill=0)
    t(c, w - 4, ys + 8, "5 V, 2 A", 7.4, "r", bold=True)
    div = node + 62
    dot(c, div, ys)
    resistor(c, div, ys, ys - 44, "R1", "523 kΩ")
    resistor(c, div, ys - 44, ys - 88, "R2", "100 kΩ")
    ground(c, div, ys - 88)
    dot(c, div, ys - 44)
    wire(c, [(div, ys - 44), (right + 14, ys - 44), (right + 14, yf), (right, yf)])
    cap = out - 26
    dot(c, cap, ys)
    capacitor(c, cap, ys, ys - 60, "COUT", "2 × 22 µF")
    ground(c, cap, ys - 60)
    yp = rrows["PG"]
    wire(c, [(right, yp), (right + 24, yp)])
    c.circle(right + 27, yp, 3, stroke=1, fill=0)
    t(c, right + 22, yp - 10, "power good", 6.6)


def pinout(c: Canvas, w: float, h: float) -> None:
    """Top view of the ten-pin package with its exposed pad."""
    bw, bh = 92.0, 126.0
    x, y = (w - bw) / 2, (h - bh) / 2 - 4
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setLineWidth(1.1)
    c.setFillColor(HexColor("#f7f7f5"))
    c.roundRect(x, y, bw, bh, 3, stroke=1, fill=1)
    c.setDash(3, 2)
    c.setLineWidth(0.7)
    c.rect(x + 26, y + 20, bw - 52, bh - 40, stroke=1, fill=0)
    c.setDash()
    t(c, w / 2, y + bh / 2 + 2, "EP", 9, "c", bold=True)
    t(c, w / 2, y + bh / 2 - 8, "(pin 11)", 6.6, "c")
    c.setFillColor(HexColor(LOOK.ink))
    c.circle(x + 9, y + bh - 9, 3, stroke=0, fill=1)
    for name, number in PINS:
        onleft = number <= 5
        row = number - 1 if onleft else 10 - number
        py = y + bh - 18 - row * 22.5
        c.setFillColor(HexColor("#d8dde3"))
        c.setLineWidth(0.7)
        c.rect(x - 9 if onleft else x + bw - 1, py - 4, 10, 8, stroke=1, fill=1)
        t(c, x + 6 if onleft else x + bw - 6, py - 2.5, str(number), 7, "l" if onleft else "r")
        t(c, x - 14 if onleft else x + bw + 14, py - 2.8, name, 8, "r" if onleft else "l", bold=True)
    t(c, w / 2, h - 9, "Top view, DFN-10, 3 × 3 mm", 7.4, "c")


def dimension(c: Canvas, x1: float, y1: float, x2: float, y2: float, name: str) -> None:
    """A dimension line with arrowheads at both ends."""
    a = math.atan2(y2 - y1, x2 - x1)
    c.setLineWidth(0.5)
    c.line(x1, y1, x2, y2)
    c.setFillColor(HexColor(LOOK.ink))
    for x, y, turn in ((x1, y1, 0.0), (x2, y2, math.pi)):
        tip = c.beginPath()
        tip.moveTo(x, y)
        for side in (0.25, -0.25):
            tip.lineTo(x + 6 * math.cos(a + turn + side), y + 6 * math.sin(a + turn + side))
        tip.close()
        c.drawPath(tip, stroke=0, fill=1)
    mx, my = (x1 + x2) / 2, (y1 + y2) / 2
    if abs(y1 - y2) < 1:
        t(c, mx, my + 3, name, 7.4, "c")
    else:
        t(c, mx - 4, my - 2.5, name, 7.4, "r")


def package(c: Canvas, w: float, h: float) -> None:
    """Top, side and bottom view with lettered dimensions."""
    c.setStrokeColor(HexColor(LOOK.ink))
    s = 100.0
    y = h - 30 - s
    tx = 46.0
    c.setLineWidth(1)
    c.rect(tx, y, s, s, stroke=1, fill=0)
    c.circle(tx + 12, y + s - 12, 4, stroke=1, fill=0)
    t(c, tx + s / 2, y + s / 2 + 4, "3471", 11, "c", bold=True)
    t(c, tx + s / 2, y + s / 2 - 9, "YWWLL", 9, "c")
    dimension(c, tx, y + s + 10, tx + s, y + s + 10, "D")
    dimension(c, tx - 12, y, tx - 12, y + s, "E")
    t(c, tx + s / 2, y - 16, "Top view", 7.6, "c")
    bx = w - 46 - s
    c.setLineWidth(1)
    c.rect(bx, y, s, s, stroke=1, fill=0)
    c.setFillColor(HexColor("#dfe4ea"))
    pad = (bx + 24, y + 12, s - 48, s - 24)
    p = c.beginPath()
    p.moveTo(pad[0] + 8, pad[1] + pad[3])  # the chamfer marks pin 1
    p.lineTo(pad[0] + pad[2], pad[1] + pad[3])
    p.lineTo(pad[0] + pad[2], pad[1])
    p.lineTo(pad[0], pad[1])
    p.lineTo(pad[0], pad[1] + pad[3] - 8)
    p.close()
    c.drawPath(p, stroke=1, fill=1)
    for k in range(5):
        ly = y + 14 + k * 16.6
        for lx in (bx, bx + s - 15):
            c.setFillColor(HexColor("#dfe4ea"))
            c.rect(lx, ly, 15, 8, stroke=1, fill=1)
    t(c, bx + 7.5, y + 82.5, "1", 6.4, "c")
    t(c, bx + s - 7.5, y + 82.5, "10", 6.4, "c")
    dimension(c, pad[0], y + s + 10, pad[0] + pad[2], y + s + 10, "D2")
    dimension(c, bx - 12, pad[1], bx - 12, pad[1] + pad[3], "E2")
    dimension(c, bx + s + 10, y + 14, bx + s + 10, y + 30.6, "")
    t(c, bx + s + 15, y + 20, "e", 7.4)
    dimension(c, bx, y - 8, bx + 15, y - 8, "")
    t(c, bx + 7.5, y - 18, "L", 7.4, "c")
    t(c, bx + s / 2 + 10, y - 16, "Bottom view", 7.6, "c")
    mx, mw = w / 2 - 44, 88.0
    my = y + 34
    c.setLineWidth(1)
    c.setFillColor(HexColor("#f2f2f0"))
    c.rect(mx, my + 5, mw, 26, stroke=1, fill=1)
    c.setFillColor(HexColor("#dfe4ea"))
    for k in range(5):
        c.rect(mx + 8 + k * 16.4, my + 3, 8, 6, stroke=1, fill=1)
    dimension(c, mx - 10, my + 3, mx - 10, my + 31, "A")
    t(c, mx + mw / 2, y - 16, "Side view", 7.6, "c")
    c.setLineWidth(0.4)
    c.line(mx - 16, my + 3, mx + mw + 20, my + 3)
    t(c, mx + mw + 4, my - 7, "seating plane", 6.4)


def timing(c: Canvas, w: float, h: float) -> None:
    """Start-up: enable, soft start, output, power good."""
    left, right = 48.0, w - 8
    names = ("EN", "SS", "VOUT", "PG")
    rows = [h - 26 - 27 * k for k in range(4)]
    t1, t2, t3 = left + 40, left + 130, left + 166
    c.setStrokeColor(HexColor(LOOK.line))
    c.setLineWidth(0.5)
    c.setDash(2, 2)
    for x in (t1, t2, t3):
        c.line(x, 12, x, h - 4)
    c.setDash()
    c.setStrokeColor(HexColor(LOOK.accent))
    c.setLineWidth(1.3)
    shapes = (
        [(left, 0), (t1, 0), (t1 + 3, 17), (right, 17)],
        [(left, 0), (t1 + 4, 0), (t2 + 26, 19), (right, 19)],
        [(left, 0), (t1 + 10, 0), (t2, 17), (right, 17)],
        [(left, 0), (t3, 0), (t3 + 3, 17), (right, 17)],
    )
    for name, y, shape in zip(names, rows, shapes, strict=True):
        t(c, left - 8, y + 5, name, 7.6, "r", bold=True)
        wire(c, [(x, y + dy) for x, dy in shape])
    c.setStrokeColor(HexColor(LOOK.ink))
    dimension(c, t1, 8, t2, 8, "")
    dimension(c, t2, 8, t3, 8, "")
    t(c, (t1 + t2) / 2, -3, "3.5 ms at 22 nF", 6.8, "c")
    t(c, t2 + 4, -3, "128 cycles", 6.8)

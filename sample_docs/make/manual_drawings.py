"""Line art of the dehumidifier manual: the machine from two sides, its room, its panel, its parts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from .kit import label
from .look import WHITE, Look

LOOK = Look(
    family="Fira",
    ink="#1f2326",
    accent="#b3261e",
    second="#2d6e8e",
    tint="#f3f1ee",
    line="#bdb8b2",
    muted="#6b6b6b",
    size=9.1,
    leading=12.9,
)
Point = tuple[float, float]
DX, DY = 34.0, 20.0  # how far the depth of the body shifts a point in oblique projection


def poly(c: Canvas, points: Sequence[Point], fill: str | None = None, close: bool = True) -> None:
    p = c.beginPath()
    p.moveTo(*points[0])
    for point in points[1:]:
        p.lineTo(*point)
    if close:
        p.close()
    if fill:
        c.setFillColor(HexColor(fill))
    c.drawPath(p, stroke=1, fill=int(fill is not None))


def arrow(c: Canvas, points: Sequence[Point], color: str = LOOK.accent, lw: float = 1.6) -> None:
    c.setStrokeColor(HexColor(color))
    c.setFillColor(HexColor(color))
    c.setLineWidth(lw)
    (x1, y1), (x2, y2) = points[-2:]
    a = math.atan2(y2 - y1, x2 - x1)
    size = 4.5 * lw
    poly(c, [*points[:-1], (x2 - size * 0.7 * math.cos(a), y2 - size * 0.7 * math.sin(a))], close=False)
    tip = c.beginPath()
    tip.moveTo(x2, y2)
    for side in (0.45, -0.45):
        tip.lineTo(x2 - size * math.cos(a + side), y2 - size * math.sin(a + side))
    tip.close()
    c.drawPath(tip, stroke=0, fill=1)
    c.setStrokeColor(HexColor(LOOK.ink))


def callout(c: Canvas, number: int, at: Point, bubble: Point) -> None:
    """A number in a circle with a leader to a dot on the part."""
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setLineWidth(0.6)
    c.line(*at, *bubble)
    c.setFillColor(HexColor(LOOK.ink))
    c.circle(*at, 1.5, stroke=0, fill=1)
    c.setFillColor(WHITE)
    c.circle(*bubble, 7, stroke=1, fill=1)
    label(c, bubble[0], bubble[1] - 2.7, str(number), LOOK.font(bold=True), 7.4, LOOK.ink, "c")


def body(c: Canvas, x: float, y: float, w: float, h: float) -> None:
    """The box itself: front, side and top, with castors."""
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setLineWidth(1)
    for wx in (x + 10, x + w - 14, x + w + DX - 10):
        wy = y - 4 + (DY if wx > x + w else 0)
        c.setFillColor(HexColor("#d7d4cf"))
        c.circle(wx, wy, 5, stroke=1, fill=1)
        c.circle(wx, wy, 1.4, stroke=1, fill=0)
    poly(c, [(x + w, y), (x + w + DX, y + DY), (x + w + DX, y + h + DY), (x + w, y + h)], "#e4e1dc")
    poly(c, [(x, y + h), (x + DX, y + h + DY), (x + w + DX, y + h + DY), (x + w, y + h)], "#f6f5f2")
    c.setFillColor(WHITE)
    c.roundRect(x, y, w, h, 5, stroke=1, fill=1)


def front_view(c: Canvas, x: float, y: float, w: float, h: float) -> None:
    body(c, x, y, w, h)
    # Outlet grille on the top, drawn along the depth.
    for k in range(9):
        gx = x + 22 + k * (w - 44) / 8
        c.setLineWidth(0.8)
        c.line(gx + 8, y + h + 5, gx + DX - 8, y + h + DY - 5)
    # Control panel.
    c.setLineWidth(0.8)
    c.setFillColor(HexColor("#2b3034"))
    c.roundRect(x + 12, y + h - 30, w - 24, 20, 3, stroke=1, fill=1)
    label(c, x + 34, y + h - 24, "48%", LOOK.font(bold=True), 9, "#9fe3d0", "c")
    for k in range(5):
        c.setFillColor(HexColor("#c9ced1"))
        c.circle(x + 56 + k * (w - 72) / 4, y + h - 20, 2.3, stroke=0, fill=1)
    # Light ring, ventilation slots, tank.
    c.setFillColor(HexColor("#d9ecf4"))
    c.circle(x + w / 2, y + h * 0.58, 11, stroke=1, fill=1)
    c.circle(x + w / 2, y + h * 0.58, 7.5, stroke=1, fill=0)
    c.setLineWidth(0.5)
    for k in range(6):
        c.line(x + 18, y + h * 0.44 + k * 3.2 - 8, x + w - 18, y + h * 0.44 + k * 3.2 - 8)
    c.setLineWidth(1)
    c.setFillColor(HexColor("#f1f0ed"))
    c.roundRect(x + 5, y + 6, w - 10, h * 0.31, 4, stroke=1, fill=1)
    c.setFillColor(HexColor("#cfe4ee"))
    c.roundRect(x + w - 34, y + 14, 12, h * 0.31 - 20, 3, stroke=1, fill=1)
    c.setFillColor(HexColor("#8fbdd3"))
    c.roundRect(x + w - 34, y + 14, 12, (h * 0.31 - 20) * 0.55, 3, stroke=1, fill=1)
    c.setFillColor(WHITE)
    c.roundRect(x + w / 2 - 30, y + h * 0.31 - 10, 34, 9, 4, stroke=1, fill=1)
    # Handle recess on the side.
    c.setLineWidth(0.8)
    sx, sy = x + w, y + h * 0.8
    poly(c, [(sx + 8, sy + 4), (sx + 25, sy + 14), (sx + 25, sy + 24), (sx + 8, sy + 14)], "#c5c1ba")


def rear_view(c: Canvas, x: float, y: float, w: float, h: float) -> None:
    body(c, x, y, w, h)
    c.setLineWidth(1)
    c.setFillColor(HexColor("#f1f0ed"))
    c.roundRect(x + 9, y + h * 0.4, w - 18, h * 0.5, 4, stroke=1, fill=1)
    c.setLineWidth(0.5)
    for k in range(11):
        for j in range(9):
            c.rect(
                x + 14 + k * (w - 28) / 11,
                y + h * 0.43 + j * h * 0.05,
                (w - 28) / 11 - 2.4,
                h * 0.05 - 2.4,
                stroke=1,
                fill=0,
            )
    c.setLineWidth(0.9)
    c.setFillColor(HexColor("#c5c1ba"))
    c.circle(x + 20, y + h * 0.22, 6.5, stroke=1, fill=1)
    c.circle(x + 20, y + h * 0.22, 3, stroke=1, fill=0)
    c.setFillColor(WHITE)
    c.rect(x + w - 52, y + h * 0.19, 40, 24, stroke=1, fill=1)
    for k in range(4):
        c.line(x + w - 48, y + h * 0.19 + 5 + k * 5, x + w - 18, y + h * 0.19 + 5 + k * 5)
    c.setFillColor(HexColor("#d7d4cf"))
    c.rect(x + w / 2 - 8, y + 8, 20, 12, stroke=1, fill=1)
    p = c.beginPath()
    p.moveTo(x + w / 2 + 2, y + 9)
    p.curveTo(x + w / 2 + 2, y - 18, x - 10, y + 8, x - 24, y - 12)
    c.setLineWidth(2)
    c.drawPath(p, stroke=1, fill=0)
    c.setFillColor(HexColor(LOOK.ink))
    c.rect(x - 34, y - 18, 12, 9, stroke=0, fill=1)


def clearances(c: Canvas, w: float, h: float) -> None:
    """The machine in a corner of a room with the distances to keep."""
    floor = 24.0
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setLineWidth(1.2)
    c.setFillColor(HexColor("#efece7"))
    c.rect(20, floor, 10, h - floor - 6, stroke=0, fill=1)
    c.rect(20, floor - 8, w - 40, 8, stroke=0, fill=1)
    c.line(30, floor, 30, h - 6)
    c.line(30, floor, w - 20, floor)
    x, bw, bh = 96.0, 62.0, 96.0
    c.setFillColor(WHITE)
    c.roundRect(x, floor + 8, bw, bh, 4, stroke=1, fill=1)
    for wx in (x + 10, x + bw - 10):
        c.circle(wx, floor + 4, 4, stroke=1, fill=0)
    c.setLineWidth(0.6)
    c.roundRect(x + 4, floor + 13, bw - 8, 28, 3, stroke=1, fill=0)
    c.line(30, h - 14, w - 20, h - 14)
    label(c, w - 22, h - 10, "shelf or ceiling", LOOK.font(), 6.6, LOOK.muted, "r")
    label(c, 34, h - 26, "wall", LOOK.font(), 6.6, LOOK.muted)
    # A curtain on the right: it must not reach the inlet.
    for k in range(5):
        p = c.beginPath()
        p.moveTo(w - 62 + k * 9, h - 14)
        p.curveTo(w - 56 + k * 9, h - 50, w - 68 + k * 9, h - 70, w - 62 + k * 9, floor + 3)
        c.drawPath(p, stroke=1, fill=0)
    for (x1, y1), (x2, y2), text, tx, ty, anchor in (
        ((30, floor + 56), (x, floor + 56), "30 cm", 63, floor + 61, "c"),
        ((x + bw, floor + 56), (w - 66, floor + 56), "50 cm", (x + bw + w - 66) / 2, floor + 61, "c"),
        (
            (x + bw / 2, floor + 8 + bh),
            (x + bw / 2, h - 14),
            "80 cm",
            x + bw / 2 + 6,
            (floor + 8 + bh + h - 14) / 2 - 2,
            "l",
        ),
    ):
        mid = ((x1 + x2) / 2, (y1 + y2) / 2)
        arrow(c, [mid, (x1, y1)], lw=1)
        arrow(c, [mid, (x2, y2)], lw=1)
        label(c, tx, ty, text, LOOK.font(bold=True), 8, LOOK.accent, anchor)


def panel(c: Canvas, w: float, h: float) -> list[Point]:
    """The control panel, enlarged; returns where its parts are."""
    c.setStrokeColor(HexColor(LOOK.ink))
    c.setFillColor(HexColor("#2b3034"))
    c.setLineWidth(1)
    y, ph = h / 2 - 28, 56.0
    c.roundRect(22, y, w - 44, ph, 8, stroke=1, fill=1)
    c.setFillColor(HexColor("#11181b"))
    c.roundRect(w / 2 - 38, y + 9, 76, ph - 18, 4, stroke=0, fill=1)
    label(c, w / 2, y + 19, "48%", LOOK.font(bold=True), 23, "#9fe3d0", "c")
    spots = [(48.0, y + 28), (86.0, y + 28), (w / 2 + 60, y + 28), (w / 2 + 91, y + 28), (w - 47, y + 28)]
    for k, (x, sy) in enumerate(spots):
        c.setStrokeColor(HexColor("#c9ced1"))
        c.setLineWidth(1.1)
        c.circle(x, sy, 12, stroke=1, fill=0)
        if k == 0:  # power
            c.arc(x - 5, sy - 5, x + 5, sy + 5, 120, 300)
            c.line(x, sy, x, sy + 7)
        elif k == 1:  # drop
            p = c.beginPath()
            p.moveTo(x, sy + 7)
            p.curveTo(x + 7, sy - 1, x + 5, sy - 6, x, sy - 6)
            p.curveTo(x - 5, sy - 6, x - 7, sy - 1, x, sy + 7)
            c.drawPath(p, stroke=1, fill=0)
        elif k == 2:  # fan
            for turn in range(3):
                a = math.pi / 2 + turn * math.tau / 3
                c.ellipse(
                    x + 4 * math.cos(a) - 2.6,
                    sy + 4 * math.sin(a) - 2.6,
                    x + 4 * math.cos(a) + 2.6,
                    sy + 4 * math.sin(a) + 2.6,
                )
        elif k == 3:  # timer
            c.circle(x, sy, 6, stroke=1, fill=0)
            c.line(x, sy, x, sy + 4)
            c.line(x, sy, x + 3, sy)
        else:  # key
            c.circle(x - 4, sy, 3, stroke=1, fill=0)
            c.line(x - 1, sy, x + 7, sy)
            c.line(x + 6, sy, x + 6, sy - 3)
    lamp = (w / 2 - 54, y + ph - 12)
    c.setFillColor(HexColor("#e05a4f"))
    c.circle(*lamp, 3, stroke=0, fill=1)
    return [*spots[:2], lamp, (w / 2, y + ph - 14), *spots[2:]]


def tank_steps(c: Canvas, w: float, h: float) -> None:
    """Three pictures: pull out, empty, push back."""
    fw = (w - 16) / 3
    for k in range(3):
        x = k * (fw + 8)
        c.setStrokeColor(HexColor(LOOK.line))
        c.setFillColor(HexColor("#fbfaf8"))
        c.setLineWidth(0.6)
        c.roundRect(x, 0, fw, h, 4, stroke=1, fill=1)
        label(c, x + 8, h - 15, str(k + 1), LOOK.font(bold=True), 12, LOOK.accent)
        c.setStrokeColor(HexColor(LOOK.ink))
        c.setLineWidth(1)
        if k in (0, 2):
            c.setFillColor(WHITE)
            c.roundRect(x + fw * 0.46, 16, fw * 0.42, h - 34, 3, stroke=1, fill=1)
            shift = 26 if k == 0 else 8
            c.setFillColor(HexColor("#cfe4ee"))
            c.roundRect(x + fw * 0.46 - shift, 20, fw * 0.36, 24, 3, stroke=1, fill=1)
            c.line(x + fw * 0.46 - shift - 5, 28, x + fw * 0.46 - shift - 5, 38)
            c.line(x + fw * 0.46 - shift - 5, 28, x + fw * 0.46 - shift, 28)
            c.line(x + fw * 0.46 - shift - 5, 38, x + fw * 0.46 - shift, 38)
            ends = (x + fw * 0.3, x + 8) if k == 0 else (x + 8, x + fw * 0.3)
            arrow(c, [(ends[0], 56), (ends[1], 56)])
            if k == 2:
                label(c, x + fw * 0.67, 54, "click", LOOK.font(italic=True), 8, LOOK.accent, "c")
        else:
            c.saveState()
            c.translate(x + fw * 0.56, 58)
            c.rotate(38)
            c.setFillColor(HexColor("#cfe4ee"))
            c.roundRect(-26, -10, 52, 24, 3, stroke=1, fill=1)
            c.restoreState()
            for j in range(3):
                c.setStrokeColor(HexColor(LOOK.second))
                p = c.beginPath()
                p.moveTo(x + fw * 0.3 - j * 4, 46)
                p.curveTo(x + fw * 0.26 - j * 4, 36, x + fw * 0.24 - j * 4, 28, x + fw * 0.24 - j * 4, 20)
                c.drawPath(p, stroke=1, fill=0)
            c.setStrokeColor(HexColor(LOOK.ink))
            c.setLineWidth(1.4)
            c.line(x + 8, 18, x + fw * 0.5, 18)


def filter_drawing(c: Canvas, w: float, h: float) -> None:
    """The filter is lifted out at the back: frame, mesh, arrow, brush."""
    c.setStrokeColor(HexColor(LOOK.ink))
    rear_view(c, 30, 26, 74, h - 66)
    fx, fy, fw, fh = 158.0, 34.0, 62.0, 62.0
    c.setLineWidth(1)
    c.setFillColor(WHITE)
    c.roundRect(fx, fy, fw, fh, 3, stroke=1, fill=1)
    c.setLineWidth(0.35)
    for k in range(1, 12):
        c.line(fx + k * fw / 12, fy, fx + k * fw / 12, fy + fh)
        c.line(fx, fy + k * fh / 12, fx + fw, fy + k * fh / 12)
    c.setLineWidth(1)
    c.roundRect(fx + fw / 2 - 10, fy + fh - 1, 20, 6, 2, stroke=1, fill=0)
    arrow(c, [(112, h * 0.52), (132, h * 0.62), (152, h * 0.6)])
    bx = w - 52
    c.setLineWidth(1)
    c.roundRect(bx, 52, 42, 9, 3, stroke=1, fill=0)
    for k in range(10):
        c.line(bx + 3 + k * 4, 52, bx + 3 + k * 4, 40)
    arrow(c, [(bx - 14, 64), (bx - 14, 34)], lw=1.2)
    label(c, bx + 20, 26, "soft brush, dry", LOOK.font(), 6.8, LOOK.ink, "c")

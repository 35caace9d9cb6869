"""Pages as a scanner would deliver them: pixels only, a little crooked, on paper that is not white."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image, ImageFilter
from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from .kit import Meta, jpeg, save

DPI = 150


def typeset(size: tuple[float, float], pages: Sequence[Callable[[Canvas], None]]) -> list[Image.Image]:
    """The clean pages as pictures, before the scanner gets hold of them."""
    buffer = BytesIO()
    c = Canvas(buffer, pagesize=size, invariant=1)
    for page in pages:
        page(c)
        c.showPage()
    c.save()
    with pymupdf.open(stream=buffer.getvalue(), filetype="pdf") as doc:
        shots = [page.get_pixmap(dpi=DPI) for page in doc]
    return [Image.frombytes("RGB", (p.width, p.height), p.samples) for p in shots]


def scanned(
    picture: Image.Image, seed: int, skew: float, paper: tuple[int, int, int], grain: float = 5.0
) -> Image.Image:
    """Uneven ink, fibres, a fold, the shadow of the lid, dust, and the tilt of a hasty hand."""
    rng = np.random.default_rng(seed)
    w, h = picture.size
    ink = 1 - np.asarray(picture, dtype=np.float32) / 255
    # Ink soaks in unevenly: slow noise makes some letters paler than others.
    coarse = Image.fromarray((rng.random((h // 24, w // 24)) * 255).astype(np.uint8)).resize(
        (w, h), Image.Resampling.BICUBIC
    )
    ink *= (0.80 + 0.20 * np.asarray(coarse, dtype=np.float32) / 255)[..., None]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    light = 1 - 0.05 * np.exp(-x / (0.05 * w)) - 0.04 * (y / h) ** 3
    fold = h / 3
    light -= 0.035 * np.exp(-(((y - fold - 3 * np.sin(x / 200)) / 2.2) ** 2)) + 0.03 * np.exp(
        -(((y - 2 * fold) / 2.6) ** 2)
    )
    sheet = np.asarray(paper, dtype=np.float32) * light[..., None]
    page = sheet * (1 - ink * 0.93)
    page += rng.normal(0, grain, (h, w, 1)).astype(np.float32)
    for _ in range(90):  # specks of dust
        px, py, r = rng.integers(2, w - 4), rng.integers(2, h - 4), rng.integers(1, 3)
        page[py : py + r, px : px + r] *= 0.55
    out = Image.fromarray(np.clip(page, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.55))
    return out.rotate(skew, Image.Resampling.BICUBIC, fillcolor=tuple(int(v * 0.93) for v in paper))


def write(
    path: Path,
    meta: Meta,
    size: tuple[float, float],
    pages: Sequence[Callable[[Canvas], None]],
    looks: Sequence[tuple[int, float, tuple[int, int, int]]],
    gray: bool = False,
    quality: int = 52,
) -> None:
    """Pages without a text layer; looks gives seed, skew and paper colour of each."""

    def painter(
        picture: Image.Image, look: tuple[int, float, tuple[int, int, int]]
    ) -> Callable[[Canvas], None]:
        shot = scanned(picture, *look)
        shot = shot.convert("L") if gray else shot
        return lambda c: c.drawImage(jpeg(shot, quality), 0, 0, *size)

    save(path, meta, size, [painter(p, look) for p, look in zip(typeset(size, pages), looks, strict=True)])


def scribble(
    c: Canvas, x: float, y: float, w: float, seed: int, color: str = "#1c2f7a", lw: float = 1.5
) -> None:
    """A signature: loops that get flatter towards the end of the name, and a flourish."""
    rng = np.random.default_rng(seed)
    n = 150
    t = np.linspace(0, 1, n)
    height = 13 * (1 - 0.65 * t) * (1 + 0.5 * np.sin(5.1 * t + rng.random() * 6))
    px = x + w * t + 6.5 * np.sin(2 * math.pi * 7.3 * t + 1) * (1 - 0.5 * t)
    py = y + height * np.sin(2 * math.pi * 7.3 * t) + 7 * (1 - t)
    c.setStrokeColor(HexColor(color))
    c.setLineCap(1)
    c.setLineJoin(1)
    c.setLineWidth(lw)
    p = c.beginPath()
    p.moveTo(px[0], py[0])
    for a, b in zip(px[1:], py[1:], strict=True):
        p.lineTo(float(a), float(b))
    p.curveTo(x + w + 20, y + 10, x + w + 30, y - 14, x + w * 0.35, y - 12)
    c.drawPath(p, stroke=1, fill=0)

"""A computed photograph: an observatory by a lake under the Milky Way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float64]


def fractal(
    rng: np.random.Generator, h: int, w: int, octaves: int = 6, start: int = 3, fall: float = 0.55
) -> Field:
    """Smooth noise of several sizes added up, scaled to 0..1: clouds, hills, wood."""
    total = np.zeros((h, w))
    gain = 1.0
    for k in range(octaves):
        n = start * 2**k
        small = Image.fromarray(rng.random((n + 1, int(n * w / h) + 2)).astype(np.float32))
        total += gain * np.asarray(small.resize((w, h), Image.Resampling.BICUBIC), dtype=float)
        gain *= fall
    return (total - total.min()) / (total.max() - total.min())


def blur(layer: Field, radius: float) -> Field:
    """Gaussian blur of one channel by its spectrum, which keeps bright points bright."""
    h, w = layer.shape
    fy, fx = np.fft.fftfreq(h)[:, None], np.fft.rfftfreq(w)[None, :]
    kernel = np.exp(-2 * (np.pi * radius) ** 2 * (fx**2 + fy**2))
    return np.fft.irfft2(np.fft.rfft2(layer) * kernel, s=(h, w))


def _ridge(rng: np.random.Generator, w: int, base: float, height: float, rough: float) -> Field:
    """A skyline: one row of fractal noise."""
    line = np.zeros(w)
    x = np.arange(w)
    for k in range(8):
        n = 3 * 2**k
        line += rough**k * np.interp(x, np.linspace(0, w, n + 1), rng.standard_normal(n + 1))
    return base - height * (line - line.min()) / (line.max() - line.min())


def night_sky(w: int = 1500, h: int = 1500) -> Image.Image:
    rng = np.random.default_rng(1911)
    y, x = np.mgrid[0:h, 0:w] / h
    horizon = 0.70
    up = np.clip((horizon - y) / horizon, 0, 1)
    # Air: deep blue above, green airglow low, and the sodium light of the town in the north-east.
    sky = np.stack(
        [0.012 + 0.02 * (1 - up) ** 2, 0.020 + 0.045 * (1 - up) ** 2.2, 0.052 + 0.070 * (1 - up) ** 2], -1
    )
    town = np.exp(-(((x - 0.86) / 0.30) ** 2) - ((horizon - y) / 0.16) ** 2)
    sky += town[..., None] * np.array([0.46, 0.24, 0.07])
    # The Milky Way: a slanting band, brightest in its core, cut by dark lanes.
    across = (x - 0.40) * 0.86 + (y - 0.36) * 0.52
    along = -(x - 0.40) * 0.52 + (y - 0.36) * 0.86
    clouds, lanes = fractal(rng, h, w, 7, 4, 0.62), fractal(rng, h, w, 7, 5, 0.66)
    band = np.exp(-((across / 0.115) ** 2)) * (0.45 + 0.85 * np.exp(-(((along - 0.12) / 0.32) ** 2)))
    dust = 1 / (1 + np.exp(-(lanes - 0.46 + 0.9 * np.abs(across + 0.012)) * 17))
    glow = band * (0.25 + 1.1 * clouds**1.6) * dust
    sky += glow[..., None] * np.array([0.36, 0.31, 0.36]) * (1 - 0.75 * town[..., None])
    sky += (band * (1 - dust) * 0.05)[..., None] * np.array([0.9, 0.5, 0.3])
    # Stars: many faint, few bright, more of them inside the band; colours from blue to orange.
    count = 15000
    sx, sy = rng.random(count * 2), rng.random(count * 2) * horizon
    keep = rng.random(count * 2) < 0.28 + 0.9 * band[(sy * h).astype(int), (sx * w).astype(int) % w]
    sx, sy = sx[keep][:count], sy[keep][:count]
    flux = 0.10 * (rng.pareto(1.55, sx.size) + 0.6)
    warmth = rng.random(sx.size)
    for channel, tint in enumerate((0.75 + 0.35 * warmth, np.full(sx.size, 0.88), 1.15 - 0.45 * warmth)):
        layer = np.zeros((h, w))
        fade = 1 - 0.8 * town[(sy * h).astype(int), (sx * w).astype(int)]
        bright = np.zeros((h, w))
        at = ((sy * h).astype(int), (sx * w).astype(int))
        light = np.minimum(flux, 14) * tint * fade
        np.add.at(layer, at, light)
        np.add.at(bright, at, np.where(flux > 1.6, light, 0))
        sky[..., channel] += 3.4 * blur(layer, 0.75) + 5.0 * blur(bright, 2.4)
    picture = _hills(rng, sky, horizon, h, w)
    picture = _dome(picture, horizon, h, w)
    picture = _lake(rng, picture, horizon, h, w)
    picture = _shore(rng, picture, h, w)
    # The camera: vignette, grain that is stronger in the shadows, a film-like curve.
    r2 = (x - 0.5) ** 2 + (y - 0.5) ** 2
    picture *= (1 - 0.55 * r2)[..., None]
    picture = 1 - np.exp(-1.9 * np.clip(picture, 0, None))
    picture = picture**0.80
    picture += rng.normal(0, 0.010, (h, w, 1)) + rng.normal(0, 0.005, (h, w, 3))
    return Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))


def _lake(rng: np.random.Generator, picture: Field, horizon: float, h: int, w: int) -> Field:
    """Still water: the sky upside down, stretched by ripples and darker towards the viewer."""
    top = int(horizon * h)
    depth = (np.arange(h - top) / (h - top))[:, None]
    rows = np.clip(top - 1 - (np.arange(h - top) * 1.9).astype(int), 0, top - 1)[:, None]
    ripple = fractal(rng, h - top, w, 6, 6, 0.7) - 0.5
    shift = (ripple * (3 + 26 * depth)).astype(int)
    cols = np.clip(np.arange(w)[None, :] + shift // 3, 0, w - 1)
    mirrored = picture[np.clip(rows + shift, 0, top - 1), cols]
    for channel in range(3):
        mirrored[..., channel] = blur(mirrored[..., channel], 1.6)
    out = picture.copy()
    out[top:] = mirrored * (0.62 - 0.34 * depth)[..., None] + np.array([0.004, 0.009, 0.016])
    return out


def _hills(rng: np.random.Generator, picture: Field, horizon: float, h: int, w: int) -> Field:
    y = np.arange(h)[:, None]
    out = picture
    layers = ((0.695, 0.115, 0.50, (0.030, 0.040, 0.062)), (0.700, 0.062, 0.56, (0.016, 0.022, 0.034)))
    for base, height, rough, colour in layers:
        line = _ridge(rng, w, base * h, height * h, rough)[None, :]
        mask = np.clip(y - line + 0.5, 0, 1) * (y < horizon * h)
        haze = np.clip((y - line) / (0.06 * h), 0, 1)
        tint = np.asarray(colour) * (1 + 0.9 * haze[..., None])
        out = out * (1 - mask[..., None]) + tint * mask[..., None]
    return out


def _shore(rng: np.random.Generator, picture: Field, h: int, w: int) -> Field:
    """The near bank with grass, black against the water."""
    y = np.arange(h)[:, None]
    line = _ridge(rng, w, 0.985 * h, 0.055 * h, 0.62)[None, :]
    blades = 9 * np.abs(np.sin(np.arange(w) * 1.7)) * rng.random(w)
    mask = np.clip(y - line + blades[None, :], 0, 1)
    return picture * (1 - mask[..., None]) + np.array([0.004, 0.006, 0.006]) * mask[..., None]


def _dome(picture: Field, horizon: float, h: int, w: int) -> Field:
    """The observatory on its headland: a dark dome with a slit from which red light falls."""
    y, x = np.mgrid[0:h, 0:w].astype(float)
    cx, base, r = 0.215 * w, (horizon - 0.050) * h, 0.052 * h
    head = horizon * h - 0.052 * h * np.exp(-(((x - cx) / (0.15 * w)) ** 2)) + 3 * np.sin(x / 17)
    land = np.clip(y - head, 0, 1) * (y < horizon * h + 2)
    dome = np.clip(r - np.hypot(x - cx, (y - base + 0.020 * h)), 0, 1) * (y < base - 0.019 * h)
    wall = (np.abs(x - cx) < r * 0.93) * (y >= base - 0.020 * h) * (y < base + 0.012 * h)
    dark = np.clip(land + dome + wall, 0, 1)[..., None]
    # The side towards the town catches a little of its light.
    rim = 0.05 * np.clip((x - cx) / r, 0, 1) ** 2 * (dome + wall)
    out = (
        picture * (1 - dark)
        + dark * np.array([0.008, 0.011, 0.016])
        + rim[..., None] * np.array([1.0, 0.6, 0.3])
    )
    slit = (np.abs(x - cx + 0.30 * r - 0.10 * (y - base)) < 0.13 * r) * (dome > 0.5) * (y > base - 0.068 * h)
    door = (np.abs(x - cx - 0.45 * r) < 0.10 * r) * (np.abs(y - base - 0.002 * h) < 0.009 * h)
    lit = slit * 0.62 + door * 1.2
    halo = blur(lit.astype(float), 14) * 2.2 + blur(lit.astype(float), 60) * 2.6
    return (
        out
        + (lit * 0.8)[..., None] * np.array([1.0, 0.16, 0.07])
        + halo[..., None] * np.array([0.85, 0.11, 0.05])
    )

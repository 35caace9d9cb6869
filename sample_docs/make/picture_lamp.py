"""A computed photograph: a lamp on a wooden desk, by ray casting with soft shadows."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .picture_sky import Field, blur

# The desk: spheres as (centre, radius, colour, mirror share), in metres, lamp bulb first.
BULB = np.array([0.0, 0.325, 0.13])


SPHERES = (
    (np.array([-0.235, 0.050, 0.02]), 0.050, (0.78, 0.52, 0.20), 0.45),
    (np.array([-0.135, 0.030, -0.085]), 0.030, (0.80, 0.55, 0.22), 0.45),
    (np.array([0.290, 0.040, 0.08]), 0.040, (0.42, 0.08, 0.05), 0.10),
)


MUG = (np.array([0.175, 0.0, -0.03]), 0.042, 0.092, (0.80, 0.79, 0.74))


def desk_lamp(w: int = 1200, h: int = 800) -> Image.Image:
    """Ray casting with soft shadows: a bulb under a shade, brass balls and a mug on oiled wood."""
    rng = np.random.default_rng(7)
    eye, aim = np.array([0.04, 0.34, -0.95]), np.array([0.03, 0.165, 0.05])
    forward = (aim - eye) / np.linalg.norm(aim - eye)
    right = np.cross(np.array([0.0, 1.0, 0.0]), forward)
    right /= np.linalg.norm(right)
    upward = np.cross(forward, right)
    px, py = np.meshgrid((np.arange(w) + 0.5) / w * 2 - 1, 1 - (np.arange(h) + 0.5) / h * 2)
    ray = forward + 0.46 * px[..., None] * right + 0.46 * h / w * py[..., None] * upward
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    start = np.broadcast_to(eye, ray.shape)
    first, normal, point, share = _shade(rng, start, ray, samples=14)
    # Polished things and the oiled table show each other once more.
    bounce = ray - 2 * np.sum(ray * normal, -1, keepdims=True) * normal
    second, _, _, _ = _shade(rng, point + normal * 1e-3, bounce, samples=2)
    graze = 0.08 + 0.92 * (1 - np.clip(-np.sum(ray * normal, -1), 0, 1)) ** 5
    picture = first + second * (share * graze / graze.mean() * 0.35 + share * 0.65)[..., None]
    for channel, spread in enumerate((1.0, 0.62, 0.30)):  # light scattered in the lens
        strong = np.clip(picture[..., channel] - 0.9, 0, 6)
        picture[..., channel] += spread * (0.10 * blur(strong, 10) + 0.12 * blur(strong, 45))
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    picture *= (1 - 0.30 * (x**2 + y**2) / 2)[..., None]
    picture = (1 - np.exp(-1.15 * np.clip(picture, 0, None))) ** 0.62
    picture += rng.normal(0, 0.011, (h, w, 1))
    return Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))


def _hit_sphere(start: Field, ray: Field, centre: Field, radius: float) -> Field:
    to = start - centre
    b = np.sum(to * ray, -1)
    root = b**2 - np.sum(to * to, -1) + radius**2
    t = -b - np.sqrt(np.maximum(root, 0))
    return np.where((root > 0) & (t > 1e-4), t, np.inf)


def _hit_mug(start: Field, ray: Field) -> tuple[Field, Field]:
    """Nearest hit with the outer wall or the coffee in the mug, and the normal there."""
    foot, radius, height, _ = MUG
    to = start - foot
    a = ray[..., 0] ** 2 + ray[..., 2] ** 2
    b = to[..., 0] * ray[..., 0] + to[..., 2] * ray[..., 2]
    root = b**2 - a * (to[..., 0] ** 2 + to[..., 2] ** 2 - radius**2)
    out = np.full(a.shape, np.inf)
    normal = np.zeros(ray.shape)
    for sign in (1, -1):  # far wall first, so that the near one wins
        t = (-b + sign * np.sqrt(np.maximum(root, 0))) / np.maximum(a, 1e-9)
        y = to[..., 1] + t * ray[..., 1]
        good = (root > 0) & (t > 1e-4) & (y > 0) & (y < height)
        out = np.where(good, t, out)
        p = to + t[..., None] * ray
        n = np.stack([p[..., 0], np.zeros_like(y), p[..., 2]], -1) / radius * -sign
        normal = np.where(good[..., None], n, normal)
    return out, normal


def _shade(
    rng: np.random.Generator, start: Field, ray: Field, samples: int
) -> tuple[Field, Field, Field, Field]:
    """Colour, normal, place and mirror share of what each ray meets."""
    down = np.where(ray[..., 1] < -1e-5, -start[..., 1] / np.minimum(ray[..., 1], -1e-5), np.inf)
    wall = np.where(ray[..., 2] > 1e-5, (0.62 - start[..., 2]) / np.maximum(ray[..., 2], 1e-5), np.inf)
    best = np.minimum(down, wall)
    point = start + best[..., None].clip(0, 50) * ray
    on_table = down <= wall
    normal = np.where(on_table[..., None], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0])
    albedo = np.where(on_table[..., None], _wood(point), [0.10, 0.13, 0.15])
    share = np.where(on_table, 0.13, 0.0)
    for centre, radius, colour, mirror in SPHERES:
        t = _hit_sphere(start, ray, centre, radius)
        near = t < best
        best = np.where(near, t, best)
        point = np.where(near[..., None], start + t[..., None].clip(0, 50) * ray, point)
        normal = np.where(near[..., None], (point - centre) / radius, normal)
        albedo = np.where(near[..., None], colour, albedo)
        share = np.where(near, mirror, share)
    t, n = _hit_mug(start, ray)
    near = t < best
    best = np.where(near, t, best)
    point = np.where(near[..., None], start + t[..., None].clip(0, 50) * ray, point)
    normal = np.where(near[..., None], n, normal)
    band = np.abs(point[..., 1] - 0.068) < 0.006
    glaze = np.where(band[..., None], [0.10, 0.20, 0.36], MUG[3])
    albedo = np.where(near[..., None], glaze, albedo)
    share = np.where(near, 0.06, share)

    # The evening sky in a window on the left, and what the lit table sends back.
    window = 0.35 + 0.65 * np.clip(normal @ np.array([-0.62, 0.35, -0.70]), 0, 1)
    colour = albedo * window[..., None] * np.array([0.045, 0.060, 0.090])
    near_lamp = np.exp(-np.sum((point - BULB * np.array([1, 0, 1])) ** 2, -1) / 0.10) * (
        0.6 - 0.4 * normal[..., 1]
    )
    colour += albedo * near_lamp[..., None] * np.array([0.22, 0.125, 0.055])
    for _ in range(samples):
        lamp = BULB + rng.normal(0, 0.022, point.shape)
        to = lamp - point
        distance = np.linalg.norm(to, axis=-1)
        to /= distance[..., None]
        blocked = _hit_mug(point + normal * 1e-3, to)[0] < distance
        for centre, radius, _, _ in SPHERES:
            blocked |= _hit_sphere(point + normal * 1e-3, to, centre, radius) < distance
        # The shade lets light out downwards; a little of it passes through the cloth.
        cone = 0.10 + 0.90 / (1 + np.exp(-(to[..., 1] - 0.50) * 22))
        strength = np.clip(np.sum(normal * to, -1), 0, None) * cone * ~blocked / distance**2
        colour = colour + albedo * (0.21 / samples) * strength[..., None] * np.array([1.0, 0.66, 0.36])
    return _lamp_body(start, ray, best, colour), normal, point, share


def _lamp_body(start: Field, ray: Field, best: Field, colour: Field) -> Field:
    """Bulb, shade and stand, drawn in front of what lies behind them."""
    t = (BULB[2] - start[..., 2]) / np.where(np.abs(ray[..., 2]) < 1e-5, 1e-5, ray[..., 2])
    p = start + t[..., None].clip(0, 50) * ray
    front = (t > 0) & (t < best + 0.1)
    dx, dy = p[..., 0] - BULB[0], p[..., 1] - BULB[1]
    half = 0.155 - 0.55 * (dy + 0.02)
    shade = front & (np.abs(dx) < half) & (dy > -0.02) & (dy < 0.16)
    round_off = np.sqrt(np.clip(1 - (dx / np.maximum(half, 1e-3)) ** 2, 0, 1))
    cloth = (0.55 + 0.75 * np.exp(-((dy - 0.03) ** 2 + dx**2) / 0.006)) * (0.35 + 0.65 * round_off)
    cloth *= 1 + 0.035 * np.sin(dx * 900)
    pole = front & (np.abs(dx) < 0.0065) & (dy <= -0.02) & (p[..., 1] > 0.0)
    sheen = 0.12 + 0.5 * np.exp(-(((dx + 0.002) / 0.0022) ** 2)) * np.exp(dy * 4)
    foot = front & ((dx / 0.075) ** 2 + ((p[..., 1] - 0.008) / 0.016) ** 2 < 1)
    gleam = (
        np.exp(-(dx**2 / 0.006 + (dy + 0.012) ** 2 / 0.0009)) * (dy <= -0.02) * (t > 0) * (np.abs(dx) < 0.15)
    )
    colour = colour + gleam[..., None] * np.array([0.9, 0.55, 0.24])
    colour = np.where(
        foot[..., None],
        np.array([0.15, 0.10, 0.05]) * (1 + 2 * np.clip(p[..., 1, None] / 0.02, 0, 1)),
        colour,
    )
    colour = np.where(pole[..., None], sheen[..., None] * np.array([0.9, 0.62, 0.28]), colour)
    return np.where(shade[..., None], cloth[..., None] * np.array([1.25, 0.78, 0.40]), colour)


def _wood(point: Field) -> Field:
    """Boards with rings: warped stripes, darker joints."""
    x, z = point[..., 0], point[..., 2]
    board = np.floor(z / 0.11)
    offset = np.sin(board * 12.9) * 4
    grain = np.sin((z * 190 + offset + 1.5 * np.sin(x * 7 + offset) + 0.6 * np.sin(x * 23 + z * 40)) * 1.0)
    fine = np.sin(x * 60 + z * 1400 + 3 * np.sin(x * 9 + board))
    tone = 0.62 + 0.13 * grain + 0.05 * fine + 0.08 * np.sin(board * 5.3)
    edge = np.minimum(z / 0.11 - board, 1 - (z / 0.11 - board))
    tone = tone * np.clip(0.35 + edge * 30, 0, 1)
    return np.clip(tone, 0, 1)[..., None] * np.array([0.62, 0.36, 0.17])

"""What the drawings share: chance, words, fonts, colours, and what happens to pictures on their way into a document."""

from __future__ import annotations

import io
import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = [
    Path("/usr/share/fonts/truetype/dejavu") / f"DejaVu{n}.ttf" for n in ("Sans", "Serif", "Sans-Bold", "SansMono")
]
INKS = ["#222222", "#000000", "#1f3a5f", "#333366", "#5b2c6f", "#0b5345"]
SOFT = [
    "#cfe2f3",
    "#ffe599",
    "#d9ead3",
    "#4a86e8",
    "white",
    "#f4cccc",
    "#b4a7d6",
    "#fce5cd",
    "#a2c4c9",
    "#e06666",
    "#93c47d",
]
STRONG = [
    "#1a73e8",
    "#c0392b",
    "#27ae60",
    "#8e44ad",
    "#d35400",
    "#16a085",
    "#2c3e50",
    "#f39c12",
    "#34495e",
    "#005f73",
    "#ae2012",
]


@dataclass
class Chance:
    """Two generators with one seed, and the materials that are drawn from."""

    seed: int
    materials: Path

    def __post_init__(self) -> None:
        self.r = random.Random(self.seed)
        self.g = np.random.default_rng(self.seed)
        text = (Path(__file__).parents[2] / "ARCHITECTURE.md").read_text(encoding="utf-8")
        self.vocabulary = sorted(set(re.findall(r"[A-Za-z]{3,11}", text)))
        self.plain = [path for path in FONTS if path.exists()] + sorted(self.materials.rglob("open-sans*.ttf"))
        self.hands = [
            path
            for name in (
                "dkg",
                "breip",
                "Breip",
                "femkeklaver",
                "Rufscript",
                "Delphine",
                "SteveHand",
                "Kristi",
                "DancingScript",
                "Radis",
                "Ecolier",
            )
            for path in sorted(self.materials.rglob(f"{name}*.[to]tf"))
        ]
        self._photos = [
            p for p in self.pictures("backgrounds", "filters/examples", "examples/data", "skimage/data") if _is_photo(p)
        ]
        self._screens = self.pictures(
            "images/dialogs",
            "help/en/images/en",
            "images/using",
            "images/preferences",
            "gnome-help/figures",
            "kicad/help/en/images",
        )

    def pictures(self, *folders: str) -> list[Path]:
        """Of the materials, in folders with such a path."""
        endings = {".png", ".jpg", ".jpeg"}
        return [
            p
            for p in sorted(self.materials.rglob("*"))
            if p.suffix.lower() in endings and any(f in str(p.parent) for f in folders)
        ]

    def material(self, name: str) -> Path:
        """The first file with this name."""
        return _first(self.materials, name)

    def word(self) -> str:
        return self.r.choice(self.vocabulary)

    def words(self, n: int) -> str:
        return " ".join(self.word() for _ in range(n))

    def label(self) -> str:
        """A word, a year, a number."""
        return self.r.choice([self.word, self.word, lambda: str(self.r.randint(1990, 2030)), lambda: self.words(2)])()

    def font(self, size: float) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(str(self.r.choice(self.plain)), max(6, round(size)))

    def hand(self, size: float) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(str(self.r.choice(self.hands)), max(8, round(size)))

    def canvas(self, width: float, height: float, ground: str = "white") -> tuple[Image.Image, ImageDraw.ImageDraw]:
        image = Image.new("RGB", (round(width), round(height)), ground)
        return image, ImageDraw.Draw(image)

    def paper(self) -> str:
        return self.r.choice(["white", "white", "white", "#f7f4ec", "#eeeeee", "#fdf6e3"])

    def photo(self) -> Image.Image:
        """A random part of one of the photographs."""
        for _ in range(50):
            path = self.r.choice(self._photos)
            picture = Image.open(path)
            if min(picture.size) < 150:
                continue
            picture.draft("RGB", (1200, 1200))
            picture = picture.convert("RGB")
            share = self.r.uniform(0.3, 1)
            w, h = int(picture.width * share), int(picture.height * self.r.uniform(max(0.3, share - 0.2), 1))
            x, y = self.r.randint(0, picture.width - w), self.r.randint(0, picture.height - h)
            part = picture.crop((x, y, x + w, y + h))
            part.thumbnail((420, 420))
            if np.asarray(part).std() > 18:
                return part
        return part

    def screen(self) -> Image.Image:
        """One of the real screenshots."""
        while True:
            picture = Image.open(self.r.choice(self._screens))
            if min(picture.size) < 120 or max(picture.size) / min(picture.size) > 5:
                continue
            clear = picture.convert("RGBA")
            whole = Image.new("RGBA", clear.size, "white")
            whole.alpha_composite(clear)
            whole.thumbnail((700, 700))
            return whole.convert("RGB")


@cache
def _first(folder: Path, name: str) -> Path:
    return next(iter(sorted(folder.rglob(name))))


def _is_photo(path: Path) -> bool:
    if "skimage" in str(path):
        return path.stem in {
            "astronaut",
            "chelsea",
            "coffee",
            "camera",
            "rocket",
            "motorcycle_left",
            "hubble_deep_field",
            "moon",
            "coins",
            "grass",
            "gravel",
            "brick",
            "retina",
        }
    if path.suffix.lower() == ".png" and "backgrounds" not in str(path):
        return False
    return not re.search(
        r"chess|calib|board|text|digits|hand_sign|left\d|right\d|abstract|box|pic[1-6]|logo|cards|sudoku|imageText|licen|opencv",
        path.name,
        re.IGNORECASE,
    )


def worn(picture: Image.Image, chance: Chance) -> Image.Image:
    """A picture as documents have it: shrunk, pressed into JPEG, printed grey, blurred, a little turned, cut a little off."""
    r = chance.r
    x, y = (r.uniform(-0.06, 0.06) * side for side in picture.size)
    box = (max(0, x), max(0, y), min(picture.width, picture.width + x), min(picture.height, picture.height + y))
    if r.random() < 0.4 and min(picture.size) > 40:
        picture = picture.crop(tuple(map(round, box)))
    if r.random() < 0.35:
        margin = round(r.uniform(0.02, 0.12) * max(picture.size))
        wide = Image.new("RGB", (picture.width + 2 * margin, picture.height + 2 * margin), "white")
        wide.paste(picture, (margin, margin))
        picture = wide
    if r.random() < 0.2:
        picture = picture.convert("L").convert("RGB")
    if r.random() < 0.15:
        picture = picture.rotate(r.uniform(-2, 2), expand=True, fillcolor="white", resample=Image.Resampling.BILINEAR)
    longest = r.choice([160, 240, 320, 450])
    if max(picture.size) > longest:
        picture.thumbnail((longest, longest))
    if r.random() < 0.25:
        picture = picture.filter(ImageFilter.GaussianBlur(r.uniform(0.3, 1.0)))
    if r.random() < 0.2:
        noise = chance.g.normal(0, r.uniform(2, 12), (picture.height, picture.width, 1))
        picture = Image.fromarray(
            (np.asarray(picture, float) * r.uniform(0.85, 1) + noise).clip(0, 255).astype(np.uint8)
        )
    if r.random() < 0.5:
        buffer = io.BytesIO()
        picture.save(buffer, format="JPEG", quality=r.randint(25, 92))
        picture = Image.open(buffer).convert("RGB")
    return picture

"""Pages drawn from passages: where each word stands, and which letter is in each small cell, are known.

Layouts: columns, headings, lists, tables, justified or not; fonts by chance, 9 to 26 pixels; half of the pages drawn large
and shrunk, as the indexer does; soiled as scans are: blur, noise, JPEG, grey, a turn of up to a degree.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

CELL = 28  # pixels along a side of a token
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,-:;()/'\"%&=_"  # 0 is blank, the last class any other sign
N_LETTERS = len(LETTERS) + 2
COLUMNS, BANDS = 4, 2  # cells of letters in a token: 7 pixels wide, 14 high
LIGHT_ON_DARK = 0.6  # how hard pages are when some turn dark: before, their paper hides the letters from what is learnt
SLANTED = 0.5  # of the bent pages
_CLASS = {letter: i for i, letter in enumerate(LETTERS, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """pixels: (height, width) uint8. words: (n, 6) float32 of passage, word, x0, y0, x1, y1. letters: (tokens, 8) int64."""

    pixels: NDArray[np.uint8]
    words: NDArray[np.float32]
    letters: NDArray[np.int64]


@lru_cache(maxsize=4096)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=200_000)
def _advances(path: str, size: int, word: str) -> tuple[float, ...]:
    """Ends of the word's letters, from its start."""
    font = _font(path, size)
    steps = np.cumsum([font.getlength(letter) for letter in word])
    return tuple((steps * font.getlength(word) / max(steps[-1], 1e-6)).tolist())


@lru_cache(maxsize=4096)
def letter_class(letter: str) -> int:
    plain = unicodedata.normalize("NFKD", letter)[0].lower()
    return _CLASS.get(plain, N_LETTERS - 1)


class Pen:
    """One page while it is drawn. Positions are pixels of the finished page; ``scale`` times as many are drawn.

    ``slant``: pixels to the right for one up, if lines are to be leant.
    """

    def __init__(self, width: int, height: int, scale: int, paper: int, ink: int, slant: float) -> None:
        self.scale, self.ink, self.slant = scale, ink, slant
        self.image = Image.new("L", (width * scale, height * scale), paper)
        self.draw = ImageDraw.Draw(self.image)
        self.words: list[tuple[float, ...]] = []
        self.letters: list[tuple[float, float, float, int]] = []

    def width(self, word: str, path: str, size: float) -> float:
        return _advances(path, round(size * self.scale), word)[-1] / self.scale

    def word(self, word: str, owner: tuple[int, int], x: float, baseline: float, path: str, size: float) -> None:
        big = round(size * self.scale)
        ends = _advances(path, big, word)
        self.draw.text((x * self.scale, baseline * self.scale), word, font=_font(path, big), fill=self.ink, anchor="ls")
        x += 0.28 * size * self.slant
        self.words.append((*owner, x, baseline - 0.75 * size, x + ends[-1] / self.scale, baseline + 0.2 * size))
        start = 0.0
        middle = baseline - 0.28 * size
        for letter, end in zip(word, ends, strict=True):
            self.letters.append((x + start / self.scale, x + end / self.scale, middle, letter_class(letter)))
            start = end

    def lean(self, left: float, right: float, first: int) -> None:
        """Slant the lines between left and right, of words from number ``first`` on: rows move by their distance from the
        baseline of the nearest line.
        """
        if len(self.words) == first:
            return
        tops, bottoms = (np.array([word[at] for word in self.words[first:]]) for at in (3, 5))
        sizes = (bottoms - tops) / 0.95 * self.scale
        baselines, one = np.unique(bottoms * self.scale - 0.2 * sizes, return_index=True)
        x0, x1 = max(0, round(left * self.scale)), min(self.image.width, round(right * self.scale))
        pixels = np.asarray(self.image, np.float32)[:, x0:x1]
        rows = np.arange(len(pixels))
        nearest = np.abs(rows[:, None] - (baselines - 0.25 * sizes[one])).argmin(axis=1)
        places = np.arange(x1 - x0) - self.slant * (baselines[nearest] - rows)[:, None]
        whole = np.floor(places).astype(int)
        before, after = (np.take_along_axis(pixels, np.clip(whole + i, 0, x1 - x0 - 1), axis=1) for i in (0, 1))
        leaning = before + (after - before) * (places - whole).astype(np.float32)
        self.image.paste(Image.fromarray(np.round(leaning).astype(np.uint8)), (x0, 0))


class Drawer:
    """Draws pages by chance."""

    def __init__(
        self, fonts: Sequence[str], chance: np.random.Generator, *, soil: float = 0.35, hard: float = 1.0
    ) -> None:
        """soil: the share of soiled pages. hard: from 0 (few fonts, near 16 pixels) to 1 (all). ``faces``: the share of fonts;
        ``bent``: the share of pages in three faces whose letters are wider, narrower, bolder, thinner or more slanted than the
        font's: more fonts than there are.
        """
        self.fonts, self.chance, self.soil, self.hard = fonts, chance, soil, hard
        self.faces, self.bent = hard, 0.0

    def page(self, passages: Sequence[Sequence[str]], rows: int, columns: int) -> Drawn:
        """Draw as much of the passages as fits on rows x columns tokens."""
        chance = self.chance
        bent = chance.random() < self.bent if self.bent else False
        stretch = float(chance.uniform(0.8, 1.25)) if bent else 1.0
        slant = float(chance.uniform(-0.12, 0.3)) if bent and chance.random() < SLANTED else 0.0
        width, height = round(columns * CELL / stretch), rows * CELL
        scale = int(chance.integers(1, 3)) if self.hard > 0.1 else 1
        ink = int(chance.integers(0, 70))
        pen = Pen(width, height, scale, int(chance.integers(225, 256)), ink, slant)
        words = [(word, (p, w)) for p, passage in enumerate(passages) for w, word in enumerate(passage)]
        spread = 1 + 5 * self.hard
        size = float(np.clip(chance.normal(16.5, spread), 9, 26))
        fonts = self.fonts[: max(4, int(len(self.fonts) * self.faces))]
        path, bold = (fonts[int(chance.integers(len(fonts)))] for _ in range(2))
        self._faces = [path, *(fonts[int(chance.integers(len(fonts)))] for _ in range(2 * bent))]
        lined = chance.random() > 4 * self.hard  # for beginners: one line to a row of tokens
        if lined:
            size, self._faces = 16.0, [fonts[int(chance.integers(2))]]
        n_columns = 2 if not lined and columns >= 24 and chance.random() < 0.3 else 1
        margin = chance.uniform(2, 20)
        span = (width - margin * (n_columns + 1)) / n_columns
        at = 0
        for column in range(n_columns):
            left, begun = margin + column * (span + margin), len(pen.words)
            at = self._column(pen, words, at, left, span, height, bold, size, lined)
            if slant:
                pen.lean(left - margin / 2, left + span + margin / 2, begun)
        image = pen.image
        if bent and scale == 2:
            changed = image.filter(chance.choice([ImageFilter.MinFilter(3), ImageFilter.MaxFilter(3)]))
            image = Image.blend(image, changed, float(chance.uniform(0, 0.7)))  # more would erase thin strokes
        if image.size != (columns * CELL, height):
            image = image.resize((columns * CELL, height), Image.Resampling.BICUBIC)
        placed = np.array(pen.words, np.float32).reshape(-1, 6)
        letters = np.array(pen.letters, np.float32).reshape(-1, 4)
        placed[:, [2, 4]] *= columns * CELL / width
        letters[:, :2] *= columns * CELL / width
        if chance.random() < self.soil:
            image, placed, letters = self._soiled(image, placed, letters)
        if chance.random() < 0.06 * (self.hard > LIGHT_ON_DARK):
            image = Image.eval(image, lambda value: 255 - value)
        return Drawn(np.asarray(image), placed, _cells(letters, rows, columns))

    def _column(
        self, pen: Pen, words: list[tuple[str, tuple[int, int]]], at: int, left: float, span: float, height: int,
        bold: str, size: float, lined: bool,
    ) -> int:  # fmt: skip
        """Fill a column from word number ``at`` on; returns the number of the first word that has no place."""
        chance, path = self.chance, self._faces[0]
        leading, justify = chance.uniform(1.12, 1.6), chance.random() < 0.35
        baseline = chance.uniform(0.3, 1.5) * size
        kind, lines = "text", 99 if lined else 0
        if lined:
            leading, baseline = CELL / size, chance.uniform(16, 23)
        while baseline + 0.2 * size < height and at < len(words):
            if lines <= 0:
                kind = str(
                    chance.choice(["text", "heading", "list", "table", "loose"], p=[0.58, 0.12, 0.12, 0.1, 0.08])
                )
                lines = 1 if kind == "heading" else int(chance.integers(2, 9))
                cells = int(chance.integers(2, 5))
                if len(self._faces) > 1:
                    path = self._faces[int(chance.integers(len(self._faces)))]
            face, big = (bold, size * chance.uniform(1.0, 1.7)) if kind == "heading" else (path, size)
            space = pen.width("n", face, big) * (0.5 if kind != "loose" else chance.uniform(0.6, 1.3))
            if kind == "heading":
                baseline += 0.5 * big
            if kind == "table":
                for cell in range(cells):
                    x = left + span * cell / cells
                    at = self._line(pen, words, at, x, x + span / cells - space, baseline, face, big, space, 2)
            else:
                indent = 1.2 * size if kind == "list" else 0.0
                stop = left + span
                at = self._line(
                    pen, words, at, left + indent, stop, baseline, face, big, space, 99, justify and kind == "text"
                )
            lines -= 1
            baseline += big * leading + (chance.uniform(0.2, 0.9) * size if lines <= 0 else 0)
        return at

    def _line(
        self, pen: Pen, words: list[tuple[str, tuple[int, int]]], at: int, left: float, right: float, baseline: float,
        path: str, size: float, space: float, most: int, justify: bool = False,
    ) -> int:  # fmt: skip
        line, used = [], 0.0
        while at < len(words) and len(line) < most:
            needed = pen.width(words[at][0], path, size)
            if used + needed > right - left and not (not line and needed > right - left):
                break
            line.append((*words[at], needed))
            used += needed + space
            at += 1
            if used > right - left:
                break
        if justify and len(line) > 3:
            space += min(max(0.0, right - left - used + space) / (len(line) - 1), 2.5 * space)
        for word, owner, needed in line:
            pen.word(word, owner, left, baseline, path, size)
            left += needed + space
        return at

    def _soiled(
        self, image: Image.Image, words: NDArray[np.float32], letters: NDArray[np.float32]
    ) -> tuple[Image.Image, NDArray[np.float32], NDArray[np.float32]]:
        chance = self.chance
        degrees = float(np.clip(chance.normal(0, 0.4), -1.2, 1.2))
        paper = int(np.asarray(image).max())
        image = image.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor=paper)
        if chance.random() < 0.7:
            image = image.filter(ImageFilter.GaussianBlur(chance.uniform(0.2, 0.9)))
        pixels = np.asarray(image, np.float32)
        pixels = 255 - (255 - pixels) * chance.uniform(0.55, 1.0)
        pixels = pixels + chance.normal(0, chance.uniform(0, 14), pixels.shape)
        image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        if chance.random() < 0.6:
            packed = io.BytesIO()
            image.save(packed, "JPEG", quality=int(chance.integers(25, 80)))
            image = Image.open(packed).convert("L")
        # Positions turn with the picture, about its middle; what is small stays upright.
        sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        x, y = image.width / 2, image.height / 2

        def turn(xs: NDArray[np.float32], ys: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            return x + (xs - x) * cosine + (ys - y) * sine, y - (xs - x) * sine + (ys - y) * cosine

        middle_x, middle_y = (words[:, 2] + words[:, 4]) / 2, (words[:, 3] + words[:, 5]) / 2
        new_x, new_y = turn(middle_x, middle_y)
        words[:, 2:] += np.stack([new_x - middle_x, new_y - middle_y] * 2, axis=1)
        middle_x = (letters[:, 0] + letters[:, 1]) / 2
        new_x, new_y = turn(middle_x, letters[:, 2])
        letters[:, 0] += new_x - middle_x
        letters[:, 1] += new_x - middle_x
        letters[:, 2] = new_y
        return image, words, letters


def _cells(letters: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.int64]:
    """The letter at the middle of each cell of 7 x 14 pixels: (rows * columns, BANDS * COLUMNS), 0 where none is."""
    found = np.zeros((rows * BANDS, columns * COLUMNS), np.int64)
    step, height = CELL // COLUMNS, CELL // BANDS
    for x0, x1, y, letter in letters:
        band = int(y // height)
        if 0 <= band < rows * BANDS:
            first, last = int(np.ceil((x0 - step / 2) / step)), int(np.ceil((x1 - step / 2) / step))
            found[band, max(0, first) : max(0, last)] = int(letter)
    cut = found.reshape(rows, BANDS, columns, COLUMNS).transpose(0, 2, 1, 3)
    return cut.reshape(rows * columns, BANDS * COLUMNS)


def targets(words: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Which tokens show which words: (n, 3) float32 of token, row of ``words``, share of what the token shows."""
    found: dict[int, list[tuple[int, float]]] = {}
    for i, (_, _, x0, y0, x1, y1) in enumerate(words.tolist()):
        for row in range(max(0, int(y0 // CELL)), min(rows - 1, int((y1 - 1) // CELL)) + 1):
            high = (min(y1, (row + 1) * CELL) - max(y0, row * CELL)) / (y1 - y0)
            if high < 0.35:
                continue
            for column in range(max(0, int(x0 // CELL)), min(columns - 1, int((x1 - 1) // CELL)) + 1):
                wide = min(x1, (column + 1) * CELL) - max(x0, column * CELL)
                if wide / (x1 - x0) >= 0.34 or wide >= 9:
                    found.setdefault(row * columns + column, []).append((i, wide * high))
    result = [(token, i, share / sum(one for _, one in shown)) for token, shown in found.items() for i, share in shown]
    return np.array(result, np.float32).reshape(-1, 3)

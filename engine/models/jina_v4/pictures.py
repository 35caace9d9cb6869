"""Pictures as the model reads them: how large they become, where each of their tokens is, and their patches.

The arithmetic is that of Qwen2-VL's image processor (Wang et al. 2024, arXiv:2409.12191): both sides become multiples of
28 pixels, the area stays within a budget, and every 28 x 28 pixels are one token.
"""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.models.on_torch.budgets import BUDGETS
from pagesight.engine.models.on_torch.grid import Grid
from pagesight.storage.errors import BadCheckpoint, BadInput, WeightsMissing

if TYPE_CHECKING:
    from PIL import Image

Float = NDArray[np.float32]
MIN_PIXELS = 3_136  # four tokens
MAX_ASPECT = 200  # longer side divided by the shorter one
MAX_INPUT_PIXELS = 200_000_000
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSettings:
    """preprocessor_config.json. Pixels are counted after resizing; means and deviations are of values from 0 to 1."""

    min_pixels: int = MIN_PIXELS
    max_pixels: int = BUDGETS["default"]
    patch_size: int = 14
    merge_size: int = 2
    temporal_patch_size: int = 2
    mean: tuple[float, ...] = _CLIP_MEAN
    std: tuple[float, ...] = _CLIP_STD

    @classmethod
    def read(cls, folder: Path) -> PictureSettings:
        """Raises WeightsMissing, BadCheckpoint."""
        path = folder / "preprocessor_config.json"
        try:
            config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            edges = config.get("size") or {}
            return cls(
                min_pixels=config.get("min_pixels") or edges.get("shortest_edge") or MIN_PIXELS,
                max_pixels=config.get("max_pixels") or edges.get("longest_edge") or BUDGETS["default"],
                patch_size=config.get("patch_size", 14),
                merge_size=config.get("merge_size", 2),
                temporal_patch_size=config.get("temporal_patch_size", 2),
                mean=tuple(config.get("image_mean") or _CLIP_MEAN),
                std=tuple(config.get("image_std") or _CLIP_STD),
            )
        except OSError as error:
            raise WeightsMissing(
                f"{path} cannot be read: {error.strerror}; it says how pictures are prepared"
            ) from error
        except (ValueError, AttributeError) as error:
            raise BadCheckpoint(folder, [f"{path.name} cannot be understood: {error}"]) from error

    @property
    def cell(self) -> int:
        """Pixels along a side of a token."""
        return self.patch_size * self.merge_size

    def grid(self, width_px: int, height_px: int, max_pixels: int | None = None) -> Grid:
        """The tokens of a picture of this size. Raises BadInput if it is too thin.

        max_pixels: another budget than the configured one.
        """
        if max(width_px, height_px) > MAX_ASPECT * min(width_px, height_px):
            raise BadInput(
                f"a picture of {width_px} x {height_px} pixels is too thin: at most {MAX_ASPECT} to 1 is read"
            )
        budget, cell = max_pixels or self.max_pixels, self.cell
        rows, columns = round(height_px / cell), round(width_px / cell)
        if rows * columns * cell**2 > budget:
            shrink = math.sqrt(width_px * height_px / budget)
            rows = max(1, math.floor(height_px / shrink / cell))
            columns = max(1, math.floor(width_px / shrink / cell))
        elif rows * columns * cell**2 < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (width_px * height_px))
            rows, columns = math.ceil(height_px * grow / cell), math.ceil(width_px * grow / cell)
        return Grid(rows, columns)

    def patches(self, picture: Image.Image, grid: Grid) -> Float:
        """Resize to the grid, scale, and cut up: (n_patches, 3 * temporal_patch_size * patch_size**2) float32.

        The patches of one token follow each other, as the network merges them. A still picture fills all its times.
        """
        from PIL import Image

        size = (grid.columns * self.cell, grid.rows * self.cell)
        pixels = np.asarray(picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC))
        merge, patch, times = self.merge_size, self.patch_size, self.temporal_patch_size
        cut = pixels.reshape(grid.rows, merge, patch, grid.columns, merge, patch, 3).transpose(0, 3, 1, 4, 6, 2, 5)
        result = np.empty((grid.rows, grid.columns, merge, merge, 3, times, patch, patch), np.float32)
        values = np.arange(256, dtype=np.float32) / np.float32(255)
        for channel in range(3):
            scaled = (values - np.float32(self.mean[channel])) / np.float32(self.std[channel])
            result[..., channel, :, :, :] = scaled[cut[..., channel, :, :]][..., None, :, :]
        return result.reshape(grid.n_tokens * merge**2, 3 * times * patch**2)


def open_picture(source: Image.Image | str | PathLike[str] | bytes) -> Image.Image:
    """A picture in RGB, upright, transparent parts on white, from a PIL image, the path of a file, or its bytes.

    Nothing is fetched: an address on the net is an error. Raises BadInput.
    """
    from PIL import Image

    from pagesight.indexer.reading.image_file import as_rgb

    if isinstance(source, Image.Image):
        return as_rgb(source)
    if isinstance(source, str) and source.startswith(("http://", "https://", "data:")):
        raise BadInput(f"{source[:80]!r} is an address; fetch the picture yourself and give its bytes")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
            if picture.width * picture.height <= MAX_INPUT_PIXELS:
                return as_rgb(picture)
            problem = f"it has {picture.width} x {picture.height} pixels, more than {MAX_INPUT_PIXELS:,}"
    except Exception as error:  # Pillow's plugins raise many classes on damaged files
        problem = str(error)
    what = f"a picture of {len(source):,} bytes" if isinstance(source, bytes) else f"the picture {source}"
    raise BadInput(f"{what} cannot be read: {problem}")

"""Image files by Pillow: each frame is a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from pagesight.indexer.content import OpenedDocument
from pagesight.indexer.reading.geometry import POINTS_PER_INCH
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.values import PageWords

DEFAULT_DPI = 150.0  # of images that do not say theirs
_WHOLE = np.array([[0, 0, 1, 1]], np.float32)


class ImageDocument:
    """An open image file, with the same methods as PdfDocument; it never has a text layer."""

    def __init__(self, path: Path, media_type: str, *, max_image_pixels: int) -> None:
        """Raises UnreadableDocument."""
        Image.MAX_IMAGE_PIXELS = None  # our own limit speaks plainer, and an image within it is wanted
        try:
            self._image = Image.open(path)
        except Exception as error:  # Pillow's plugins raise many classes on damaged files
            raise UnreadableDocument(f"damaged image: {error}") from error
        width_px, height_px = self._image.size
        if width_px * height_px > max_image_pixels:
            raise UnreadableDocument(
                f"the image has {width_px * height_px / 1e6:.0f} megapixels, "
                f"more than the limit of {max_image_pixels / 1e6:.0f}"
            )
        self.info = OpenedDocument(media_type=media_type, n_pages=getattr(self._image, "n_frames", 1))

    def _frame(self, number: int) -> Image.Image:
        """A frame, upright, in RGB on white."""
        try:
            self._image.seek(number - 1)
            return as_rgb(self._image)
        except Exception as error:
            raise UnreadableDocument(f"frame {number} is damaged: {error}") from error

    def size_pt(self, number: int) -> tuple[float, float]:
        width_px, height_px = self._size_px(number)
        dpi = float(self._image.info.get("dpi", (DEFAULT_DPI, DEFAULT_DPI))[0])
        scale = POINTS_PER_INCH / (dpi if 30 <= dpi <= 2400 else DEFAULT_DPI)
        return width_px * scale, height_px * scale

    def _size_px(self, number: int) -> tuple[int, int]:
        self._image.seek(number - 1)
        width_px, height_px = self._image.size
        if self._image.getexif().get(ExifTags.Base.Orientation, 1) >= 5:  # stored on its side
            return height_px, width_px
        return width_px, height_px

    def render_size(self, number: int, *, max_pixels: int, max_dpi: float) -> tuple[int, int]:  # noqa: ARG002
        """As PdfDocument.render_size."""
        return _shrunk(*self._size_px(number), max_pixels)

    def words(self, number: int) -> PageWords:  # noqa: ARG002 - as PdfDocument.words
        return PageWords.none()

    def pictures(self, number: int) -> NDArray[np.float32]:  # noqa: ARG002 - as PdfDocument.pictures
        return _WHOLE

    def render(
        self,
        number: int,
        *,
        max_pixels: int,
        max_dpi: float,  # noqa: ARG002 - as PdfDocument.render
        area: NDArray[np.floating] | None = None,
    ) -> NDArray[np.uint8]:
        """As PdfDocument.render; an image is never enlarged, so ``max_dpi`` has no say."""
        frame = self._frame(number)
        if area is not None:
            left, top, right, bottom = (np.asarray(area, float) * np.tile(frame.size, 2)).round().astype(int).tolist()
            frame = frame.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
        size = _shrunk(frame.width, frame.height, max_pixels)
        if size != frame.size:
            frame = frame.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        return np.asarray(frame)

    def close(self) -> None:
        self._image.close()


def _shrunk(width_px: int, height_px: int, max_pixels: int) -> tuple[int, int]:
    """The largest size of the same shape within ``max_pixels``; never a larger one."""
    shrink = min(1.0, (max_pixels / (width_px * height_px)) ** 0.5)
    return max(1, round(width_px * shrink)), max(1, round(height_px * shrink))


def as_rgb(picture: Image.Image) -> Image.Image:
    """A picture of any kind, upright, in RGB; transparent parts on white."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):  # 16 and 32 bits a channel: scale what is there to 8 bits
        values = np.asarray(picture, np.float64)
        span = float(np.ptp(values)) or 1.0
        picture = Image.fromarray(((values - values.min()) * (255 / span)).astype(np.uint8))
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.new("RGBA", clear.size, "white")
        picture.alpha_composite(clear)
    return picture.convert("RGB")

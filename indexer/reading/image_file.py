"""Image files by Pillow: each frame is a page."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from pagesight.indexer.content import OpenedDocument, ReadOptions
from pagesight.indexer.formats import FileType
from pagesight.indexer.reading.faults import as_document_error
from pagesight.indexer.reading.geometry import POINTS_PER_INCH
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.values import PageWords

DEFAULT_DPI = 150.0  # of images that do not say theirs
MIN_FRAME_BYTES = 16  # of any format; a file that claims more frames than fit into it lies
MAX_BAD_FRAMES = 16  # so many damaged frames one after the other are taken for the end of the file
_WHOLE = np.array([[0, 0, 1, 1]], np.float32)


class ImageDocument:
    """An open image file, with the same methods as PdfDocument; it never has a text layer."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        """Raises UnreadableDocument, and closes the file then."""
        Image.MAX_IMAGE_PIXELS = None  # our own limit speaks plainer, and an image within it is wanted
        self._max_pixels = options.max_image_pixels
        self._file: IO[bytes] = open(path, "rb")  # noqa: SIM115 - closed by close
        try:
            self._image = self._open()
            _check_size(self._image, self._max_pixels)
            n_frames = self._count_frames()
            self.info = OpenedDocument(media_type=found.media_type, kind=found.kind, n_pages=n_frames)
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> Image.Image:
        with as_document_error("damaged image"):
            try:
                return Image.open(self._file)
            except UnidentifiedImageError as error:  # its text is the path, which is said elsewhere
                raise UnreadableDocument("damaged image: nothing in it can be read as one") from error

    def _count_frames(self) -> int:
        """How many frames there are, the damaged ones among them included."""
        try:
            claimed = int(getattr(self._image, "n_frames", 1))
            if claimed <= os.fstat(self._file.fileno()).st_size // MIN_FRAME_BYTES:
                return claimed
        except Exception:  # Pillow looks at each frame to count them, and raises what that one raises
            self._image = self._open()
        n_frames = n_bad = 0
        while n_bad < MAX_BAD_FRAMES:
            try:
                self._image.seek(n_frames)
                n_bad = 0
            except EOFError:
                break
            except Exception:  # a damaged frame; those behind it can be read
                n_bad += 1
            n_frames += 1
        else:  # a chain of frames that breaks off has one damaged frame at its end, not sixteen
            n_frames -= MAX_BAD_FRAMES - 1
        self._image = self._open()  # where seeking failed, Pillow believes to be there
        return max(1, n_frames)

    def _seek(self, number: int) -> None:
        """Go to a frame. Raises what Pillow raises, and UnreadableDocument if the frame is too large."""
        try:
            self._image.seek(number - 1)
        except BaseException:
            with suppress(Exception):  # it opened before; if it does not now, the next seek says so
                self._image = self._open()
            raise
        _check_size(self._image, self._max_pixels)

    def _frame(self, number: int) -> Image.Image:
        """A frame, upright, in RGB on white."""
        with as_document_error(f"frame {number} is damaged"):
            self._seek(number)
            return as_rgb(self._image)

    def size_pt(self, number: int) -> tuple[float, float]:
        """As PdfDocument.size_pt."""
        width_px, height_px = self._size_px(number)
        scale = POINTS_PER_INCH / _dpi(self._image)
        return width_px * scale, height_px * scale

    def _size_px(self, number: int) -> tuple[int, int]:
        with as_document_error(f"frame {number} is damaged"):
            self._seek(number)
            width_px, height_px = self._image.size
            if self._image.getexif().get(ExifTags.Base.Orientation, 1) in range(5, 9):  # stored on its side
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
        self._file.close()


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width_px, height_px = image.size
    if width_px * height_px > max_pixels:
        raise UnreadableDocument(
            f"the image has {width_px * height_px / 1e6:.0f} megapixels, more than the limit of {max_pixels / 1e6:.0f}"
        )


def _dpi(image: Image.Image) -> float:
    """What the file says, if that is anything a scanner has."""
    try:
        dpi = float(image.info["dpi"][0])
    except (KeyError, TypeError, ValueError, ArithmeticError, IndexError):
        return DEFAULT_DPI
    return dpi if 30 <= dpi <= 2400 else DEFAULT_DPI


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

"""Image files by Pillow: a photograph or scan is a page, and so is each frame of a TIFF, DCX, PNG or WebP.

What follows the first picture of other formats is none: a phone's depth map or preview (MPO, HEIC), the rest of a GIF that moves.
Of a file that is cut off, half a download or from a full card, the pixels that are there are read, as viewers show them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from pagesight.indexer.content import OpenedDocument, ReadOptions
from pagesight.indexer.formats import FileType
from pagesight.indexer.reading.faults import as_document_error
from pagesight.indexer.reading.geometry import POINTS_PER_INCH
from pagesight.indexer.sight.find import Drawn
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.values import PageWords

DEFAULT_DPI = 150.0  # of images that do not say theirs
MIN_FRAME_BYTES = 16  # of any format; a file that claims more frames than fit into it lies
MAX_BAD_FRAMES = 16  # so many damaged frames one after the other are taken for the end of the file
PAGED_FORMATS = frozenset({"TIFF", "DCX", "PNG", "WEBP"})  # whose frames are pages
_SUBFILE_TYPE, _PREVIEW_OR_MASK = 254, 1 | 4  # TIFF 6.0, section 8: NewSubfileType
_GDAL_NO_DATA = 42113  # https://gdal.org/drivers/raster/gtiff.html
LARGEST_MEASURED = 1e30  # beyond are infinities and -3.4e38, the lowest float32, which stand for nothing
CUT_OFF = "the file is cut off; what there is of the picture was read"
_WHOLE = np.array([[0, 0, 1, 1]], np.float32)


class ImageDocument:
    """An open image file, with the same methods as PdfDocument; it never has a text layer."""

    def __init__(self, path: Path, found: FileType, options: ReadOptions) -> None:
        """Raises UnreadableDocument, and closes the file then."""
        Image.MAX_IMAGE_PIXELS = None  # our own limit speaks plainer, and an image within it is wanted
        self._max_pixels = options.max_image_pixels
        self._frames: list[int] = [0]
        self._notes: dict[int, str] = {}
        _prepare(found)
        self._file: IO[bytes] = open(path, "rb")  # noqa: SIM115 - closed by close
        try:
            self._image = self._open()
            _check_size(self._image, self._max_pixels)
            if self._image.format in PAGED_FORMATS:
                self._frames = self._pages_among(self._count_frames())
            self.info = OpenedDocument(media_type=found.media_type, kind=found.kind, n_pages=len(self._frames))
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> Image.Image:
        with as_document_error("damaged image"):
            try:
                return Image.open(self._file)
            except Exception as error:
                self._check_whole(error)
                if isinstance(error, UnidentifiedImageError):  # its text is the path, which is said elsewhere
                    raise UnreadableDocument("damaged image: nothing in it can be read as one") from error
                raise

    def _check_whole(self, error: Exception) -> None:
        """Raise UnreadableDocument if the file is shorter than it says at its beginning."""
        self._file.seek(0)
        if os.fstat(self._file.fileno()).st_size < _claimed_bytes(self._file.read(16)):
            raise UnreadableDocument(
                "the image file is cut off, and what is missing says where its pixels are"
            ) from error

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

    def _pages_among(self, n_frames: int) -> list[int]:
        """Which frames are pages: not those that are smaller copies of another, or masks of it."""
        if n_frames == 1:
            return [0]
        pages = []
        for frame in range(n_frames):
            tags: Any = {}
            with suppress(Exception):  # a damaged frame; that is said when it is read
                self._image.seek(frame)
                tags = getattr(self._image, "tag_v2", {})
            kind = tags.get(_SUBFILE_TYPE, 0)
            if not (isinstance(kind, int) and kind & _PREVIEW_OR_MASK):
                pages.append(frame)
        self._image = self._open()
        return pages or [0]

    def _seek(self, number: int) -> None:
        """Go to a page. Raises what Pillow raises, and UnreadableDocument if it is too large."""
        if number == 1 and len(self._frames) == 1:  # HEIC opens at its main picture, wherever that is
            return
        try:
            self._image.seek(self._frames[number - 1])
        except BaseException:
            with suppress(Exception):  # it opened before; if it does not now, the next seek says so
                self._image = self._open()
            raise
        _check_size(self._image, self._max_pixels)

    def _frame(self, number: int) -> Image.Image:
        """A page, upright, in RGB on white."""
        with as_document_error(self._damaged(number)):
            self._seek(number)
            try:
                self._image.load()
            except OSError:
                return self._rest_of(number)
            return as_rgb(self._image)

    def _rest_of(self, number: int) -> Image.Image:
        """What there is of a picture that breaks off. Raises OSError if that is nothing."""
        self._image = self._open()
        self._seek(number)
        picture = self._image
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            picture.load()
        except OSError as error:
            self._check_whole(error)
            if picture.format != "TIFF":
                raise
            # libtiff's decoder knows no such leniency, but has written the strips that are there into the pixels.
            orientation = _orientation(picture)
            picture = Image.Image()._new(picture.im)
            picture.getexif()[ExifTags.Base.Orientation] = orientation
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        low, high = picture.convert("L").getextrema()
        if low == high:
            raise UnreadableDocument(f"{self._damaged(number)}: the file is cut off before the first of its pixels")
        self._notes[number] = CUT_OFF
        return as_rgb(picture)

    def _damaged(self, number: int) -> str:
        return f"frame {number} is damaged" if len(self._frames) > 1 else "damaged image"

    def note(self, number: int) -> str:
        """What is to be said of a page that was read all the same, or ""."""
        return self._notes.get(number, "")

    def size_pt(self, number: int) -> tuple[float, float]:
        """As PdfDocument.size_pt."""
        width_px, height_px = self._size_px(number)
        scale = POINTS_PER_INCH / _dpi(self._image)
        return width_px * scale, height_px * scale

    def _size_px(self, number: int) -> tuple[int, int]:
        with as_document_error(self._damaged(number)):
            self._seek(number)
            width_px, height_px = self._image.size
            try:
                # Pillow turns the size of a TIFF itself.
                on_its_side = self._image.format != "TIFF" and _orientation(self._image) >= 5
            except OSError:  # PNG may have it behind the pixels, which break off
                self._image, on_its_side = self._open(), False
            return (height_px, width_px) if on_its_side else (width_px, height_px)

    def render_size(self, number: int, *, max_pixels: int, max_dpi: float) -> tuple[int, int]:  # noqa: ARG002
        """As PdfDocument.render_size."""
        return _shrunk(*self._size_px(number), max_pixels)

    def words(self, number: int) -> PageWords:  # noqa: ARG002 - as PdfDocument.words
        return PageWords.none()

    def drawn(self, number: int) -> Drawn:
        """The page is one picture."""
        width_px, height_px = self._size_px(number)
        return Drawn(_WHOLE, np.empty((0, 4), np.float32), width_px / height_px)

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


def _prepare(found: FileType) -> None:
    """Have Pillow know a format that it does not bring. Raises UnreadableDocument."""
    if found.media_type != "image/heic":
        return
    try:
        import pi_heif as heif
    except ImportError:
        try:
            import pillow_heif as heif
        except ImportError as error:
            raise UnreadableDocument(
                "HEIC pictures are read with the package pi-heif, which is not installed (pip install pi-heif)"
            ) from error
    heif.register_heif_opener()


def _claimed_bytes(head: bytes) -> int:
    """How long the file has to be at least, by its first bytes; 0 where they do not say."""
    if head[:4] == b"RIFF":
        return int.from_bytes(head[4:8], "little") + 8
    if head[:4] in (b"II*\x00", b"MM\x00*"):
        # Where the first page is described.
        return int.from_bytes(head[4:8], "little" if head[:2] == b"II" else "big") + 2
    return 0


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width_px, height_px = image.size
    if width_px * height_px > max_pixels:
        raise UnreadableDocument(
            f"the image has {width_px * height_px / 1e6:.0f} megapixels, more than the limit of {max_pixels / 1e6:.0f}"
        )


def _orientation(image: Image.Image) -> int:
    """Which way is up: 1 as it is, 5 to 8 on its side. Raises OSError."""
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in range(1, 9) else 1


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
    no_data = _no_data(picture)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):  # 16 and 32 bits a channel
        picture = _in_eight_bits(np.asarray(picture, np.float64), no_data)
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.new("RGBA", clear.size, "white")
        picture.alpha_composite(clear)
    return picture.convert("RGB")


def _in_eight_bits(values: NDArray[np.float64], no_data: float) -> Image.Image:
    """The lowest number is black, the highest white, and so is what maps and microscopes have where they measured nothing.

    The very ends count: the few letters of a page that is nearly white may be less than any share of it.
    """
    there = (np.abs(values) < LARGEST_MEASURED) & (values != no_data)
    measured = values[there]
    low, high = (measured.min(), measured.max()) if len(measured) else (0.0, 0.0)
    shades = np.full(values.shape, 255, np.uint8)
    shades[there] = (measured - low) * (255 / ((high - low) or 1.0))
    return Image.fromarray(shades)


def _no_data(image: Image.Image) -> float:
    """The number that stands for nothing, where a TIFF says so, as its pixels have it; else one that equals none."""
    said = getattr(image, "tag_v2", {}).get(_GDAL_NO_DATA)
    if not isinstance(said, str):
        return np.nan
    try:
        number = float(said.strip("\0 "))
    except ValueError:
        return np.nan
    return float(np.float32(number)) if image.mode == "F" else number

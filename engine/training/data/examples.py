"""What a model learns from: questions with what answers them and what does not, each a text or a picture."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pagesight.storage.errors import BadTrainingData

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Text:
    """A question, a passage, code."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a page, opened when it is needed. Exactly one of path and data.

    key: the same for the same content: its path, or a hash.
    """

    path: str | None = None
    data: bytes | None = None
    key: str

    def __post_init__(self) -> None:
        if (self.path is None) == (self.data is None):
            raise ValueError("a picture has either a path or data")

    def open(self) -> Image.Image:
        """Upright, in RGB, transparent parts white, as the index sees picture files. Raises BadTrainingData."""
        from PIL import Image

        from pagesight.indexer.reading.image_file import as_rgb

        try:
            with Image.open(self._file()) as image:
                return as_rgb(image)
        except Exception as error:  # Pillow's plugins raise many classes on damaged files
            raise BadTrainingData([f"{self.key}: {_reason(error)}"]) from error

    def size(self) -> tuple[int, int]:
        """(width_px, height_px) by the picture's header; nothing is decoded. Raises BadTrainingData."""
        from PIL import Image

        try:
            with Image.open(self._file()) as image:
                return image.size
        except Exception as error:
            raise BadTrainingData([f"{self.key}: {_reason(error)}"]) from error

    def _file(self) -> str | io.BytesIO:
        return self.path if self.path is not None else io.BytesIO(self.data or b"")


Piece = Text | Picture


@dataclass(frozen=True, slots=True)
class Example:
    """A question and what answers it.

    positives: one at least, each a right answer. negatives: known to be wrong. grade: how alike query and positives[0] are,
    of a graded pair, in any range; None for the others. where: "file:line", for messages.
    """

    query: Piece
    positives: tuple[Piece, ...]
    negatives: tuple[Piece, ...] = ()
    grade: float | None = None
    where: str = ""


def piece_key(piece: Piece) -> int:
    """64 bits, the same for pieces of the same content."""
    kind, content = ("t", piece.text.strip()) if isinstance(piece, Text) else ("p", piece.key)
    digest = hashlib.blake2b(f"{kind}{content}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"it is no picture that can be read ({type(error).__name__})"

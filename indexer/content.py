"""The values that the reading of files produces, and how they cross the pipe from a reading process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.formats import Kind
from pagesight.indexer.modes import OcrMode, check_ocr
from pagesight.storage.errors import ConfigError
from pagesight.storage.values import PageWords, SeenPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How pages are read. Part of the identity of what is stored, as far as it changes it.

    password: tried on encrypted files.
    ocr: "auto" reads pixels where there is no text layer, "tesseract" does so with that program, "off" never does.
    image_pixels: pages are also rendered, with at most this many pixels; None for encoders that read words only.
    max_image_pixels: image files with more pixels are refused: a small file can ask for any amount of memory.
    sight: file of the network that looks at pictures (see indexer.sight.look); None does not look at them.
    """

    password: str | None = None
    ocr: OcrMode = "auto"
    image_pixels: int | None = None
    max_image_pixels: int = 200_000_000
    sight: str | None = None

    def __post_init__(self) -> None:
        check_ocr(self.ocr)
        if self.image_pixels is not None and self.image_pixels < 1:
            raise ConfigError(f"image_pixels must be positive, not {self.image_pixels}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document within a document. name: of a file, and no other attachment's."""

    name: str
    sha256: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedDocument:
    """What is known when a file has been opened.

    attachments: those that can be read. notes: what is to be said of a file although it could be opened. sha256: of an
    attachment itself.
    """

    media_type: str
    kind: Kind
    n_pages: int
    title: str = ""
    author: str = ""
    date: str = ""  # YYYY-MM-DD or ""
    attachments: tuple[Attachment, ...] = ()
    notes: tuple[str, ...] = ()
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageContent:
    """A page as an encoder reads it.

    text_source: "text" (the text layer), "ocr", "text+ocr", or "none" for a page without words.
    image: (height_px, width_px, 3) uint8 RGB, or None if no image was asked for.
    note: what is to be said of it although it could be read, such as that a part is missing.
    pictures: what kinds were seen, the largest first; none if nobody looked.
    """

    number: int  # from 1
    width_pt: float
    height_pt: float
    words: PageWords
    text_source: str
    image: NDArray[np.uint8] | None = None
    note: str = ""
    pictures: tuple[SeenPicture, ...] = ()

    def to_bytes(self) -> bytes:
        """One line of JSON, then the boxes (float32), then the pixels."""
        head: dict[str, Any] = {
            "number": self.number,
            "size": (self.width_pt, self.height_pt),
            "source": self.text_source,
            "note": self.note,
            "texts": self.words.texts,
            "pictures": [asdict(picture) for picture in self.pictures],
            "image": None if self.image is None else self.image.shape[:2],
        }
        pixels = b"" if self.image is None else self.image.tobytes()
        return json.dumps(head).encode() + b"\n" + self.words.boxes.astype("<f4").tobytes() + pixels

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises ValueError, TypeError or LookupError if this is no page."""
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        n_words = len(head["texts"])
        "".join(head["texts"]).encode()  # texts, and none with lone surrogates, which cannot be stored
        boxes = np.frombuffer(rest, "<f4", 4 * n_words).reshape(n_words, 4)
        image = None
        if head["image"] is not None:
            height_px, width_px = head["image"]
            image = np.frombuffer(rest, np.uint8, height_px * width_px * 3, boxes.nbytes).reshape(
                height_px, width_px, 3
            )
        return cls(
            number=head["number"],
            width_pt=head["size"][0],
            height_pt=head["size"][1],
            words=PageWords(tuple(head["texts"]), boxes),
            text_source=head["source"],
            image=image,
            note=str(head["note"]),
            pictures=tuple(_picture(values) for values in head["pictures"]),
        )


def _picture(values: dict[str, Any]) -> SeenPicture:
    """Raises ValueError, TypeError or LookupError if it is none."""
    x0, y0, x1, y1 = map(float, values["box"])
    texts = {name: str(values[name]) for name in ("kind", "family", "text")}
    "".join(texts.values()).encode()
    return SeenPicture(box=(x0, y0, x1, y1), sure=float(values["sure"]), **texts)

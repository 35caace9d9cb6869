"""The values that travel from the reader of files and the encoder into the store, and back out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LINE_END_HYPHEN = "\u2010"  # what a soft hyphen at the end of a line becomes in words, since it is seen there


@dataclass(frozen=True, slots=True, eq=False)
class PageWords:
    """The words of a page in reading order.

    texts: n words. boxes: (n, 4) float32, rows of (x0, y0, x1, y1) in fractions of the page as it is displayed,
    origin at the top left, each in [0, 1] with x0 <= x1 and y0 <= y1.
    """

    texts: tuple[str, ...]
    boxes: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.texts), 4):
            raise ValueError(
                f"{len(self.texts)} words need boxes of shape ({len(self.texts)}, 4), got {self.boxes.shape}"
            )

    @classmethod
    def none(cls) -> PageWords:
        """No words at all: a blank page, or one with pictures only."""
        return cls((), np.empty((0, 4), np.float32))

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True, eq=False)
class EncodedPage:
    """What an encoder makes of a page.

    single: (d_s,) float32 of unit length, or zeros for a page with nothing to read.
    tokens: (n, d_t) float32, rows of unit length, or a little longer for words that count more; n = 0 for a page with nothing
    to read.
    boxes: (n, 4) float32, where each token is, in page fractions as in :class:`PageWords`.
    """

    single: NDArray[np.float32]
    tokens: NDArray[np.float32]
    boxes: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.tokens), 4):
            raise ValueError(
                f"{len(self.tokens)} tokens need boxes of shape ({len(self.tokens)}, 4), got {self.boxes.shape}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPicture:
    """A picture on a page, and what it is.

    kind: such as "bar chart". family: what it is a case of, such as "chart", or "". box: (x0, y0, x1, y1) in page fractions.
    sure: probability of the kind, 0 to 1. text: what can be read in it beyond words, such as the content of a QR code, or "".
    """

    kind: str
    box: tuple[float, float, float, float]
    sure: float
    family: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file found on disk.

    root is the folder that was asked for (absolute); path is relative to it, with forward slashes, and printable:
    bytes that are not UTF-8 are shown as ``\\xNN``. ``location`` opens the file.
    """

    root: Path
    path: str
    location: Path
    n_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """What is known of a document before its pages are read."""

    sha256: str
    media_type: str  # "application/pdf", "image/png", ...
    n_pages: int
    kind: str = "pdf"  # of media type, for filters: "pdf", "image", "text"
    title: str = ""
    author: str = ""
    date: str = ""  # ISO 8601 date (YYYY-MM-DD) the document says it was made, else its file's, or ""
    tags: dict[str, str] = field(default_factory=dict)
    reading: int = 1  # version of how such files were read
    added_at: str = ""  # ISO 8601, UTC; "" for now


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPage:
    """A page ready to be stored. ``text_source`` says where its words came from: "text", "ocr", "text+ocr" or "none"."""

    number: int  # from 1, as a viewer shows it
    width_pt: float
    height_pt: float
    text_source: str
    words: PageWords
    encoded: EncodedPage
    note: str = ""  # what is to be said of it, such as why it was read from its pixels
    pictures: tuple[SeenPicture, ...] = ()  # what kinds were seen, if the model was told to look


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedPage:
    """A page as it is stored, for another store of the same space to keep as it is (storage.packed).

    record: token vectors in the codec of the space, then a box each (storage.vectors.segments). single: float16 (d_s,).
    means: 32, 8 and 1 means of the token vectors, int8 records (storage.vectors.page_rows). words: one a line.
    word_boxes: uint16 (n_words, 4), page fractions times 65535. terms: for BM25 (storage.words).
    """

    number: int  # from 1, as a viewer shows it
    width_pt: float
    height_pt: float
    text_source: str
    n_tokens: int
    record: bytes
    single: bytes
    means: tuple[bytes, ...]
    words: str
    word_boxes: bytes
    terms: str
    note: str = ""
    pictures: tuple[SeenPicture, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as the index remembers it."""

    location: bytes
    sha256: str
    n_bytes: int
    mtime_ns: int
    added_at: str  # ISO 8601, UTC
    media_type: str = ""
    reading: int = 1  # version of how it was read
    problems: tuple[str, ...] = ()  # of pages that could not be


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """A file that gave no document, and why."""

    location: bytes
    status: str
    reason: str
    n_bytes: int
    mtime_ns: int


def now() -> str:
    """The present time as stored: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")

"""What an index says of what it holds, and of what was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.multivectors import lengths_of
from pagesight.storage.values import PageWords, SeenPicture

if TYPE_CHECKING:
    from pagesight.storage.vectors.codecs import TokenCodec


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """A page as the index knows it."""

    page_id: int
    number: int  # from 1, as a viewer shows it
    n_pages: int
    document: str  # path relative to the indexed folder
    root: Path
    location: Path
    sha256: str
    kind: str  # pdf, image, text
    title: str
    n_tokens: int
    width_pt: float
    height_pt: float
    text_source: str
    pictures: tuple[SeenPicture, ...] = ()  # in the order in which they were seen, the largest first

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.width_pt / self.height_pt


@dataclass(frozen=True, slots=True, eq=False)
class PageDetail:
    """What explaining a hit needs of its page.

    tokens: (n, d_t) float32, as the codec keeps them. boxes: (n, 4) float32, where each is, in page fractions. words: of the page.
    """

    tokens: NDArray[np.float32]
    boxes: NDArray[np.float32]
    words: PageWords

    def products(self, query: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Those of a query (n_query_tokens, d_t) with each token: (n_query_tokens, n), and the tokens' lengths: (n,)."""
        tokens = self.tokens
        return query @ tokens.T, lengths_of(tokens)


class EncodedDetail(PageDetail):
    """A page whose token vectors stay as they are stored, and are multiplied so."""

    __slots__ = ("_codec", "_codes")
    _codec: TokenCodec
    _codes: memoryview

    def __init__(self, codec: TokenCodec, codes: memoryview, boxes: NDArray[np.float32], words: PageWords) -> None:
        """codes: of as many tokens as there are boxes."""
        for name, value in (("_codec", codec), ("_codes", codes), ("boxes", boxes), ("words", words)):
            object.__setattr__(self, name, value)

    @property
    def tokens(self) -> NDArray[np.float32]:
        return self._codec.decode(self._codes, len(self.boxes))

    def products(self, query: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._codec.products(query, self._codes, len(self.boxes))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document with its names, the first of which is ``document`` of its hits."""

    document: str
    names: tuple[str, ...]
    locations: tuple[Path, ...]
    sha256: str
    media_type: str
    kind: str  # pdf, image, text
    n_pages: int  # of the file
    n_indexed_pages: int
    n_bytes: int
    title: str
    author: str
    date: str
    added_at: str
    tags: dict[str, str]
    ocr_pages: tuple[int, ...] = ()  # whose words come from the pixels, all or some of them
    notes: tuple[
        tuple[int, str], ...
    ] = ()  # page and what is to be said of it, such as why it was read from its pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """What a document is, told without reading it: equal in two stores if both hold the same bytes of it.

    n_pages: that are stored. n_bytes, checksum: of their records (storage.packed.content_of).
    """

    sha256: str
    n_pages: int
    n_bytes: int
    checksum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFailure:
    """A file, or one page of it (page > 0), that could not be read."""

    document: str
    location: Path
    page: int  # 0 for the whole file
    status: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Numbers of an index."""

    n_documents: int
    n_files: int
    n_pages: int
    n_pages_without_words: int
    n_pages_by_ocr: int
    n_tokens: int
    token_bytes: int
    n_failed_files: int
    n_failed_pages: int
    n_noted_pages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimized:
    """What compacting did. Bytes are those on the disk; holes in files do not count."""

    bytes_before: int
    bytes_after: int
    bytes_written: int
    n_pages_moved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What a backup holds. generation: of the index, as it was. n_bytes: of the file."""

    n_documents: int
    n_pages: int
    n_bytes: int
    generation: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. ``repaired``: it is now."""

    problem: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found by examining an index. ``damaged``: names of documents with vectors or words that are lost or changed."""

    n_documents: int
    n_pages: int
    findings: tuple[Finding, ...]
    damaged: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        return all(finding.repaired for finding in self.findings)

"""Pages as stores keep them, and as they hand them to each other: bytes that are made once and never made again.

A page that goes from one store into another keeps its bytes, so that it is found there with the same scores.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import astuple, replace

import numpy as np

from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import DimensionMismatch, StoreCorrupt
from pagesight.storage.manifest import Space
from pagesight.storage.stored import StoredContent
from pagesight.storage.values import EncodedPage, NewPage, PackedPage
from pagesight.storage.vectors.codecs import Int8Codec, TokenCodec
from pagesight.storage.vectors.page_rows import LEVELS, means_name, pack_means, pack_single
from pagesight.storage.vectors.pooling import pooled_page
from pagesight.storage.vectors.segments import BOX_SCALE, pack_record, stored_words, unpack_boxes
from pagesight.storage.words import fold_page


def pack_page(new: NewPage, space: Space, codec: TokenCodec) -> PackedPage:
    """A page that was encoded, as it is stored. codec: of the space. Raises DimensionMismatch."""
    encoded = new.encoded
    if encoded.single.shape != (space.single_dim,):
        raise DimensionMismatch("single vectors", space.single_dim, encoded.single.size)
    if encoded.tokens.shape[1:] != (space.token_dim,):
        raise DimensionMismatch("token vectors", space.token_dim, int(encoded.tokens.shape[-1]))
    means, kept = pack_means(encoded.tokens), pooled_page(encoded, space.pool_factor)
    return PackedPage(
        number=new.number,
        width_pt=float(new.width_pt),
        height_pt=float(new.height_pt),
        text_source=new.text_source,
        n_tokens=len(kept.tokens),
        record=pack_record(codec, kept.tokens, kept.boxes),
        single=pack_single(encoded.single),
        means=tuple(means[means_name(n)] for n in LEVELS),
        words="\n".join(new.words.texts),
        word_boxes=np.rint(np.clip(new.words.boxes, 0, 1) * BOX_SCALE).astype("<u2").tobytes(),
        terms=fold_page(new.words),
        note=new.note,
        pictures=tuple(replace(picture, box=_as_stored(picture.box)) for picture in new.pictures),
    )


def _as_stored(box: tuple[float, ...]) -> tuple[float, float, float, float]:
    """In single precision, so that a page that goes from store to store is the same in all of them."""
    x0, y0, x1, y1 = np.array(box, np.float32).tolist()
    return x0, y0, x1, y1


def unpack_page(page: PackedPage, space: Space) -> NewPage:
    """What is left of a page that was encoded: its vectors and boxes as the codec keeps them, pooled where they were."""
    codec = codec_named(space.codec, space.token_dim)
    tokens = codec.decode(page.record[: codec.n_bytes(page.n_tokens)], page.n_tokens)
    single = np.frombuffer(page.single, "<f2").astype(np.float32)
    return NewPage(
        number=page.number,
        width_pt=page.width_pt,
        height_pt=page.height_pt,
        text_source=page.text_source,
        words=stored_words(page.words, page.word_boxes),
        encoded=EncodedPage(single, tokens, unpack_boxes(page.record, page.n_tokens)),
        note=page.note,
        pictures=page.pictures,
    )


def check_packed(page: PackedPage, space: Space) -> None:
    """Raise StoreCorrupt for a page whose bytes are not as many as a page of this space has."""
    means, codec = Int8Codec(space.token_dim), codec_named(space.codec, space.token_dim)
    n_words = len(page.words.split("\n")) if page.words else 0
    sizes = (
        ("token vectors", codec.n_bytes(page.n_tokens) + 8 * page.n_tokens, len(page.record)),
        ("the single vector", 2 * space.single_dim, len(page.single)),
        *((f"{n} means", means.n_bytes(n), len(row)) for n, row in zip(LEVELS, page.means, strict=False)),
        ("all means", len(LEVELS), len(page.means)),
        ("boxes of words", 8 * n_words, len(page.word_boxes)),
    )
    for what, expected, found in sizes:
        if expected != found:
            raise StoreCorrupt(f"page {page.number} has {found} bytes of {what} where {expected} belong")


def content_of(sha256: str, pages: Iterable[tuple[int, int, int, int]]) -> StoredContent:
    """A document by what is stored of its pages, in their order: (number, token vectors, bytes of the record, CRC-32 of it)."""
    n_pages = n_bytes = checksum = 0
    for number, n_tokens, size, crc32 in pages:
        n_pages, n_bytes = n_pages + 1, n_bytes + size
        checksum = zlib.crc32(struct.pack("<4Q", number, n_tokens, size, crc32), checksum)
    return StoredContent(sha256=sha256, n_pages=n_pages, n_bytes=n_bytes, checksum=checksum)


class Digest:
    """SHA-256 over all that is packed of pages, as they pass."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.n_pages = self.n_bytes = 0

    def add(self, page: PackedPage) -> None:
        pictures = tuple(astuple(picture) for picture in page.pictures)
        rest = (page.number, page.width_pt, page.height_pt, page.text_source, page.n_tokens, page.note, pictures)
        texts = (text.encode(errors="surrogatepass") for text in (page.words, page.terms, repr(rest)))
        for part in (page.record, page.single, *page.means, page.word_boxes, *texts):
            self._hash.update(struct.pack("<Q", len(part)))
            self._hash.update(part)
        self.n_pages += 1
        self.n_bytes += packed_bytes(page)

    @property
    def value(self) -> bytes:
        return self._hash.digest()


def packed_bytes(page: PackedPage) -> int:
    """What there is of a page, without its terms, which are its words again."""
    return (
        len(page.record)
        + len(page.single)
        + sum(map(len, page.means))
        + len(page.words.encode())
        + len(page.word_boxes)
    )

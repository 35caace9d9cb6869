"""A model alone: vectors of texts and pictures that need be in no index.

What the engine asks of a model is pages and questions. A question is a text as its query prompt has it; a text as a page has it is a
passage; a picture is a page without words.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.content import PageContent
from pagesight.storage.errors import BadInput, ConfigError, EmptyQuery
from pagesight.storage.values import EncodedPage, PageWords

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.encoder import Encoder

Float = NDArray[np.float32]
Prompt = Literal["query", "passage"]
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")
MAX_PICTURE_PIXELS = 50_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """single: (d_s,) float32 of unit length. tokens: (n, d_t) float32; of a query, a row's length is how much it counts."""

    single: Float
    tokens: Float


@runtime_checkable
class EncodesPassages(Protocol):
    """An Encoder of pictures that reads texts as passages, too."""

    def encode_passages(self, texts: Sequence[str]) -> list[EncodedPage]:
        """One result a text, in order; their boxes mean nothing."""


@runtime_checkable
class HasTask(Protocol):
    """An Encoder that was loaded for one of its model's tasks."""

    @property
    def task(self) -> str: ...


def has_words(text: str) -> bool:
    """Whether a text can be embedded as a passage."""
    return any(map(str.isalnum, text))


def embed_texts(encoder: Encoder, texts: Sequence[str], prompt: Prompt = "query") -> list[Embedded]:
    """Vectors of texts, one result a text. Longer ones than the model reads are cut.

    Raises BadInput for a text without a word, ConfigError for passages where the model has no prompt for them.
    """
    if prompt == "query":
        try:
            queries = encoder.encode_queries(texts)
        except EmptyQuery as error:
            raise BadInput(f"the text {error.text[:80]!r} has no words") from error
        return [Embedded(query.single, query.tokens) for query in queries]
    for text in texts:
        if not has_words(text):
            raise BadInput(f"the text {text[:80]!r} has no words")
    if isinstance(encoder, EncodesPassages):
        pages = encoder.encode_passages(texts)
    elif encoder.image_pixels is None:
        from pagesight.indexer.reading.text_file import text_page

        pages = encoder.encode_pages([text_page(text) for text in texts])
    else:
        raise ConfigError(f"{encoder.name} reads pictures; it has no prompt for texts as passages, only as queries")
    return [Embedded(page.single, page.tokens) for page in pages]


def embed_picture_files(encoder: Encoder, files: Sequence[bytes]) -> list[Embedded]:
    """Vectors of pictures in the bytes of their files. Each is opened and shrunk to what the model looks at before the next.

    Raises BadInput as ``open_picture`` and ``embed_pictures``.
    """
    pixels = _pixels_seen(encoder)
    pictures = []
    for data in files:
        picture = open_picture(data)
        share = math.sqrt(pixels / (picture.width * picture.height))
        if share < 1:
            picture = picture.resize((max(1, int(picture.width * share)), max(1, int(picture.height * share))))
        pictures.append(picture)
    return embed_pictures(encoder, pictures)


def embed_pictures(encoder: Encoder, pictures: Sequence[Image.Image]) -> list[Embedded]:
    """Vectors of pictures in RGB, one result a picture. Raises BadInput if the model reads words only, or cannot read one."""
    from pagesight.storage.errors import UnreadableDocument

    _pixels_seen(encoder)
    contents = [
        PageContent(
            number=number,
            width_pt=picture.width,
            height_pt=picture.height,
            words=PageWords.none(),
            text_source="none",
            image=np.asarray(picture),
        )
        for number, picture in enumerate(pictures, start=1)
    ]
    try:
        pages = encoder.encode_pages(contents)
    except UnreadableDocument as error:
        raise BadInput(str(error).replace("page ", "picture ", 1)) from error
    return [Embedded(page.single, page.tokens) for page in pages]


def _pixels_seen(encoder: Encoder) -> int:
    if encoder.image_pixels is None:
        raise BadInput(f"{encoder.name} reads words and sees no pictures; give it texts")
    return encoder.image_pixels


def open_picture(data: bytes) -> Image.Image:
    """The picture in a file of one of FORMATS: RGB, upright, transparent parts on white. Raises BadInput."""
    from PIL import Image

    from pagesight.indexer.reading.image_file import as_rgb

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height <= MAX_PICTURE_PIXELS:
                return as_rgb(picture)
            problem = f"it has {picture.width} x {picture.height} pixels, more than {MAX_PICTURE_PIXELS:,}"
    except Exception as error:  # Pillow's plugins raise many classes on damaged files
        problem = str(error).replace("<_io.BytesIO object", "<the file").split(" at 0x", 1)[0]
    raise BadInput(f"a picture of {len(data):,} bytes cannot be read: {problem}")


def cut(single: Float, dim: int) -> Float:
    """The first ``dim`` values, scaled to length 1 again (Kusupati et al. 2022, arXiv:2205.13147)."""
    part = single[:dim]
    return np.asarray(part / max(float(np.linalg.norm(part)), 1e-12), np.float32)


def check_dim(encoder: Encoder, dim: int) -> int:
    """What single vectors may be cut to. Raises ConfigError unless the model was trained for it."""
    from pagesight.engine.models import spec_of

    spec = spec_of(encoder.name)
    known = sorted({encoder.single_dim, *(d for d in (spec.matryoshka if spec else ()) if d < encoder.single_dim)})
    if dim not in known:
        raise ConfigError(f"single vectors of {encoder.name} have {', '.join(map(str, known))} dimensions, not {dim}")
    return dim

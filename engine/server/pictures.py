"""Pictures of pages: drawn in reading processes, kept in memory as they were drawn and as they were asked for."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pagesight.engine.pictures import mark
from pagesight.engine.results import Region, SearchHit
from pagesight.engine.server.originals import Original, Originals
from pagesight.engine.server.queue import WorkQueue
from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.running.buckets import on_disk
from pagesight.indexer.running.reader import PageReader
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.names import outer_file

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.server.metrics import Metrics
    from pagesight.engine.server.settings import ServerSettings

Format = Literal["webp", "png"]
DRAWN_PIXELS = 4_000_000  # what a page of A4 has at 200 dpi, as much as is ever drawn
DRAWN_BYTES, FINISHED_BYTES = 96 << 20, 64 << 20  # of the two caches
SECONDS = 30  # of processor time a page may take
WEBP_QUALITY, JPEG_QUALITY = 82, 92


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture."""

    data: bytes
    media_type: str


class Pictures:
    """One for all requests."""

    def __init__(self, settings: ServerSettings, metrics: Metrics, originals: Originals) -> None:
        limits = settings.limits
        self._metrics, self._originals = metrics, originals
        self._drawn, self._finished = _Cache(DRAWN_BYTES), _Cache(FINISHED_BYTES)
        options = ReadOptions(password=settings.password, ocr="off", image_pixels=DRAWN_PIXELS)
        self._reader = PageReader(options, n_processes=settings.drawing_processes, seconds_per_page=SECONDS)
        self._lock = threading.Lock()
        self._readers: dict[int | None, PageReader] = {}
        self.work = WorkQueue(
            "draw", n_threads=2 * settings.drawing_processes, waiting=4 * limits.waiting, seconds=limits.seconds
        )

    async def draw(self, hit: SearchHit, regions: Sequence[Region], max_side: int, kind: Format) -> Picture:
        """The page of a hit, its longer side ``max_side`` pixels at most, regions marked. Raises DocumentError, Busy."""
        key = picture_key(hit, regions, max_side, kind)
        known = self._finished.get(key)
        self._metrics.pictures.labels("yes" if known else "no").inc()
        if known is None:
            known = await self.work.run(self._make, hit, regions, max_side, kind)
            self._finished.put(key, known)
        return Picture(known, f"image/{kind}")

    def _make(self, hit: SearchHit, regions: Sequence[Region], max_side: int, kind: Format) -> bytes:
        from PIL import Image

        page = Image.open(io.BytesIO(self._page(hit)))
        page.draft("RGB", (max_side, max_side))  # JPEG is decoded at the half, quarter or eighth where that is enough
        picture = page.convert("RGB")
        picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        return _encoded(mark(picture, regions), kind)

    def _page(self, hit: SearchHit) -> bytes:
        """The page as it was drawn, as JPEG."""
        from PIL import Image

        original = Original(hit.path, hit.sha256, hit.document)
        key = f"{hit.sha256} {hit.page}"
        drawn = self._drawn.get(key)
        if drawn is None:
            self._check(original)
            (page,) = self._reader.read(hit.path, hit.page, hit.page).result()
            self._check(original)  # what was drawn in between is what was checked
            if not isinstance(page, PageContent):
                raise UnreadableDocument(f"{hit.name}: {page.reason}")
            assert page.image is not None
            out = io.BytesIO()
            Image.fromarray(page.image).save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
            drawn = out.getvalue()
            self._drawn.put(key, drawn)
        return drawn

    def _check(self, original: Original) -> None:
        """Raise UnreadableDocument unless the content that was indexed is there. Of attachments a reading process says so."""
        if outer_file(on_disk(original.path)) is None:
            self._originals.check(original)
        elif self._reader.open(original.path).result().sha256 != original.sha256:
            raise UnreadableDocument(f"{original.name} was changed since it was indexed; index it again")

    def read_picture(self, path: Path, image_pixels: int | None) -> PageContent:
        """A picture from outside, as an encoder reads it: with words by OCR, or drawn with so many pixels. Raises DocumentError."""
        with self._lock:
            reader = self._readers.get(image_pixels)
            if reader is None:
                options = ReadOptions(ocr="auto" if image_pixels is None else "off", image_pixels=image_pixels)
                reader = self._readers[image_pixels] = PageReader(options, n_processes=1, seconds_per_page=SECONDS)
        opened = reader.open(path).result()
        if opened.kind != "image":
            raise UnreadableDocument("what was sent is no picture; PNG, JPEG, TIFF and WebP are")
        (page,) = reader.read(path, 1, 1).result()
        if not isinstance(page, PageContent):
            raise UnreadableDocument(f"the picture {page.reason}")
        return page

    def close(self) -> None:
        self.work.close()
        for reader in (self._reader, *self._readers.values()):
            reader.close()


def picture_key(hit: SearchHit, regions: Sequence[Region], max_side: int, kind: Format) -> str:
    """The same for the same picture, and for no other."""
    said = repr((hit.sha256, hit.page, [(r.box, r.score) for r in regions], max_side, kind))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _encoded(picture: Image.Image, kind: Format) -> bytes:
    out = io.BytesIO()
    if kind == "webp":
        picture.save(out, "WEBP", quality=WEBP_QUALITY, method=2)
    else:
        picture.save(out, "PNG", compress_level=4)
    return out.getvalue()


class _Cache:
    """The bytes used last, up to a number of bytes in all."""

    def __init__(self, room: int) -> None:
        self._room, self._used = room, 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, data: bytes) -> None:
        with self._lock:
            self._used += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._used > self._room:
                _, dropped = self._kept.popitem(last=False)
                self._used -= len(dropped)

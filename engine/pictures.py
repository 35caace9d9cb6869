"""Pages as pictures, with what matched marked on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from pagesight.engine.results import Region, SearchHit
from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.running.buckets import on_disk
from pagesight.indexer.running.plan import hash_file
from pagesight.indexer.running.reader import PageReader
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.names import outer_file, path_text

PICTURE_PIXELS = 1_500_000  # an A4 page of 1,030 x 1,457 pixels: readable on a screen, 200 kB as PNG
SECONDS = 60
_FILL, _LINE = (255, 214, 10), (232, 89, 12)


def marked_pages(hits: Sequence[SearchHit], password: str | None = None) -> Iterator[Image.Image]:
    """Draw the page of each hit, in a process of its own. Raises DocumentError."""
    options = ReadOptions(password=password, ocr="off", image_pixels=PICTURE_PIXELS)
    checked: set[Path] = set()
    with PageReader(options, n_processes=1, seconds_per_page=SECONDS) as reader:
        for hit in hits:
            if hit.path not in checked:
                _check_content(hit, reader)
                checked.add(hit.path)
            (page,) = reader.read(hit.path, hit.page, hit.page).result()
            if not isinstance(page, PageContent):
                raise UnreadableDocument(f"{hit.name}: {page.reason}")
            assert page.image is not None
            yield mark(Image.fromarray(page.image), hit.regions)


def mark(picture: Image.Image, regions: Sequence[Region]) -> Image.Image:
    """Highlight regions; the better one matched, the stronger its colour."""
    picture = picture.convert("RGB")
    if not regions:
        return picture
    fill = Image.new("L", picture.size, 0)
    strongest = max(region.score for region in regions)
    pad = max(2, round(0.004 * picture.height))
    boxes = []
    for region in reversed(regions):  # the best one last, on top
        x0, y0, x1, y1 = region.box
        box = (
            max(0, round(x0 * picture.width) - pad),
            max(0, round(y0 * picture.height) - pad),
            min(picture.width - 1, round(x1 * picture.width) + pad),
            min(picture.height - 1, round(y1 * picture.height) + pad),
        )
        strength = region.score / strongest
        ImageDraw.Draw(fill).rectangle(box, fill=round(40 + 60 * strength))
        boxes.append((box, strength))
    marked = Image.composite(Image.new("RGB", picture.size, _FILL), picture, fill)
    for box, strength in boxes:
        ImageDraw.Draw(marked).rectangle(box, outline=_LINE, width=max(1, round(pad * strength)))
    return marked


def _check_content(hit: SearchHit, reader: PageReader) -> None:
    try:
        path = on_disk(hit.path)
        sha256 = hash_file(path) if outer_file(path) is None else reader.open(hit.path).result().sha256
    except OSError as error:
        raise UnreadableDocument(
            f"{path_text(hit.path)}: {error.strerror}; index its folder again, and prune what is gone"
        ) from error
    if sha256 != hit.sha256:
        raise UnreadableDocument(f"{path_text(hit.path)} was changed since it was indexed; index it again")

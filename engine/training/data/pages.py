"""Pages of documents as pictures: drawn once by the reading processes of the indexer, and kept."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from filelock import FileLock

from pagesight.engine.training.data.examples import Picture
from pagesight.indexer.content import PageContent, ReadOptions
from pagesight.indexer.running.plan import hash_file
from pagesight.indexer.running.reader import CHUNK_PAGES, PageProblem, PageReader
from pagesight.storage.cache_folder import cache_folder
from pagesight.storage.errors import DocumentError
from pagesight.storage.tables.database import disk_errors

# As jina-embeddings-v4 has a page drawn that is indexed: four times what it sees, shrunk once.
PAGE_PIXELS = 4 * 602_112
SECONDS_PER_PAGE = 120.0
_PNG_LEVEL = 4  # of 9: a third of the time of the usual 6, and a tenth more bytes


@dataclass(frozen=True, slots=True)
class PageDrawn:
    """Progress: page ``n_done`` of the ``n_pages`` that are needed is there."""

    n_done: int
    n_pages: int


OnDrawn = Callable[[PageDrawn], None]


class DrawnPages:
    """Pictures of the pages of some documents.

    Files go by the document's SHA-256, the page and the pixels: a document that was changed is drawn anew, one that was
    moved is not. faults: (document, page) -> why there is no picture of it.
    """

    def __init__(self, folder: Path | None = None, pixels: int = PAGE_PIXELS) -> None:
        """folder: None is one below the user's cache folder. pixels: of a picture, at most."""
        self.folder = folder or cache_folder() / "training" / "pages"
        self.pixels = pixels
        self.faults: dict[tuple[Path, int], str] = {}
        self._hashes: dict[Path, str] = {}

    def draw(self, wanted: Mapping[Path, Collection[int]], on_drawn: OnDrawn | None = None) -> None:
        """Draw those of these pages (document -> numbers from 1) that are not there. Stopped, it goes on the next time.

        Raises DiskFull. What cannot be read is in ``faults`` afterwards.
        """
        n_pages = sum(len(set(numbers)) for numbers in wanted.values())
        if not self._lacking(wanted):
            return
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "lock"):  # several processes of one training start at once
                lacking = self._lacking(wanted)
                n_done = n_pages - sum(map(len, lacking.values()))
                for n_more in self._draw(lacking):
                    n_done += n_more
                    if on_drawn is not None:
                        on_drawn(PageDrawn(n_done, n_pages))

    def picture(self, document: Path, number: int) -> Picture:
        """Page ``number`` from 1, which may be one of ``faults``: then it cannot be opened, and its key says why."""
        fault = self.faults.get((document, number)) or self.faults.get((document, 0))
        if fault is None and not self._hash(document):
            fault = self.faults[document, 0]
        if fault is not None:
            return Picture(data=b"", key=f"{document}, page {number}: {fault}")
        path = str(self.path(document, number))
        return Picture(path=path, key=path)

    def path(self, document: Path, number: int) -> Path:
        """Where a page is, or will be."""
        sha256 = self._hash(document)
        return self.folder / sha256[:2] / f"{sha256}-{self.pixels}" / f"{number}.png"

    def _hash(self, document: Path) -> str:
        """SHA-256 of a document; "" for one that cannot be read, which is a fault of all its pages (page 0)."""
        if document not in self._hashes:
            try:
                self._hashes[document] = hash_file(document)
            except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
                self._hashes[document] = ""
                self.faults[document, 0] = getattr(error, "strerror", None) or str(error)
        return self._hashes[document]

    def _lacking(self, wanted: Mapping[Path, Collection[int]]) -> dict[Path, list[int]]:
        """The pages that are not there, of documents that can be read."""
        lacking = {
            document: [n for n in sorted(set(numbers)) if not self.path(document, n).exists()]
            for document, numbers in wanted.items()
            if self._hash(document)
        }
        return {document: numbers for document, numbers in lacking.items() if numbers}

    def _draw(self, lacking: Mapping[Path, list[int]]) -> Iterator[int]:
        """Yields, for each piece of a document, how many of its pages are done."""
        options = ReadOptions(ocr="off", image_pixels=self.pixels)
        n_processes = max(1, min(8, os.cpu_count() or 1))
        with PageReader(options, n_processes=n_processes, seconds_per_page=SECONDS_PER_PAGE) as reader:
            under_way: deque[tuple[Path, int, int, Future[list[PageContent | PageProblem]]]] = deque()
            for document, first, last in self._pieces(lacking, reader):
                under_way.append((document, first, last, reader.read(document, first, last)))
                if len(under_way) == 2 * n_processes:
                    yield self._keep(*under_way.popleft())
            while under_way:
                yield self._keep(*under_way.popleft())

    def _pieces(self, lacking: Mapping[Path, list[int]], reader: PageReader) -> Iterator[tuple[Path, int, int]]:
        """(document, first page, last page) of all that is to be read."""
        for document, numbers in lacking.items():
            try:
                n_pages = reader.open(document).result().n_pages
            except DocumentError as error:
                self.faults[document, 0] = str(error)
                continue
            for number in numbers:
                if number > n_pages:
                    self.faults[document, number] = f"the document has {n_pages} pages"
            there = [number for number in numbers if number <= n_pages]
            for _, run in groupby(enumerate(there), lambda numbered: numbered[1] - numbered[0]):
                pages = [number for _, number in run]
                for at in range(0, len(pages), CHUNK_PAGES):
                    chunk = pages[at : at + CHUNK_PAGES]
                    yield document, chunk[0], chunk[-1]

    def _keep(self, document: Path, first: int, last: int, reading: Future[list[PageContent | PageProblem]]) -> int:
        try:
            pages = reading.result()
        except DocumentError as error:
            self.faults.update({(document, number): str(error) for number in range(first, last + 1)})
            return last - first + 1
        for page in pages:
            if isinstance(page, PageProblem):
                self.faults[document, page.number] = page.reason
            else:
                self._write(self.path(document, page.number), page)
        return len(pages)

    def _write(self, path: Path, page: PageContent) -> None:
        from PIL import Image

        if page.image is None:
            raise AssertionError("the reader was told image_pixels")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        Image.fromarray(page.image).save(part, "PNG", compress_level=_PNG_LEVEL)
        os.replace(part, path)  # a kill leaves no half of a picture

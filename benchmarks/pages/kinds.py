"""Pages of each kind, made from sample_docs, with the words that are on them. Scans are made here, so that their text is known."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
from PIL import Image

from benchmarks.common import ROOT

SAMPLES = ROOT / "sample_docs"
PAPER, REPORT = "science/green-roof-night-cooling.pdf", "finance/annual-report-2025.pdf"
SCAN_DPI = 150
Page = tuple[str, int]  # a sample document, a page of it from 1
KINDS = ("text", "slides with pictures", "scan, sparse", "scan, dense", "scan, table", "photograph")
TEXT: Sequence[Page] = ((PAPER, 2), (PAPER, 3), (REPORT, 6), ("office/protokoll-eigentuemerversammlung.pdf", 2))
CHARTS: Sequence[Page] = ((REPORT, 7), (REPORT, 8), (REPORT, 9), (REPORT, 10))
SCANS: dict[str, Sequence[Page]] = {
    "scan, sparse": (("office/product-review-q3-2025.pdf", 2), ("office/product-review-q3-2025.pdf", 5)),
    "scan, dense": ((PAPER, 2), ("engineering/safety-data-sheet-klarin-k7.pdf", 2)),
    "scan, table": (("public/ferry-timetable-winter.pdf", 1), ("engineering/datasheet-or3471.pdf", 3)),
}
WARM: Page = ("public/rapport-activite-2025.pdf", 2)  # read first, and not counted
PHOTOGRAPHS: Sequence[Page] = (("public/observatory-brochure.pdf", 1), ("public/kite-festival-poster.pdf", 1))


def make(folder: Path) -> dict[str, Path]:
    """One PDF for each kind, and ``words.json`` with the words of their pages, into a folder. Returns the files by kind."""
    words: dict[str, list[list[str]]] = {}
    files = {}
    for kind in KINDS:
        with pymupdf.open() as document:
            if kind == "text":
                words[kind] = [_copy(document, *page) for page in TEXT]
            elif kind == "slides with pictures":
                words[kind] = [_slide(document, number, page) for number, page in enumerate(CHARTS)]
            elif kind == "photograph":
                words[kind] = [_photograph(document, *page) for page in PHOTOGRAPHS]
            else:
                words[kind] = [_scan(document, seed, *page) for seed, page in enumerate(SCANS[kind])]
            files[kind] = folder / f"{re.sub('[^a-z]+', '-', kind)}.pdf"
            document.save(files[kind], deflate=True)
    files["warm"] = folder / "warm.pdf"
    with pymupdf.open() as document:
        _scan(document, 99, *WARM)
        document.save(files["warm"])
    (folder / "words.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
    return files


def _on_page(name: str, number: int, use: Callable[[Any], list[str]]) -> list[str]:
    with pymupdf.open(SAMPLES / name) as document:
        return use(document[number - 1])


def _copy(document: Any, name: str, number: int) -> list[str]:
    with pymupdf.open(SAMPLES / name) as sample:
        document.insert_pdf(sample, from_page=number - 1, to_page=number - 1)
        return _text(sample[number - 1])


def _slide(document: Any, number: int, chart: Page) -> list[str]:
    """Own text over a picture that all slides have, and a chart that is a picture too."""
    page = document.new_page(width=960, height=540)
    page.insert_image(page.rect, stream=_ground())
    title = f"Review of the quarter, part {number + 1}: what changed and what has to be decided"
    page.insert_text((60, 70), title, fontsize=20)

    def draw(source: Any) -> list[str]:
        part = pymupdf.Rect(0, 0.1 * source.rect.height, source.rect.width, 0.55 * source.rect.height)
        page.insert_image((400, 100, 940, 470), stream=source.get_pixmap(dpi=130, clip=part).tobytes("png"))
        return [word[4] for word in source.get_text("words", clip=part)]

    return [*title.split(), "Harbour", "Conference", "2025", *_on_page(*chart, draw)]


def _ground() -> bytes:
    """A slide's background: a gradient with the name of an event."""
    with pymupdf.open() as document:
        page = document.new_page(width=960, height=540)
        for x in range(96):
            page.draw_rect((10 * x, 0, 10 * x + 10, 540), color=None, fill=(0.85 + x / 1000, 0.9, 1 - x / 1000))
        page.insert_text((60, 500), "Harbour Conference 2025", fontsize=16)
        return bytes(page.get_pixmap(dpi=144).tobytes("png"))


def _scan(document: Any, seed: int, name: str, number: int) -> list[str]:
    """A page as a scanner gives it: a little turned, grainy, as JPEG."""

    def draw(source: Any) -> list[str]:
        random = np.random.default_rng(seed)
        pixels = source.get_pixmap(dpi=SCAN_DPI, alpha=False, colorspace=pymupdf.csRGB)
        image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)
        turned = image.rotate(float(random.uniform(-0.8, 0.8)), Image.Resampling.BICUBIC, fillcolor=(250, 250, 246))
        grainy = np.asarray(turned) * 0.93 + 12 + random.normal(0, 6, (image.height, image.width, 1))
        buffer = io.BytesIO()
        Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=40)
        page = document.new_page(width=source.rect.width, height=source.rect.height)
        page.insert_image(page.rect, stream=buffer.getvalue())
        return _text(source)

    return _on_page(name, number, draw)


def _photograph(document: Any, name: str, number: int) -> list[str]:
    """The largest picture of a page, alone."""

    def draw(source: Any) -> list[str]:
        largest = max(source.get_images(), key=lambda picture: picture[2] * picture[3])
        pixels = pymupdf.Pixmap(source.parent, largest[0])
        page = document.new_page(width=595, height=595 * pixels.height / pixels.width)
        page.insert_image(page.rect, stream=pixels.tobytes("jpg"))
        return []

    return _on_page(name, number, draw)


def _text(page: Any) -> list[str]:
    return [word[4] for word in page.get_text("words")]


def accuracy(truth: Iterable[str], found: Iterable[str]) -> tuple[int, int, int]:
    """Words that are there, that were found, and that are both, each as often as it is; signs at their ends do not count."""
    there, seen = (Counter(_plain(words)) for words in (truth, found))
    return there.total(), seen.total(), (there & seen).total()


def _plain(words: Iterable[str]) -> list[str]:
    found = (word.strip(".,;:!?()[]\"'“”„·•–—-").lower() for words in words for word in words.split())
    return [word for word in found if word]

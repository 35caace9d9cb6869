"""Reading text from pixels, by RapidOCR (PP-OCR models that lie inside its wheel) or by Tesseract where it is installed.

Detection finds lines, recognition reads them. Recognition is the larger cost, so lines that the text layer already has
are dropped in between: a slide with a background picture costs one detection.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.faults import one_line
from pagesight.indexer.reading.geometry import covered_width
from pagesight.indexer.reading.layout import TextLine
from pagesight.storage.errors import UnreadableDocument

DETECTION_SIDE_PX = 1280  # 960 misses small print: see ARCHITECTURE
MIN_SCORE = 0.5
STRIP_ASPECT = 2.5  # a receipt is cut into pieces, or its print would be too small at DETECTION_SIDE_PX
MOSTLY = 0.6


class OcrEngine(Protocol):
    """Pixels -> text lines."""

    def read(self, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]:
        """image: (height_px, width_px, 3) RGB. known: (n, 4) boxes in pixels of words that need not be read.
        Returns lines with quads in pixels.
        """


def ocr_engine(mode: str) -> OcrEngine:
    """The engine for "auto" or "tesseract", kept for the life of the process. Raises UnreadableDocument."""
    return _tesseract() if mode == "tesseract" else _rapid()


@cache
def _rapid() -> OcrEngine:
    return RapidOcr()


@cache
def _tesseract() -> OcrEngine:
    return Tesseract()


class RapidOcr:
    """PP-OCRv6 small: Chinese, Japanese, English and some 45 languages in Latin script."""

    def __init__(self) -> None:
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)  # several processes read in parallel, each with one thread
        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.max_side_len": 100_000,  # we choose the size of the image ourselves
                "Det.limit_type": "max",
                "Det.limit_side_len": DETECTION_SIDE_PX,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]:
        lines: list[TextLine] = []
        long_axis = 0 if image.shape[0] >= image.shape[1] else 1
        for start, stop, own_start, own_stop in strips(image.shape[long_axis], image.shape[1 - long_axis]):
            shift = np.zeros(2)
            shift[1 - long_axis] = start  # axis 0 of the image is y, the second of a point
            piece = image[start:stop] if long_axis == 0 else image[:, start:stop]
            # OpenCV's order of colours, in one piece: of a view, it would copy the whole picture for each line it cuts out.
            bgr = np.ascontiguousarray(piece[:, :, ::-1])
            for line in self._read_upright(bgr, known - np.tile(shift, 2)):
                moved = TextLine(line.text, line.quad + shift, line.score)
                middle = moved.quad[:, 1 - long_axis].mean()
                if own_start <= middle < own_stop:
                    lines.append(moved)
        return lines

    def _read_upright(self, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]:
        """Read (in OpenCV's order of colours); if most lines stand on end or make no sense, turn the page and keep the best reading."""
        quads = self._detect(image)
        if len(quads) == 0:
            return []
        size = quads.max(axis=1) - quads.min(axis=1)
        standing = float((size[:, 1] > 1.5 * size[:, 0]).mean()) > MOSTLY
        best = [] if standing else self._recognise(image, quads, known)
        if not standing and (len(known) or not best or _confidence(best) >= 0.75 * len(best)):
            return [line for line in best if line.score >= MIN_SCORE]
        for turns in (1, 3) if standing else (2,):
            turned = np.ascontiguousarray(np.rot90(image, turns))
            reading = self._recognise(turned, self._detect(turned), np.empty((0, 4)))
            if _confidence(reading) > _confidence(best):
                best = [TextLine(line.text, _turn_back(line.quad, turns, image.shape), line.score) for line in reading]
        return [line for line in best if line.score >= MIN_SCORE]

    def _detect(self, image: NDArray[np.uint8]) -> NDArray[np.floating]:
        """Text lines: (n, 4, 2), corners from the top left clockwise."""
        found = self._engine(image, use_det=True, use_cls=False, use_rec=False)
        return np.empty((0, 4, 2)) if found.boxes is None else np.asarray(found.boxes, float).reshape(-1, 4, 2)

    def _recognise(
        self, image: NDArray[np.uint8], quads: NDArray[np.floating], known: NDArray[np.floating]
    ) -> list[TextLine]:
        boxes = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1) if len(quads) else np.empty((0, 4))
        unread = [quad for quad, box in zip(quads, boxes, strict=True) if covered_width(box, known) < 0.5]
        if not unread:
            return []
        crops = self._engine.crop_text_regions(image, np.array(unread, np.float32))
        read = self._engine.recognize_txt(crops)
        return [
            TextLine(text, quad, float(score))
            for text, quad, score in zip(read.txts, unread, read.scores, strict=True)
            if text.strip()
        ]


class Tesseract:
    """The tesseract program with whatever language packs it has (Korean and Cyrillic, which RapidOCR's models lack)."""

    def __init__(self) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise UnreadableDocument(
                "its pixels cannot be read: the program tesseract is not installed "
                "(Debian: apt install tesseract-ocr; macOS: brew install tesseract)"
            )
        self._program = program
        listed = _run([program, "--list-langs"]).decode("utf-8", "replace")
        languages = [name for name in listed.split("\n")[1:] if name and name != "osd"]
        if not languages:
            raise UnreadableDocument("its pixels cannot be read: the program tesseract has no language installed")
        self._languages = "+".join(sorted(languages, key=lambda name: (name != "eng", name)))

    def read(self, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]:
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PPM")
        command = [self._program, "stdin", "stdout", "-l", self._languages, "--psm", "3", "tsv"]
        found = _run(command, buffer.getvalue()).decode("utf-8", "replace")
        rows = csv.DictReader(io.StringIO(found), delimiter="\t", quoting=csv.QUOTE_NONE)
        lines = []
        for row in rows:
            if row["text"] and row["text"].strip() and float(row["conf"]) >= 100 * MIN_SCORE:
                x, y, width, height = (float(row[key]) for key in ("left", "top", "width", "height"))
                quad = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
                if covered_width(np.array((x, y, x + width, y + height)), known) < 0.5:
                    lines.append(TextLine(row["text"], quad, float(row["conf"]) / 100))
        return lines


def _run(command: list[str], data: bytes = b"") -> bytes:
    """What a program writes. Raises UnreadableDocument with what it says of its failure."""
    try:
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UnreadableDocument(
            f"its pixels cannot be read: CalledProcessError: {Path(command[0]).name} ended with exit code "
            f"{error.returncode}{': ' if said else ''}{one_line(said)}"
        ) from error


def strips(length: int, width: int) -> list[tuple[int, int, int, int]]:
    """Cut a long image: (start, stop, own_start, own_stop) of each piece; pieces overlap, what they own does not."""
    if length <= STRIP_ASPECT * width:
        return [(0, length, 0, length)]
    count = -(-length // (2 * width))
    own = [round(length * i / count) for i in range(count + 1)]
    overlap = width // 4
    return [(max(0, a - overlap), min(length, b + overlap), a, b) for a, b in pairwise(own)]


def _confidence(lines: list[TextLine]) -> float:
    return sum(line.score for line in lines)


def _turn_back(quad: NDArray[np.floating], turns: int, shape: tuple[int, ...]) -> NDArray[np.floating]:
    """Corners found on an image turned ``turns`` quarters counter-clockwise -> corners on the image as it was.

    The first corner stays the start of the text, so that words are placed along it in reading direction.
    """
    height_px, width_px = shape[:2]
    x, y = quad[:, 0], quad[:, 1]
    match turns:
        case 1:
            return np.stack([width_px - y, x], axis=1)
        case 2:
            return np.stack([width_px - x, height_px - y], axis=1)
        case _:
            return np.stack([y, height_px - x], axis=1)

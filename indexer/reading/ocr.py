"""Reading text from pixels, by RapidOCR (PP-OCR models that lie inside its wheel) or by Tesseract where it is installed.

Detection finds lines, recognition reads them. Recognition is the larger cost, so lines that the text layer already has
are dropped in between: a slide with a background picture costs one detection.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.detection import LineFinder
from pagesight.indexer.reading.faults import one_line
from pagesight.indexer.reading.geometry import COVERED, covered_width
from pagesight.indexer.reading.layout import TextLine
from pagesight.indexer.reading.recognition import LineReader, Reading
from pagesight.storage.errors import UnreadableDocument

MIN_SCORE = 0.5
STRIP_ASPECT = 2.5  # a receipt is cut into pieces, or its print would be too small at SIDE_PX of detection
MOSTLY = 0.6
VOTES, SURE = 8, 0.9  # lines that are asked whether they are upside down, and how sure an answer has to be
PROBES, READABLE = 12, 0.25  # lines here and there, and the highest; which share of them makes the others worth reading
MAX_SKEW_DEG = 8.0  # lines that are further off are read from a picture turned upright


class OcrEngine(Protocol):
    """Pixels -> text lines."""

    def read(self, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]:
        """image: (height_px, width_px, 3) RGB. known: (n, 4) boxes in pixels of words that need not be read.
        Returns lines with quads in pixels.
        """


def ocr_engine(mode: str) -> OcrEngine:
    """The engine for "auto" or "tesseract", kept for the life of the process. Raises UnreadableDocument."""
    return _tesseract() if mode == "tesseract" else _auto()


@cache
def _rapid() -> RapidOcr:
    return RapidOcr()


@cache
def _auto() -> OcrEngine:
    from pagesight.indexer.reading.scripts import EitherOcr

    return EitherOcr(_rapid(), _tesseract if shutil.which("tesseract") else None)


@cache
def _tesseract() -> Tesseract:
    return Tesseract()


class RapidOcr:
    """PP-OCRv6 small: Chinese, Japanese, English and some 45 languages in Latin script."""

    def __init__(self) -> None:
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)  # several processes read in parallel, each with one thread
        self.n_seen = 0  # lines that the last reading detected, beside known ones, whether they could be read or not
        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        self._finder = LineFinder(self._model("Det"))
        self._reader = LineReader(self._model("Rec"))

    def _model(self, task: str) -> Path:
        """The file of RapidOCR's model for "Det" or "Rec"."""
        from rapidocr.inference_engine.base import FileInfo
        from rapidocr.inference_engine.onnxruntime import OrtInferSession

        settings = self._engine.cfg[task]
        names = ("engine_type", "ocr_version", "task_type", "lang_type", "model_type")
        found = OrtInferSession.get_model_url(FileInfo(**{name: settings[name] for name in names}))
        return Path(self._engine.cfg.Global.model_root_dir) / Path(found["model_dir"]).name

    def read(self, image: NDArray[np.uint8], known: NDArray[np.floating]) -> list[TextLine]:
        lines: list[TextLine] = []
        self.n_seen = 0
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
        quads = self._finder.find(image)
        if len(quads) == 0:
            return []
        skew = skew_deg(quads)
        if abs(skew) > MAX_SKEW_DEG and not len(known):
            level, back = _levelled(image, skew)
            return [TextLine(line.text, back(line.quad), line.score) for line in self._read_upright(level, known)]
        size = quads.max(axis=1) - quads.min(axis=1)
        standing = float((size[:, 1] > 1.5 * size[:, 0]).mean()) > MOSTLY
        upside_down = not len(known) and self._upside_down(image, quads)
        best = [] if standing or upside_down else self._recognise(image, quads, known)
        if not standing and (len(known) or _makes_sense(best)):
            return [line for line in best if line.score >= MIN_SCORE]
        for turns in ((3, 1) if upside_down else (1, 3)) if standing else ((2, 0) if upside_down else (2,)):
            turned = np.ascontiguousarray(np.rot90(image, turns))
            reading = self._recognise(turned, self._finder.find(turned), np.empty((0, 4)))
            if _confidence(reading) > _confidence(best):
                best = [TextLine(line.text, _turn_back(line.quad, turns, image.shape), line.score) for line in reading]
            if _makes_sense(reading):
                break
        return [line for line in best if line.score >= MIN_SCORE]

    def _upside_down(self, image: NDArray[np.uint8], quads: NDArray[np.floating]) -> bool:
        """Whether the small model that tells 0 from 180 degrees says so of most of the longest lines.

        Recognition alone does not show it: of upside-down letters it makes others, and believes in them.
        """
        lengths = np.linalg.norm(quads - np.roll(quads, 1, axis=1), axis=2).max(axis=1)
        longest = quads[np.argsort(-lengths, kind="stable")[:VOTES]]
        crops = self._engine.crop_text_regions(image, longest.astype(np.float32))
        _, said = self._engine.cls_and_rotate(crops)
        votes = [label == "180" and float(score) > SURE for label, score in said.cls_res or ()]
        return bool(sum(votes) > len(votes) / 2)

    def _recognise(
        self, image: NDArray[np.uint8], quads: NDArray[np.floating], known: NDArray[np.floating]
    ) -> list[TextLine]:
        boxes = np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1) if len(quads) else np.empty((0, 4))
        unread = [quad for quad, box in zip(quads, boxes, strict=True) if covered_width(box, known) < COVERED]
        self.n_seen += len(unread)
        if not unread:
            return []
        crops = self._engine.crop_text_regions(image, np.array(unread, np.float32))
        return [
            TextLine(text, unread[i], score)
            for i, (text, score) in self._read_some_first(crops).items()
            if text.strip()
        ]

    def _read_some_first(self, crops: list[NDArray[np.uint8]]) -> dict[int, Reading]:
        """What lines say, by their number; only of some where hardly any of these can be read: dots, leaves, a QR code."""
        order = range(len(crops))
        some = sorted(
            {*order[:: max(1, len(crops) // PROBES)], *sorted(order, key=lambda i: -crops[i].shape[0])[:PROBES]}
        )
        if len(crops) <= 2 * len(some):
            return dict(zip(order, self._reader.read(crops), strict=True))
        found = dict(zip(some, self._reader.read([crops[i] for i in some]), strict=True))
        if sum(score >= MIN_SCORE for _, score in found.values()) < READABLE * len(some):
            return found
        rest = [i for i in order if i not in found]
        found.update(zip(rest, self._reader.read([crops[i] for i in rest]), strict=True))
        return dict(sorted(found.items()))


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
        listed = _run([program, "--list-langs"]).decode("utf-8", "replace").split("\n")[1:]
        self.sees_scripts = "osd" in listed
        self.languages = languages = [name for name in listed if name and name != "osd"]
        if not languages:
            raise UnreadableDocument("its pixels cannot be read: the program tesseract has no language installed")
        self._languages = "+".join(sorted(languages, key=lambda name: (name != "eng", name)))

    def script_of(self, image: NDArray[np.uint8]) -> str:
        """The script that most of a page is in, by the name Tesseract has for it ("Cyrillic"), or ""."""
        if not self.sees_scripts:
            return ""
        with suppress(UnreadableDocument):  # too few characters
            found = _run([self._program, "stdin", "stdout", "--psm", "0"], _as_ppm(image)).decode("utf-8", "replace")
            return next((line.split(":")[1].strip() for line in found.split("\n") if line.startswith("Script:")), "")
        return ""

    def read(
        self, image: NDArray[np.uint8], known: NDArray[np.floating], languages: Sequence[str] = ()
    ) -> list[TextLine]:
        chosen = "+".join(languages) or self._languages
        command = [self._program, "stdin", "stdout", "-l", chosen, "--psm", "3", "tsv"]
        found = _run(command, _as_ppm(image)).decode("utf-8", "replace")
        rows = csv.DictReader(io.StringIO(found), delimiter="\t", quoting=csv.QUOTE_NONE)
        lines = []
        for row in rows:
            if row["text"] and row["text"].strip() and float(row["conf"]) >= 100 * MIN_SCORE:
                x, y, width, height = (float(row[key]) for key in ("left", "top", "width", "height"))
                quad = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
                if covered_width(np.array((x, y, x + width, y + height)), known) < COVERED:
                    lines.append(TextLine(row["text"], quad, float(row["conf"]) / 100))
        return lines


def _as_ppm(image: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PPM")
    return buffer.getvalue()


def _run(command: list[str], data: bytes = b"") -> bytes:
    """What a program writes. Raises UnreadableDocument with what it says of its failure."""
    try:
        one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # several processes read in parallel
        return subprocess.run(command, input=data, capture_output=True, check=True, env=one_thread).stdout
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UnreadableDocument(
            f"its pixels cannot be read: CalledProcessError: {Path(command[0]).name} ended with exit code "
            f"{error.returncode}{': ' if said else ''}{one_line(said)}"
        ) from error


def skew_deg(quads: NDArray[np.floating]) -> float:
    """By how much lines (n, 4, 2) are off the nearest of the page's two directions, from -45 to 45; 0 if they disagree."""
    sides = np.stack([quads[:, 1] - quads[:, 0], quads[:, 2] - quads[:, 1]], axis=1)
    lengths = np.linalg.norm(sides, axis=2)
    longer = lengths.argmax(axis=1)
    rows = np.arange(len(quads))
    long = lengths.max(axis=1) > 2 * lengths.min(axis=1)  # of a short word the direction says little
    if not long.any():
        return 0.0
    x, y = sides[rows, longer][long].T
    off = (np.degrees(np.arctan2(y, x)) + 45) % 90 - 45
    order = np.argsort(off)
    reach = np.cumsum(lengths[rows, longer][long][order])
    middle = off[order[np.searchsorted(reach, reach[-1] / 2)]]
    near = np.abs((off - middle + 45) % 90 - 45) < MAX_SKEW_DEG
    agree = lengths[rows, longer][long][near].sum() > MOSTLY * reach[-1]
    return float(middle) if agree else 0.0


def _levelled(
    image: NDArray[np.uint8], skew: float
) -> tuple[NDArray[np.uint8], Callable[[NDArray[np.floating]], NDArray[np.floating]]]:
    """The picture turned by ``skew`` degrees, all of it, and the way back for corners found on it."""
    import cv2

    height_px, width_px = image.shape[:2]
    there = cv2.getRotationMatrix2D((width_px / 2, height_px / 2), skew, 1.0)
    cos, sin = abs(there[0, 0]), abs(there[0, 1])
    size = (round(height_px * sin + width_px * cos), round(height_px * cos + width_px * sin))
    there[:, 2] += (size[0] - width_px) / 2, (size[1] - height_px) / 2
    level = cv2.warpAffine(image, there, size, flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))
    home = cv2.invertAffineTransform(there)
    return level, lambda quad: quad @ home[:, :2].T + home[:, 2]


def strips(length: int, width: int) -> list[tuple[int, int, int, int]]:
    """Cut a long image: (start, stop, own_start, own_stop) of each piece; pieces overlap, what they own does not."""
    if length <= STRIP_ASPECT * width:
        return [(0, length, 0, length)]
    count = -(-length // (2 * width))
    own = [round(length * i / count) for i in range(count + 1)]
    overlap = width // 4
    return [(max(0, a - overlap), min(length, b + overlap), a, b) for a, b in pairwise(own)]


def _makes_sense(lines: list[TextLine]) -> bool:
    return bool(lines) and _confidence(lines) >= 0.75 * len(lines)


def _confidence(lines: list[TextLine]) -> float:
    return sum(line.score for line in lines)


def _turn_back(quad: NDArray[np.floating], turns: int, shape: tuple[int, ...]) -> NDArray[np.floating]:
    """Corners found on an image turned ``turns`` quarters counter-clockwise -> corners on the image as it was.

    The first corner stays the start of the text, so that words are placed along it in reading direction.
    """
    height_px, width_px = shape[:2]
    x, y = quad[:, 0], quad[:, 1]
    match turns:
        case 0:
            return quad
        case 1:
            return np.stack([width_px - y, x], axis=1)
        case 2:
            return np.stack([width_px - x, height_px - y], axis=1)
        case _:
            return np.stack([y, height_px - x], axis=1)

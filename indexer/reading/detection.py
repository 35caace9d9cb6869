"""Where lines of text are in a picture, by a detection model of PP-OCR (differentiable binarisation: Liao et al. 2020).

The network gives each pixel's probability to be text, in a fixed time for each pixel it is shown. So it sees only the part of a
picture on which anything is.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.network import Network

SIDE_PX = 1280  # of the longer side of a picture: 960 misses small print, see ARCHITECTURE
MULTIPLE_PX = 32  # of the network's sides
MIN_PX = 32  # a lower picture is put on a ground
MARGIN_PX = 24  # around what is on a picture
TEXT = 0.3  # probability of a pixel that belongs to text
LINE = 0.5  # mean probability of a line
SHRINK = 4  # by which a picture is made smaller to see where anything is
CONTRAST = 16  # of 255, between neighbours there: below the faintest print, above the grain of paper
Box = tuple[int, int, int, int]


class LineFinder:
    """Pictures -> lines of text."""

    def __init__(self, model: Path) -> None:
        """model: ONNX, (1, 3, height, width) in [-1, 1], multiples of 32 -> (1, 1, height, width) probabilities."""
        from rapidocr.ch_ppocr_det.utils import DBPostProcess

        self._network = Network(model)
        self._lines_of: Any = DBPostProcess(
            thresh=TEXT, box_thresh=LINE, max_candidates=1000, unclip_ratio=1.6, score_mode="fast", use_dilation=True
        )

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.floating]:
        """image: (height_px, width_px, 3) BGR. Returns (n, 4, 2), in its pixels, corners from the top left clockwise."""
        import cv2

        area = inked(image)
        if area is None:
            return np.empty((0, 4, 2))
        scale = min(1.0, SIDE_PX / max(image.shape[:2]))
        left, right = whole_steps(area[0], area[2], MULTIPLE_PX / scale, image.shape[1])
        top, bottom = whole_steps(area[1], area[3], MULTIPLE_PX / scale, image.shape[0])
        part = image[top:bottom, left:right]
        below = max(0, MIN_PX - (bottom - top))
        beside = max(0, MIN_PX - (right - left))
        if below or beside:
            part = cv2.copyMakeBorder(part, 0, below, 0, beside, cv2.BORDER_REPLICATE)
        probable = self._probable(part, scale)
        quads, _ = self._lines_of(probable, part.shape[:2])
        found = np.asarray(quads, float).reshape(-1, 4, 2) + np.array([left, top])
        return np.asarray(np.clip(found, 0, (image.shape[1], image.shape[0])))

    def _probable(self, image: NDArray[np.uint8], scale: float) -> NDArray[np.float32]:
        import cv2

        height_px, width_px = (max(1, round(side * scale / MULTIPLE_PX)) * MULTIPLE_PX for side in image.shape[:2])
        small = cv2.resize(image, (width_px, height_px))
        return self._network((small.transpose(2, 0, 1) * np.float32(2 / 255) - 1)[None])[0]


def whole_steps(start: int, stop: int, step: float, length: int) -> tuple[int, int]:
    """A range within ``length`` made longer to a multiple of a step, so that nothing has to be stretched; all of it if it has no room."""
    wanted = math.ceil((stop - start) / step) * step
    if wanted > length:
        return 0, length
    start = min(start, math.floor(length - wanted))
    return start, min(length, max(stop, math.ceil(start + wanted)))  # a float may fall short


def inked(image: NDArray[np.uint8]) -> Box | None:
    """The part of a picture (left, top, right, bottom) beyond which nothing is, or None if nothing is on it."""
    import cv2

    height_px, width_px = image.shape[:2]
    size = (max(1, width_px // SHRINK), max(1, height_px // SHRINK))
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)
    edges = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > CONTRAST
    rows, columns = np.flatnonzero(edges.any(axis=1)), np.flatnonzero(edges.any(axis=0))
    if not len(rows):
        return None
    across, down = width_px / size[0], height_px / size[1]
    return (
        max(0, int(columns[0] * across) - MARGIN_PX),
        max(0, int(rows[0] * down) - MARGIN_PX),
        min(width_px, int((columns[-1] + 1) * across) + MARGIN_PX),
        min(height_px, int((rows[-1] + 1) * down) + MARGIN_PX),
    )

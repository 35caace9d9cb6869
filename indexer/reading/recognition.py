"""Reading lines that are cut out of a picture, by a recognition model of PP-OCR (CTC: Graves et al. 2006).

The network costs what its input is wide, and what is added to fill a batch is paid for. So a line is given to it as wide as it
is, and shares a run only with lines that are short and about as wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.reading.characters import character_network

HEIGHT_PX = 48  # the only height that the network takes
STEP_PX = 8  # widths are rounded up to this, a place of the network, so that some lines are as wide
TOGETHER_PX = 320  # of all lines of a run; one that is longer has a run to itself
Reading = tuple[str, float]


class LineReader:
    """Pictures of lines -> their text."""

    def __init__(self, model: Path) -> None:
        """model: ONNX, one that character_network takes, of pictures 48 pixels high in [-1, 1]."""
        self._network = character_network(model)

    def read(self, crops: Sequence[NDArray[np.uint8]]) -> list[Reading]:
        """Text of each line, and its score in [0, 1], the mean probability of its characters; "" and 0 where there is none.

        crops: (height_px, width_px, 3) BGR each. The answer for one does not depend on the others.
        """
        found: list[Reading] = [("", 0.0)] * len(crops)
        for chosen, width in runs([line_width(*crop.shape[:2]) for crop in crops]):
            batch = np.zeros((len(chosen), 3, HEIGHT_PX, width), np.float32)
            for row, i in zip(batch, chosen, strict=True):
                picture = as_input(crops[i])
                row[:, :, : picture.shape[2]] = picture
            for i, choice in zip(chosen, self._network(batch), strict=True):
                found[i] = self._text(*choice)
        return found

    def _text(self, best: NDArray[np.intp], probabilities: NDArray[np.float32]) -> Reading:
        """Both (places,). A character begins where the best class is one, and not the one before."""
        begins = best != 0
        begins[1:] &= best[1:] != best[:-1]
        places = np.flatnonzero(begins)
        if not len(places):
            return "", 0.0
        text = "".join([self._network.characters[k] for k in best[places].tolist()])
        return text, float(probabilities[places].mean())


def line_width(height_px: int, width_px: int) -> int:
    """Of a line at the network's height, in pixels."""
    return max(1, math.ceil(HEIGHT_PX * width_px / height_px))


def runs(widths: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """Which lines go through the network together, and how wide, each line once. It is given the same width in any company."""
    chosen: list[int] = []
    wide = 0
    for i in sorted(range(len(widths)), key=lambda i: (widths[i], i)):
        width = -(-widths[i] // STEP_PX) * STEP_PX
        if chosen and (width != wide or (len(chosen) + 1) * width > TOGETHER_PX):
            yield chosen, wide
            chosen = []
        chosen.append(i)
        wide = width
    if chosen:
        yield chosen, wide


def as_input(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A line at the network's height: (3, 48, width) in [-1, 1]."""
    import cv2

    size = (line_width(*crop.shape[:2]), HEIGHT_PX)
    return np.asarray(cv2.resize(crop, size).transpose(2, 0, 1) * np.float32(2 / 255) - 1, np.float32)

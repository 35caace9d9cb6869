"""What kind of picture it is: features of a network that others trained, and a linear head of our own.

The head (head.npz) was learnt from pictures that we drew (benchmarks/sight). It knows what is no picture too: text, forms,
ornaments. A kind is said where it is at least ``SURE`` likely, or
the family where all of its kinds together are; a QR code that can be read is one in any case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.indexer.sight.kinds import SEEN

SURE = 0.7
SURE_WHOLE = 0.9  # for a picture that is the whole page, which may be a scan of it
HEAD_FILE = Path(__file__).with_name("head.npz")
SIDE = 224  # of the pixels that the network takes
_LEVEL = 1  # grows when pictures are cut out, shrunk or judged in another way

Pixels = NDArray[np.uint8]


class Network:
    """The network and its head. For one thread at a time."""

    def __init__(self, file: Path) -> None:
        """file: as engine.models.sight.network makes it. Raises what onnxruntime raises if it is none."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def features(self, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        """(n, 1280) of pictures (height, width, 3) uint8 RGB of any size."""
        rows = [self._session.run(None, {"pixels": squared(picture)[None]})[0] for picture in pictures]
        return np.asarray(np.concatenate(rows), np.float32)

    def probabilities(self, pictures: Sequence[Pixels]) -> list[dict[str, float]]:
        """Of each name in the head, for each picture; they add up to 1."""
        names, weight, bias = _head()
        logits = self.features(pictures) @ weight + bias
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        return [dict(zip(names, row.tolist(), strict=True)) for row in likely]


@cache
def _head() -> tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.float32]]:
    with np.load(HEAD_FILE) as stored:
        return tuple(stored["names"].tolist()), stored["weight"].astype(np.float32), stored["bias"]


@cache
def head_digest() -> str:
    """Of the head and of how pictures are judged by it."""
    return hashlib.sha256(HEAD_FILE.read_bytes() + f"{_LEVEL} {SURE} {SURE_WHOLE} {sorted(SEEN)}".encode()).hexdigest()


def squared(picture: Pixels) -> Pixels:
    """A picture shrunk or grown to (224, 224, 3), its shape kept, on white."""
    from PIL import Image

    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    whole = Image.new("RGB", (SIDE, SIDE), "white")
    whole.paste(image, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(whole)

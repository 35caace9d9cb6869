"""What QR codes say, read by OpenCV, which comes with RapidOCR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_CHARACTERS = 4_296  # that a QR code can hold: ISO/IEC 18004, table 1


def read_code(pixels: NDArray[np.uint8]) -> str | None:
    """The content of a QR code in a picture (height, width, 3) uint8 RGB; None if there is none that can be read."""
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    try:
        content, corners, _ = cv2.QRCodeDetector().detectAndDecode(grey)
    except cv2.error:
        return None
    if corners is None or not content:
        return None
    printable = "".join(c if c.isprintable() else " " for c in content.encode("utf-8", "replace").decode())
    return " ".join(printable.split())[:MAX_CHARACTERS] or None

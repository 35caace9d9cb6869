"""How pixels are read, by name."""

from __future__ import annotations

from typing import Literal, get_args

from pagesight.storage.errors import ConfigError

OcrMode = Literal["auto", "off", "tesseract"]
OCR_MODES: tuple[OcrMode, ...] = get_args(OcrMode)


def check_ocr(mode: str) -> None:
    """Raise ConfigError for a mode that there is not."""
    if mode not in OCR_MODES:
        raise ConfigError(f"ocr must be one of {', '.join(OCR_MODES)}, not {mode!r}")

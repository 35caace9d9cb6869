"""The stages of answering, and the one hook by which whoever wants to know is told how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STAGES = ("encode", "recall", "rerank", "confidence", "second opinion", "describe")
OnStage = Callable[[str, float], None]  # (stage, seconds), at the end of each


@contextmanager
def stage(name: str, on_stage: OnStage | None) -> Iterator[None]:
    """Time what is done inside."""
    began = time.perf_counter()
    yield
    if on_stage is not None:
        on_stage(name, time.perf_counter() - began)

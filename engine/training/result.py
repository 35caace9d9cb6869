"""What a training run gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StageResult:
    """steps: that were done. scores: of held-out examples with the weights that were kept, None without an evaluation."""

    stage: str
    steps: int
    kept_step: int
    scores: Mapping[str, float] | None
    loss: float | None


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """folder: the model. finished: False if the run was stopped, and can go on from ``checkpoint``, None between two stages."""

    folder: Path
    stages: tuple[StageResult, ...]
    finished: bool
    checkpoint: Path | None = None

"""Whether a folder holds a checkpoint that can be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pagesight.engine.models.table import spec_of_folder

TOLERANCE = 1e-4  # of an output in float32


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest absolute difference between an output and what is expected, by way of computing it."""

    output: str
    by_way: Mapping[str, float]

    @property
    def largest(self) -> float:
        return max(self.by_way.values())


@dataclass(frozen=True, slots=True)
class Report:
    """What was found to be right, and what differs. kind: the model that the folder holds."""

    kind: str
    n_tensors: int
    differences: list[Difference]


def verify_folder(folder: Path, device: str = "cpu") -> Report:
    """Check names and shapes of all tensors, and expected outputs if there are any.

    Raises BadCheckpoint, WeightsMissing, ExtraMissing.
    """
    spec = spec_of_folder(folder)
    spec.require_extra(spec.name)
    module, function = spec.verifier.split(":")
    verify: Callable[[Path, str], Report] = getattr(import_module(module), function)
    return verify(folder, device)

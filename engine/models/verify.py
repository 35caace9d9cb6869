"""Whether a folder holds a checkpoint that can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pagesight.engine.models.files.safetensor_files import read_headers, weight_files
from pagesight.engine.models.folder import kind_of, read_config
from pagesight.storage.errors import WeightsMissing

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
    config = read_config(folder)
    kind = kind_of(config)
    n_tensors = len(read_headers(weight_files(folder)))
    if kind == "jina-embeddings-v4":
        from pagesight.engine.models.on_torch.runtime import check_device, require_torch

        require_torch(kind)
        check_device(device)
        from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
        from pagesight.engine.models.jina_v4.verify import verify

        n_tensors += len(read_headers([Checkpoint.open(folder).adapter_file]))
        return Report(kind, n_tensors, verify(folder, device))
    if kind == "multilingual-e5-small":
        from pagesight.engine.models.words.bert_graph import build_graph
        from pagesight.engine.models.words.weights import SafetensorsWeights

        build_graph(SafetensorsWeights(folder))  # which asks for every tensor it needs
        return Report(kind, n_tensors, [])
    if kind:
        from pagesight.engine.config import ModelConfig
        from pagesight.engine.models.folder import load_folder

        load_folder(folder, ModelConfig(device=device))  # which accepts no tensor more or less
        return Report(kind, n_tensors, [])
    raise WeightsMissing(f"{folder} holds a model of type {config.get('model_type')!r} that pagesight cannot run")

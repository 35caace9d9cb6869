"""One adapter added into the weights: a model for one task, without adapters at run time.

The folder keeps the layout of the hub, so that everything that opens one opens this: it names one task, and its adapter has
rank 1 and is zero. Programs that know only the plain Qwen2.5-VL layout read the weights, too.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from pagesight.engine.models.files.safetensor_files import INDEX_FILE
from pagesight.engine.models.jina_v4.checkpoint import Checkpoint, today_name
from pagesight.engine.models.jina_v4.model import expected_shapes, network_config
from pagesight.engine.training.networks import PREFIX
from pagesight.engine.training.saving import (
    ADAPTER_CONFIG,
    ADAPTER_FILE,
    CARD,
    CONFIG,
    SMALL_FILES,
    hub_name,
    save_tensors,
    writing,
)
from pagesight.storage.errors import ConfigError


def merge(folder: Path, task: str, out: Path) -> None:
    """Write the model of ``folder`` with the adapter of a task merged to ``out``, which must not be there yet.

    One file of weights is in memory at a time. Sums are made in float32 and rounded to the dtype of the weights. ``out``
    gets its name when it is complete. Raises BadCheckpoint, WeightsMissing, ConfigError, DiskFull.
    """
    base = Checkpoint.open(folder)
    base.check(expected_shapes(network_config(base)))
    if task not in base.settings.tasks:
        raise ConfigError(f"{folder} has no task {task!r}; its tasks are {', '.join(base.settings.tasks)}")
    if out.exists():
        raise ConfigError(f"{out} is there already; name a folder that is not")
    building = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with writing(out):
            building.mkdir(parents=True)
            _write(building, base, task)
            os.rename(building, out)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write(folder: Path, base: Checkpoint, task: str) -> None:
    adapter, scale = base.read_adapters()[task], base.adapter_settings.scale
    for path in base.weight_files:
        tensors = {}
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                tensors[name] = merged(file.get_tensor(name), today_name(name).removesuffix(".weight"), adapter, scale)
        save_tensors(folder / path.name, tensors)
    for path in sorted({path for pattern in (*SMALL_FILES, INDEX_FILE) for path in base.folder.glob(pattern)}):
        if path.is_file() and path.name not in (CONFIG, CARD):
            shutil.copyfile(path, folder / path.name)
    zero = {
        name: tensor.new_zeros((1, tensor.shape[1]) if ".lora_A." in name else (tensor.shape[0], 1))
        for name, tensor in adapter.items()
    }
    save_tensors(folder / "adapters" / ADAPTER_FILE, {hub_name(name, task): tensor for name, tensor in zero.items()})
    config = json.loads((base.folder / "adapters" / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    _write_json(folder / "adapters" / ADAPTER_CONFIG, {**config, "r": 1, "lora_alpha": 1})
    _write_json(folder / CONFIG, {**base.config, "task_names": [task]})


def merged(weight: Tensor, module: str, adapter: Mapping[str, Tensor], scale: float) -> Tensor:
    """W + scale B A (Hu et al. 2021, arXiv:2106.09685), (out, in), in the dtype of W; W itself if the module has no adapter."""
    a, b = (adapter.get(f"{PREFIX}{module}.lora_{side}.weight") for side in "AB")
    if a is None or b is None or weight.ndim != 2:
        return weight
    return (weight.float() + scale * torch.matmul(b.float(), a.float())).to(weight.dtype)


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")

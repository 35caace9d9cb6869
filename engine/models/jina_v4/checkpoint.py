"""The files of a jina-embeddings-v4 checkpoint: what they say, and whether all tensors are there.

    config.json                             sizes, token ids, tasks, Matryoshka dimensions
    model.safetensors, or several with an index   the base model under the names of transformers < 5
    adapters/adapter_config.json            rank, scale, which layers
    adapters/adapter_model.safetensors      the adapters of all tasks in one file

Every size is read from these files. Names of the base model are mapped to those of today's transformers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pagesight.engine.models.files.safetensor_files import TensorInfo, read_headers, weight_files
from pagesight.engine.models.table import MODELS
from pagesight.storage.errors import BadCheckpoint, WeightsMissing

if TYPE_CHECKING:
    import torch

NAME = "jina-embeddings-v4"
TASKS = ("retrieval", "text-matching", "code")  # of a config.json that names none
MATRYOSHKA_DIMS = (128, 256, 512, 1024, 2048)  # likewise
PROJECTOR_DIM = 128  # likewise: the reference's default
PROJECTOR = "multi_vector_projector"
BASE_NAMES = {  # transformers < 5 had the two towers side by side; the patterns also fit names of today
    r"^visual\.": "model.visual.",
    r"^model\.(?!language_model\.|visual\.)": "model.language_model.",
}
_ADAPTER_PREFIX = "base_model.model."
_ADAPTER_NAME = re.compile(r"(?P<module>.+)\.(?P<side>lora_[AB])\.(?P<task>[^.]+)\.weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What config.json says beyond the sizes of the network."""

    tasks: tuple[str, ...]
    matryoshka_dims: tuple[int, ...]
    truncate_dim: int | None  # of single vectors where the caller names none
    projector_dim: int
    image_token_id: int
    vision_start_id: int
    vision_end_id: int

    @property
    def usual_task(self) -> str:
        """Of an index, and of what phase 1 of a training starts from; a merged model has one task only."""
        return "retrieval" if "retrieval" in self.tasks else self.tasks[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSettings:
    """What adapter_config.json says. targets, excluded: regular expressions over names of modules."""

    rank: int
    alpha: float
    targets: str
    excluded: str
    rslora: bool

    def adapts(self, module: str) -> bool:
        """Whether the linear layer of this name has an adapter."""
        return bool(re.fullmatch(self.targets, module)) and not re.fullmatch(self.excluded, module)

    @property
    def scale(self) -> float:
        """What the product of an adapter's two matrices is multiplied by."""
        return self.alpha / (math.sqrt(self.rank) if self.rslora else self.rank)


class Checkpoint:
    """A folder whose configuration has been read. The weights are only looked at by ``problems`` and later."""

    def __init__(self, folder: Path, config: dict[str, Any], adapter_config: dict[str, Any]) -> None:
        self.folder, self.config = folder, config
        self.settings = _settings(folder, config)
        self.adapter_settings = _adapter_settings(folder, adapter_config)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Raises WeightsMissing for a file that is not there, BadCheckpoint for a folder of another model."""
        config = _read_json(folder / "config.json")
        if not MODELS[NAME].recognises(config):
            kind = f"config.json describes a model of type {config.get('model_type')!r}"
            raise BadCheckpoint(folder, [f"{kind}, not {NAME} (qwen2_5_vl with a multi_vector_projector_dim)"])
        return cls(folder, config, _read_json(folder / "adapters" / "adapter_config.json"))

    @property
    def weight_files(self) -> list[Path]:
        return weight_files(self.folder)

    @property
    def adapter_file(self) -> Path:
        path = self.folder / "adapters" / "adapter_model.safetensors"
        if not path.is_file():
            raise WeightsMissing(f"{path} is not there: it holds the adapters of {', '.join(self.settings.tasks)}")
        return path

    def is_adapted(self, module: str) -> bool:
        return self.adapter_settings.adapts(module)

    def check(self, expected: Mapping[str, tuple[int, ...]]) -> None:
        """Compare the names and shapes of all tensors with those of the network. Raises BadCheckpoint.

        expected: shapes by today's names, without adapters; see model.expected_shapes.
        """
        base = {today_name(name): info for name, info in read_headers(self.weight_files).items()}
        adapters = read_headers([self.adapter_file])
        problems = [
            *_differences(expected, base, "the base model"),
            *_differences(self._expected_adapters(expected), adapters, "the adapters"),
        ]
        if problems:
            raise BadCheckpoint(self.folder, problems)

    def _expected_adapters(self, expected: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        rank = self.adapter_settings.rank
        for name, shape in expected.items():
            module = name.removesuffix(".weight")
            if module == name or len(shape) != 2 or not self.is_adapted(module):
                continue
            for task in self.settings.tasks:
                shapes[f"{_ADAPTER_PREFIX}{module}.lora_A.{task}.weight"] = (rank, shape[1])
                shapes[f"{_ADAPTER_PREFIX}{module}.lora_B.{task}.weight"] = (shape[0], rank)
        return shapes

    def read_adapters(self) -> dict[str, dict[str, torch.Tensor]]:
        """The adapters by task, under the names that peft expects of a file with one adapter."""
        from safetensors import safe_open

        adapters: dict[str, dict[str, torch.Tensor]] = {task: {} for task in self.settings.tasks}
        with safe_open(self.adapter_file, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                match = _ADAPTER_NAME.fullmatch(name)
                assert match, name  # check() has seen to it
                adapters[match["task"]][f"{match['module']}.{match['side']}.weight"] = file.get_tensor(name)
        return adapters


def today_name(name: str) -> str:
    """A tensor's name in today's transformers, from the name in the file."""
    for pattern, replacement in BASE_NAMES.items():
        name = re.sub(pattern, replacement, name)
    return name


def _differences(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, TensorInfo], what: str) -> Iterable[str]:
    for name in sorted(expected.keys() - found.keys()):
        yield f"{name} {list(expected[name])} is missing in {what}"
    for name in sorted(found.keys() - expected.keys()):
        yield f"{name} in {found[name].file.name} has no place in {what}"
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != found[name].shape:
            yield f"{name} has shape {list(found[name].shape)}, not {list(expected[name])}"


def _settings(folder: Path, config: Mapping[str, Any]) -> Settings:
    try:
        return Settings(
            tasks=tuple(config.get("task_names") or TASKS),
            matryoshka_dims=tuple(config.get("matryoshka_dims") or MATRYOSHKA_DIMS),
            truncate_dim=config.get("truncate_dim"),
            projector_dim=config.get("multi_vector_projector_dim") or PROJECTOR_DIM,
            image_token_id=config["image_token_id"],
            vision_start_id=config["vision_start_token_id"],
            vision_end_id=config["vision_end_token_id"],
        )
    except KeyError as error:
        raise BadCheckpoint(folder, [f"config.json has no {error}"]) from error


def _adapter_settings(folder: Path, config: Mapping[str, Any]) -> AdapterSettings:
    unusual = [
        f"adapter_config.json has {name} = {config[name]!r}, which this model does not have"
        for name, usual in (("bias", "none"), ("use_dora", False), ("rank_pattern", {}), ("alpha_pattern", {}))
        if config.get(name) not in (None, usual)
    ]
    targets, excluded = _pattern(config.get("target_modules")), _pattern(config.get("exclude_modules"))
    if targets is None or not isinstance(config.get("r"), int) or "lora_alpha" not in config:
        unusual.append("adapter_config.json lacks one of r, lora_alpha, target_modules")
    if unusual:
        raise BadCheckpoint(folder, unusual)
    return AdapterSettings(
        rank=config["r"],
        alpha=config["lora_alpha"],
        targets=str(targets),
        excluded=excluded or ".*visual.*",
        rslora=bool(config.get("use_rslora")),
    )


def _pattern(modules: object) -> str | None:
    """peft's two forms: a pattern for the whole name, or a list of ends of names."""
    if isinstance(modules, list):
        return rf"(.*\.)?({'|'.join(map(re.escape, modules))})" if modules else None
    return modules if isinstance(modules, str) and modules else None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsMissing(f"{path} cannot be read: {error.strerror}; it is a part of the checkpoint") from error
    except ValueError as error:
        raise BadCheckpoint(path.parent, [f"{path.name} is not JSON: {error}"]) from error
    if not isinstance(content, dict):
        raise BadCheckpoint(path.parent, [f"{path.name} is not an object"])
    return content

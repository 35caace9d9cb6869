"""What a training run is told: every choice, with its default, from Python or from a TOML file.

    model = "jina-embeddings-v4"        # what to start from, and what is trained at all
    out = "adapted"
    steps = 2000                        # of every stage; a table says otherwise for its own

    [pairs]                             # phase 1: one adapter
    sources = ["pairs.jsonl", {path = "reports", weight = 2.0}]

    [tasks.retrieval]                   # phase 2: copies of it, each trained alone
    sources = ["triplets.jsonl"]
    evaluation = ["held-out.jsonl"]

The tables that are there are the stages that are trained. Where the paper of jina-embeddings-v4 (arXiv:2506.18902) leaves a
choice open, docs/training.md gives the reason of the default here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pagesight.engine.models.jina_v4.checkpoint import TASKS
from pagesight.storage.errors import ConfigError

PAIRS = "pairs"
STAGES = (PAIRS, *TASKS)  # in the order in which they are trained
Start = Literal["checkpoint", "fresh"]
Schedule = Literal["linear", "cosine", "constant"]
Keep = Literal["best", "last"]
Dtype = Literal["auto", "float32", "bfloat16"]
SaveDtype = Literal["checkpoint", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Where examples come from.

    path: of a file or folder, or "hf://owner/name" on the hub. weight: its share of the batches, in proportion to the others';
    None, for all of a stage, is their sizes. layout: "auto" finds it out. split: of a data set that has several. name: in logs and the model card; None is the
    path's last part. licence: for the model card.
    """

    path: str
    weight: float | None = None
    layout: str = "auto"
    split: str = "train"
    name: str | None = None
    licence: str | None = None

    def __post_init__(self) -> None:
        if not self.path:
            raise ConfigError("a source needs a path")
        if self.weight is not None and not self.weight > 0:
            raise ConfigError(f"the weight of the source {self.path} must be positive, not {self.weight}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """How one stage is trained: phase 1 ("pairs"), or a task of phase 2.

    Data: sources; evaluation: held-out examples, of which evaluation_size are asked, and scored with evaluation_metric.
    What trains: an adapter, from the checkpoint's own (start; in pairs that of retrieval) or a fresh one; tasks after pairs always start from its
    result. train_projector: the projector's own matrix too; train_all: all weights and no adapter. Both in pairs only.
    Inputs: max_pixels of a picture, None is the checkpoint's; max_tokens of a text.
    Batches, on each device: text_batch and picture_batch examples, at most n_negatives negatives with each (None: none in pairs, three in
    tasks). cache_chunk: rows that go through the network at once, 0 is all (GradCache, arXiv:2101.06983). gather: the documents of
    all devices are negatives of each other. accumulate: batches a step of the optimizer. checkpointing: activations are computed again.
    Loss: temperature, cosent_temperature; weights of eq. 6: dense, late, divergence of texts, then of pictures; detach_late: only the dense scores
    follow, in the divergence; matryoshka_dims, None is the checkpoint's, and a weight for each, None is 1.
    Optimizer: AdamW. steps of it; warmup is a share of them.
    Run: every so many steps; keep: which weights are the result, keep_checkpoints: how many to resume from are kept.
    """

    sources: tuple[SourceSettings, ...] = ()
    evaluation: tuple[SourceSettings, ...] = ()
    evaluation_size: int = 200
    evaluation_metric: str = "nDCG@10"
    start: Start = "checkpoint"
    train_projector: bool = False
    train_all: bool = False
    max_pixels: int | None = None
    max_tokens: int = 512
    text_batch: int = 32
    picture_batch: int = 32
    n_negatives: int | None = None
    cache_chunk: int = 0
    gather: bool = True
    accumulate: int = 1
    checkpointing: bool = False
    temperature: float = 0.02
    cosent_temperature: float = 0.05
    weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    detach_late: bool = True
    matryoshka_dims: tuple[int, ...] | None = None
    matryoshka_weights: tuple[float, ...] | None = None
    steps: int = 1000
    learning_rate: float = 2e-4
    schedule: Schedule = "linear"
    warmup: float = 0.025
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    log_every: int = 10
    evaluate_every: int = 100
    save_every: int = 100
    keep_checkpoints: int = 2
    keep: Keep = "best"

    def __post_init__(self) -> None:
        positive = (
            "evaluation_size", "max_pixels", "max_tokens", "text_batch", "picture_batch", "accumulate",
            "temperature", "cosent_temperature", "steps", "learning_rate", "log_every", "evaluate_every", "save_every",
            "keep_checkpoints",
        )  # fmt: skip
        for name in positive:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be positive, not {value}")
        for name in ("n_negatives", "cache_chunk", "weight_decay", "max_grad_norm"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ConfigError(f"{name} must not be negative, and is {value}")
        if not 0 <= self.warmup < 1:
            raise ConfigError(f"warmup must be from 0 to below 1, not {self.warmup}")
        if len(self.weights) != 6 or min(self.weights) < 0 or not any(self.weights):
            raise ConfigError(f"weights must be six numbers of 0 or more, not all 0, and are {list(self.weights)}")
        weighted = [source.weight is not None for source in self.sources]
        if any(weighted) and not all(weighted):
            raise ConfigError("give all sources of a stage a weight, or none of them")
        if self.train_all and self.train_projector:
            raise ConfigError("train_all trains the projector too; leave train_projector out")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """A run. model: a folder, or a name of the table of models. out: the folder that becomes a model like it.

    stages: by name ("pairs", "retrieval", "text-matching", "code"), trained in this order. seed: of everything random.
    device: auto, cpu or cuda; which and how many of several, the launcher says (torchrun). dtype: in which the network computes; its
    frozen weights are kept in it, those that train in float32. save_dtype: of trained adapters; "checkpoint" is that of the model's own. report_to: as transformers
    names them, such as "tensorboard". offline: never fetch the model.
    """

    model: str
    out: Path
    stages: Mapping[str, StageSettings]
    seed: int = 0
    device: str = "auto"
    dtype: Dtype = "auto"
    save_dtype: SaveDtype = "checkpoint"
    lora_rank: int | None = None
    lora_alpha: float | None = None
    lora_dropout: float | None = None
    lora_targets: str | None = None
    report_to: tuple[str, ...] = ()
    offline: bool = False

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("nothing is to be trained: give a table [pairs] or [tasks.NAME] with its sources")
        for name in self.stages:
            if name not in STAGES:
                raise ConfigError(unknown(name, STAGES, "stage"))
        for name, stage in self.stages.items():
            if not stage.sources:
                raise ConfigError(f"{name} has no sources to learn from")
            if name != PAIRS and (stage.train_all or stage.train_projector):
                raise ConfigError(
                    f"{name} cannot have train_all or train_projector: the tasks share these weights, and differ by their adapters"
                )
        for name in ("lora_rank", "lora_alpha"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be positive, not {value}")
        try:
            re.compile(self.lora_targets or "")
        except re.error as error:
            raise ConfigError(f"lora_targets is no regular expression: {error}") from error
        if self.lora_dropout is not None and not 0 <= self.lora_dropout < 1:
            raise ConfigError(f"lora_dropout must be from 0 to below 1, not {self.lora_dropout}")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"seed must be from 0 to {2**32 - 1}, not {self.seed}")
        if self.device not in ("auto", "cpu", "cuda"):
            raise ConfigError(f"device must be auto, cpu or cuda, not {self.device!r}; CUDA_VISIBLE_DEVICES says which")
        ordered = {name: self.stages[name] for name in STAGES if name in self.stages}
        object.__setattr__(self, "stages", ordered)


def with_all_stages(settings: TrainingSettings, **values: Any) -> TrainingSettings:
    """The same, with these fields of StageSettings in every stage. Raises ConfigError."""
    return replace(settings, stages={name: replace(stage, **values) for name, stage in settings.stages.items()})


def differences(one: TrainingSettings, other: TrainingSettings) -> list[str]:
    """Dotted names of what differs."""
    names = [
        f.name
        for f in fields(TrainingSettings)
        if f.name != "stages" and getattr(one, f.name) != getattr(other, f.name)
    ]
    for stage in STAGES:
        mine, theirs = one.stages.get(stage), other.stages.get(stage)
        if mine is None or theirs is None:
            names += [full_name(stage)] if mine is not theirs else []
            continue
        names += [
            f"{full_name(stage)}.{f.name}"
            for f in fields(StageSettings)
            if getattr(mine, f.name) != getattr(theirs, f.name)
        ]
    return names


def full_name(stage: str) -> str:
    """Of its table."""
    return stage if stage == PAIRS else f"tasks.{stage}"


def unknown(name: str, known: tuple[str, ...], what: str, where: str = "") -> str:
    """What to say of a name that is none of those known."""
    near = get_close_matches(name, known, 1, cutoff=0.5)
    place = f" in {where}" if where else ""
    return f"there is no {what} {name!r}{place}; " + (
        f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
    )

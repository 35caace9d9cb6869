"""A stage's settings in the words of transformers' Trainer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.training.settings import StageSettings, TrainingSettings
from pagesight.storage.errors import ConfigError

if TYPE_CHECKING:
    from transformers import TrainingArguments


def make_arguments(
    settings: TrainingSettings, stage: StageSettings, folder: Path, *, evaluates: bool
) -> TrainingArguments:
    """What transformers' Trainer is told. Raises ConfigError for a device or a program to report to that is not there."""
    import torch
    from transformers import TrainingArguments
    from transformers.integrations import get_available_reporting_integrations

    here = get_available_reporting_integrations()
    if absent := [name for name in settings.report_to if name not in (*here, "all", "none")]:
        raise ConfigError(f"report_to: {', '.join(absent)} is not installed, or not known to transformers")
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("this torch sees no GPU; leave device out, or set it to 'cpu'")
    args = TrainingArguments(
        output_dir=str(folder),
        max_steps=stage.steps,
        gradient_accumulation_steps=stage.accumulate,
        learning_rate=stage.learning_rate,
        lr_scheduler_type="constant_with_warmup" if stage.schedule == "constant" else stage.schedule,
        warmup_steps=math.ceil(stage.warmup * stage.steps),
        weight_decay=stage.weight_decay,
        max_grad_norm=stage.max_grad_norm,
        logging_steps=stage.log_every,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=stage.evaluate_every,
        save_steps=stage.save_every,
        seed=settings.seed,
        use_cpu=settings.device == "cpu",
        bf16=compute_dtype(settings) == "bfloat16",
        activation_checkpointing=stage.checkpointing,
        report_to=list(settings.report_to) or "none",
        disable_tqdm=True,
        ignore_data_skip=True,  # our steps know where they were
        ddp_find_unused_parameters=stage.train_all,  # a batch of texts leaves the vision tower out
    )
    args.device  # noqa: B018 - sets up the devices, after which their number can be said
    args._n_gpu = min(args.n_gpu, 1)  # several are used by a process each
    return args


def compute_dtype(settings: TrainingSettings) -> str:
    """What the network computes in."""
    from pagesight.engine.models.on_torch.runtime import place

    return place(settings.device).dtype if settings.dtype == "auto" else settings.dtype

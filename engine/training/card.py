"""The model card: what a model was made from, for those who find it later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.training.settings import SourceSettings, TrainingSettings
from pagesight.engine.training.settings_file import as_toml
from pagesight.storage.names import printable

if TYPE_CHECKING:
    from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
    from pagesight.engine.training.networks import Lora
    from pagesight.engine.training.result import StageResult


def model_card(settings: TrainingSettings, base: Checkpoint, lora: Lora, results: Sequence[StageResult]) -> str:
    """Markdown, with the head that model hubs read. Folders of this machine are named by their last part only."""
    settings = _without_folders(settings)
    head = {
        "library_name": "pagesight",
        "base_model": printable(settings.model),
        "pipeline_tag": "visual-document-retrieval",
    }
    lines = ["---", *(f"{name}: {json.dumps(value)}" for name, value in head.items()), "---", ""]
    lines += [
        f"# {printable(settings.out.name)}",
        "",
        f"Trained with pagesight from `{printable(settings.model)}`. The licence of that model holds for this one too.",
        f"Adapters of rank {lora.adapters.rank}, alpha {lora.adapters.alpha:g}, dropout {lora.dropout:g}, of the tasks",
        f"{', '.join(base.settings.tasks)}.",
    ]
    for result in results:
        stage = settings.stages[result.stage]
        what = (
            "all weights"
            if stage.train_all
            else "an adapter for all tasks"
            if result.stage == "pairs"
            else "its adapter"
        )
        lines += ["", f"## {result.stage}", "", f"{what.capitalize()}, {result.steps:,} steps."]
        if result.kept_step != result.steps:
            lines += [f"The weights are those after step {result.kept_step:,}, the best on held-out examples."]
        if result.scores:
            lines += ["", "| held-out examples | |", "|---|---|"]
            lines += [f"| {name} | {value:.4f} |" for name, value in result.scores.items()]
        lines += ["", "| data | weight | licence |", "|---|---|---|"]
        for source in stage.sources:
            weight = "by size" if source.weight is None else f"{source.weight:g}"
            lines.append(f"| {printable(source.name or source.path)} | {weight} | {source.licence or 'not stated'} |")
    lines += ["", "## Settings", "", "```toml", as_toml(settings).rstrip(), "```", ""]
    return "\n".join(lines)


def _without_folders(settings: TrainingSettings) -> TrainingSettings:
    def short(path: str) -> str:
        return Path(path).name if Path(path).is_absolute() else path

    def named(sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        return tuple(replace(source, path=short(source.path)) for source in sources)

    stages = {
        name: replace(stage, sources=named(stage.sources), evaluation=named(stage.evaluation))
        for name, stage in settings.stages.items()
    }
    return replace(settings, model=short(settings.model), out=Path(settings.out.name), stages=stages)

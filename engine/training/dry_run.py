"""What a run would take and what it would see, before it starts: memory, steps, time, and the first batches as a page."""

from __future__ import annotations

import base64
import html
import io
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.models.on_torch.runtime import place
from pagesight.engine.training.arguments import compute_dtype, make_arguments
from pagesight.engine.training.collate import Rows, Step
from pagesight.engine.training.data.examples import Example, Picture, Piece, Text
from pagesight.engine.training.memory import Memory, flops_of, memory_of
from pagesight.engine.training.phases import Run
from pagesight.engine.training.settings import TrainingSettings
from pagesight.engine.training.stage_data import make_collator, make_steps, open_data

if TYPE_CHECKING:
    from pagesight.engine.training.data.pages import OnDrawn

SHOWN_STEPS = 2  # on the page
MEASURED_STEPS = 2  # the first is slower
GPU_FLOPS = 150e12  # bfloat16, of one GPU at half of what an A100's data sheet says: a figure on paper
THUMBNAIL_PX = (220, 300)
LONGEST_TEXT = 400  # characters
STYLE = (
    "body{font:14px sans-serif;margin:2em;max-width:70em}"
    "section{border-top:1px solid #ccc;padding:.6em 0;display:flex;gap:1em;flex-wrap:wrap}"
    "section>div{max-width:22em}.q{font-weight:bold;flex-basis:100%}.n{opacity:.6}small{color:#777}"
    "img{max-width:220px;border:1px solid #ccc}"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one stage. seconds_a_step: measured here where ``measured``, else on paper for one GPU. flops: of a step.

    n_examples: by source. tokens: of a step, padding not counted. sheet: the page with the first batches.
    """

    stage: str
    steps: int
    n_examples: dict[str, int]
    tokens: int
    memory: Memory
    flops: float
    seconds_a_step: float
    measured: bool
    sheet: Path

    @property
    def seconds(self) -> float:
        return self.seconds_a_step * self.steps


def plan(
    settings: TrainingSettings,
    *,
    only: Collection[str] | None = None,
    measure: bool | None = None,
    on_drawn: OnDrawn | None = None,
) -> list[Plan]:
    """One a stage. Nothing is trained; the page is written to ``settings.out``/training.

    measure: make two steps on this machine and throw them away; None does so where the model fits: on a GPU, and on a CPU for
    models below a billion weights. Raises what ``train`` raises before its first step.
    """
    from pagesight.engine.training.saving import writing

    run = Run(settings, only=only)
    plans = []
    for name in run.only:
        stage = settings.stages[name]
        data = open_data(name, stage, on_drawn)
        steps = make_steps(name, stage, data, make_collator(name, stage, run.base), seed=settings.seed)
        first = [steps.make() for _ in range(max(SHOWN_STEPS, MEASURED_STEPS))]
        folder = run.folder / "dry-run"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            sheet = folder / f"{name}.html"
            sheet.write_text(contact_sheet(name, first[:SHOWN_STEPS]), encoding="utf-8")
        memory = memory_of(run.base, stage, run.lora, first[0], dtype=compute_dtype(settings))
        flops = flops_of(run.base, stage, first) / len(first) * stage.accumulate
        here = _worth_measuring(settings, memory) if measure is None else measure
        seconds = _measured(run, name, first) * stage.accumulate if here else flops / GPU_FLOPS
        plans.append(
            Plan(
                stage=name,
                steps=stage.steps,
                n_examples={source.name: len(source) for source in data.training},
                tokens=sum(side.n_tokens for half in first[0].halves for side in (half.queries, half.documents)),
                memory=memory,
                flops=flops,
                seconds_a_step=seconds,
                measured=here,
                sheet=sheet,
            )
        )
    return plans


def _worth_measuring(settings: TrainingSettings, memory: Memory) -> bool:
    return place(settings.device).device != "cpu" or memory.weights < 4e9


def _measured(run: Run, name: str, first: list[Step]) -> float:
    """Seconds of the last of some steps."""
    import tempfile

    from pagesight.engine.training.trainer import JinaTrainer

    stage = run.settings.stages[name]
    with tempfile.TemporaryDirectory(prefix="pagesight-") as folder:
        args = make_arguments(run.settings, stage, Path(folder), evaluates=False)
        trainer = JinaTrainer(
            run.network(name, stage), args, stage=stage, settings=run.base.settings, steps=iter(first)
        )
        trainer.current_gradient_accumulation_steps = 1
        trainer.create_optimizer()
        if stage.checkpointing:
            trainer.model.activation_checkpointing_enable()
        model = trainer.accelerator.prepare_model(trainer.model)  # computes in the dtype of the run
        seconds = 0.0
        for step in first:
            begun = time.perf_counter()
            trainer.training_step(model, step)
            trainer.optimizer.step()
            model.zero_grad()
            seconds = time.perf_counter() - begun
    return seconds


def contact_sheet(name: str, steps: list[Step]) -> str:
    """A page of HTML, alone as it is: queries with their answers and negatives, pictures as they are opened."""
    parts = [
        "<!doctype html><meta charset=utf-8>",
        f"<title>{html.escape(name)}</title>",
        f"<style>{STYLE}</style>",
    ]
    for step in steps:
        for half in step.halves:
            n_tokens = half.documents.n_tokens
            heading = f"step {step.number + 1}: {half.source}, {len(half.examples)} examples"
            parts.append(f"<h2>{html.escape(heading)}</h2><p>{len(half.documents)} documents, {n_tokens:,} tokens</p>")
            parts += [_section(example, half) for example in half.examples]
    return "\n".join(parts)


def _section(example: Example, half: Rows) -> str:
    grade = "" if half.grades is None or example.grade is None else f" <small>grade {example.grade:g}</small>"
    head = f"<div class=q>{_piece(example.query)}{grade} <small>{html.escape(example.where)}</small></div>"
    answers = "".join(f"<div>{_piece(piece)}</div>" for piece in example.positives)
    negatives = "".join(f"<div class=n>not: {_piece(piece)}</div>" for piece in example.negatives)
    return f"<section>{head}{answers}{negatives}</section>"


def _piece(piece: Piece) -> str:
    if isinstance(piece, Text):
        text = piece.text if len(piece.text) <= LONGEST_TEXT else piece.text[:LONGEST_TEXT] + " …"
        return html.escape(text)
    return f'<img src="data:image/jpeg;base64,{_thumbnail(piece)}">'


def _thumbnail(picture: Picture) -> str:
    image = picture.open()
    image.thumbnail(THUMBNAIL_PX)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return base64.b64encode(out.getvalue()).decode("ascii")

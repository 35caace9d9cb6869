"""``pagesight train``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from pagesight.engine.cli.output import count, duration, echo, echo_error, echo_json, error_console, size
from pagesight.storage.names import printable

if TYPE_CHECKING:
    from rich.progress import Progress

    from pagesight.engine.training.data.pages import PageDrawn
    from pagesight.engine.training.settings import TrainingSettings

STOPPED = 130  # as by Ctrl-C
TASKS_PHASE = "tasks"
HALVES = ("text", "pictures")
TERMS = ("dense", "late", "divergence")
PARTS_OF_MEMORY = ("weights", "gradients", "optimizer", "activations", "vectors", "working")
EVAL = "eval_"
PAGES_A_LINE = 100  # drawn


@click.command()
@click.argument("config", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Any setting, as tasks.code.steps=500.")
@click.option("--out", metavar="DIR", help="The folder that becomes the model.")
@click.option("--steps", type=click.IntRange(1), help="Of every stage.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where it is trained.")
@click.option("--phase", metavar="NAME", help="Only pairs, tasks, or one task: retrieval, text-matching, code.")
@click.option("--resume", is_flag=True, help="Go on where the run in the output folder was stopped.")
@click.option("--dry-run", is_flag=True, help="Train nothing: say what it takes, and show the first batches.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON at the end.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def train(
    config: Path,
    changes: tuple[str, ...],
    out: str | None,
    steps: int | None,
    device: str | None,
    phase: str | None,
    resume: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Train jina-embeddings-v4, or a model like it, on your own documents.

    CONFIG is a TOML file: what to start from, where the result goes, and a table for each stage with its sources:
    [pairs] for phase 1, [tasks.retrieval], [tasks.text-matching] and [tasks.code] for phase 2. docs/training.md has all
    settings. The result is a folder for --model. Ctrl-C saves a checkpoint after the step at hand.

    \b
    pagesight train config.toml --dry-run
    pagesight train config.toml
    pagesight train config.toml --resume
    pagesight train config.toml --phase pairs --set pairs.learning_rate=1e-4
    torchrun --nproc-per-node 4 -m pagesight train config.toml
    """
    settings = _settings(config, changes, out=out, steps=steps, device=device)
    only = _stages(phase)
    from pagesight.engine.training.phases import is_first_process, require_extra, train

    require_extra()
    progress = TrainingProgress(quiet=quiet or not is_first_process())
    if dry_run:
        return _dry_run(settings, only, progress, as_json=as_json)
    with progress:
        result = train(settings, resume=resume, only=only, listener=progress, on_drawn=progress.drawn)
    if not is_first_process():
        return 0 if result.finished else STOPPED
    if as_json:
        echo_json(asdict(result))
    elif result.finished:
        for stage in result.stages:
            found = f", {shown_scores(stage.scores)}" if stage.scores else ""
            echo(f"{stage.stage}: {count(stage.steps, 'step')}, kept those of step {stage.kept_step:,}{found}")
        echo(f"the model is in {printable(result.folder)}")
    if not result.finished:
        where = f"saved in {printable(result.checkpoint)}" if result.checkpoint else "before the next stage"
        echo_error(f"stopped, {where}; the same command with --resume goes on from there")
        return STOPPED
    return 0


def _settings(
    config: Path, changes: tuple[str, ...], *, out: str | None, steps: int | None, device: str | None
) -> TrainingSettings:
    """The file's settings with those of the command line."""
    from pagesight.engine.training.settings import with_all_stages
    from pagesight.engine.training.settings_file import parse_change, read_settings

    given: dict[str, Any] = dict(map(parse_change, changes))
    if device is not None:
        given["device"] = device
    if out is not None:
        given["out"] = str(Path(out).absolute())  # the file's own is relative to the file
    settings = read_settings(config, given)
    return settings if steps is None else with_all_stages(settings, steps=steps)


def _stages(phase: str | None) -> tuple[str, ...] | None:
    from pagesight.engine.training.settings import STAGES

    if phase is None:
        return None
    if phase == TASKS_PHASE:
        return STAGES[1:]
    if phase not in STAGES:
        raise click.BadParameter(f"{phase!r} is not {TASKS_PHASE} or one of {', '.join(STAGES)}", param_hint="--phase")
    return (phase,)


def _dry_run(
    settings: TrainingSettings, only: tuple[str, ...] | None, progress: TrainingProgress, *, as_json: bool
) -> int:
    from pagesight.engine.training.dry_run import plan

    for found in plan(settings, only=only, on_drawn=progress.drawn):
        memory = found.memory
        if as_json:
            echo_json({**asdict(found), "seconds": found.seconds, "memory_bytes": memory.device})
            continue
        sources = ", ".join(f"{name} ({count(n, 'example')})" for name, n in found.n_examples.items())
        kept = ", ".join(f"{name} {size(getattr(memory, name))}" for name in PARTS_OF_MEMORY)
        where = "on this machine" if found.measured else "on paper, on one GPU of 150 TFLOP/s"
        echo(f"{found.stage}: {count(found.steps, 'step')} over {sources}")
        echo(f"  {count(found.tokens, 'token')} and {found.flops / 1e12:.3g} TFLOP a step")
        echo(f"  {size(memory.device)} of memory on the device: {kept}")
        echo(f"  about {duration(found.seconds)} {where} ({found.seconds_a_step:.2f} s a step)")
        echo(f"  the first batches: {printable(found.sheet)}")
    return 0


class TrainingProgress:
    """A bar on a terminal, with the last loss and its terms; a line each time they are logged. Everything on stderr."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = error_console()
        self._quiet, self._bar_shown = quiet, not quiet and sys.stderr.isatty()
        self._stage, self._n_steps, self._drawn = "", 0, 0
        self._bar: Progress | None = None

    def drawn(self, done: PageDrawn) -> None:
        """Pages of documents are drawn before the first step."""
        if not self._quiet and (done.n_done == done.n_pages or done.n_done - self._drawn >= PAGES_A_LINE):
            self._drawn = done.n_done
            self._print(f"pages drawn: {done.n_done:,} of {done.n_pages:,}")

    def stage_begins(self, stage: str, n_steps: int, first_step: int) -> None:
        self._stage, self._n_steps = stage, n_steps
        if first_step and not self._quiet:
            self._print(f"{stage}: going on after step {first_step:,}")
        if not self._bar_shown:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TextColumn("time left"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(stage, total=n_steps, completed=first_step, loss="")
        self._bar.start()

    def stepped(self, step: int) -> None:
        if self._bar:
            self._bar.update(self._task, completed=step)

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        if self._quiet:
            return
        head = f"{self._stage} {step:,}/{self._n_steps:,}"
        if "loss" in values:
            self._print(f"{head}  {loss_line(values)}")
            if self._bar:
                self._bar.update(self._task, loss=f"loss {values['loss']:.3f}")
        elif scores := {name.removeprefix(EVAL): value for name, value in values.items() if name.startswith(EVAL)}:
            self._print(f"{head}  held out: {shown_scores(scores)}")

    def stage_ends(self, stage: str) -> None:  # noqa: ARG002 - one at a time
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _print(self, text: str) -> None:
        self._console.print(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stage_ends(self._stage)


def loss_line(values: Mapping[str, float]) -> str:
    """loss 4.02 | text: dense 1.20 late 0.80 divergence 0.10 | pictures: ... | lr 1.9e-04"""
    parts = [f"loss {values['loss']:.3f}"]
    for half in HALVES:
        terms = [f"{term} {values[f'{half}_{term}']:.3f}" for term in TERMS if f"{half}_{term}" in values]
        if terms:
            parts.append(f"{half}: {' '.join(terms)}")
    if "learning_rate" in values:
        parts.append(f"lr {values['learning_rate']:.1e}")
    return " | ".join(parts)


def shown_scores(scores: Mapping[str, float]) -> str:
    """nDCG@10_late 0.812, nDCG@10_dense 0.790"""
    return ", ".join(f"{name} {value:.3f}" for name, value in scores.items())


COMMANDS = [train]

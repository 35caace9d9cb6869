"""A training run: the stages one after the other, each from where the one before left off, and the model folder after each.

OUT/                    the model, as saving.py describes it; there from the end of the first stage on
OUT/training/settings.toml
OUT/training/STAGE/checkpoint-N/      to resume from
OUT/training/STAGE/best.safetensors   the best weights so far
OUT/training/STAGE/result.safetensors what the stage gives; it is over when this is there
OUT/training/STAGE/result.json        steps and scores
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.evaluation.metrics import metric_named
from pagesight.engine.models.files.hub import find
from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
from pagesight.engine.training.arguments import compute_dtype, make_arguments
from pagesight.engine.training.listening import Listener, Silent, callback, stopping
from pagesight.engine.training.result import StageResult, TrainingResult
from pagesight.engine.training.settings import PAIRS, StageSettings, TrainingSettings
from pagesight.storage.errors import ConfigError, ExtraMissing

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pagesight.engine.training.data.pages import OnDrawn
    from pagesight.engine.training.networks import Lora
    from pagesight.engine.training.stage_data import StageData
    from pagesight.engine.training.trainer import JinaTrainer

RESULT_FILE, RECORD_FILE = "result.safetensors", "result.json"
PACKAGES = ("torch", "transformers", "peft", "safetensors", "tokenizers", "accelerate", "pytrec_eval")


def train(
    settings: TrainingSettings,
    *,
    resume: bool = False,
    listener: Listener | None = None,
    on_drawn: OnDrawn | None = None,
    only: Collection[str] | None = None,
    trainer: type[JinaTrainer] | None = None,
) -> TrainingResult:
    """Train a model, stage by stage.

    resume: go on with the run in ``settings.out``. only: names of stages; the others are left as they are. trainer: a subclass of JinaTrainer, with another loss. On SIGINT and
    SIGTERM the step is finished and a checkpoint saved, where this is called on the main thread; a second one ends at once.
    Raises ConfigError, BadTrainingData, ModelError and its kinds, DiskFull; ExtraMissing without what training needs.
    """
    require_extra()
    run = Run(settings, resume=resume, listener=listener, on_drawn=on_drawn, only=only, trainer=trainer)
    return run()


def require_extra() -> None:
    """Raise ExtraMissing unless all that training needs is installed."""
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise ExtraMissing(f"{', '.join(missing)}, which training needs,", "train")


class Run:
    """What stays the same from stage to stage."""

    def __init__(
        self,
        settings: TrainingSettings,
        *,
        resume: bool = False,
        listener: Listener | None = None,
        on_drawn: OnDrawn | None = None,
        only: Collection[str] | None = None,
        trainer: type[JinaTrainer] | None = None,
    ) -> None:
        from pagesight.engine.training.networks import Lora

        self.settings, self.folder = settings, settings.out / "training"
        self._listener, self._on_drawn, self._trainer = listener or Silent(), on_drawn, trainer
        self.base = Checkpoint.open(find(settings.model, offline=settings.offline))
        if settings.out.exists() and settings.out.samefile(self.base.folder):
            raise ConfigError(f"{settings.out} is the model that is trained; name another folder for the result")
        unknown = [name for name in settings.stages if name != PAIRS and name not in self.base.settings.tasks]
        if unknown:
            raise ConfigError(f"{self.base.folder} has no task {', '.join(unknown)}")
        for name, stage in settings.stages.items():
            _check_dims(name, stage, self.base)
            metric_named(stage.evaluation_metric)
        self.lora: Lora = Lora.of(self.base, settings)
        self._resume = resume
        self.only = self._chosen(only)

    def __call__(self) -> TrainingResult:
        from pagesight.engine.training.going_on import check_settings, keep_settings
        from pagesight.engine.training.saving import alone
        from pagesight.engine.training.stage_data import open_data

        data = {
            name: open_data(name, stage, self._on_drawn)
            for name, stage in self.settings.stages.items()
            if name in self.only and read_record(self.folder / name) is None
        }
        check_settings(self.settings, self.folder, resume=self._resume, first=is_first_process())
        with alone(self.folder) if is_first_process() else nullcontext():
            if is_first_process():
                keep_settings(self.settings, self.folder)
            with stopping() as stopped:
                return self._stages(data, stopped)

    def _stages(self, data: Mapping[str, StageData], stopped: Callable[[], bool]) -> TrainingResult:
        from pagesight.engine.training.devices import together

        results: list[StageResult] = []
        for name, stage in self.settings.stages.items():
            done = read_record(self.folder / name)
            if done is None and name not in self.only:
                continue
            if done is None:
                checkpoint = None
                if not together(stopped()):  # it may have been asked for at the end of the stage before
                    done, checkpoint = self._train_stage(name, stage, data[name], stopped)
                if done is None:
                    return TrainingResult(self.settings.out, tuple(results), finished=False, checkpoint=checkpoint)
            results.append(done)
            if is_first_process():
                self._write_model(results)
        return TrainingResult(self.settings.out, tuple(results), finished=True)

    def _chosen(self, only: Collection[str] | None) -> Collection[str]:
        stages = self.settings.stages
        if only is None:
            return stages
        chosen = [name for name in stages if name in only]
        if not chosen:
            raise ConfigError(f"the settings have no table for {', '.join(only)}; they have {', '.join(stages)}")
        if PAIRS in stages and PAIRS not in only and read_record(self.folder / PAIRS) is None:
            raise ConfigError(
                f"{', '.join(chosen)} starts from what pairs gives; train pairs first, or leave its table out"
            )
        return chosen

    def _train_stage(
        self, name: str, stage: StageSettings, data: StageData, stopped: Callable[[], bool]
    ) -> tuple[StageResult | None, Path | None]:
        """The result, or the checkpoint that was saved when the run was stopped."""
        from pagesight.engine.training.evaluating import Evaluation
        from pagesight.engine.training.stage_data import make_collator, make_steps
        from pagesight.engine.training.trainer import JinaTrainer, checkpoints

        folder = self.folder / name
        args = make_arguments(self.settings, stage, folder, evaluates=bool(data.evaluation))
        collator = make_collator(name, stage, self.base)
        steps = make_steps(
            name, stage, data, collator, seed=self.settings.seed, rank=args.process_index, world=args.world_size
        )
        evaluation = None
        if data.evaluation:
            evaluation = Evaluation(
                data.evaluation, collator, metric=stage.evaluation_metric, size=stage.evaluation_size
            )
        trainer = (self._trainer or JinaTrainer)(
            self.network(name, stage),
            args,
            stage=stage,
            settings=self.base.settings,
            steps=steps,
            evaluate=evaluation,
        )
        trainer.add_callback(callback(self._listener, stopped))
        found = checkpoints(folder) if self._resume else []
        self._listener.stage_begins(name, stage.steps, int(found[-1].name.rpartition("-")[2]) if found else 0)
        try:
            trainer.train(resume_from_checkpoint=str(found[-1]) if found else None)
            if trainer.state.global_step < stage.steps:
                return None, next(reversed(checkpoints(folder)), None)
            return self._finish(name, stage, trainer), None
        finally:
            steps.close()
            self._listener.stage_ends(name)

    def network(self, name: str, stage: StageSettings) -> nn.Module:
        """What trains in a stage, as it is before its first step."""
        import torch

        from pagesight.engine.training.networks import build, parts

        weights, adapter = parts(self._result(PAIRS) if name != PAIRS else {})
        if not adapter and stage.start == "checkpoint" and not self._trained_all:
            adapter = self._own_adapters()[name if name != PAIRS else self.base.settings.usual_task]
            if not any(tensor.any() for tensor in adapter.values()):  # a gradient is a product with the other matrix
                raise ConfigError(
                    f"{name}: the model's adapter is zero, as a merged one's, and would stay so; set start = 'fresh'"
                )
        torch.manual_seed(self.settings.seed)
        return build(
            self.base,
            stage,
            self.lora,
            weights=weights,
            adapter=adapter or None,
            dtype=compute_dtype(self.settings),
        )

    def _finish(self, name: str, stage: StageSettings, trainer: JinaTrainer) -> StageResult:
        """Keep the weights that are the result, and drop what was for going on."""
        from pagesight.engine.training import trainer as trainers
        from pagesight.engine.training.networks import trained
        from pagesight.engine.training.saving import save_tensors, writing

        folder = self.folder / name
        trainer.check_weights()
        if trainer.evaluates and trainer.last_evaluated != trainer.state.global_step:
            trainer.evaluate()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        best = folder / trainers.BEST_FILE
        keeps_best = stage.keep == "best" and trainer.best is not None
        scores = trainer.best if keeps_best else trainer.latest
        result = StageResult(
            stage=name,
            steps=trainer.state.global_step,
            kept_step=scores.step if keeps_best and scores else trainer.state.global_step,
            scores=dict(scores.all) if scores else None,
            loss=losses[-1] if losses else None,
        )
        if is_first_process():
            with writing(folder):
                if not keeps_best:
                    save_tensors(folder / RESULT_FILE, trained(trainer.model))
                else:
                    os.replace(best, folder / RESULT_FILE)
                record = folder / f".{RECORD_FILE}"
                record.write_text(json.dumps(asdict(result), indent=2), encoding="utf-8")
                os.replace(record, folder / RECORD_FILE)
            for checkpoint in trainers.checkpoints(folder):
                shutil.rmtree(checkpoint, ignore_errors=True)
        trainer.accelerator.wait_for_everyone()
        return result

    def _write_model(self, results: Sequence[StageResult]) -> None:
        """The folder of the model, with what has been trained so far."""
        import torch

        from pagesight.engine.training.card import model_card
        from pagesight.engine.training.networks import fresh_adapter, parts
        from pagesight.engine.training.saving import as_dtype, write_model

        weights, pairs = parts(self._result(PAIRS))
        own = self._own_adapters()
        some = next(iter(next(iter(own.values())).values()))
        chosen = self.settings.save_dtype
        dtype = some.dtype if chosen == "checkpoint" else getattr(torch, chosen)
        adapters = {}
        for task in self.base.settings.tasks:
            trained = self._result(task) or pairs
            if trained:
                adapters[task] = as_dtype(trained, dtype)
            elif self._trained_all or self.lora.changed:
                adapters[task] = as_dtype(fresh_adapter(self.base, self.lora, self.settings.seed), dtype)
            else:
                adapters[task] = own[task]
        card = model_card(self.settings, self.base, self.lora, results)
        write_model(self.settings.out, self.base, self.lora, adapters=adapters, weights=weights, card=card)

    @property
    def _trained_all(self) -> bool:
        """Whether the weights are others than those that the checkpoint's adapters were made for."""
        return PAIRS in self.settings.stages and self.settings.stages[PAIRS].train_all

    def _own_adapters(self) -> dict[str, dict[str, Tensor]]:
        return self.base.read_adapters()

    def _result(self, name: str) -> dict[str, Tensor]:
        from safetensors.torch import load_file

        path = self.folder / name / RESULT_FILE
        return dict(load_file(path)) if name in self.settings.stages and path.exists() else {}


def _check_dims(name: str, stage: StageSettings, base: Checkpoint) -> None:
    """Raise ConfigError for Matryoshka dimensions that single vectors do not have, or weights of another number."""
    hidden = base.config["text_config"]["hidden_size"] if "text_config" in base.config else base.config["hidden_size"]
    dims = stage.matryoshka_dims or base.settings.matryoshka_dims
    if stage.matryoshka_dims and not all(1 <= dim <= hidden for dim in dims):
        raise ConfigError(f"{name}: matryoshka_dims must be from 1 to {hidden}, and are {list(dims)}")
    weights = stage.matryoshka_weights
    if weights is not None and len(weights) != len(dims):
        raise ConfigError(f"{name}: there are {len(weights)} matryoshka_weights for {list(dims)}")
    if weights is not None and not (all(weight >= 0 for weight in weights) and any(weights)):
        raise ConfigError(f"{name}: matryoshka_weights must be 0 or more, not all 0, and are {list(weights)}")


def read_record(folder: Path) -> StageResult | None:
    """What a stage gave, if it is over."""
    try:
        return StageResult(**json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_first_process() -> bool:
    """Of those that a launcher such as torchrun has started; it writes the files."""
    return int(os.environ.get("RANK", "0")) == 0

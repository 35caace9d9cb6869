"""The trainer of a stage: transformers' Trainer with our step, our evaluation and checkpoints that are whole.

A step's loss is made in three methods that can be overridden one by one: ``encode`` turns a batch of rows into vectors,
``loss_of_vectors`` the vectors of a step into the loss, ``training_step`` puts both together, by GradCache or at once.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from pagesight.engine.models.jina_v4.checkpoint import Settings
from pagesight.engine.models.jina_v4.model import Batch, mean_vectors, network_inputs, pooling_mask
from pagesight.engine.training.cached import cached_backward
from pagesight.engine.training.collate import Rows, Side, Step, Steps
from pagesight.engine.training.devices import gathered, gathered_ragged, together
from pagesight.engine.training.late import Ragged, late_pairs
from pagesight.engine.training.losses import Terms, cosent, joint_loss, joint_terms, matryoshka
from pagesight.engine.training.networks import place_trained, trained, unadapted
from pagesight.engine.training.saving import link_or_copy, save_tensors, writing
from pagesight.engine.training.settings import StageSettings
from pagesight.storage.errors import ConfigError

WEIGHTS_FILE = "trained.safetensors"
BEST_FILE, BEST_SCORE_FILE = "best.safetensors", "best.json"
STEPS_FILE = "steps.json"
STATE_FILE = "trainer_state.json"
TERMS = ("dense", "late", "divergence")
Evaluate = Callable[[Callable[[Batch], "Encoded"]], "Scores"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Of an evaluation. main: what the best is chosen by, higher is better. all: by name. step: after which."""

    main: float
    all: Mapping[str, float]
    step: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """single: (n, hidden) float32, unit rows. multi: token vectors of the same rows, unit rows."""

    single: Tensor
    multi: Ragged

    @classmethod
    def cat(cls, parts: Sequence[Encoded]) -> Encoded:
        return cls(torch.cat([part.single for part in parts]), Ragged.cat([part.multi for part in parts]))


@dataclass(frozen=True, slots=True, eq=False)
class EncodedRows:
    """The vectors of a batch from one source."""

    rows: Rows
    queries: Encoded
    documents: Encoded


class JinaTrainer(Trainer):  # type: ignore[misc]  # of an untyped library
    """Trains what of ``model`` requires a gradient. Everything that a step needs to know is in ``stage``."""

    def __init__(
        self,
        model: nn.Module,
        args: TrainingArguments,
        *,
        stage: StageSettings,
        settings: Settings,
        steps: Iterator[Step],
        evaluate: Evaluate | None = None,
    ) -> None:
        """settings: token ids and Matryoshka dimensions of the checkpoint. steps: what is trained on."""
        self.stage, self.checkpoint_settings, self.steps = stage, settings, steps
        self._evaluate_vectors = evaluate
        self._terms: dict[str, list[float]] = defaultdict(list)  # since they were last logged
        self.best: Scores | None = None
        self.latest: Scores | None = None
        super().__init__(model=model, args=args, eval_dataset=[] if evaluate else None)
        self.remove_callback(PrinterCallback)  # who shows progress is another's to say
        hidden: int = unadapted(model).config.text_config.hidden_size
        dims = stage.matryoshka_dims or settings.matryoshka_dims
        self._dims: list[int] = sorted({*(dim for dim in dims if dim <= hidden), hidden})

    # A step

    def encode(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """single (n, hidden), token vectors (n_tokens, dim), their number a row (n,): of one pass through the network."""
        batch = self._on_device(batch)
        hidden, projected = model(**network_inputs(batch, self.checkpoint_settings))
        settings = self.checkpoint_settings
        pooled = pooling_mask(batch, settings.vision_start_id, settings.vision_end_id)
        real = batch.attention_mask.bool()
        multi = nn.functional.normalize(projected[real].float(), dim=-1)
        return mean_vectors(hidden, pooled), multi, real.sum(dim=1)

    def loss_of_vectors(self, halves: Sequence[EncodedRows]) -> Tensor:
        """The loss of a step, (): L_joint (eq. 6), CoSENT in the place of InfoNCE for graded pairs."""
        terms: dict[str, Terms] = {}
        for half in halves:
            name = "pictures" if half.rows.pictures else "text"
            graded = half.rows.grades is not None
            terms[name] = self.graded_terms(half) if graded else self.pair_terms(half)
            self._note(name, terms[name])
        return joint_loss(terms.get("text"), terms.get("pictures"), self.stage.weights)

    def pair_terms(self, half: EncodedRows) -> Terms:
        """InfoNCE of both kinds of vectors, with the negatives of all devices, and the divergence."""
        n, stage = len(half.rows.queries), self.stage
        queries, documents = half.queries, half.documents
        if self._gathers:
            # Positives of all devices before all negatives, so that query i's is document i.
            positives, negatives = _split(documents, n)
            queries, documents = gather(queries), gather(positives)
            if together(negatives is not None):
                rest = gather_some(negatives, like=positives)
                documents = Encoded.cat([documents, rest])
            n = len(queries.single)
        return joint_terms(
            queries.single,
            documents.single,
            queries.multi,
            documents.multi,
            torch.arange(n, device=queries.single.device),
            matryoshka_dims=self._dims,
            matryoshka_weights=self._matryoshka_weights,
            temperature=stage.temperature,
            detach_late=stage.detach_late,
        )

    def graded_terms(self, half: EncodedRows) -> Terms:
        """CoSENT of both kinds of vectors: of the scores of pairs, so there is no divergence of distributions."""
        assert half.rows.grades is not None
        queries, documents = half.queries, half.documents
        grades = half.rows.grades.to(queries.single.device)
        if self._gathers:
            queries, documents, grades = gather(queries), gather(documents), gathered(grades)
        scale = self.stage.cosent_temperature
        dense = matryoshka(
            lambda a, b: cosent((a * b).sum(dim=1), grades, temperature=scale),
            queries.single,
            documents.single,
            self._dims,
            self._matryoshka_weights,
        )
        late = cosent(late_pairs(queries.multi, documents.multi), grades, temperature=scale)
        return Terms(dense, late, torch.zeros_like(dense))

    def training_step(self, model: nn.Module, inputs: Step, num_items_in_batch: Any = None) -> Tensor:  # noqa: ARG002
        """The gradient of one batch, added to what is there; its share of the loss of the optimizer's step, (), detached."""
        set_training(model, everything=self.stage.train_all)
        chunks = [chunk for half in inputs.halves for side in (half.queries, half.documents) for chunk in side.chunks]
        # Averaging over devices divides by their number what each computes for its own vectors of the one loss of all.
        n_batches: int = self.current_gradient_accumulation_steps  # of the optimizer's step
        scale = (self.args.world_size if self._gathers else 1) / n_batches
        if self.stage.cache_chunk:
            loss = cached_backward(
                functools.partial(self.encode, model),
                chunks,
                lambda vectors: self.loss_of_vectors(_halves(inputs, vectors)),
                scale=scale,
                backward=self.accelerator.backward,
                no_sync=lambda: self._no_sync(model),
            )
        else:
            loss = self.loss_of_vectors(_halves(inputs, [self.encode(model, chunk) for chunk in chunks]))
            self.accelerator.backward(loss * scale)
        if not loss.isfinite():
            raise self._no_number("loss is")
        return loss.detach() / n_batches  # transformers adds them up

    def check_weights(self) -> None:
        """Raise ConfigError if the last step left some that are no numbers: no loss comes after it to tell."""
        if not all(tensor.isfinite().all() for tensor in trained(self.model).values()):
            raise self._no_number("weights are")

    def _run_epoch(self, **given: Any) -> None:
        """transformers would make one more step of a run that goes on from the checkpoint of its last one."""
        if self.state.global_step < self.args.max_steps:
            super()._run_epoch(**given)
        else:
            self.control.should_training_stop = True

    def encoded(self, batch: Batch) -> Encoded:
        """Vectors without a gradient, as the model is now; for evaluations."""
        self.model.eval()
        with torch.no_grad():
            single, multi, lengths = self.encode(self.model, batch)
        return Encoded(single, Ragged(multi, lengths))

    # What transformers asks for

    def get_train_dataloader(self) -> Iterator[Step]:
        return self.steps

    def get_batch_samples(self, epoch_iterator: Iterator[Step], num_batches: int, device: Any) -> Any:  # noqa: ARG002
        return [next(epoch_iterator) for _ in range(num_batches)], None

    def floating_point_ops(self, inputs: Step) -> int:  # noqa: ARG002 - counted in memory.py, beforehand
        return 0

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """With the mean of each term since the last time."""
        if "loss" in logs:
            logs |= {name: sum(values) / len(values) for name, values in self._terms.items()}
            self._terms.clear()
        logs.pop("total_flos", None)
        super().log(logs, start_time)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Scores of held-out examples; the weights are kept if they are the best so far."""
        assert self._evaluate_vectors is not None
        self.latest = scores = replace(self._evaluate_vectors(self.encoded), step=self.state.global_step)
        if self.best is None or scores.main > self.best.main:
            self.best = scores
            if self.args.should_save:
                self._keep_best(scores)
        metrics = {f"eval_{name}": value for name, value in scores.all.items()}
        self.log(metrics)
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    @property
    def evaluates(self) -> bool:
        return self._evaluate_vectors is not None

    @property
    def last_evaluated(self) -> int | None:
        """After which step; None if there was no evaluation in this process."""
        return self.latest.step if self.latest else None

    # Checkpoints: a folder gets its name when everything is in it

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:  # noqa: ARG002 - transformers' signature
        run = Path(self.args.output_dir)
        folder = run / f"checkpoint-{self.state.global_step}"
        building = run / f".{folder.name}"
        with writing(run):
            if self.args.should_save:
                shutil.rmtree(building, ignore_errors=True)
                building.mkdir(parents=True)
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                save_tensors(building / WEIGHTS_FILE, trained(self.model))
                if isinstance(self.steps, Steps):
                    (building / STEPS_FILE).write_text(json.dumps(self.steps.state_dict()), encoding="utf-8")
                for name in (BEST_FILE, BEST_SCORE_FILE):
                    if (run / name).exists():
                        link_or_copy(run / name, building / name)
            self._save_optimizer_and_scheduler(str(building))
            self._save_scaler(str(building))
            self._save_rng_state(str(building))
            if self.args.should_save:
                self.state.save_to_json(str(building / STATE_FILE))
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                shutil.rmtree(folder, ignore_errors=True)  # of a run that was resumed from an earlier one
                building.rename(folder)
                for old in checkpoints(run)[: -self.stage.keep_checkpoints]:
                    shutil.rmtree(old, ignore_errors=True)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        folder, run = Path(resume_from_checkpoint), Path(self.args.output_dir)
        place_trained(model or self.model, load_file(folder / WEIGHTS_FILE))
        if isinstance(self.steps, Steps):
            self.steps.load_state_dict(json.loads((folder / STEPS_FILE).read_text(encoding="utf-8")))
        if self.args.should_save:  # the best up to there
            for name in (BEST_FILE, BEST_SCORE_FILE):
                (run / name).unlink(missing_ok=True)
                if (folder / name).exists():
                    link_or_copy(folder / name, run / name)
        if (folder / BEST_SCORE_FILE).exists():
            self.best = read_best(folder)

    def _keep_best(self, scores: Scores) -> None:
        run = Path(self.args.output_dir)
        with writing(run):
            save_tensors(run / f".{BEST_FILE}", trained(self.model))
            record = {"main": scores.main, "all": dict(scores.all), "step": scores.step}
            (run / f".{BEST_SCORE_FILE}").write_text(json.dumps(record), encoding="utf-8")
            os.replace(run / f".{BEST_FILE}", run / BEST_FILE)
            os.replace(run / f".{BEST_SCORE_FILE}", run / BEST_SCORE_FILE)

    # Small things

    @property
    def _gathers(self) -> bool:
        return self.stage.gather and self.args.world_size > 1

    @property
    def _matryoshka_weights(self) -> list[float] | None:
        """In the order of the dimensions; 1 for the full width if it was not named."""
        if self.stage.matryoshka_weights is None:
            return None
        dims = self.stage.matryoshka_dims or self.checkpoint_settings.matryoshka_dims
        by_dim = dict(zip(dims, self.stage.matryoshka_weights, strict=True))
        return [by_dim.get(dim, 1.0) for dim in self._dims]

    def _no_number(self, what: str) -> ConfigError:
        return ConfigError(f"the {what} no number after step {self.state.global_step}; lower learning_rate")

    def _on_device(self, batch: Batch) -> Batch:
        device = self.args.device
        pixels, grid = batch.pixel_values, batch.image_grid_thw
        return Batch(
            batch.input_ids.to(device),
            batch.attention_mask.to(device),
            None if pixels is None else pixels.to(device),
            None if grid is None else grid.to(device),
        )

    def _no_sync(self, model: nn.Module) -> AbstractContextManager[object]:
        if self.args.world_size == 1:
            return nullcontext()
        context: AbstractContextManager[object] = self.accelerator.no_sync(model)
        return context

    def _note(self, name: str, terms: Terms) -> None:
        for term in TERMS:
            self._terms[f"{name}_{term}"].append(float(getattr(terms, term).detach()))


def set_training(model: nn.Module, *, everything: bool) -> None:
    """Dropout on; the vision tower as at inference unless it trains too."""
    model.train()
    if not everything:
        unadapted(getattr(model, "module", model)).model.visual.eval()


def gather(encoded: Encoded) -> Encoded:
    """Those of all devices, in their order; a gradient flows to one's own."""
    return Encoded(gathered(encoded.single), gathered_ragged(encoded.multi))


def gather_some(encoded: Encoded | None, *, like: Encoded) -> Encoded:
    """The same where some devices have none."""
    if encoded is None:
        empty = like.multi.lengths[:0]
        encoded = Encoded(like.single[:0], Ragged(like.multi.vectors[:0], empty))
    return gather(encoded)


def checkpoints(run: Path) -> list[Path]:
    """The whole ones of a stage, oldest first."""
    found = [path for path in run.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def read_best(folder: Path) -> Scores:
    record = json.loads((folder / BEST_SCORE_FILE).read_text(encoding="utf-8"))
    return Scores(**record)


def _split(documents: Encoded, n: int) -> tuple[Encoded, Encoded | None]:
    """Positives, and negatives if there are any."""
    if len(documents.single) == n:
        return documents, None
    lengths = documents.multi.lengths
    n_tokens = int(lengths[:n].sum())
    vectors = documents.multi.vectors
    return (
        Encoded(documents.single[:n], Ragged(vectors[:n_tokens], lengths[:n])),
        Encoded(documents.single[n:], Ragged(vectors[n_tokens:], lengths[n:])),
    )


def _halves(step: Step, vectors: Sequence[tuple[Tensor, ...]]) -> list[EncodedRows]:
    """Put the vectors of the chunks of a step back to where they belong."""
    at = iter(vectors)

    def side(chunks: Side) -> Encoded:
        parts = [next(at) for _ in chunks.chunks]
        return Encoded.cat([Encoded(single, Ragged(multi, lengths)) for single, multi, lengths in parts])

    return [EncodedRows(half, side(half.queries), side(half.documents)) for half in step.halves]

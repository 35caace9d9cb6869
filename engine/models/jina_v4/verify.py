"""A checkpoint against the outputs that are expected of it.

``expected.safetensors`` in the folder of a checkpoint holds inputs and what a trusted implementation returned for them:

    in.ids, in.am       (n, length) token ids and attention mask of texts, padded on the right
    in.iids, in.iam     the same of image prompts
    in.grid, in.pv      (n, 3) image_grid_thw, and the patches of all pictures end to end
    TASK.KIND.WHAT      TASK: a task, or "mixed" for one task a row; KIND: text, image; WHAT: single, multi

Each output is computed in four ways that must all give it: as it is in the file, padded on the left, row by row, and with
the adapter merged into the weights. Always in float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from pagesight.engine.models.files.safetensor_files import read_headers
from pagesight.engine.models.jina_v4.checkpoint import NAME, Checkpoint
from pagesight.engine.models.jina_v4.model import Batch, JinaV4Model
from pagesight.engine.models.on_torch.runtime import check_device
from pagesight.engine.models.verify import Difference, Report
from pagesight.storage.errors import BadCheckpoint

EXPECTED_FILE = "expected.safetensors"
MIXED = "mixed"
MIXED_TASKS = ("retrieval", "code", "text-matching")  # of the rows of a mixed batch, over and over
_INPUTS = {"text": ("in.ids", "in.am"), "image": ("in.iids", "in.iam", "in.pv", "in.grid")}


def verify(folder: Path, device: str = "cpu") -> Report:
    """Check all tensor names and shapes; where there are expected outputs, also those: one Difference each.

    Raises BadCheckpoint, WeightsMissing, ConfigError for a device that is not there.
    """
    check_device(device)
    checkpoint = Checkpoint.open(folder)
    n_tensors = len(read_headers(checkpoint.weight_files)) + len(read_headers([checkpoint.adapter_file]))
    return Report(NAME, n_tensors, _differences(folder, JinaV4Model.load(checkpoint, device=device), device))


def _differences(folder: Path, model: JinaV4Model, device: str) -> list[Difference]:
    if not (folder / EXPECTED_FILE).is_file():
        return []
    read_headers([folder / EXPECTED_FILE])  # says so if it is cut short
    expected = load_file(folder / EXPECTED_FILE, device=device)
    outputs = [_Output(model, name, expected) for name in sorted(expected) if not name.startswith("in.")]
    if not outputs:
        raise BadCheckpoint(folder, [f"{EXPECTED_FILE} has no outputs"])
    differences = {output.name: output.differences() for output in outputs}
    for task in model.settings.tasks:  # last, because merging and unmerging rounds the weights
        model.merge(task)
        for output in outputs:
            if output.tasks == task:
                differences[output.name]["merged"] = output.as_given()
        model.unmerge()
    return [Difference(name, ways) for name, ways in differences.items()]


class _Output:
    """One expected output, and the ways of computing it."""

    def __init__(self, model: JinaV4Model, name: str, expected: Mapping[str, Tensor]) -> None:
        task, kind, self._what = _parse(name, model, expected)
        self.name, self._model, self._wanted = name, model, expected[name]
        self._batch = Batch(*(expected[part] for part in _INPUTS[kind]))
        self.tasks: str | list[str] = task if task != MIXED else list(islice(cycle(MIXED_TASKS), len(self._wanted)))

    def differences(self) -> dict[str, float]:
        left = left_padded(self._batch)
        aligned = self._flat(self._wanted, self._batch)
        rows = split_rows(self._batch)
        tasks = [self.tasks] * len(rows) if isinstance(self.tasks, str) else self.tasks
        singly = [self._run(row, task).flatten(0, -2) for row, task in zip(rows, tasks, strict=True)]
        return {
            "as given": self.as_given(),
            "left padding": _difference(self._flat(self._run(left, self.tasks), left), aligned),
            "row by row": _difference(torch.cat(singly), aligned),
        }

    def as_given(self) -> float:
        return _difference(self._run(self._batch, self.tasks), self._wanted)

    def _run(self, batch: Batch, tasks: str | list[str]) -> Tensor:
        vectors = self._model(batch, tasks)
        return vectors.single if self._what == "single" else vectors.multi

    def _flat(self, rows: Tensor, batch: Batch) -> Tensor:
        """Without padding, which is on another side or missing in some of the ways."""
        return rows if self._what == "single" else rows[batch.attention_mask.bool()]


def _parse(name: str, model: JinaV4Model, expected: Mapping[str, Tensor]) -> tuple[str, str, str]:
    task, _, rest = name.partition(".")
    kind, _, what = rest.partition(".")
    known = kind in _INPUTS and what in ("single", "multi") and task in (*model.settings.tasks, MIXED)
    missing = [part for part in _INPUTS.get(kind, ()) if part not in expected]
    if not known or missing:
        reason = f"needs {', '.join(missing)}" if missing else "is not TASK.KIND.WHAT"
        raise BadCheckpoint(model.folder, [f"{EXPECTED_FILE}: {name} {reason}"])
    return task, kind, what


def left_padded(batch: Batch) -> Batch:
    """The same rows with their padding before them."""
    order = torch.argsort(batch.attention_mask, dim=1, stable=True)
    return Batch(
        batch.input_ids.gather(1, order),
        batch.attention_mask.gather(1, order),
        batch.pixel_values,
        batch.image_grid_thw,
    )


def split_rows(batch: Batch) -> Sequence[Batch]:
    """Batches of one row each, without padding."""
    rows = [
        (ids[mask.bool()][None], mask[mask.bool()][None])
        for ids, mask in zip(batch.input_ids, batch.attention_mask, strict=True)
    ]
    if batch.image_grid_thw is None or batch.pixel_values is None:
        return [Batch(*row) for row in rows]
    pictures = torch.split(batch.pixel_values, batch.image_grid_thw.prod(1).tolist())
    grids = torch.split(batch.image_grid_thw, 1)
    return [Batch(*row, *picture) for row, *picture in zip(rows, pictures, grids, strict=True)]


def _difference(found: Tensor, wanted: Tensor) -> float:
    """Infinity where the shapes differ; NaN counts as infinity too."""
    if found.shape != wanted.shape:
        return float("inf")
    largest = float((found - wanted).abs().max())
    return largest if largest == largest else float("inf")  # noqa: PLR0124 - NaN

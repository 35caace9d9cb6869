"""Embeddings of texts and pictures, with the arguments that users of the published model know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pagesight.engine.models.jina_v4.checkpoint import NAME, Checkpoint
from pagesight.engine.models.jina_v4.inputs import MAX_TEXT_TOKENS, Inputs, Row
from pagesight.engine.models.jina_v4.model import JinaV4Model
from pagesight.engine.models.jina_v4.pictures import Float, open_picture
from pagesight.engine.models.on_torch.batching import Packer
from pagesight.engine.models.on_torch.runtime import Placement, place
from pagesight.storage.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from PIL import Image

Picture: TypeAlias = "Image.Image | str | PathLike[str] | bytes"
Result: TypeAlias = "Tensor | list[Tensor] | NDArray[np.float32] | list[NDArray[np.float32]]"
PICTURES_AT_ONCE = 32  # held in memory
PICTURE_THREADS = 4  # cut patches while the network works on those before


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """single: (dim,) float32 of unit length. multi: (n_tokens, projector_dim) float32, unit rows. On the CPU."""

    single: Tensor
    multi: Tensor


class JinaEmbeddingsV4:
    """A checkpoint, ready to encode."""

    def __init__(self, model: JinaV4Model, inputs: Inputs, *, batch_tokens: int) -> None:
        """batch_tokens: of one forward pass, padding included; halved where memory runs out."""
        self.model, self.inputs = model, inputs
        self.task: str | None = None  # of calls that name none
        self.packer = Packer(batch_tokens)

    @classmethod
    def from_pretrained(
        cls,
        name: str | PathLike[str] = NAME,
        *,
        device: str = "auto",
        dtype: str = "auto",
        batch_tokens: int | None = None,
        offline: bool = False,
    ) -> Self:
        """Load a checkpoint from a folder, or from the hub, where it is fetched unless ``offline``.

        Raises WeightsMissing, BadCheckpoint, HubRefused, ConfigError for a device or dtype that is not there.
        """
        from pagesight.engine.models.files.hub import find

        return cls.load(Checkpoint.open(find(str(name), offline=offline)), place(device, dtype, batch_tokens))

    @classmethod
    def load(cls, checkpoint: Checkpoint, placement: Placement) -> Self:
        """Load a checkpoint to where it is to run."""
        inputs = Inputs.open(checkpoint)
        model = JinaV4Model.load(
            checkpoint, device=placement.device, dtype=placement.dtype, attention=placement.attention
        )
        return cls(model, inputs, batch_tokens=placement.batch_tokens)

    def encode_text(
        self,
        texts: str | Sequence[str],
        task: str | Sequence[str] | None = None,
        max_length: int = MAX_TEXT_TOKENS,
        batch_size: int = 8,
        return_multivector: bool = False,
        return_numpy: bool = False,
        truncate_dim: int | None = None,
        prompt_name: str | None = None,
    ) -> Result:
        """Encode texts: one tensor a text, or one tensor for a text alone.

        task: one for all texts, or one a text. max_length: tokens, beyond which texts are cut with a warning.
        batch_size: texts at once, at most. return_multivector: (n_tokens, projector_dim) instead of (dim,).
        return_numpy: one array (n_texts, dim), or a list of arrays for multi-vectors. truncate_dim: a Matryoshka dimension.
        prompt_name: "query" (default) or "passage".
        Raises ConfigError for a task, prompt or dimension that is not known, BadInput for an empty text.
        """
        if not 1 <= max_length <= MAX_TEXT_TOKENS:
            raise ConfigError(f"max_length must be from 1 to {MAX_TEXT_TOKENS:,}, not {max_length:,}")
        alone = isinstance(texts, str)
        given = [texts] if isinstance(texts, str) else list(texts)
        tasks, dim, prompt = self._tasks(task, len(given)), self.check_dim(truncate_dim), prompt_name or "query"
        rows = []
        for i, (text, one) in enumerate(zip(given, tasks, strict=True)):
            with _naming(i):
                rows.append(self.inputs.text(text, prompt=prompt, task=one, max_tokens=max_length))
        found = self.encode(rows, tasks, dim=dim, batch_size=batch_size)
        return _as_asked(found, alone=alone, multi=return_multivector, arrays=return_numpy)

    def encode_image(
        self,
        images: Picture | Sequence[Picture],
        task: str | Sequence[str] | None = None,
        batch_size: int = 8,
        return_multivector: bool = False,
        return_numpy: bool = False,
        truncate_dim: int | None = None,
        max_pixels: int | None = None,
    ) -> Result:
        """Encode pictures, each a PIL image, the path of a file, or its bytes; nothing is fetched from the net.

        max_pixels: budget of a picture after resizing, for this call. The rest is as for ``encode_text``.
        """
        alone = not isinstance(images, Sequence) or isinstance(images, str | bytes)
        given: list[Picture] = [images] if alone else list(images)  # type: ignore[list-item, arg-type]
        if max_pixels is not None and max_pixels < self.inputs.pictures.min_pixels:
            raise ConfigError(f"max_pixels must be at least {self.inputs.pictures.min_pixels:,}, not {max_pixels:,}")
        tasks, dim = self._tasks(task, len(given)), self.check_dim(truncate_dim)
        found: list[Embedding] = []
        for start in range(0, len(given), PICTURES_AT_ONCE):
            rows = []
            for i, picture in enumerate(given[start : start + PICTURES_AT_ONCE], start):
                with _naming(i):
                    rows.append(self.inputs.picture(open_picture(picture), max_pixels=max_pixels))
            found += self.encode(rows, tasks[start : start + len(rows)], dim=dim, batch_size=batch_size)
        return _as_asked(found, alone=alone, multi=return_multivector, arrays=return_numpy)

    def encode(
        self, rows: Sequence[Row], tasks: Sequence[str], *, dim: int | None = None, batch_size: int | None = None
    ) -> list[Embedding]:
        """Both kinds of vectors of each row, from one forward pass; texts and pictures may be mixed.

        tasks: one a row. dim: of single vectors, see ``check_dim``. Raises DeviceMemory, ConfigError.
        """
        if batch_size is not None and batch_size < 1:
            raise ConfigError(f"batch_size must be positive, not {batch_size}")
        ready: dict[int, Future[Float]] = {}
        with ThreadPoolExecutor(PICTURE_THREADS, thread_name_prefix="patches") as threads:

            def prepare(batch: list[int]) -> None:
                for i in batch:
                    cut_up = rows[i].patches
                    if cut_up is not None and i not in ready:
                        ready[i] = threads.submit(cut_up)

            def forward(batch: list[int]) -> list[Embedding]:
                prepare(batch)
                patches = [ready.pop(i).result() for i in batch if i in ready]
                inputs = self.inputs.batch([rows[i] for i in batch], patches, self.model.device)
                vectors = self.model(inputs, [tasks[i] for i in batch])
                single, multi = cut(vectors.single, dim).cpu(), vectors.multi.cpu()
                return [Embedding(single[at], multi[at, : len(rows[i])].clone()) for at, i in enumerate(batch)]

            lengths = [len(row) for row in rows]
            return self.packer.run(range(len(rows)), lengths, forward, max_rows=batch_size, prepare=prepare)

    def check_dim(self, truncate_dim: int | None) -> int | None:
        """The dimension to cut to, or None. Raises ConfigError unless the model was trained for it."""
        settings = self.model.settings
        dim = truncate_dim or settings.truncate_dim
        if dim is not None and dim not in settings.matryoshka_dims:
            known = ", ".join(map(str, settings.matryoshka_dims))
            raise ConfigError(f"single vectors cannot be cut to {dim} dimensions; the model was trained for {known}")
        return dim

    def _tasks(self, task: str | Sequence[str] | None, n: int) -> list[str]:
        named = task or self.task
        if named is None:
            raise ConfigError(f"name a task: {', '.join(self.model.settings.tasks)}; or set one for all calls as .task")
        tasks = [named] * n if isinstance(named, str) else list(named)
        if len(tasks) != n:
            raise ConfigError(f"{len(tasks)} tasks were given for {n} inputs")
        for one in set(tasks):
            self.model.check_task(one)
        return tasks


def cut(single: Tensor, dim: int | None) -> Tensor:
    """The first ``dim`` values of each vector, scaled to length 1 again (Kusupati et al. 2022, arXiv:2205.13147)."""
    return single if dim is None else torch.nn.functional.normalize(single[:, :dim], dim=-1)


@contextmanager
def _naming(index: int) -> Iterator[None]:
    """Say which of several inputs is bad."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"input {index}: {error}") from error


def _as_asked(found: list[Embedding], *, alone: bool, multi: bool, arrays: bool) -> Result:
    tensors = [one.multi if multi else one.single for one in found]
    if not arrays:
        return tensors[0] if alone else tensors
    if alone:
        return tensors[0].numpy()
    if multi:
        return [tensor.numpy() for tensor in tensors]
    return torch.stack(tensors).numpy() if tensors else np.empty((0, 0), np.float32)

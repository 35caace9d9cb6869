"""The network: Qwen2.5-VL, a projector, and an adapter a task; both kinds of vectors from one forward pass."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel, Qwen2_5_VLPreTrainedModel
from transformers.utils.logging import disable_progress_bar

from pagesight.engine.models.jina_v4.checkpoint import BASE_NAMES, Checkpoint, Settings
from pagesight.engine.models.on_torch.runtime import require_memory
from pagesight.storage.errors import BadCheckpoint, ConfigError


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Inputs of one forward pass, on the device of the model. Padding may stand on either side.

    input_ids, attention_mask: (n, length) int64. Of the pictures in it, in order of rows: pixel_values
    (n_patches, patch_dim) float32 end to end, image_grid_thw (n_pictures, 3) int64; None if there are none.
    """

    input_ids: Tensor
    attention_mask: Tensor
    pixel_values: Tensor | None = None
    image_grid_thw: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """single: (n, hidden) float32, unit rows. multi: (n, length, projector_dim) float32, unit rows, 0 at padding."""

    single: Tensor
    multi: Tensor


class Network(Qwen2_5_VLPreTrainedModel):  # type: ignore[misc]  # of an untyped library
    """Qwen2.5-VL without its output over words, and the projector of multi-vectors."""

    def __init__(self, config: Qwen2_5_VLConfig) -> None:
        super().__init__(config)
        self.model = Qwen2_5_VLModel(config)
        self.multi_vector_projector = nn.Linear(config.text_config.hidden_size, config.multi_vector_projector_dim)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        pixel_values: Tensor | None = None,
        image_grid_thw: Tensor | None = None,
        mm_token_type_ids: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Hidden states after the last norm (n, length, hidden), and the same projected (n, length, projector_dim).

        mm_token_type_ids: 1 at picture tokens. Without them transformers numbers positions in one dimension.
        """
        hidden = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            pixel_values=pixel_values,
            image_grid_thw=image_grid_thw,
            mm_token_type_ids=mm_token_type_ids,
            use_cache=False,
        ).last_hidden_state
        projected: Tensor = self.multi_vector_projector(hidden)
        return hidden, projected


class JinaV4Model:
    """A loaded checkpoint. Calls from several threads take turns."""

    def __init__(self, checkpoint: Checkpoint, network: PeftModel, device: torch.device) -> None:
        self.folder, self.settings, self.device = checkpoint.folder, checkpoint.settings, device
        self.hidden_size: int = network.config.text_config.hidden_size
        self._network = network
        self._merged: str | None = None
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls, checkpoint: Checkpoint, *, device: str = "cpu", dtype: str = "float32", attention: str = "sdpa"
    ) -> Self:
        """Load the weights and all adapters. attention: a name that transformers knows.

        Raises BadCheckpoint unless every tensor of the files has its place and every weight of the network its tensor, and
        DeviceMemory if they do not fit.
        """
        network = load_network(checkpoint, device=device, dtype=dtype, attention=attention)
        return cls(checkpoint, _with_adapters(network, checkpoint), torch.device(device))

    def __call__(self, batch: Batch, tasks: str | Sequence[str]) -> Vectors:
        """Encode a batch for one task, or for one task a row. Raises ConfigError for a task that is not known."""
        names = [tasks] if isinstance(tasks, str) else list(dict.fromkeys(tasks))
        for name in names:
            self.check_task(name)
        with self._lock, torch.inference_mode():
            if self._merged not in (None, *names) or (self._merged and len(names) > 1):
                raise ConfigError(
                    f"the adapter of {self._merged} is merged into the weights: no other task can be used"
                )
            if len(names) == 1:
                if self._network.active_adapter != names[0]:
                    self._network.set_adapter(names[0])
                hidden, projected = self._network(**network_inputs(batch, self.settings))
            else:
                hidden, projected = self._network(**network_inputs(batch, self.settings), adapter_names=list(tasks))
        pooled = pooling_mask(batch, self.settings.vision_start_id, self.settings.vision_end_id)
        return Vectors(mean_vectors(hidden, pooled), token_vectors(projected, batch.attention_mask))

    def check_task(self, task: str) -> None:
        """Raise ConfigError for a task that the checkpoint has no adapter for."""
        if task not in self.settings.tasks:
            raise ConfigError(f"there is no task {task!r}; the tasks are {', '.join(self.settings.tasks)}")

    def merge(self, task: str) -> None:
        """Add the adapter of a task to the weights: faster, and only this task can be used from then on."""
        self.check_task(task)
        with self._lock:
            self._network.set_adapter(task)
            self._network.merge_adapter([task])
            self._merged = task

    def unmerge(self) -> None:
        """Undo ``merge``. The weights come back within rounding, which in bfloat16 is too coarse to go on with."""
        with self._lock:
            self._network.unmerge_adapter()
            self._merged = None

    def compile(self) -> None:
        """Let torch compile the language model, for inputs of any length. Takes a minute at the first batches."""
        self._network.get_base_model().model.language_model.compile(dynamic=True)


def load_network(
    checkpoint: Checkpoint, *, device: str = "cpu", dtype: str = "float32", attention: str = "sdpa"
) -> Network:
    """The base model with its projector and no adapter. Raises as ``JinaV4Model.load``."""
    config = network_config(checkpoint)
    shapes = expected_shapes(config)
    checkpoint.check(shapes)
    require_memory(sum(map(math.prod, shapes.values())), dtype, device)
    disable_progress_bar()  # progress is the command line's to show
    network, loaded = Network.from_pretrained(
        checkpoint.folder,
        config=config,
        dtype=getattr(torch, dtype),
        device_map={"": device} if device != "cpu" else None,
        attn_implementation=attention,
        key_mapping=BASE_NAMES,
        output_loading_info=True,
        local_files_only=True,
    )
    left_out = [f"{kind}: {sorted(map(str, names))}" for kind, names in loaded.items() if names]
    if left_out:
        raise BadCheckpoint(checkpoint.folder, left_out)
    return cast("Network", network)


def network_inputs(batch: Batch, settings: Settings) -> dict[str, Any]:
    """The arguments of ``Network.forward``."""
    pictures = batch.image_grid_thw is not None
    return {
        "input_ids": batch.input_ids,
        "attention_mask": batch.attention_mask,
        "pixel_values": batch.pixel_values,
        "image_grid_thw": batch.image_grid_thw,
        "mm_token_type_ids": (batch.input_ids == settings.image_token_id).int() if pictures else None,
    }


def network_config(checkpoint: Checkpoint) -> Qwen2_5_VLConfig:
    """transformers' configuration of a checkpoint. Raises BadCheckpoint if it finds it contradictory."""
    described = {**checkpoint.config, "multi_vector_projector_dim": checkpoint.settings.projector_dim}
    # The published one asks for flash attention: we choose by what there is.
    described.pop("_attn_implementation", None)
    try:
        config = Qwen2_5_VLConfig.from_dict(described)
    except Exception as error:  # validators of several kinds
        raise BadCheckpoint(checkpoint.folder, [f"config.json: {error}"]) from error
    return config


def expected_shapes(config: Qwen2_5_VLConfig) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights of the network by name, without making them."""
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in Network(config).state_dict().items()}


def _with_adapters(network: Network, checkpoint: Checkpoint) -> PeftModel:
    """The network with an adapter for each task, none of them active yet."""
    settings = checkpoint.adapter_settings
    lora = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        use_rslora=settings.rslora,
        target_modules=settings.targets,
        exclude_modules=settings.excluded,
        inference_mode=True,
    )
    first, *others = checkpoint.settings.tasks
    with warnings.catch_warnings():
        # peft 0.21 asks a property that transformers 5.23 has renamed, and warns of.
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        adapted = get_peft_model(network, lora, adapter_name=first, autocast_adapter_dtype=False)
    for task in others:
        adapted.add_adapter(task, lora, autocast_adapter_dtype=False)
    for task, tensors in checkpoint.read_adapters().items():
        result = set_peft_model_state_dict(adapted, tensors, adapter_name=task)
        lost = [name for name in result.missing_keys if f".{task}." in name] + list(result.unexpected_keys)
        if lost:
            raise BadCheckpoint(checkpoint.folder, [f"peft did not place {name}" for name in lost])
    return adapted.eval()


def pooling_mask(batch: Batch, start_id: int, end_id: int) -> Tensor:
    """Which positions the single vector is the mean of: (n, length) bool.

    Rows with a picture: from its start token to its end token, both included. Other rows: all but padding.
    """
    real = batch.attention_mask.bool()
    starts, ends = real & (batch.input_ids == start_id), real & (batch.input_ids == end_id)
    inside = starts.cumsum(1) - ends.cumsum(1) + ends.int() > 0
    return torch.where(starts.any(dim=1, keepdim=True), inside, real)


def mean_vectors(hidden: Tensor, mask: Tensor) -> Tensor:
    """Means over the masked positions, of unit length: (n, length, hidden) -> (n, hidden) float32."""
    weights = mask.unsqueeze(-1).float()
    return nn.functional.normalize((hidden.float() * weights).sum(dim=1) / weights.sum(dim=1), dim=-1)


def token_vectors(projected: Tensor, attention_mask: Tensor) -> Tensor:
    """Rows of unit length, zeros at padding: (n, length, dim) float32."""
    return nn.functional.normalize(projected.float(), dim=-1) * attention_mask.unsqueeze(-1)

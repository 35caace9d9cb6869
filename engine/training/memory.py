"""How much memory a training step takes, said before it is made.

What autograd keeps is counted on networks of one and of two layers with the real widths, a few tokens long: it grows in
proportion to layers and to tokens. Everything else is arithmetic over sizes.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Qwen2_5_VLConfig

from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
from pagesight.engine.models.jina_v4.model import Batch, Network, expected_shapes, mean_vectors, network_config
from pagesight.engine.training.collate import AHEAD, Step
from pagesight.engine.training.networks import Lora, wrap
from pagesight.engine.training.settings import StageSettings

PROBE_TOKENS = 32
PROBE_VOCABULARY = 64
BLOCK_BYTES = 64 << 20  # of scores at once, as late_scores has it
FLOAT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes. inputs are in the memory of the machine, everything else in that of the device, which on a CPU is the same."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    vectors: int
    working: int
    inputs: int

    @property
    def device(self) -> int:
        """At the peak of a step, which is where the backward pass begins."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.vectors + self.working


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Bytes that autograd keeps: a token, outside of the layers and in each; a patch of a picture, likewise, of the vision tower."""

    token: float
    token_layer: float
    patch: float
    patch_layer: float


def memory_of(checkpoint: Checkpoint, stage: StageSettings, lora: Lora, step: Step, *, dtype: str) -> Memory:
    """Of a step like this one, on one device."""
    config = network_config(checkpoint)
    text, vision = config.text_config, config.vision_config
    kept = kept_bytes(config, stage, lora, dtype)
    n_base = sum(map(math.prod, expected_shapes(config).values()))
    n_trained = n_base if stage.train_all else _adapter_size(config, lora)
    item = FLOAT if stage.train_all else getattr(torch, dtype).itemsize
    compute_item = getattr(torch, dtype).itemsize
    chunks = [chunk for half in step.halves for side in (half.queries, half.documents) for chunk in side.chunks]

    layers = text.num_hidden_layers
    if stage.checkpointing:  # the inputs of all layers, and all of one
        per_token = kept.token + kept.token_layer + layers * text.hidden_size * compute_item
    else:
        per_token = kept.token + layers * kept.token_layer
    per_patch = kept.patch + vision.depth * kept.patch_layer
    masks = (1 if stage.checkpointing else layers) * compute_item  # of attention, a copy a layer
    activations = [
        _padded(chunk) * (per_token + chunk.input_ids.shape[1] * masks) + _patches(chunk) * per_patch
        for chunk in chunks
    ]
    # What a layer makes and gives back at once: its widest outputs and their gradients, of the largest pass.
    widest = max(
        max(_padded(chunk) * text.intermediate_size, _patches(chunk) * vision.intermediate_size) for chunk in chunks
    )
    n_tokens = sum(int(chunk.attention_mask.sum()) for chunk in chunks)
    n_rows = sum(len(chunk.input_ids) for chunk in chunks)
    vectors = FLOAT * (n_rows * text.hidden_size + n_tokens * config.multi_vector_projector_dim)
    return Memory(
        weights=n_base * item + (0 if stage.train_all else n_trained * FLOAT),
        gradients=n_trained * FLOAT,
        optimizer=2 * n_trained * FLOAT,
        activations=round(max(activations) if stage.cache_chunk else sum(activations)),
        vectors=3 * vectors,  # as they came, as leaves, and their gradients
        working=3 * widest * FLOAT + _scoring(step),
        inputs=round((AHEAD + 2) * sum(_nbytes(chunk) for chunk in chunks)),
    )


def kept_bytes(config: Qwen2_5_VLConfig, stage: StageSettings, lora: Lora, dtype: str) -> Kept:
    """Counted on the CPU."""
    one, two = (_probe(config, stage, lora, dtype, layers) for layers in (1, 2))
    return Kept(
        token=2 * one[0] - two[0],  # below zero where the first layer keeps less: frozen embeddings need no gradient
        token_layer=two[0] - one[0],
        patch=2 * one[1] - two[1],
        patch_layer=two[1] - one[1],
    )


def _probe(config: Qwen2_5_VLConfig, stage: StageSettings, lora: Lora, dtype: str, layers: int) -> tuple[float, float]:
    """Bytes kept a token, and a patch, of a network with so many layers."""
    small = copy.deepcopy(config)
    small.text_config.num_hidden_layers, small.vision_config.depth = layers, layers
    small.text_config.layer_types = (small.text_config.layer_types or ["full_attention"])[:1] * layers
    small.text_config.vocab_size = PROBE_VOCABULARY
    small.vision_config.fullatt_block_indexes = list(range(layers))
    stored = torch.float32 if stage.train_all else getattr(torch, dtype)
    network = Network._from_config(small, attn_implementation="sdpa", dtype=stored)
    model = wrap(network, lora) if not stage.train_all else network
    model.train()
    ids = torch.randint(0, 8, (2, PROBE_TOKENS // 2))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
        text = _kept(model, lambda: _vectors(model, Batch(ids, _one_padded(ids))))
        text -= layers * ids.numel() * ids.shape[1] * getattr(torch, dtype).itemsize  # masks, which memory_of adds
        patches = 0.0
        if stage.train_all:
            side = 2 * small.vision_config.spatial_merge_size
            width = 3 * small.vision_config.temporal_patch_size * small.vision_config.patch_size**2
            pixels, grid = torch.randn(side * side, width), torch.tensor([[1, side, side]])
            patches = _kept(network.model.visual, lambda: network.model.visual(pixels, grid)) / side**2
    return text / PROBE_TOKENS, patches


def _kept(model: nn.Module, forward: Any) -> float:
    """Bytes of the tensors that a forward pass leaves for the backward one, each storage once."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    found: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        found[tensor.untyped_storage().data_ptr()] = tensor  # kept alive, so that no address comes twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = forward()
    del result
    return float(sum(t.untyped_storage().nbytes() for address, t in found.items() if address not in own))


def _vectors(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """As a step makes them."""
    hidden, projected = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask)
    real = batch.attention_mask.bool()
    return mean_vectors(hidden, real), nn.functional.normalize(projected[real].float(), dim=-1)


def _one_padded(ids: Tensor) -> Tensor:
    """A mask with a gap, as batches have one: without it another way of attention would be taken."""
    mask = torch.ones_like(ids)
    mask[0, -1] = 0
    return mask


def _adapter_size(config: Qwen2_5_VLConfig, lora: Lora) -> int:
    own = lora.adapters
    return sum(
        own.rank * sum(shape)
        for name, shape in expected_shapes(config).items()
        if name.endswith(".weight") and len(shape) == 2 and own.adapts(name.removesuffix(".weight"))
    )


def _scoring(step: Step) -> int:
    """Late interaction of the larger half: two blocks of products, and which token was best."""
    largest = 0
    for half in step.halves:
        queries, documents = half.queries.n_tokens, half.documents.n_tokens
        largest = max(
            largest, 2 * min(BLOCK_BYTES, queries * documents * FLOAT) + queries * len(half.documents) * 2 * FLOAT
        )
    return largest


def _padded(chunk: Batch) -> int:
    return int(chunk.input_ids.numel())


def _patches(chunk: Batch) -> int:
    return 0 if chunk.pixel_values is None else len(chunk.pixel_values)


def _nbytes(chunk: Batch) -> int:
    pixels = 0 if chunk.pixel_values is None else chunk.pixel_values.nbytes
    return int(chunk.input_ids.nbytes + chunk.attention_mask.nbytes + pixels)


def flops_of(checkpoint: Checkpoint, stage: StageSettings, steps: Sequence[Step]) -> float:
    """Floating-point operations of these steps on paper: 2 a weight and token forward, as many again for each gradient.

    Attention's own products are left out: below 2% at 750 tokens.
    """
    config = network_config(checkpoint)
    sizes = {name: math.prod(shape) for name, shape in expected_shapes(config).items() if len(shape) == 2}
    language = sum(size for name, size in sizes.items() if ".layers." in name)
    vision = sum(size for name, size in sizes.items() if ".visual." in name)
    # Frozen weights: the gradient of activations only; GradCache and checkpointing: one more forward pass.
    passes = (3 if stage.train_all else 2) + bool(stage.cache_chunk) + stage.checkpointing
    seeing = (3 if stage.train_all else 1) + bool(stage.cache_chunk)
    total = 0.0
    for step in steps:
        for half in step.halves:
            for chunk in (*half.queries.chunks, *half.documents.chunks):
                total += 2 * language * _padded(chunk) * passes + 2 * vision * _patches(chunk) * seeing
    return total

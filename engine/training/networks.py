"""The network of a stage: the checkpoint's weights, and the one adapter that trains on them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from torch import Tensor, nn

from pagesight.engine.models.jina_v4.checkpoint import PROJECTOR, AdapterSettings, Checkpoint
from pagesight.engine.models.jina_v4.model import Network, expected_shapes, load_network, network_config
from pagesight.engine.training.settings import PAIRS, StageSettings, TrainingSettings
from pagesight.storage.errors import BadCheckpoint, ConfigError

PREFIX = "base_model.model."  # peft's, before the names of the network


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """The adapters of a run: what the checkpoint says, and what the settings change."""

    adapters: AdapterSettings
    dropout: float
    config: Mapping[str, Any]  # adapter_config.json with these changes
    changed: bool  # adapters of the checkpoint do not fit

    @classmethod
    def of(cls, checkpoint: Checkpoint, settings: TrainingSettings) -> Lora:
        """Raises ConfigError if only some adapters would be as the settings want them."""
        path = checkpoint.folder / "adapters" / "adapter_config.json"
        own = checkpoint.adapter_settings
        adapters = replace(
            own,
            rank=settings.lora_rank or own.rank,
            alpha=settings.lora_alpha or own.alpha,
            targets=settings.lora_targets or own.targets,
        )
        config = json.loads(path.read_text(encoding="utf-8"))
        dropout = float(config.get("lora_dropout") or 0.0) if settings.lora_dropout is None else settings.lora_dropout
        config |= {
            "r": adapters.rank,
            "lora_alpha": adapters.alpha,
            "target_modules": adapters.targets,
            "lora_dropout": dropout,
        }
        changed = adapters != own
        if changed:
            _all_fresh(checkpoint, settings)
        return cls(adapters=adapters, dropout=dropout, config=config, changed=changed)


def _all_fresh(checkpoint: Checkpoint, settings: TrainingSettings) -> None:
    pairs = settings.stages.get(PAIRS)
    if pairs is not None:
        stages = {PAIRS: pairs}
    else:
        stages = dict(settings.stages)
        left = [task for task in checkpoint.settings.tasks if task not in stages]
        if left:
            raise ConfigError(
                f"adapters of another shape than the checkpoint's need all of them to be trained anew; {', '.join(left)} would be left"
            )
    old = [name for name, stage in stages.items() if stage.start != "fresh"]
    if old:
        raise ConfigError(
            f"adapters of another shape cannot start from the checkpoint's; set start = 'fresh' in {', '.join(old)}"
        )


def build(
    checkpoint: Checkpoint,
    stage: StageSettings,
    lora: Lora,
    *,
    weights: Mapping[str, Tensor],
    adapter: Mapping[str, Tensor] | None,
    dtype: str,
) -> nn.Module:
    """What trains in a stage, on the CPU: the network with one adapter, or the network alone with ``train_all``.

    weights: those that an earlier stage has changed, by today's names. adapter: where it starts, by peft's names of a file
    with one adapter; None is a fresh one. dtype: of frozen weights; what trains is float32. Raises BadCheckpoint.
    """
    network = load_network(checkpoint, dtype="float32" if stage.train_all else dtype)
    _place(network, weights, checkpoint)
    if stage.train_all:
        network.requires_grad_()
        return network
    adapted = wrap(network, lora)
    if adapter is not None:
        result = set_peft_model_state_dict(adapted, dict(adapter))
        lost = [name for name in result.missing_keys if ".lora_" in name] + list(result.unexpected_keys)
        if lost:
            raise BadCheckpoint(checkpoint.folder, [f"the adapter has no place for {name}" for name in lost])
    if stage.train_projector:
        for parameter in getattr(network, PROJECTOR).base_layer.parameters():
            parameter.data = parameter.data.float()
            parameter.requires_grad_()
    return adapted


def wrap(network: Network, lora: Lora) -> nn.Module:
    """The network with one fresh adapter, which alone requires a gradient. Raises ConfigError for unfit lora_targets."""
    config = LoraConfig(
        r=lora.adapters.rank,
        lora_alpha=lora.adapters.alpha,
        lora_dropout=lora.dropout,
        use_rslora=lora.adapters.rslora,
        init_lora_weights="gaussian",
        target_modules=lora.adapters.targets,
        exclude_modules=lora.adapters.excluded,
    )
    with warnings.catch_warnings():
        # peft 0.21 asks a property that transformers 5.23 has renamed, and warns of.
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        try:
            adapted: nn.Module = get_peft_model(network, config)
        except ValueError as error:  # no layer has such a name, or one that is no linear layer
            raise ConfigError(f"lora_targets {lora.adapters.targets!r} cannot be used: {error}") from error
    return adapted


def fresh_adapter(checkpoint: Checkpoint, lora: Lora, seed: int) -> dict[str, Tensor]:
    """An adapter that changes nothing yet: A is drawn as peft's "gaussian" does, B is zero."""
    random = torch.Generator().manual_seed(seed)
    own = lora.adapters
    tensors = {}
    for name, shape in expected_shapes(network_config(checkpoint)).items():
        module = name.removesuffix(".weight")
        if module != name and len(shape) == 2 and own.adapts(module):
            tensors[f"{PREFIX}{module}.lora_A.weight"] = torch.randn(own.rank, shape[1], generator=random) / own.rank
            tensors[f"{PREFIX}{module}.lora_B.weight"] = torch.zeros(shape[0], own.rank)
    return tensors


def _place(network: Network, weights: Mapping[str, Tensor], checkpoint: Checkpoint) -> None:
    unexpected = network.load_state_dict(dict(weights), strict=False).unexpected_keys
    if unexpected:
        raise BadCheckpoint(checkpoint.folder, [f"the network has no place for {name}" for name in unexpected])


def trained(model: nn.Module) -> dict[str, Tensor]:
    """The tensors that train, by name: of an adapter as peft calls them in a file with one, others as the network does."""
    return {
        canonical(name): parameter.detach() for name, parameter in model.named_parameters() if parameter.requires_grad
    }


def place_trained(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """The opposite of ``trained``."""
    parameters = {canonical(name): parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert parameters.keys() == tensors.keys()
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])


def canonical(name: str) -> str:
    """base_model.model.X.lora_A.weight, or X.weight of the network itself."""
    if ".lora_" in name:
        return name.replace(".default.", ".")
    return name.removeprefix(PREFIX).replace(".base_layer.", ".")


def parts(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Of what ``trained`` gave: weights of the network, and the adapter."""
    adapter = {name: tensor for name, tensor in tensors.items() if ".lora_" in name}
    return {name: tensor for name, tensor in tensors.items() if name not in adapter}, adapter


def unadapted(model: nn.Module) -> Any:
    """The Network inside of peft's wrapping, if there is one."""
    return model.get_base_model() if isinstance(model, PeftModel) else model

"""Loading models: by their names in the table, from a folder with their original files, or on several devices at once."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.config import ModelConfig
from pagesight.engine.models.shared import SharedModels
from pagesight.engine.models.specs import require_no_choice
from pagesight.engine.models.table import MODELS, known_name, spec_of, spec_of_folder
from pagesight.storage.errors import UnknownModel

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder

__all__ = ["MODELS", "known_name", "load_model", "require_no_choice", "spec_of"]


def _load(name: str, config: ModelConfig) -> Encoder:
    """name: as SharedModels gives it, of the table or an absolute path."""
    if "," in config.device:
        from pagesight.engine.models.device_pool import DevicePool

        return DevicePool(name, config)
    folder = None if name in MODELS else Path(name)
    if folder is not None and not folder.is_dir():
        raise UnknownModel(name, sorted(MODELS))
    spec = MODELS[name] if folder is None else spec_of_folder(folder)
    require_no_choice(name, config, spec.settings)
    spec.require_extra(name)
    if folder is None and (spec.fetched or spec.unpacker):
        from pagesight.engine.models.files.hub import find

        folder = find(name, offline=config.offline)
    module, function = spec.loader.split(":")
    load: Callable[[str, Path | None, ModelConfig], Encoder] = getattr(import_module(module), function)
    encoder = load(name, folder, config)
    if not config.sight:
        return encoder
    from pagesight.engine.models.sight.seeing import SeeingEncoder

    return SeeingEncoder(encoder)


load_model = SharedModels(_load)

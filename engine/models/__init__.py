"""The models, as a table; the heavy modules behind a row are imported by its first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.config import ModelConfig
from pagesight.engine.models.specs import HubFiles, ModelSpec
from pagesight.storage.errors import ConfigError, UnknownModel

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder

MODELS = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="multilingual-e5-small",
            loader="pagesight.engine.models.words.multilingual_e5:load",
            reads="words (some 100 languages)",
            single_dim=384,
            token_dim=384,
            weights="come with the installation",
            licence="MIT",
            hub=HubFiles(  # the original ones, in place of those that come along: --model FOLDER
                repository="intfloat/multilingual-e5-small",
                revision="main",
                patterns=("config.json", "model.safetensors"),
                required=("config.json",),
            ),
        ),
        ModelSpec(
            name="all-MiniLM-L6-v2",
            loader="pagesight.engine.models.words.minilm:load",
            reads="words (English)",
            single_dim=384,
            token_dim=384,
            weights="come with the extra",
            licence="Apache-2.0",
            extra="minilm",
        ),
        ModelSpec(
            name="jina-embeddings-v4",
            loader="pagesight.engine.models.jina_v4.encoder:load",
            reads="page images",
            single_dim=2048,
            token_dim=128,
            weights="8 GB from the hub",
            licence="Qwen Research (non-commercial)",
            extra="jina",
            settings=("task", "single_dim", "image_pixels"),
            matryoshka=(128, 256, 512, 1024, 2048),
            hub=HubFiles(
                repository="jinaai/jina-embeddings-v4",
                revision="4a58ca57710c49f51896e4bc820e202fbf64904b",
                patterns=("*.json", "*.safetensors", "adapters/*"),
                required=(
                    "config.json",
                    "tokenizer.json",
                    "preprocessor_config.json",
                    "adapters/adapter_config.json",
                    "adapters/adapter_model.safetensors",
                ),
            ),
        ),
        *(
            ModelSpec(
                name=name,
                loader="pagesight.engine.models.colpali.encoder:load",
                reads="page images",
                single_dim=128,
                token_dim=128,
                weights=f"{size} from the hub",
                licence=licence,
                extra="jina",
                pooled_single=True,
                hub=HubFiles(
                    repository=repository,
                    revision="main",
                    patterns=("*.json", "*.safetensors"),
                    required=("config.json", "tokenizer.json"),
                ),
            )
            for name, repository, size, licence in (
                ("colqwen2", "vidore/colqwen2-v1.0-hf", "4 GB", "Apache-2.0"),
                ("colmodernvbert", "ModernVBERT/colmodernvbert-merged", "1 GB", "MIT"),
                ("colpali", "vidore/colpali-v1.3-hf", "6 GB", "Gemma"),
            )
        ),
        ModelSpec(
            name="hashing",
            loader="pagesight.engine.models.hashing:load",
            reads="words (a toy for tests)",
            single_dim=16,
            token_dim=16,
            weights="none",
            licence="Apache-2.0",
            settings=("single_dim",),
            matryoshka=(4, 8, 16),  # its vectors are random, so a part of them is as good as a shorter one
        ),
    )
}


def known_name(name: str) -> str:
    """The name in the table of a model that is called by its repository on the hub; any other name as it is."""
    return next((spec.name for spec in MODELS.values() if spec.hub and spec.hub.repository == name), name)


@cache
def load_model(name: str, config: ModelConfig = ModelConfig()) -> Encoder:  # noqa: B008 - frozen
    """Load a model by its name, or from a folder with its original files; kept for the life of the process.

    Raises UnknownModel, WeightsMissing, WeightsDamaged, BadCheckpoint, HubRefused, ExtraMissing, and ConfigError for a
    setting that the model has no choice of.
    """
    if "," in config.device:
        from pagesight.engine.models.device_pool import DevicePool

        return DevicePool(name, config)
    name = known_name(name)
    if name not in MODELS:
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise UnknownModel(name, sorted(MODELS))
        from pagesight.engine.models.folder import load_folder

        return load_folder(folder.absolute(), config)
    spec = MODELS[name]
    module, function = spec.loader.split(":")
    if spec.extra == "jina":
        from pagesight.engine.models.files.hub import find
        from pagesight.engine.models.on_torch.runtime import require_torch

        require_torch(name)
        load_files: Callable[[str, Path, ModelConfig], Encoder] = getattr(import_module(module), function)
        return load_files(name, find(name, offline=config.offline), config)
    require_no_choice(name, config, spec.settings)
    load_packaged: Callable[..., Encoder] = getattr(import_module(module), function)
    return load_packaged(config) if spec.settings else load_packaged()


def spec_of(name: str) -> ModelSpec | None:
    """What is known of a model by its name, or by the config.json of its folder; None if it is none of ours."""
    if name in MODELS or not (Path(name).expanduser() / "config.json").is_file():
        return MODELS.get(name)
    from pagesight.engine.models.folder import kind_of, read_config

    return MODELS.get(kind_of(read_config(Path(name).expanduser())))


def require_no_choice(name: str, config: ModelConfig, known: Sequence[str] = ()) -> None:
    """Raise ConfigError if something is set beyond what the model knows. Models without torch run on the CPU."""
    given = [setting for setting in config.given() if setting not in known]
    if config.device == "cpu":
        given.remove("device")
    if given:
        raise ConfigError(f"{name} has no choice of {', '.join(given)}; leave it out, or see: pagesight models")

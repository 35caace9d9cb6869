"""Models from a folder with their original files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.config import ModelConfig
from pagesight.storage.errors import WeightsMissing

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder

E5_VOCABULARY = 250_037
LATE_INTERACTION = ("colpali", "colqwen2", "colmodernvbert")


def load_folder(folder: Path, config: ModelConfig) -> Encoder:
    """Load what ``config.json`` says is there. Raises WeightsMissing, and what the loader of that model does."""
    described = read_config(folder)
    kind = kind_of(described)
    if kind == "multilingual-e5-small":
        from pagesight.engine.models import require_no_choice
        from pagesight.engine.models.words.multilingual_e5 import load

        require_no_choice(str(folder), config)
        return load(folder)
    if kind == "jina-embeddings-v4":
        from pagesight.engine.models.on_torch.runtime import require_torch

        require_torch(str(folder))
        from pagesight.engine.models.jina_v4 import encoder

        return encoder.load(str(folder), folder, config)
    if kind in LATE_INTERACTION:
        from pagesight.engine.models.on_torch.runtime import require_torch

        require_torch(str(folder))
        from pagesight.engine.models.colpali import encoder as late_interaction

        return late_interaction.load(str(folder), folder, config)
    raise WeightsMissing(
        f"{folder} holds a model of type {described.get('model_type')!r} that pagesight cannot run; see: pagesight models"
    )


def read_config(folder: Path) -> dict[str, object]:
    """config.json. Raises WeightsMissing."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsMissing(f"{folder} is not the folder of a model: config.json: {error}") from error
    if not isinstance(config, dict):
        raise WeightsMissing(f"{folder} is not the folder of a model: config.json is not an object")
    return config


def kind_of(config: dict[str, object]) -> str:
    """The name of the model that a config.json describes, "" if it is none of ours."""
    from pagesight.engine.models.jina_v4.checkpoint import is_jina_v4

    if (config.get("model_type"), config.get("vocab_size"), config.get("hidden_size")) == ("bert", E5_VOCABULARY, 384):
        return "multilingual-e5-small"
    if config.get("model_type") in LATE_INTERACTION:
        return str(config["model_type"])
    return "jina-embeddings-v4" if is_jina_v4(config) else ""

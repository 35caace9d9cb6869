"""Models from a folder with their original files."""

from __future__ import annotations

import json
from pathlib import Path

from engine.models.word_encoder import WordEncoder
from storage.errors import WeightsMissing

E5_VOCABULARY = 250_037


def load_folder(folder: Path) -> WordEncoder:
    """Load what ``config.json`` says is there. Raises WeightsMissing."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsMissing(f"{folder} is not the folder of a model: config.json: {error}") from error
    kind = (config.get("model_type"), config.get("vocab_size"), config.get("hidden_size"))
    if kind == ("bert", E5_VOCABULARY, 384):
        from engine.models.multilingual_e5 import load

        return load(folder.absolute())
    raise WeightsMissing(f"{folder} holds a model of type {kind[0]!r} that pagesight cannot run; see: pagesight models")

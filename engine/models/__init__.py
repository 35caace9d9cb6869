"""The models, as a table; the heavy modules behind a row are imported by its first use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import UnknownModel

if TYPE_CHECKING:
    from engine.encoder import Encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model that can be loaded by name.

    matryoshka: what its single vectors can be cut to and still be compared (see engine.models.truncated).
    """

    name: str
    loader: str  # "module:function"
    reads: str
    single_dim: int
    token_dim: int
    weights: str  # where they come from
    licence: str  # of the weights
    extra: str = ""  # of the distribution, if it is needed
    matryoshka: tuple[int, ...] = ()


MODELS = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="multilingual-e5-small",
            loader="engine.models.multilingual_e5:load",
            reads="words (some 100 languages)",
            single_dim=384,
            token_dim=384,
            weights="come with the installation",
            licence="MIT",
        ),
        ModelSpec(
            name="all-MiniLM-L6-v2",
            loader="engine.models.minilm:load",
            reads="words (English)",
            single_dim=384,
            token_dim=384,
            weights="come with the extra",
            licence="Apache-2.0",
            extra="minilm",
        ),
        ModelSpec(
            name="hashing",
            loader="engine.models.hashing:load",
            reads="words (a toy for tests)",
            single_dim=16,
            token_dim=16,
            weights="none",
            licence="Apache-2.0",
            matryoshka=(4, 8, 16),  # its vectors are random, so a part of them is as good as a shorter one
        ),
    )
}


@cache
def load_model(name: str) -> Encoder:
    """Load a model by its name, or from a folder with its original files; kept for the life of the process.

    Raises UnknownModel, WeightsMissing, WeightsDamaged, ExtraMissing.
    """
    if name in MODELS:
        module, function = MODELS[name].loader.split(":")
        loader: Callable[[], Encoder] = getattr(import_module(module), function)
        return loader()
    folder = Path(name).expanduser()
    if folder.is_dir():
        from engine.models.folder import load_folder

        return load_folder(folder)
    raise UnknownModel(name, sorted(MODELS))

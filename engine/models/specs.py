"""What is known of a model before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFiles:
    """The files of a model on the hub. patterns: what is fetched. required: what must be there afterwards."""

    repository: str
    revision: str
    patterns: tuple[str, ...]
    required: tuple[str, ...]

    def complete(self, folder: Path) -> bool:
        """Whether all files are in a folder, shards of weights included."""
        from pagesight.engine.models.files.safetensor_files import weight_files
        from pagesight.storage.errors import ModelError

        try:
            weight_files(folder)
        except ModelError:
            return False
        return all((folder / name).is_file() for name in self.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model that can be loaded by name.

    loader: "module:function". settings: fields of ModelConfig that it has a choice of. matryoshka: what its single vectors
    can be cut to and still be compared.
    """

    name: str
    loader: str
    reads: str
    single_dim: int
    token_dim: int
    weights: str  # where they come from
    licence: str  # of the weights
    extra: str = ""  # of the distribution, if it is needed
    settings: tuple[str, ...] = ()
    matryoshka: tuple[int, ...] = ()
    hub: HubFiles | None = None
    pooled_single: bool = False  # it was trained for token vectors only; its single vector is their mean

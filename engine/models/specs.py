"""What is known of a model before it is loaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pagesight.engine.config import ModelConfig
from pagesight.storage.errors import ConfigError, ExtraMissing

ANYTHING = object()  # in known_by: a key that is there, whatever it says


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
    """A model that can be loaded by its name, or from a folder with its original files.

    loader: "module:function"; load(name, folder, config) -> Encoder, folder None for weights that come with a package.
    known_by: what config.json says in a folder of this model; empty if it is loaded by its name only.
    verifier: "module:function"; verify(folder, device) -> engine.models.verify.Report.
    fetched: without a folder, its files are fetched from the hub. unpacker: "module:function" that returns the folder of its
    files, which come with the installation in another form.
    extra: of the distribution, if it is needed. packages: what the extra brings, by the names they are imported by.
    settings: fields of ModelConfig that it has a choice of. matryoshka: what its single vectors can be cut to and still be
    compared. pooled_single: it was trained for token vectors only; its single vector is their mean.
    """

    name: str
    loader: str
    reads: str
    single_dim: int
    token_dim: int
    weights: str  # where they come from
    licence: str  # of the weights
    known_by: Mapping[str, object] = field(default_factory=dict)
    verifier: str = ""
    hub: HubFiles | None = None
    fetched: bool = False
    unpacker: str = ""
    extra: str = ""
    packages: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    matryoshka: tuple[int, ...] = ()
    pooled_single: bool = False

    def recognises(self, config: Mapping[str, object]) -> bool:
        """Whether a config.json is of this model."""
        return bool(self.known_by) and all(
            key in config and expected in (ANYTHING, config[key]) for key, expected in self.known_by.items()
        )

    def require_extra(self, name: str) -> None:
        """Raise ExtraMissing unless all that this model needs is installed."""
        missing = [package for package in self.packages if importlib.util.find_spec(package) is None]
        if missing:
            raise ExtraMissing(f"{', '.join(missing)}, which the model {name} needs,", self.extra)


def require_no_choice(name: str, config: ModelConfig, known: Sequence[str] = ()) -> None:
    """Raise ConfigError if something is set beyond what the model knows. Models without torch run on the CPU."""
    given = [
        setting
        for setting in config.given()
        if setting not in known and not (setting == "device" and config.device == "cpu")
    ]
    if given:
        raise ConfigError(f"{name} has no choice of {', '.join(given)}; leave it out")

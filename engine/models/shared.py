"""One model in memory for all who use it, for as long as anyone does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from pagesight.engine.config import ModelConfig
from pagesight.engine.models.table import MODELS, known_name

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder


class SharedModels:
    """``load_model``: a loader whose models are shared while anyone holds them, and freed with the last holder."""

    def __init__(self, load: Callable[[str, ModelConfig], Encoder]) -> None:
        self._load = load
        self._lock = Lock()
        self._models: WeakValueDictionary[tuple[str, ModelConfig], Encoder] = WeakValueDictionary()
        self._turns: WeakValueDictionary[tuple[str, ModelConfig], Lock] = WeakValueDictionary()

    def __call__(self, name: str, config: ModelConfig = ModelConfig()) -> Encoder:  # noqa: B008 - frozen
        """Load a model by its name, or from a folder with its original files.

        Two threads that ask for the same model load it once; different models are loaded side by side. A model that
        cannot be loaded is tried again by the next call.
        Raises UnknownModel, WeightsMissing, WeightsDamaged, BadCheckpoint, HubRefused, ExtraMissing, and ConfigError for a
        setting that the model has no choice of.
        """
        key = (_identity(name), config)
        with self._lock:
            turn = self._turns.setdefault(key, Lock())  # weak: it is there while a thread waits for it
        with turn:
            model = self._models.get(key)
            if model is None or getattr(model, "closed", False):  # by one of those who share it
                model = self._models[key] = self._load(*key)
            return model

    def cache_clear(self) -> None:
        """Load everything anew from now on; who holds a model keeps it."""
        self._models.clear()


def _identity(name: str) -> str:
    """A name of the table, or the whole path of a folder, so that it may be named from elsewhere; else as it is."""
    name = known_name(name)
    folder = Path(name).expanduser()
    return str(folder.absolute()) if name not in MODELS and folder.is_dir() else name

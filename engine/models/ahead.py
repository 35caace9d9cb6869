"""A model that is loaded while a command loads the modules of everything else.

Most of what an embedded model takes is ONNX Runtime making a session, and hashes of its files, which leave the interpreter to
others. Importing modules does not, so the model's own are imported before: two threads that import take longer than one. Models
on torch are mostly Python, and are loaded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from os import PathLike
from threading import Thread
from typing import TYPE_CHECKING

from pagesight.engine.config import ModelConfig
from pagesight.engine.models import known_name, load_model, spec_of
from pagesight.engine.wanted import Wanted
from pagesight.storage.addresses import folder_of, full_address
from pagesight.storage.errors import SearchEngineError, StoreNotFound
from pagesight.storage.manifest import Manifest

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder


@contextmanager
def loading_ahead(address: str | PathLike[str], model: str | None, settings: ModelConfig) -> Iterator[None]:
    """Meanwhile the model of an index in a folder is loaded, and kept, if that goes on beside something else.

    Arguments as of ``SearchEngine.open``. Whoever asks ``load_model`` for the same waits for it. What goes wrong here goes wrong
    again for who asks, and is said there. The end waits for the loading to end: stopped within it, a process would crash.
    """
    loaded: list[Encoder] = []

    def load(name: str, config: ModelConfig) -> None:
        with suppress(SearchEngineError, OSError):
            loaded.append(load_model(name, config))

    thread: Thread | None = None
    with suppress(SearchEngineError, OSError):
        name, config = _named(full_address(address), model, settings)
        spec = spec_of(name)
        if spec is not None and not spec.packages:
            import_module(spec.loader.partition(":")[0])
            thread = Thread(target=load, args=(name, config), name="loading ahead")
            thread.start()
    try:
        yield
    finally:
        if thread is not None:
            thread.join()
        loaded.clear()


def _named(place: str, model: str | None, settings: ModelConfig) -> tuple[str, ModelConfig]:
    """What the engine will load. Raises StoreNotFound, also for an index that lies elsewhere, and as ``Wanted.check``."""
    folder = folder_of(place)
    if folder is None:
        raise StoreNotFound(place)
    space = Manifest.read(folder).space
    wanted = Wanted(place, None if model is None else known_name(model), settings, None, None)
    wanted.check(space)
    return wanted.model_of(space)

"""Checkpoints by name: found on this machine, unpacked from what was installed, or fetched from the model hub.

Fetched files are kept where every tool of the hub keeps them ($HF_HOME, else the user's cache folder), or in a folder that
is named. Once they are there, the network is not touched again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from pagesight.engine.models.specs import HubFiles
from pagesight.engine.models.table import MODELS, known_name
from pagesight.storage.errors import ConfigError, ExtraMissing, HubRefused, UnknownModel, WeightsMissing


def find(name: str, *, offline: bool = False) -> Path:
    """The folder of a model: ``name`` itself if it is one, else the files of that model, fetched where they are missing.

    Raises UnknownModel, WeightsMissing with ``offline``, HubRefused; WeightsDamaged of what was installed.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.absolute()
    spec = MODELS.get(name)
    if spec is not None and spec.unpacker:
        module, function = spec.unpacker.split(":")
        unpack: Callable[[], Path] = getattr(import_module(module), function)
        return unpack()
    files = _hub_files(name)
    here = on_this_machine(name)
    if here is not None:
        return here
    if offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise WeightsMissing(
            f"the weights of {name} are not on this machine, and the network is not to be used; "
            f"fetch them once with the network, by pagesight.engine.models.files.hub.pull({name!r}) or by loading the model "
            "without offline=True"
        )
    return _fetch(files, None)


def pull(name: str, to: Path | None = None) -> Path:
    """Fetch a model's files, those that are missing; returns their folder. Raises HubRefused, ExtraMissing."""
    here = on_this_machine(name) if to is None else None
    return here or _fetch(_hub_files(name), to)


def on_this_machine(name: str) -> Path | None:
    """The folder of a fetched model, if it is complete."""
    files = _hub_files(name)
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        folder = Path(snapshot_download(files.repository, revision=files.revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return folder if files.complete(folder) else None


def _hub_files(name: str) -> HubFiles:
    name = known_name(name)
    if name not in MODELS:
        raise UnknownModel(name, sorted(MODELS))
    files = MODELS[name].hub
    if files is None:
        raise ConfigError(
            f"the weights of {name} are not on the hub ({MODELS[name].weights}); there is nothing to fetch"
        )
    return files


def _fetch(files: HubFiles, to: Path | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ExtraMissing("huggingface_hub, which fetches models,", "hub") from error
    with _explained(files):
        folder = Path(
            snapshot_download(
                files.repository, revision=files.revision, allow_patterns=list(files.patterns), local_dir=to
            )
        )
    if not files.complete(folder):
        raise HubRefused(f"{files.repository} at revision {files.revision} lacks one of {', '.join(files.required)}")
    return folder


@contextmanager
def _explained(files: HubFiles) -> Iterator[None]:
    """What went wrong with the hub, and what to do."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/{files.repository}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise HubRefused(f"{files.repository} is gated: accept its terms at {page}, then run: hf auth login") from error
    except errors.RevisionNotFoundError as error:
        raise HubRefused(f"{files.repository} has no revision {files.revision}; see {page}/commits/main") from error
    except errors.RepositoryNotFoundError as error:
        raise HubRefused(
            f"the hub shows no {files.repository}: it is gone or not open to everybody; log in with: hf auth login"
        ) from error
    except (errors.HTTPError, errors.LocalEntryNotFoundError, OSError) as error:  # type: ignore[attr-defined]  # of httpx
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise HubRefused(
            f"{files.repository} cannot be fetched: {first.rstrip('.')}; fetch its files on a machine that reaches the hub, "
            "copy their folder here, and name the folder as the model"
        ) from error

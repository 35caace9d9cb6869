"""A model folder from what was trained: the hub's layout, complete or not to be taken for complete.

config.json                             written last, and taken away first when the folder is written again
model.safetensors, or several           the base's own files, linked; written anew only where weights of theirs have changed
adapters/adapter_model.safetensors      the adapters of all tasks, under the hub's names
adapters/adapter_config.json
peft/TASK/                              one adapter as peft reads it; it cannot read a file with several
tokenizer.json, preprocessor_config.json, ...   copies of the base's
README.md                               the model card
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from pagesight.engine.models.files.safetensor_files import INDEX_FILE
from pagesight.engine.models.jina_v4.checkpoint import Checkpoint, today_name
from pagesight.engine.training.networks import Lora
from pagesight.storage.errors import ConfigError, DiskFull

CONFIG, CARD = "config.json", "README.md"
ADAPTER_FILE, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
SMALL_FILES = ("*.json", "*.txt", "*.jinja", "LICENSE*", "NOTICE*")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# torch.save's zip writer and safetensors have no error number.
_FULL_IN_WORDS = ("No space left", "File too large", "quota exceeded", "inline_container.cc", "failed writing")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn "no room", however torch and safetensors say it, into DiskFull, and a folder that is none into ConfigError."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        behind = _behind(error)
        if isinstance(behind, OSError) and behind.errno in _FULL:
            raise DiskFull(folder, behind.strerror or str(behind)) from error
        if not isinstance(error, OSError) and any(words in str(error) for words in _FULL_IN_WORDS):
            raise DiskFull(folder, str(error).splitlines()[0]) from error
        if isinstance(error, OSError):
            raise ConfigError(f"{folder} cannot be written to: {error}") from error
        raise


def _behind(error: BaseException) -> BaseException:
    """The OSError that another error came from, else the error itself."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, OSError):
        found = found.__context__
    return found or error


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """A file of tensors that is there whole or not at all, on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        building.touch()
        mode = building.stat().st_mode  # what files are made with here; safetensors makes them for their owner only
        save_file({name: tensor.contiguous().cpu() for name, tensor in tensors.items()}, building, {"format": "pt"})
        building.chmod(mode)
        with open(building, "rb") as file:
            os.fsync(file.fileno())
        os.replace(building, path)
    finally:
        building.unlink(missing_ok=True)


def write_model(
    out: Path,
    base: Checkpoint,
    lora: Lora,
    *,
    adapters: Mapping[str, Mapping[str, Tensor]],
    weights: Mapping[str, Tensor],
    card: str,
) -> None:
    """Make ``out`` a checkpoint like ``base`` with other adapters, and other ``weights``, by today's names.

    adapters: of all tasks, under the names that peft expects of a file with one. Raises DiskFull.
    """
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / CONFIG).unlink(missing_ok=True)
        _write_weights(out, base, weights)
        for path in sorted({path for pattern in SMALL_FILES for path in base.folder.glob(pattern)}):
            if path.is_file() and path.name not in (CONFIG, CARD):
                _write_bytes(out / path.name, path.read_bytes())
        together = {
            hub_name(name, task): tensor for task, tensors in adapters.items() for name, tensor in tensors.items()
        }
        save_tensors(out / "adapters" / ADAPTER_FILE, together)
        _write_json(out / "adapters" / ADAPTER_CONFIG, dict(lora.config))
        for task, tensors in adapters.items():
            save_tensors(out / "peft" / task / ADAPTER_FILE, tensors)
            # Without a task_type: peft's class for it passes arguments that only some networks take.
            alone = {**lora.config, "base_model_name_or_path": str(out.absolute()), "task_type": None}
            _write_json(out / "peft" / task / ADAPTER_CONFIG, alone)
        _write_bytes(out / CARD, card.encode())
        _write_bytes(out / CONFIG, (base.folder / CONFIG).read_bytes())


def hub_name(name: str, task: str) -> str:
    """Where the hub's one file keeps a tensor of a task's adapter."""
    return name.removesuffix(".weight") + f".{task}.weight"


def _write_weights(out: Path, base: Checkpoint, weights: Mapping[str, Tensor]) -> None:
    for path in base.weight_files:
        with safe_open(path, framework="pt") as file:
            names = {name: today_name(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            if not weights.keys() & set(names.values()):
                link(path, out / path.name)
                continue
            tensors = {}
            for name, today in names.items():
                old = file.get_tensor(name)
                tensors[name] = weights[today].to(old.dtype) if today in weights else old
        save_tensors(out / path.name, tensors)
    if (base.folder / INDEX_FILE).is_file():
        _write_bytes(out / INDEX_FILE, (base.folder / INDEX_FILE).read_bytes())


def link(source: Path, target: Path) -> None:
    """Let a large file be in a second folder too: a hard link, where file systems differ a symbolic one, else a copy."""
    real = source.resolve()
    if target.exists() and target.samefile(real):
        return
    building = target.with_name(f".{target.name}.{os.getpid()}")
    building.unlink(missing_ok=True)
    try:
        os.link(real, building)
    except OSError:
        try:
            os.symlink(real, building)
        except OSError:
            shutil.copyfile(real, building)
    os.replace(building, target)


def link_or_copy(source: Path, target: Path) -> None:
    """Keep what is in a file under a second name, whatever the first becomes; not every file system has hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    _write_bytes(path, json.dumps(content, indent=2).encode())


def _write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        building.write_bytes(content)
        os.replace(building, path)
    finally:
        building.unlink(missing_ok=True)


def as_dtype(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def remove_leftovers(out: Path) -> None:
    """What killed processes left half written in the folder of a result."""
    for pattern in (".checkpoint-*", ".best.*", ".*.safetensors.[0-9]*"):
        for path in list(out.rglob(pattern)):
            with contextlib.suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run. Raises ConfigError if there is one; the lock ends with the process that holds it."""
    from filelock import FileLock, Timeout

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise ConfigError(f"another process trains in {folder}; wait for it to end, or stop it") from None

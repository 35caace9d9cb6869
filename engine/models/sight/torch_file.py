"""Tensors of a file that torch saved before version 1.6, read without torch and without running anything in it.

The layout is that of ``torch.serialization._legacy_save``: five pickles (a magic number, a protocol version, facts about the
system, the object, the keys of its storages), then for each key the number of elements as int64 and the elements. Unpickling
may build dictionaries and name tensors, and nothing else.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import BadCheckpoint

_MAGIC = 0x1950A86A20F9469CFC6C


@dataclass(frozen=True, slots=True)
class _StorageName:
    """kind: torch's name for its type of number."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A tensor that the file names: where it lies in a storage. first and strides: in elements."""

    storage: _StorageName
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, storage: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raises ValueError if it does not lie in the storage."""
        last = self.first + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        if min(self.first, *self.shape, *self.strides, 0) < 0 or last >= len(storage):
            raise ValueError("a tensor reaches beyond its storage")
        steps = [stride * storage.itemsize for stride in self.strides]
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(storage[self.first :], self.shape, steps))


class _Names(pickle.Unpickler):
    """Reads the names and places of tensors; refuses to make anything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _part
        if module == "torch" and name in ("FloatStorage", "LongStorage"):
            return name
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no weights need")

    def persistent_load(self, pid: Sequence[Any]) -> _StorageName:
        _, kind, key, *_ = pid
        return _StorageName(str(kind), str(key))


def read_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The float32 tensors of a state dict, by name. Raises BadCheckpoint for another layout."""
    try:
        with open(path, "rb") as file:
            return _tensors(file)
    except (ValueError, TypeError, LookupError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise BadCheckpoint(path, [f"not a state dict in torch's older layout: {error}"]) from error


def _tensors(file: IO[bytes]) -> dict[str, NDArray[np.float32]]:
    magic, _version, _system, parts, keys = (_Names(file).load() for _ in range(5))
    if magic != _MAGIC:
        raise ValueError("it does not begin as torch's files did")
    kinds = {part.storage.key: part.storage.kind for part in parts.values()}
    storages = {key: _storage(file, kinds.get(key, "FloatStorage")) for key in keys}
    return {
        name: part.of(storages[part.storage.key]) for name, part in parts.items() if part.storage.kind == "FloatStorage"
    }


def _part(storage: _StorageName, first: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Part:
    return _Part(storage, first, shape, strides)


def _storage(file: IO[bytes], kind: str) -> NDArray[np.float32]:
    (n,) = np.frombuffer(file.read(8), "<i8")
    width = 4 if kind == "FloatStorage" else 8
    data = file.read(int(n) * width)
    if len(data) != n * width:
        raise ValueError("it is cut off")
    return np.frombuffer(data, "<f4" if width == 4 else "<i8")

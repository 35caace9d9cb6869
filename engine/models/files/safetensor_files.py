"""Headers of safetensors files: which tensors a checkpoint has, without reading them.

Format: 8 bytes of header length, a JSON header, then the tensors (https://huggingface.co/docs/safetensors). Large
checkpoints come in several files, listed in ``model.safetensors.index.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pagesight.storage.errors import BadCheckpoint, WeightsMissing

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
_MAX_HEADER_BYTES = 100_000_000  # the format's own limit


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What a header says of a tensor. dtype: as written there, such as "BF16"."""

    shape: tuple[int, ...]
    dtype: str
    file: Path


def weight_files(folder: Path) -> list[Path]:
    """The file of weights, or all files of a checkpoint in several, in order of their names. Raises WeightsMissing."""
    index = folder / INDEX_FILE
    if not index.is_file():
        if not (folder / SINGLE_FILE).is_file():
            raise WeightsMissing(f"{folder} has neither {SINGLE_FILE} nor {INDEX_FILE}; fetch the checkpoint again")
        return [folder / SINGLE_FILE]
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadCheckpoint(folder, [f"{index.name} cannot be read: {error}"]) from error
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise WeightsMissing(f"{folder} lacks {', '.join(missing)}, which {index.name} lists; fetch them again")
    return [folder / name for name in names]


def read_headers(files: list[Path]) -> dict[str, TensorInfo]:
    """The tensors of these files by name. Raises BadCheckpoint if a file is cut short or is no safetensors file."""
    found: dict[str, TensorInfo] = {}
    for file in files:
        header, start, n_bytes = _read_header(file)
        end = 0
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            if name in found:
                raise BadCheckpoint(file.parent, [f"{name} is in {found[name].file.name} and in {file.name}"])
            try:
                found[name] = TensorInfo(tuple(entry["shape"]), str(entry["dtype"]), file)
                end = max(end, int(entry["data_offsets"][1]))
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise BadCheckpoint(file.parent, [f"{file.name}: the header's entry of {name} is damaged"]) from error
        if start + end != n_bytes:
            raise BadCheckpoint(
                file.parent, [f"{file.name} has {n_bytes:,} bytes instead of {start + end:,}: it was cut short"]
            )
    return found


def _read_header(file: Path) -> tuple[Mapping[str, dict[str, list[int]]], int, int]:
    """Header, offset of the first tensor, size of the file."""
    try:
        n_bytes = file.stat().st_size
        with open(file, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            text = stream.read(min(length, _MAX_HEADER_BYTES))
    except OSError as error:
        raise WeightsMissing(f"{file} cannot be read: {error.strerror}") from error
    if n_bytes < 8 or len(text) < length <= _MAX_HEADER_BYTES:
        raise BadCheckpoint(file.parent, [f"{file.name} ends within its header ({n_bytes:,} bytes): it was cut short"])
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise BadCheckpoint(file.parent, [f"{file.name} is no safetensors file"])
    return header, 8 + length, n_bytes

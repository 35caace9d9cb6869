"""The pocket model's one file, and the checkpoint in jina-embeddings-v4's layout that it is unpacked to, once.

pocket.safetensors holds each matrix as int8 rows with a float16 scale a row (``NAME`` and ``NAME/scale``), all else as float16,
adapters included (``adapters/NAME``), tokenizer.json as gzip in uint8, and the other files as text in its metadata.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.models.files.cache import cached, verified
from pagesight.engine.models.files.packaged import PackagedFile

NAME = "pocket"
PACKED = PackagedFile(
    package="pagesight.engine.models.pocket",
    path="pocket.safetensors",
    sha256="15896722fa0eb3f2e2463e9fc7d21db536fdf68ec1956a1a1c69793b62786a61",
    requirement="pagesight",
)
_VERSION = 1  # of how it is unpacked
_TOKENIZER = "tokenizer.json"
_TEXTS = ("config.json", "preprocessor_config.json", "adapters/adapter_config.json")
_WEIGHTS, _ADAPTERS = "model.safetensors", "adapters/adapter_model.safetensors"
_SCALE = "/scale"


def unpacked() -> Path:
    """The folder of the checkpoint, in the user's cache. Raises WeightsMissing, WeightsDamaged."""
    file = verified(PACKED)
    return cached(NAME, {"sha256": PACKED.sha256, "version": _VERSION}, lambda folder: unpack(file, folder))


def pack(folder: Path, file: Path) -> None:
    """Write the checkpoint in ``folder`` as one file, eight bits a weight of its matrices."""
    from safetensors.numpy import load_file, save_file

    packed: dict[str, NDArray[np.generic]] = {}
    for name, weights in load_file(folder / _WEIGHTS).items():
        rows = weights.astype(np.float32)
        if rows.ndim < 2:
            packed[name] = rows.astype(np.float16)
            continue
        flat = rows.reshape(len(rows), -1)
        scales = (np.abs(flat).max(axis=1) / 127).astype(np.float16)
        safe = np.maximum(scales.astype(np.float32), 1e-8)[:, None]
        packed[name] = np.rint(flat / safe).clip(-127, 127).astype(np.int8).reshape(rows.shape)
        packed[name + _SCALE] = scales
    for name, weights in load_file(folder / _ADAPTERS).items():
        packed[f"adapters/{name}"] = weights.astype(np.float16)
    packed[_TOKENIZER] = np.frombuffer(gzip.compress((folder / _TOKENIZER).read_bytes(), mtime=0), np.uint8)
    save_file(packed, file, metadata={name: (folder / name).read_text(encoding="utf-8") for name in _TEXTS})


def unpack(file: Path, folder: Path) -> None:
    """Write the checkpoint that ``file`` holds to ``folder``, in float32."""
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    packed = load_file(file)
    (folder / "adapters").mkdir(exist_ok=True)
    (folder / _TOKENIZER).write_bytes(gzip.decompress(packed.pop(_TOKENIZER).tobytes()))
    with safe_open(file, framework="numpy") as opened:
        for name, text in opened.metadata().items():
            (folder / name).write_text(text, encoding="utf-8")
    weights, adapters = {}, {}
    for name, stored in packed.items():
        if name.startswith("adapters/"):
            adapters[name.removeprefix("adapters/")] = stored.astype(np.float32)
        elif name + _SCALE in packed:
            scales = packed[name + _SCALE].astype(np.float32)
            weights[name] = stored * scales.reshape(-1, *[1] * (stored.ndim - 1))
        elif not name.endswith(_SCALE):
            weights[name] = stored.astype(np.float32)
    save_file(weights, folder / _WEIGHTS)
    save_file(adapters, folder / _ADAPTERS)

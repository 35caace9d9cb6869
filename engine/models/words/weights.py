"""Weights of BERT-style encoders, read from the files they come in, never by running a package's code.

Every source gives the tensors under the names of the original checkpoints ("encoder.layer.0.attention.self.query.weight",
linear weights as (out, in)), so that one graph builder serves all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.errors import WeightsMissing

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class BertSize:
    """Sizes of a BERT encoder."""

    hidden: int
    layers: int
    heads: int
    positions: int
    norm_eps: float


class WordTable(Protocol):
    """The word embeddings, which are most of a multilingual model and of which a page needs a few hundred rows."""

    def rows(self, ids: NDArray[np.int64]) -> Float:
        """(n,) ids -> (n, hidden) float32."""


class BertWeights(Protocol):
    """Weights of one model."""

    size: BertSize

    def tensor(self, name: str) -> Float:
        """A tensor by its name in the original checkpoint; linear weights are (out, in)."""

    def word_table(self) -> WordTable: ...


@dataclass(frozen=True, slots=True)
class DenseTable:
    """Word embeddings as plain rows, memory-mapped or not."""

    table: NDArray[np.floating]

    def rows(self, ids: NDArray[np.int64]) -> Float:
        return self.table[ids].astype(np.float32)


class SafetensorsWeights:
    """A folder with the original files of a BERT model: config.json and model.safetensors.

    Format: 8 bytes of header length, a JSON header, then the tensors (https://huggingface.co/docs/safetensors).
    """

    _DTYPES: ClassVar[dict[str, str]] = {"F32": "<f4", "F16": "<f2", "F64": "<f8"}

    def __init__(self, folder: Path) -> None:
        """Raises WeightsMissing if the folder is not that of a BERT model, WeightsDamaged if it is cut short."""
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._path = folder / "model.safetensors"
            n_bytes = self._path.stat().st_size
            with open(self._path, "rb") as file:
                length = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(length))
        except (OSError, ValueError) as error:
            raise WeightsMissing(
                f"{folder} is not a folder of a model with config.json and model.safetensors: {error}"
            ) from error
        if config.get("model_type") != "bert":
            raise WeightsMissing(f"{folder} holds a model of type {config.get('model_type')!r}; this one reads 'bert'")
        self.size = BertSize(
            hidden=config["hidden_size"],
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            positions=config["max_position_embeddings"],
            norm_eps=config["layer_norm_eps"],
        )
        self._start = 8 + length
        self._entries = {name.removeprefix("bert."): entry for name, entry in header.items() if name != "__metadata__"}
        end = max(entry["data_offsets"][1] for entry in self._entries.values())
        if self._start + end != n_bytes:
            raise WeightsMissing(f"{self._path} has {n_bytes} bytes instead of {self._start + end}; fetch it again")

    def tensor(self, name: str) -> Float:
        return np.asarray(self._map(name), np.float32)

    def word_table(self) -> DenseTable:
        return DenseTable(self._map("embeddings.word_embeddings.weight"))

    def _map(self, name: str) -> NDArray[np.floating]:
        try:
            entry = self._entries[name]
            dtype = self._DTYPES[entry["dtype"]]
        except KeyError as error:
            raise WeightsMissing(f"{self._path} has no usable tensor {name!r} ({error})") from error
        offset = self._start + entry["data_offsets"][0]
        return np.memmap(self._path, dtype, "r", offset, tuple(entry["shape"]))

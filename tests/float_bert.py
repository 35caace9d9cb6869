"""A BERT encoder in plain float32 numpy: the definition that the quantised graph is held against."""

from __future__ import annotations

from collections.abc import Sequence
from math import erf

import numpy as np

from pagesight.engine.models.words.weights import BertWeights


def float_bert(weights: BertWeights, ids: Sequence[int]) -> np.ndarray:
    """Devlin et al. 2018, arXiv:1810.04805, written out: (n_pieces, hidden) of the last layer."""

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights.tensor(f"{name}.weight").T + weights.tensor(f"{name}.bias")

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + weights.size.norm_eps)
        return x * weights.tensor(f"{name}.weight") + weights.tensor(f"{name}.bias")

    x = weights.word_table().rows(np.array(ids)) + weights.tensor("embeddings.position_embeddings.weight")[: len(ids)]
    x = norm(x + weights.tensor("embeddings.token_type_embeddings.weight")[0], "embeddings.LayerNorm")
    heads = weights.size.heads
    for layer in range(weights.size.layers):
        base = f"encoder.layer.{layer}"
        q, k, v = (
            linear(x, f"{base}.attention.self.{part}").reshape(len(ids), heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        logits = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1])
        attention = np.exp(logits - logits.max(-1, keepdims=True))
        attended = (attention / attention.sum(-1, keepdims=True)) @ v
        attended = linear(attended.swapaxes(0, 1).reshape(x.shape), f"{base}.attention.output.dense")
        x = norm(x + attended, f"{base}.attention.output.LayerNorm")
        wide = linear(x, f"{base}.intermediate.dense")
        wide = 0.5 * wide * (1 + np.vectorize(erf)(wide / np.sqrt(2)))
        x = norm(x + linear(wide, f"{base}.output.dense"), f"{base}.output.LayerNorm")
    return x

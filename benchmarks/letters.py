"""Makes indexer/reading/letters.npz from the vocabulary of the default model.

python -m benchmarks.letters
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from pagesight.engine.models.files.cache import verified
from pagesight.engine.models.words.multilingual_e5 import PACKED
from pagesight.engine.models.words.packed_e5 import PackedE5
from pagesight.engine.models.words.unigram import BLANK, CONTROL
from pagesight.indexer.reading.plausible import ALPHABETS, CHARACTERS, STEP, TABLE, letters

SMOOTHING = 0.02  # of a letter's pairs are spread over all letters of its alphabet


def main() -> None:
    vocabulary = PackedE5(verified(PACKED)).vocabulary()
    pairs = [np.zeros((last - first + 1,) * 2) for first, last in ALPHABETS]
    singles = [np.zeros(last - first + 1) for first, last in CHARACTERS]
    for piece, score in zip(vocabulary.pieces, vocabulary.scores.tolist(), strict=True):
        if piece in CONTROL:
            continue
        weight, codes = np.exp(score), letters(piece.replace(BLANK, " ")).tolist()
        for a, b in pairwise(codes):
            for (first, last), counts in zip(ALPHABETS, pairs, strict=True):
                if first <= a <= last and first <= b <= last:
                    counts[a - first, b - first] += weight
        for code in codes:
            for (first, last), counts in zip(CHARACTERS, singles, strict=True):
                if first <= code <= last:
                    counts[code - first] += weight
    table: dict[str, np.ndarray] = {}
    usual = []
    for i, counts in enumerate(pairs):
        seen = counts.sum(axis=0) > 0
        rows = counts.sum(axis=1, keepdims=True)
        even = seen / max(seen.sum(), 1)
        share = (1 - SMOOTHING) * counts / np.maximum(rows, 1e-30) + SMOOTHING * even
        table[f"pairs{i}"] = _packed(share)
        usual.append(_usual(counts, table[f"pairs{i}"]))
    usual_single = []
    for k, counts in enumerate(singles):
        table[f"single{k}"] = _packed(counts / counts.sum())
        usual_single.append(_usual(counts, table[f"single{k}"]))
    np.savez_compressed(TABLE, usual=np.array(usual), usual_single=np.array(usual_single), **table)
    print(TABLE, TABLE.stat().st_size, "bytes", np.round(usual, 2), np.round(usual_single, 2))


def _packed(share: np.ndarray) -> np.ndarray:
    """Surprise in steps of 1 / STEP nats, as bytes."""
    return np.clip(np.rint(-np.log(np.maximum(share, 1e-30)) * STEP), 0, 255).astype(np.uint8)


def _usual(counts: np.ndarray, packed: np.ndarray) -> float:
    return float((counts * packed).sum() / counts.sum() / STEP)


if __name__ == "__main__":
    main()

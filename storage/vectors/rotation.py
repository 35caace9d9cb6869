"""A fixed pseudo-random rotation, the same on every machine: signs and Hadamard transforms, no floating-point solver."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

ROUNDS = 3


@cache
def rotation(dim: int) -> NDArray[np.float32]:
    """An orthogonal matrix (dim, dim) float32 that spreads any one component over all; part of the format.

    Each round turns signs, mixes blocks by a Hadamard matrix (as large as the largest power of two that divides dim) and
    deals the components out to other blocks. With an odd dim only signs and order change.
    """
    block = dim & -dim
    hadamard = np.ones((1, 1))
    while len(hadamard) < block:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    hadamard /= np.sqrt(block)
    matrix = np.eye(dim)
    bits = np.random.PCG64(dim)  # its raw stream is guaranteed to stay the same
    for _ in range(ROUNDS):
        signs = 1.0 - 2.0 * (bits.random_raw(dim) >> np.uint64(63)).astype(float)
        mixed = hadamard @ (signs[:, None] * matrix).reshape(dim // block, block, dim)
        matrix = mixed.transpose(1, 0, 2).reshape(dim, dim)
    return matrix.astype(np.float32)

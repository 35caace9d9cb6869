"""GradCache: the gradient of a large batch with the memory of a small one (Gao et al. 2021, arXiv:2101.06983).

A contrastive loss needs the vectors of the whole batch, but not their activations. So: encode everything without a
gradient, take the gradient of the loss with respect to the vectors, and encode each chunk again to carry it on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Self, TypeVar

import torch
from torch import Tensor

from pagesight.engine.training.late import exact_dtype

Chunk = TypeVar("Chunk")


@dataclass(frozen=True, slots=True, eq=False)
class RandomState:
    """Where torch's random numbers stand, on the CPU and on every CUDA device."""

    cpu: Tensor
    cuda: list[Tensor]

    @classmethod
    def now(cls) -> Self:
        """The state of this moment."""
        used: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        return cls(torch.get_rng_state(), torch.cuda.get_rng_state_all() if used else [])

    def restore(self) -> None:
        """Go on from this state."""
        torch.set_rng_state(self.cpu)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)


def cached_backward(
    encode: Callable[[Chunk], tuple[Tensor, ...]],
    chunks: Sequence[Chunk],
    loss: Callable[[list[tuple[Tensor, ...]]], Tensor],
    *,
    scale: float = 1.0,
    backward: Callable[[Tensor], None] | None = None,
    no_sync: Callable[[], AbstractContextManager[object]] | None = None,
) -> Tensor:
    """Add the gradient of scale * loss to the parameters of the model behind `encode`; return the loss, not scaled, ().

    The same gradient as loss([encode(chunk) for chunk in chunks]).backward(), with activations of one chunk at a time,
    for one more forward pass. encode: the vectors of a chunk, any number of tensors of any shapes, as (n, dim) single
    vectors and (n_tokens, dim) token vectors; the second time it is called under the random state of the first, so
    that dropout drops the same, and afterwards random numbers go on as after one pass. loss: takes what encode gave
    for each chunk, and has no parameters of its own: none would get a gradient. backward: in place of Tensor.backward,
    as accelerator.backward.

    no_sync: makes a context in which gradients are not exchanged between processes, as
    DistributedDataParallel.no_sync: all chunks but the last are encoded in one, so a step has one exchange. Processes
    may have different numbers of chunks. Raises ValueError if there are no chunks.
    """
    if not chunks:
        raise ValueError("there must be at least one chunk to encode")
    states, vectors = [], []
    with torch.no_grad():
        for chunk in chunks:
            states.append(RandomState.now())
            vectors.append(encode(chunk))
    # Autocast in older versions of torch would use the copies of the weights made just now again, which know of no
    # gradient (https://github.com/pytorch/pytorch/pull/165068).
    torch.clear_autocast_cache()

    leaves = [tuple(_leaf(tensor) for tensor in tensors) for tensors in vectors]
    del vectors
    value = loss(leaves)
    wanted = [leaf for tensors in leaves for leaf in tensors if leaf.requires_grad]
    gradients = iter(torch.autograd.grad(value, wanted, allow_unused=True, materialize_grads=True))

    after = RandomState.now()
    try:
        for number, (chunk, state, tensors) in enumerate(zip(chunks, states, leaves, strict=True), start=1):
            last = number == len(chunks)
            with nullcontext() if last or no_sync is None else no_sync():
                state.restore()
                again = [tensor for tensor, leaf in zip(encode(chunk), tensors, strict=True) if leaf.requires_grad]
                surrogate = torch.stack([_dot(tensor, next(gradients)) for tensor in again]).sum() * scale
                (backward or Tensor.backward)(surrogate)
    finally:
        after.restore()
    return value.detach()


def _leaf(tensor: Tensor) -> Tensor:
    """A start of the graph of the loss; what is no vector (lengths, say) is handed on."""
    return tensor.detach().requires_grad_(tensor.is_floating_point())


def _dot(tensor: Tensor, gradient: Tensor) -> Tensor:
    """A number whose gradient with respect to the tensor is the given one."""
    dtype = exact_dtype(tensor)  # a sum in half precision overflows
    return (tensor.to(dtype) * gradient.to(dtype)).sum()

"""Vectors of all devices on each, with a gradient to one's own.

Every process computes the loss of the whole batch, and its gradient with respect to its own vectors. Added up over the
processes that is the gradient of the loss; the network is the same on all, so nothing else has to be exchanged.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from pagesight.engine.training.late import Ragged


def gathered(tensor: Tensor) -> Tensor:
    """(n, ...) of each process, one after the other: (sum of n, ...). n may differ."""
    rank, world = dist.get_rank(), dist.get_world_size()
    lengths = [torch.zeros(1, dtype=torch.int64, device=tensor.device) for _ in range(world)]
    dist.all_gather(lengths, torch.tensor([len(tensor)], device=tensor.device))
    longest = max(int(length) for length in lengths)
    padded = tensor.new_zeros((longest, *tensor.shape[1:]))
    padded[: len(tensor)] = tensor.detach()
    parts = [torch.empty_like(padded) for _ in range(world)]
    dist.all_gather(parts, padded)
    cut = [part[: int(length)] for part, length in zip(parts, lengths, strict=True)]
    cut[rank] = tensor
    return torch.cat(cut)


def gathered_ragged(ragged: Ragged) -> Ragged:
    """The same of token vectors."""
    device = ragged.vectors.device
    return Ragged(gathered(ragged.vectors), gathered(ragged.lengths.to(device)).cpu())


def together(here: bool) -> bool:
    """Whether it is true in any process."""
    if not dist.is_initialized():
        return here
    flag = torch.tensor([int(here)])
    if dist.get_backend() == "nccl":
        flag = flag.cuda()
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag.item())

"""Late interaction with a gradient: MaxSim over sides of any length, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Self, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Token vectors of the queries or the documents of a batch, end to end: there is no padding to forget.

    vectors: (n_tokens, dim), floating, any device. lengths: (n,) int64, at least 1 each, their sum n_tokens; kept on
    the CPU, where they are used as numbers. Raises ValueError for anything else.
    """

    vectors: Tensor
    lengths: Tensor

    def __post_init__(self) -> None:
        lengths = self.lengths.cpu()
        if self.vectors.ndim != 2:
            raise ValueError(f"token vectors must be (n_tokens, dim), got shape {tuple(self.vectors.shape)}")
        if lengths.ndim != 1 or lengths.dtype != torch.int64:
            raise ValueError(f"lengths must be (n,) int64, got shape {tuple(lengths.shape)}, {lengths.dtype}")
        if (lengths < 1).any():
            raise ValueError(f"number {int((lengths < 1).nonzero()[0])} has no token vectors: a maximum over none")
        if int(lengths.sum()) != len(self.vectors):
            raise ValueError(f"lengths add up to {int(lengths.sum())}, but there are {len(self.vectors)} token vectors")
        object.__setattr__(self, "lengths", lengths)

    @classmethod
    def of(cls, rows: Sequence[Tensor]) -> Self:
        """One (n_tokens, dim) tensor for each query or document. Raises ValueError if there is none."""
        if not rows:
            raise ValueError("there must be at least one tensor of token vectors")
        return cls(torch.cat(list(rows)), torch.tensor([len(row) for row in rows]))

    @classmethod
    def from_padded(cls, multi: Tensor, attention_mask: Tensor) -> Self:
        """The tokens of multi (n, length, dim) where attention_mask (n, length) is not 0, on whichever side it is 0."""
        real = attention_mask.bool()
        return cls(multi[real], real.sum(dim=1))

    @classmethod
    def cat(cls, sides: Sequence[Self]) -> Self:
        """Those of each side after those of the one before: chunks of a batch, or the documents of all devices."""
        return cls(torch.cat([side.vectors for side in sides]), torch.cat([side.lengths for side in sides]))

    def detach(self) -> Self:
        """The same vectors, through which no gradient flows."""
        return type(self)(self.vectors.detach(), self.lengths)

    def __len__(self) -> int:
        """The number of queries or documents."""
        return len(self.lengths)


def late_scores(queries: Ragged, documents: Ragged, *, normalise: bool = True, block_bytes: int = 64 << 20) -> Tensor:
    """MaxSim of each query with each document: (n_queries, n_documents) float32, float64 for float64 vectors.

    Each query token takes its best dot product over the document's tokens (of equal ones the first); the score is their
    sum (eq. 1), with `normalise` divided by the number of query tokens (eq. 2 of arXiv:2506.18902): for unit vectors in
    [-1, 1], so that one temperature fits queries of any length. A gradient flows once, and only to the best tokens.

    Memory beside the vectors, their gradients, and a copy of them in float32 if they are not: a copy of the query
    tokens, and one block of `block_bytes` (or another copy, or one token's products with the longest document, if that
    is more); 4 bytes for each query token and document, kept for the gradient, and three times that while it is
    computed. Raises ValueError for different widths.
    """
    dtype = _common_dtype(queries, documents)
    scores = cast(
        "Tensor",
        _MaxSim.apply(  # type: ignore[no-untyped-call]
            queries.vectors.to(dtype),
            documents.vectors.to(dtype),
            queries.lengths,
            documents.lengths,
            block_bytes,
        ),
    )
    return scores / queries.lengths.to(scores.device)[:, None] if normalise else scores


def late_pairs(queries: Ragged, documents: Ragged, *, normalise: bool = True) -> Tensor:
    """MaxSim of each query with the document of the same number: (n,), n at least 1; for graded pairs.

    The diagonal of late_scores, at the cost of the pairs alone. Raises ValueError for different widths or numbers.
    """
    dtype = _common_dtype(queries, documents)
    if len(queries) != len(documents):
        raise ValueError(f"{len(queries)} queries and {len(documents)} documents make no pairs")
    lengths = queries.lengths.tolist()
    pairs = zip(
        torch.split(queries.vectors.to(dtype), lengths),
        torch.split(documents.vectors.to(dtype), documents.lengths.tolist()),
        strict=True,
    )
    with without_autocast(queries.vectors):
        sums = torch.stack([(query @ document.T).max(dim=1).values.sum() for query, document in pairs])
    return sums / queries.lengths.to(sums.device) if normalise else sums


def exact_dtype(*tensors: Tensor) -> torch.dtype:
    """What scores are computed in: float32, or float64 if one of the tensors is.

    bfloat16 has 8 bits: at a temperature of 0.02 the last of them moves a logit by 0.2.
    """
    return torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32


def without_autocast(tensor: Tensor) -> torch.autocast:
    """A context in which products on the device of the tensor are computed in the dtype of their factors."""
    return torch.autocast(tensor.device.type, enabled=False)


class _MaxSim(torch.autograd.Function):
    """MaxSim sums, keeping of all the products only which document token was best."""

    @staticmethod
    def forward(
        ctx: Any, queries: Tensor, documents: Tensor, query_lengths: Tensor, document_lengths: Tensor, block_bytes: int
    ) -> Tensor:
        """(n_query_tokens, dim), (n_tokens, dim) -> (n_queries, n_documents)."""
        lengths = document_lengths.tolist()
        starts = [0, *accumulate(lengths)]
        numbers = max(1, block_bytes // queries.element_size())  # products in a block
        scores = queries.new_empty(len(query_lengths), len(lengths))
        chosen = torch.empty(len(queries), len(lengths), dtype=torch.int32, device=queries.device)
        on_device = query_lengths.to(queries.device)
        with without_autocast(queries):
            for group in _groups(lengths, numbers // max(1, len(queries))):
                first, last = starts[group.start], starts[group.stop]
                tokens = documents[first:last]
                best = queries.new_empty(len(queries), len(group))
                for rows in _slices(len(queries), numbers // len(tokens)):
                    products = queries[rows] @ tokens.T
                    for column, document in enumerate(group):
                        start, stop = starts[document] - first, starts[document + 1] - first
                        values, places = products[:, start:stop].max(dim=1)  # of equal ones the first
                        best[rows, column] = values
                        chosen[rows, document] = (places + starts[document]).int()
                    del products, values, places  # or they are alive beside those of the next block
                scores[:, group.start : group.stop] = torch.segment_reduce(best, "sum", lengths=on_device, axis=0)
        ctx.save_for_backward(queries, documents, chosen, on_device)
        ctx.block_bytes = block_bytes
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        """Each query token and the token it chose exchange their vectors, weighted by the gradient of the score."""
        queries, documents, chosen, query_lengths = ctx.saved_tensors
        to_queries = torch.zeros_like(queries) if ctx.needs_input_grad[0] else None
        to_documents = torch.zeros_like(documents) if ctx.needs_input_grad[1] else None
        weights = gradient.repeat_interleave(query_lengths, dim=0, output_size=len(queries))
        size = max(1, ctx.block_bytes // max(1, queries.numel() * queries.element_size()))  # documents in a block
        with without_autocast(queries):
            for columns in _slices(chosen.shape[1], size):
                places, weight = chosen[:, columns], weights[:, columns]
                if to_queries is not None:
                    to_queries += torch.einsum("tnd,tn->td", documents[places], weight)
                if to_documents is not None:
                    # On CUDA in an order of its own, unless torch.use_deterministic_algorithms asks for one.
                    to_documents.index_add_(0, places.flatten(), (queries[:, None] * weight[..., None]).flatten(0, 1))
        return to_queries, to_documents, None, None, None


def _common_dtype(queries: Ragged, documents: Ragged) -> torch.dtype:
    widths = queries.vectors.shape[1], documents.vectors.shape[1]
    if widths[0] != widths[1]:
        raise ValueError(f"queries of {widths[0]} and documents of {widths[1]} dimensions")
    return exact_dtype(queries.vectors, documents.vectors)


def _groups(lengths: Sequence[int], most: int) -> Iterator[range]:
    """Documents that follow each other and have at most so many tokens together, or as many as the longest one."""
    most = max(most, *lengths, 0)
    start = total = 0
    for number, length in enumerate(lengths):
        if total + length > most:
            yield range(start, number)
            start, total = number, 0
        total += length
    if lengths:
        yield range(start, len(lengths))


def _slices(n: int, size: int) -> Iterator[slice]:
    size = max(1, size)
    return (slice(start, start + size) for start in range(0, n, size))

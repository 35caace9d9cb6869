"""Rows of different lengths through a network in batches of bounded size, whatever the memory is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from pagesight.storage.errors import DeviceMemory

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


def pack(lengths: Sequence[int], max_tokens: int, max_rows: int | None = None) -> list[list[int]]:
    """Indices of rows in batches, longest rows first, so that a batch that does not fit into memory shows at once.

    A batch holds at most ``max_tokens`` tokens, padding to its longest row included, or one row.
    """
    batches: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if room == 0:
            batches.append([])
            room = max(1, max_tokens // max(1, lengths[index]))
            room = room if max_rows is None else min(room, max_rows)
        batches[-1].append(index)
        room -= 1
    return batches


class Packer:
    """Runs a function over batches; halves a batch that runs out of memory and makes the next ones smaller."""

    def __init__(self, max_tokens: int) -> None:
        self.max_tokens = max_tokens

    def run(
        self,
        rows: Sequence[Item],
        lengths: Sequence[int],
        encode: Callable[[list[Item]], Sequence[Result]],
        *,
        max_rows: int | None = None,
        prepare: Callable[[list[Item]], None] = lambda _: None,
    ) -> list[Result]:
        """``encode`` for all rows: one result a row, in their order. Raises DeviceMemory if one row alone is too much.

        prepare: called with the next batch before ``encode`` with the one at hand.
        """
        results: dict[int, Result] = {}
        waiting = pack(lengths, self.max_tokens, max_rows)[::-1]
        while waiting:
            batch = waiting.pop()
            if len(batch) > 1 and len(batch) * lengths[batch[0]] > self.max_tokens:  # packed before the limit fell
                waiting += _halves(batch)
                continue
            if waiting:
                prepare([rows[i] for i in waiting[-1]])
            try:
                results.update(zip(batch, encode([rows[i] for i in batch]), strict=True))
                continue
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                n_tokens = len(batch) * lengths[batch[0]]
                if len(batch) == 1:
                    raise DeviceMemory(
                        f"one input of {n_tokens:,} tokens does not fit into the memory of the device; make pages "
                        "smaller with image_pixels, or use another device or dtype='bfloat16'"
                    ) from error
            # Outside of the handler, whose traceback keeps the tensors of the failed batch alive.
            free_memory()
            self.max_tokens = max(lengths[batch[0]], n_tokens // 2)
            log.warning("out of memory with %d tokens at once; going on with %d", n_tokens, self.max_tokens)
            waiting += _halves(batch)
        return [results[i] for i in range(len(rows))]


def _halves(batch: list[int]) -> list[list[int]]:
    """The second half first: the list is taken from its end."""
    middle = (len(batch) + 1) // 2
    return [batch[middle:], batch[:middle]]


def is_out_of_memory(error: BaseException) -> bool:
    """torch has a class for it on accelerators, and says it in words on the CPU."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def free_memory() -> None:
    """Give back what torch keeps for later batches."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()

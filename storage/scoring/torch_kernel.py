"""MaxSim over encoded pages on a device of torch, for machines that have a GPU: the kernel of storage.scoring.kernel in tensors.

Codes go to the device as they lie and are expanded there. Reading and copying them is most of the work, so it pays where many
pages are scored by few processors; it is asked for by name and never chosen by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.scoring.layout import CodeLayout, Records

PART_BYTES = 1 << 24  # scored at a time: expanded and with their addresses about 16 times as much memory of the device


def maxima(query: NDArray[np.float32], records: Records, layout: CodeLayout, device: str) -> NDArray[np.float32]:
    """As ``storage.scoring.kernel.maxima``, in float32: (n_query_tokens, n_pages)."""
    import torch

    data = torch.tensor(np.frombuffer(records.data, np.uint8), device=device)
    starts, counts = (torch.tensor(a, dtype=torch.int64, device=device) for a in (records.starts, records.counts))
    page = torch.repeat_interleave(torch.arange(len(counts), device=device), counts)  # of each token
    row = torch.arange(len(page), device=device) - (counts.cumsum(0) - counts)[page]
    row_bytes = layout.n_bytes(1) - 4

    def bytes_at(at: torch.Tensor, n: int) -> torch.Tensor:
        return data[at[:, None] + torch.arange(n, device=device)]

    scales = bytes_at(starts[page] + 4 * row, 4).view(torch.float32)  # (n_tokens, 1)
    codes = bytes_at(starts[page] + 4 * counts[page] + row_bytes * row, row_bytes)
    if layout.table is None:
        values = codes.view(torch.int8)
    else:
        values = torch.tensor(layout.table, device=device)[codes.long()].flatten(1)
    similarities = (values.float() @ torch.tensor(query, device=device).T) * scales
    best = torch.segment_reduce(similarities, "max", lengths=counts, axis=0)
    return np.asarray(best.T.cpu().numpy(), np.float32)

# Buffers are numpy arrays or bytes: numpy's types say so from Python 3.12 on only.

def kernels() -> tuple[str, ...]: ...
def maxima(
    kernel: str,
    data: object,
    starts: object,
    counts: object,
    dim: int,
    bits: int,
    table: object,
    query: object,
    query_scales: object,
    precise: bool,
    found: object,
    /,
) -> None: ...
def products(
    kernel: str,
    data: object,
    count: int,
    dim: int,
    bits: int,
    table: object,
    query: object,
    found: object,
    lengths: object,
    /,
) -> None: ...
def read(descriptors: object, offsets: object, sizes: object, starts: object, buffer: object, /) -> int: ...
def scan(
    kernel: str,
    data: object,
    starts: object,
    n_slots: int,
    dim: int,
    query: object,
    query_scales: object,
    found: object,
    /,
) -> None: ...

# Buffers are numpy arrays or bytes: numpy's types say so from Python 3.12 on only.

def below(
    boxes: object,
    obstacles: object,
    n_obstacles: object,
    within: object,
    smallest: object,
    columns: int,
    shared: float,
    found: object,
    there: object,
    /,
) -> None: ...
def bounds(boxes: object, first: object, found: object, /) -> None: ...
def inside(
    boxes: object, pages: object, others: object, page_ends: object, found_boxes: object, found_others: object, /
) -> int: ...
def kernels() -> tuple[str, ...]: ...
def largest(rows: object, first: object, found: object, /) -> None: ...
def lay_out(boxes: object, page_words: object, aspects: object, rules: object, /, *found: object) -> tuple[int, int, int]: ...
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
def medians(rows: object, first: object, found: object, /) -> None: ...
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
def spread(x: object, y: object, values: object, first: object, found: object, /) -> None: ...
def stretch(rows: object, first: object, reach: object, /) -> None: ...

"""What an index run will cost, before it starts: pages, vectors, bytes, and time from a few pages that are tried."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pagesight.engine.encoder import CountsTokens, Encoder
from pagesight.indexer.content import PageContent
from pagesight.indexer.running.reader import PageReader
from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import BadInput, DocumentError
from pagesight.storage.manifest import Space
from pagesight.storage.vectors.page_rows import row_sizes

TRIED_PAGES = 4
_BOX_BYTES = 8  # of a token's box; see storage.vectors.segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """n_files: to be read. n_unreadable: of them, cannot be opened. n_pages: of the others.

    exact: whether n_vectors follows from the sizes of all pages, rather than from those tried. n_bytes: of vectors and boxes
    on disk. seconds: of the run, from n_tried pages on this machine; None if none could be tried. passed_over: how many files
    there are with other endings than those that are read, by ending.
    """

    n_files: int
    n_unreadable: int
    n_pages: int
    n_vectors: int
    exact: bool
    n_bytes: int
    n_tried: int
    seconds: float | None
    passed_over: Mapping[str, int] = field(default_factory=dict)


def estimate(
    paths: Sequence[Path], reader: PageReader, encoder: Encoder, space: Space, passed_over: Mapping[str, int]
) -> Estimate:
    """Open all files, try a few pages spread over them. space: how their vectors will be stored. passed_over: see Estimate."""
    counter = encoder if isinstance(encoder, CountsTokens) else None
    pages, vectors, n_unreadable = _look(paths, reader, counter)
    tried = [pages[i * len(pages) // TRIED_PAGES] for i in range(TRIED_PAGES)] if pages else []
    read, read_s = _read(list(dict.fromkeys(tried)), reader)
    n_found, encode_s = _encode(read, encoder)
    per_page = n_found / len(read) if read else 0.0
    n_vectors = sum(vectors) if counter is not None else round(per_page * len(pages))
    n_stored = -(-n_vectors // space.pool_factor)
    n_bytes = codec_named(space.codec, space.token_dim).n_bytes(n_stored) + n_stored * _BOX_BYTES
    seconds = None
    if read:
        # Reading goes on in processes beside the model; on a machine without a GPU they share its cores.
        reading_s = read_s / len(read) * len(pages) / reader.n_processes
        share = n_vectors / n_found if counter is not None and n_found else len(pages) / len(read)
        seconds = reading_s + encode_s * share
    return Estimate(
        n_files=len(paths),
        n_unreadable=n_unreadable,
        n_pages=len(pages),
        n_vectors=n_vectors,
        exact=counter is not None,
        n_bytes=n_bytes + len(pages) * sum(row_sizes(encoder.single_dim, encoder.token_dim).values()),
        n_tried=len(read),
        seconds=seconds,
        passed_over=dict(passed_over),
    )


def _look(
    paths: Sequence[Path], reader: PageReader, counter: CountsTokens | None
) -> tuple[list[tuple[Path, int]], list[int], int]:
    """(path, page number) of each page, the vectors of each page if they can be known, and how many files cannot be read."""
    pages: list[tuple[Path, int]] = []
    vectors: list[int] = []
    n_unreadable = 0
    waiting = [(path, reader.open(path) if counter is None else reader.sizes(path)) for path in paths]
    for path, future in waiting:
        try:
            found = future.result()
            counted = (
                [] if counter is None or not isinstance(found, list) else [counter.count_tokens(*s) for s in found]
            )
        except (DocumentError, BadInput):
            n_unreadable += 1
            continue
        n_pages = len(found) if isinstance(found, list) else found.n_pages
        pages += [(path, number) for number in range(1, n_pages + 1)]
        vectors += counted
    return pages, vectors, n_unreadable


def _read(tried: list[tuple[Path, int]], reader: PageReader) -> tuple[list[PageContent], float]:
    """Those of these pages that can be read, and the time it took, one after the other."""
    began = time.monotonic()
    contents: list[PageContent] = []
    for path, number in tried:
        try:
            contents += [page for page in reader.read(path, number, number).result() if isinstance(page, PageContent)]
        except DocumentError:
            continue
    return contents, time.monotonic() - began


def _encode(pages: list[PageContent], encoder: Encoder) -> tuple[int, float]:
    """How many vectors these pages have, and how long encoding takes once the model is warm."""
    if not pages:
        return 0, 0.0
    encoder.encode_pages(pages[:1])
    began = time.monotonic()
    encoded = encoder.encode_pages(pages)
    return sum(len(page.tokens) for page in encoded), time.monotonic() - began

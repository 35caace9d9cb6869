"""Bringing an index up to date with files and folders: from paths to outcomes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.config import IndexConfig
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import EXTENSIONS, TEXT_EXTENSIONS
from pagesight.indexer.running.discover import discover
from pagesight.indexer.running.pipeline import Ingest, PageDone, missing_files
from pagesight.indexer.running.plan import IngestOptions, Outcome, Planner, Status
from pagesight.indexer.running.reader import PageReader
from pagesight.storage.store import Store
from pagesight.storage.values import SourceFile

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder


def index_files(
    store: Store,
    encoder: Encoder,
    paths: Sequence[str | PathLike[str]],
    config: IndexConfig,
    on_page: Callable[[PageDone], None] | None,
) -> Iterator[Outcome]:
    """See ``SearchEngine.index``."""
    given = [Path(path) for path in paths]
    extensions = EXTENSIONS | TEXT_EXTENSIONS if config.text else EXTENSIONS
    with store.writer() as writer, page_reader(config, encoder.image_pixels) as reader:
        yield from Ingest(writer, writer, reader, encoder, _options(config), on_page).run(discover(given, extensions))
        missing = missing_files(writer.indexed_files(), given)
        if config.prune and missing:
            writer.remove_names([os.fsencode(source.location) for source in missing])
        status = Status.REMOVED if config.prune else Status.GONE
        yield from (Outcome(source=source, status=status) for source in missing)


def files_to_read(store: Store | None, paths: Sequence[str | PathLike[str]], config: IndexConfig) -> list[Path]:
    """Those of these files and folders that ``index_files`` would have to read. store: None before there is one."""
    found = discover([Path(path) for path in paths])
    if store is None:
        return [item.location for item in found if isinstance(item, SourceFile)]
    with store.writer() as writer:
        planner = Planner(writer, _options(config))
        return [plan.path for plan in map(planner.plan, found) if plan.path is not None]


def page_reader(config: IndexConfig, image_pixels: int | None) -> PageReader:
    """image_pixels: what the model wants of a page's picture; None if it reads words."""
    ocr = config.ocr or ("auto" if image_pixels is None else "off")
    options = ReadOptions(password=config.password, ocr=ocr, image_pixels=image_pixels)
    return PageReader(options, n_processes=config.n_processes, seconds_per_page=config.seconds_per_page)


def _options(config: IndexConfig) -> IngestOptions:
    return IngestOptions(
        reindex=config.reindex,
        retry=config.retry or config.password is not None,
        rehash=config.rehash,
        tags=config.tags,
    )

"""Bringing an index up to date with files and folders: from paths to outcomes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.config import IndexConfig
from pagesight.engine.encoder import Sees
from pagesight.indexer.content import ReadOptions
from pagesight.indexer.formats import walked_extensions
from pagesight.indexer.running.discover import Unusable, discover
from pagesight.indexer.running.pipeline import Ingest, PageDone, missing_files
from pagesight.indexer.running.plan import IngestOptions, Outcome, Planner, Status
from pagesight.indexer.running.reader import PageReader
from pagesight.storage.errors import ConfigError
from pagesight.storage.parts import Part
from pagesight.storage.values import SourceFile

if TYPE_CHECKING:
    from pagesight.engine.encoder import Encoder
    from pagesight.engine.index import Store
    from pagesight.indexer.running.warm import WarmReader


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSummary:
    """What an indexing run did: an outcome a file, in the order in which they were committed.

    passed_over: how many files there were in the folders with other endings than those that are read, by ending.
    """

    outcomes: tuple[Outcome, ...]
    seconds: float
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[Status]:
        """How many files became what."""
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def n_pages(self) -> int:
        """Pages that were read, encoded and stored."""
        return sum(outcome.n_pages for outcome in self.outcomes)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Files that could not be read, and files with pages that could not."""
        return tuple(o for o in self.outcomes if o.status == Status.FAILED or o.page_problems)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)


def checked_paths(paths: Sequence[str | PathLike[str]]) -> list[Path]:
    """Raises ConfigError for what is no list of paths: a single text would be taken for a list of letters."""
    if isinstance(paths, str | bytes | PathLike):
        raise ConfigError(f"paths must be a list of files and folders, not the one {paths!r}; write [{paths!r}]")
    try:
        return [Path(path) for path in paths]
    except TypeError as error:
        raise ConfigError(f"paths must be a list of files and folders: {error}") from error


def index_files(
    store: Store,
    encoder: Encoder,
    paths: Sequence[Path],
    config: IndexConfig,
    on_page: Callable[[PageDone], None] | None,
    leave_out: Callable[[Path], bool] | None = None,
    passed_over: Counter[str] | None = None,
    *,
    warm: WarmReader,
) -> Iterator[Outcome]:
    """See ``SearchEngine.iter_index``. warm: lends what reads. Between two outcomes no transaction is open; the right to write is kept to the end."""
    found = found_files(paths, config, passed_over)
    if leave_out is not None:
        found = (item for item in found if not leave_out(location_of(item)))
    with store.writer() as writer, warm.lent(page_reader(config, encoder)) as reader:
        with store.view() as known:
            ingest = Ingest(writer, known, reader, encoder, ingest_options(config), on_page)
            if config.prune:  # a folder that was renamed is named once more to let go of it
                missing = missing_files(known.indexed_files(), paths)
                gone = {place for source in missing for place in (source.location, *source.location.parents)}
                found = (item for item in found if os.path.lexists(location_of(item)) or location_of(item) not in gone)
        yield from ingest.run(found)
        with store.view() as view:
            missing = missing_files(view.indexed_files(), paths)
        if config.prune and missing:
            writer.remove_names([os.fsencode(source.location) for source in missing])
        status = Status.REMOVED if config.prune else Status.GONE
        yield from (Outcome(source=source, status=status) for source in missing)


def files_to_read(
    store: Store | None, paths: Sequence[Path], config: IndexConfig, passed_over: Counter[str]
) -> list[Path]:
    """Those of these files and folders that ``index_files`` would have to read. store: None before there is one.

    Nothing is written, nor kept from others: a writer may be at work.
    """
    found = found_files(paths, config, passed_over)
    if store is None:
        return [item.location for item in found if isinstance(item, SourceFile)]
    with store.view() as view:
        planner = Planner(view, ingest_options(config))
    return [plan.path for plan in map(planner.plan, found) if plan.path is not None]


def waiting_files(store: Store | None, paths: Sequence[Path], config: IndexConfig) -> dict[Path, int]:
    """The same, with their sizes in bytes, without looking into any: for showing how far a run is."""
    found = [item for item in found_files(paths, config) if isinstance(item, SourceFile)]
    if store is not None:
        with store.view() as view:
            planner = Planner(view, ingest_options(config))
        found = [source for source in found if not planner.is_unchanged(source)]
    return {source.location: source.n_bytes for source in found}


def page_reader(config: IndexConfig, encoder: Encoder) -> PageReader:
    """What reads pages as the model wants them: words, a picture, or what is seen. Raises WeightsMissing, WeightsDamaged."""
    ocr = config.ocr or ("auto" if encoder.image_pixels is None else "off")
    sight = str(encoder.sight_file()) if isinstance(encoder, Sees) else None
    options = ReadOptions(password=config.password, ocr=ocr, image_pixels=encoder.image_pixels, sight=sight)
    return PageReader(
        options, n_processes=config.n_processes, seconds_per_page=config.seconds_per_page, nice=config.nice
    )


def found_files(
    paths: Sequence[Path], config: IndexConfig, passed_over: Counter[str] | None = None
) -> Iterator[SourceFile | Unusable]:
    """What lies there that can be a document, sorted, each once. passed_over: counts files with other endings, by ending."""
    return discover(paths, walked_extensions(text=config.text), passed_over)


def location_of(found: SourceFile | Unusable) -> Path:
    """Where it is, whatever it is."""
    return (found.source if isinstance(found, Unusable) else found).location


def ingest_options(config: IndexConfig) -> IngestOptions:
    """What planning is told."""
    part = None if config.part is None else Part.parse(config.part)
    return IngestOptions(
        reindex=config.reindex,
        retry=config.retry or config.password is not None,
        rehash=config.rehash,
        seconds=config.seconds_per_page,
        tags=config.tags,
        owns=None if part is None else part.owns,
        not_owned="" if part is None else part.reason,
    )

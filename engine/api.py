"""SearchEngine: the whole engine behind one object. Composition only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from pagesight.engine.config import DEFAULT_MODEL, IndexConfig, ModelConfig, SearchConfig
from pagesight.engine.describe import describe, describe_page
from pagesight.engine.indexing import files_to_read, index_files, page_reader
from pagesight.engine.models import known_name, load_model
from pagesight.engine.results import SearchHit
from pagesight.engine.retrieval import rerank, search
from pagesight.storage.errors import ConfigError, ModelMismatch, StoreNotFound, UnknownHit
from pagesight.storage.manifest import Manifest, check_codec
from pagesight.storage.store import Store
from pagesight.storage.tables.catalog import StoredDocument, StoredFailure, Totals

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.encoder import EncodedQuery, Encoder
    from pagesight.engine.estimate import Estimate
    from pagesight.engine.measure import Measurement
    from pagesight.engine.retrieval import ScoredPage
    from pagesight.indexer.running.pipeline import PageDone
    from pagesight.indexer.running.plan import Outcome
    from pagesight.storage.care.compaction import Optimized
    from pagesight.storage.care.doctor import Examination


class SearchEngine:
    """An index and the model that made it. Searching is safe from several threads at once."""

    def __init__(
        self,
        folder: Path,
        store: Store | None,
        model: str,
        settings: ModelConfig,
        *,
        codec: str = "int8",
        pool_factor: int = 1,
    ) -> None:
        self.folder = folder
        self._store, self._model, self._settings = store, model, settings
        self._codec, self._pool_factor = codec, pool_factor
        self._encoder: Encoder | None = None

    @classmethod
    def open(
        cls,
        folder: str | PathLike[str],
        *,
        model: str | None = None,
        settings: ModelConfig | None = None,
        codec: str | None = None,
        pool_factor: int | None = None,
    ) -> Self:
        """Open an index, or name the folder of one to be made by the first ``index``.

        model: default for a new index is the embedded one; an existing index brings its own, and those of its settings
        that change vectors; name a folder where the model's files lie elsewhere now. codec: token codec of a new index,
        "int8" by default. pool_factor: a new index stores one token vector for so many of a page, 1 by default.
        Raises ModelMismatch if the index was made with another model or other settings than those
        named, ConfigError for an unknown codec or pool factor, FormatVersionMismatch, StoreCorrupt.
        """
        settings = settings or ModelConfig()
        model = None if model is None else known_name(model)
        path = Path(folder).expanduser().absolute()
        check_codec(codec or "int8", 1 if pool_factor is None else pool_factor)
        try:
            store = Store(path)
        except StoreNotFound:
            return cls(
                path, None, model or DEFAULT_MODEL, settings, codec=codec or "int8", pool_factor=pool_factor or 1
            )
        stored = store.manifest
        try:
            _check_choice(stored, model, settings)
        except ModelMismatch:
            store.close()
            raise
        return cls(path, store, model or stored.encoder, settings.with_stored(stored.settings))

    @property
    def encoder(self) -> Encoder:
        """The model, loaded at its first use. Raises ModelMismatch if it is not what it was when the index was made."""
        if self._encoder is None:
            encoder = load_model(self._model, self._settings)
            if self._store is not None:
                self._store.manifest.check_encoder(encoder.name, encoder.fingerprint)
            self._encoder = encoder
        return self._encoder

    @property
    def store(self) -> Store:
        """The index on disk. Raises StoreNotFound before the first ``index``."""
        if self._store is None:
            raise StoreNotFound(self.folder)
        return self._store

    def index(
        self,
        paths: Sequence[str | PathLike[str]],
        config: IndexConfig | None = None,
        on_page: Callable[[PageDone], None] | None = None,
    ) -> Iterator[Outcome]:
        """Bring the index up to date with these files and folders: yields one outcome a file, once it is committed.

        What has been yielded is safe, however the run ends. Raises StoreLocked, DiskFull.
        """
        encoder = self.encoder
        if self._store is None:
            self._store = Store.create(self.folder, self._new_manifest(encoder))
            self._store.manifest.check_encoder(encoder.name, encoder.fingerprint)
        yield from index_files(self._store, encoder, paths, config or IndexConfig(), on_page)

    def estimate(self, paths: Sequence[str | PathLike[str]], config: IndexConfig | None = None) -> Estimate:
        """What ``index`` would have to do for these files and folders; nothing is written. See engine.estimate."""
        from pagesight.engine.estimate import estimate
        from pagesight.storage.vectors.codecs import codec_named

        config, encoder = config or IndexConfig(), self.encoder
        files = files_to_read(self._store, paths, config)
        with page_reader(config, encoder.image_pixels) as reader:
            return estimate(files, reader, encoder, codec_named(self._codec, encoder.token_dim), self._pool_factor)

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        filters: str | None = None,
        n_candidates: int = 200,
        exact: bool = False,
        score_on: str | None = None,
    ) -> list[SearchHit]:
        """The pages that answer best, at most ``k``.

        filters: an expression as in storage.tables.filters, e.g. ``document ~ "finance/*" and page <= 10``; None searches all.
        n_candidates: pages of the recall stage that are scored exactly. exact: score every page.
        score_on: a device of torch to score pages on, as "cuda"; None means the processor.
        Raises EmptyQuery, BadFilter, ConfigError.
        """
        (hits,) = self.search_many(
            [query], k=k, filters=filters, n_candidates=n_candidates, exact=exact, score_on=score_on
        )
        return hits

    def search_many(
        self,
        queries: Sequence[str],
        *,
        k: int = 10,
        filters: str | None = None,
        n_candidates: int = 200,
        exact: bool = False,
        score_on: str | None = None,
    ) -> Iterator[list[SearchHit]]:
        """``search`` for each query, all in one state of the index."""
        config = SearchConfig(k=k, n_candidates=max(n_candidates, k), exact=exact, score_on=score_on)
        if score_on is not None:
            from pagesight.engine.models.on_torch.runtime import require_device

            require_device(score_on)
        encoder, store = self.encoder, self.store
        with store.snapshot() as snapshot:
            index = store.recall_index(snapshot)
            for text in queries:
                (query,) = encoder.encode_queries([text])
                found = search(
                    query,
                    text,
                    snapshot,
                    index,
                    config,
                    filters=filters,
                    words=encoder.reads_words,
                    opening_weight=encoder.opening_weight,
                )
                yield describe(found, query, snapshot)

    def remove(self, *names: str, filters: str | None = None) -> list[str]:
        """Take documents out of the index; returns their names. The files stay where they are.

        names: paths as hits show them, or globs. filters: documents with a page that fits. A document with several names
        stays until the last one is removed.
        """
        with self.store.writer() as writer:
            found = [
                (name, location)
                for document in self.documents(filters)
                for name, location in zip(document.names, document.locations, strict=True)
                if not names or any(name == pattern or fnmatchcase(name, pattern) for pattern in names)
            ]
            writer.remove_names([os.fsencode(location) for _, location in found])
        return [name for name, _ in found]

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        """What is in the index, in order of names."""
        with self.store.snapshot() as snapshot:
            return snapshot.documents(filters)

    def failures(self) -> list[StoredFailure]:
        """What could not be read, and why."""
        with self.store.snapshot() as snapshot:
            return snapshot.failures()

    def totals(self) -> Totals:
        """Numbers of the index."""
        with self.store.snapshot() as snapshot:
            return snapshot.totals()

    def examine(self, *, drop_damaged: bool = False) -> Examination:
        """Check everything that is stored; see storage.care.doctor."""
        from pagesight.storage.care.doctor import examine

        return examine(self.store, drop_damaged=drop_damaged)

    def optimize(self) -> Optimized:
        """Give back the space of removed documents, and bring the large index's lists up to date; searches go on."""
        from pagesight.storage.care.compaction import optimize

        return optimize(self.store)

    def measure(
        self, queries: Sequence[str] = (), *, n_queries: int = 50, config: SearchConfig | None = None
    ) -> Measurement:
        """How much of what exact search finds the usual search finds here; without queries they are made of stored pages.

        Raises EmptyQuery, StoreNotFound, and ConfigError for an empty index.
        """
        from pagesight.engine.measure import made_up_queries, measure

        with self.store.snapshot() as snapshot:
            index = self.store.recall_index(snapshot)
            if len(index) == 0:
                raise ConfigError(f"the index {self.folder} has no page to measure; index something first")
            asked = list(zip(queries, self._encoded(queries), strict=True)) or [
                ("", query) for query in made_up_queries(snapshot, index.page_ids, n_queries)
            ]
            weight = self.encoder.opening_weight if queries else 0.0

            def ask(text: str, query: EncodedQuery, config: SearchConfig) -> list[ScoredPage]:
                return search(query, text, snapshot, index, config, words=bool(text), opening_weight=weight)

            return measure(asked, ask, len(index), config or SearchConfig())

    def _encoded(self, queries: Sequence[str]) -> list[EncodedQuery]:
        return self.encoder.encode_queries(queries) if queries else []

    def look_up(self, document: str, page: int, query: str | None = None) -> SearchHit:
        """One page by name, with the regions that match ``query`` if there is one. Raises UnknownHit."""
        with self.store.snapshot() as snapshot:
            page_id = snapshot.find_page(document, page)
            if page_id is None:
                raise UnknownHit(f"there is no page {document}:{page} in the index; see: pagesight list")
            if query is None:
                return describe_page(page_id, snapshot)
            (encoded,) = self.encoder.encode_queries([query])
            return describe(rerank(encoded, snapshot, np.array([page_id], np.int64), 1), encoded, snapshot)[0]

    def pictures(self, hits: Sequence[SearchHit], *, password: str | None = None) -> Iterator[Image.Image]:
        """Each hit's page as a picture with its regions marked. Raises DocumentError if the file is gone or changed."""
        from pagesight.engine.pictures import marked_pages

        return marked_pages(hits, password)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _new_manifest(self, encoder: Encoder) -> Manifest:
        return Manifest(
            encoder=encoder.name,
            fingerprint=encoder.fingerprint,
            single_dim=encoder.single_dim,
            token_dim=encoder.token_dim,
            codec=self._codec,
            settings=self._settings.stored(),
            pool_factor=self._pool_factor,
        )


def _check_choice(stored: Manifest, model: str | None, settings: ModelConfig) -> None:
    """Raise ModelMismatch if another model, or another setting that changes vectors, is asked for than the index has.

    Whether a folder holds the same model is seen when it is loaded, from the fingerprint.
    """
    if model not in (None, stored.encoder) and not Path(str(model)).expanduser().is_dir():
        raise ModelMismatch(stored.encoder, str(model))
    for name, value in settings.stored().items():
        if stored.settings.get(name) != value:
            before = stored.settings.get(name, "as the model has it")
            raise ModelMismatch(f"{stored.encoder}, {name} {before}", f"{name} {value}")

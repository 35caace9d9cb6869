"""SearchEngine: the whole engine behind one object. Composition only."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

import numpy as np

from pagesight.engine.answering import ask, described
from pagesight.engine.config import IndexConfig, ModelConfig, SearchConfig, SearchFields, WiderConfig, search_config
from pagesight.engine.describe import describe, describe_page
from pagesight.engine.models import known_name, load_model
from pagesight.engine.notebook import Hits
from pagesight.engine.results import PageRead
from pagesight.engine.retrieval import Question, rerank
from pagesight.engine.stages import stage
from pagesight.engine.wanted import Wanted
from pagesight.storage.addresses import full_address, shown, store_class
from pagesight.storage.closing import Closing
from pagesight.storage.codecs import DEFAULT_CODEC, DEFAULT_POOL_FACTOR, check_codec
from pagesight.storage.errors import ConfigError, StoreClosed, StoreNotFound, UnknownHit
from pagesight.storage.filters import parse_filter
from pagesight.storage.globs import glob_matches
from pagesight.storage.names import nfc
from pagesight.storage.parts import Part

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.encoder import EncodedQuery, Encoder
    from pagesight.engine.estimate import Estimate
    from pagesight.engine.index import Store, View
    from pagesight.engine.indexing import IndexSummary
    from pagesight.engine.measure import Measurement
    from pagesight.engine.reranker import Reranker
    from pagesight.engine.results import SearchHit
    from pagesight.engine.stages import OnStage
    from pagesight.indexer.content import PageContent
    from pagesight.indexer.running.pipeline import PageDone
    from pagesight.indexer.running.plan import Outcome
    from pagesight.indexer.running.warm import WarmReader
    from pagesight.storage.stored import Examination, Exported, Optimized, StoredDocument, StoredFailure, Totals


class SearchEngine(Closing):
    """An index and the model that made it.

        with SearchEngine.open("my-index") as engine:
            summary = engine.index(["reports"])
            for hit in engine.search("turnover by region", k=3, filters="date >= 2024"):
                print(hit.document, hit.page, hit.regions[0].box)

    Any number of threads may search at once, also while one of them, or another process, indexes. Engines that are open at
    the same time share a model. Errors that are not bugs are a ``pagesight.errors.SearchEngineError``.
    """

    def __init__(
        self, store: Store | None, wanted: Wanted, encoder: Encoder | None = None, reranker: Reranker | None = None
    ) -> None:
        """Made by ``open``. store: None before the first ``index``. encoder: instead of the model that is wanted."""
        self._store, self._wanted, self._encoder, self.reranker = store, wanted, encoder, reranker
        self._lock = threading.RLock()
        self._closed = False
        self._warm: WarmReader | None = None

    @classmethod
    def open(
        cls,
        address: str | PathLike[str],
        *,
        model: str | None = None,
        encoder: Encoder | None = None,
        settings: ModelConfig | None = None,
        codec: str | None = None,
        pool_factor: int | None = None,
        reranker: str | PathLike[str] | Reranker | None = None,
        part: str | None = None,
    ) -> Self:
        """Open an index, or name the place of one to be made by the first ``index``.

        address: a folder, or that of another store (storage.addresses), as "memory://notes".
        model: default for a new index is the embedded one; an existing index brings its own, and those of its settings
        that change vectors; name a folder where the model's files lie elsewhere now. encoder: anybody's Encoder, instead.
        codec: token codec of a new index. pool_factor: a new index stores one token vector for so many of a page.
        reranker: a folder with a cross-encoder that gives a second opinion on the first pages (engine.reranker), or one's own.
        part: answer for these documents only, as "2/4" (engine.shards).
        Raises ModelMismatch if the index was made with another model or other settings than those named, CodecMismatch for
        another codec or pool factor, BadReranker for a folder that is none, ConfigError for what cannot be,
        FormatVersionMismatch, StoreCorrupt.
        """
        if model is not None and encoder is not None:
            raise ConfigError(f"give either a model or an encoder, not both {model!r} and {encoder.name!r}")
        check_codec(codec or DEFAULT_CODEC, DEFAULT_POOL_FACTOR if pool_factor is None else pool_factor)
        opinion, only = _reranker(reranker), None if part is None else Part.parse(part)
        place, settings = full_address(address), settings or ModelConfig()
        wanted = Wanted(place, None if model is None else known_name(model), settings, codec, pool_factor)
        try:
            store: Store = store_class(place)(place)
        except StoreNotFound:
            return cls(None, wanted, encoder, opinion)
        try:
            wanted.check(store.space)
            if encoder is not None:
                store.space.check_encoder(encoder.name, encoder.fingerprint)
        except BaseException:
            store.close()
            raise
        if only is not None:
            from pagesight.engine.shards.part import PartStore

            store = PartStore(store, only)
        return cls(store, wanted, encoder, opinion)

    @property
    def address(self) -> str:
        """Where the index is, or will be; without a password."""
        return shown(self._wanted.address)

    @property
    def encoder(self) -> Encoder:
        """The model, loaded at its first use. Raises ModelMismatch if it is not what it was when the index was made."""
        with self._lock:
            self._check_open()
            if self._encoder is None:
                space = None if self._store is None else self._store.space
                encoder = load_model(*self._wanted.model_of(space))
                if space is not None:
                    space.check_encoder(encoder.name, encoder.fingerprint)
                self._encoder = encoder
            return self._encoder

    @property
    def store(self) -> Store:
        """The index. Raises StoreNotFound before the first ``index``."""
        self._check_open()
        if self._store is None:
            raise StoreNotFound(self.address)
        return self._store

    def index(
        self,
        paths: Sequence[str | PathLike[str]],
        config: IndexConfig | None = None,
        *,
        on_page: Callable[[PageDone], None] | None = None,
    ) -> IndexSummary:
        """Bring the index up to date with these files and folders; when it returns, everything is committed.

        A file that cannot be read is an outcome like any other. Stopped by whatever, it keeps what is committed, and the
        next call goes on. on_page: told of each page as it is encoded.
        Raises ConfigError, StoreLocked, DiskFull, ModelMismatch.
        """
        from pagesight.engine.indexing import IndexSummary

        began = time.monotonic()
        passed_over: Counter[str] = Counter()
        outcomes = tuple(self.iter_index(paths, config, on_page=on_page, passed_over=passed_over))
        return IndexSummary(outcomes=outcomes, seconds=time.monotonic() - began, passed_over=dict(passed_over))

    def iter_index(
        self,
        paths: Sequence[str | PathLike[str]],
        config: IndexConfig | None = None,
        *,
        on_page: Callable[[PageDone], None] | None = None,
        leave_out: Callable[[Path], bool] | None = None,
        passed_over: Counter[str] | None = None,
    ) -> Iterator[Outcome]:
        """``index`` step by step: one outcome a file, each committed when it is yielded, for who shows progress.

        leave_out: asked of each file that is found; what it leaves out is not looked at this time, and stays as it is.
        Arguments are checked and the model is loaded by the call; files are read as outcomes are asked for. The right to
        write is kept until the end, or until the iterator is closed. passed_over: counts files with other endings, by ending.
        """
        from pagesight.engine.indexing import checked_paths, index_files

        given, config = checked_paths(paths), config or IndexConfig()
        return index_files(
            self.made(), self.encoder, given, config, on_page, leave_out, passed_over, warm=self._warm_reader()
        )

    def estimate(self, paths: Sequence[str | PathLike[str]], config: IndexConfig | None = None) -> Estimate:
        """What ``index`` would have to do for these files and folders; nothing is written. See engine.estimate."""
        from pagesight.engine.estimate import estimate
        from pagesight.engine.indexing import checked_paths, files_to_read, page_reader

        given, config, encoder = checked_paths(paths), config or IndexConfig(), self.encoder
        passed_over: Counter[str] = Counter()
        files = files_to_read(self._store, given, config, passed_over)
        space = self._wanted.space(encoder) if self._store is None else self._store.space
        with self._warm_reader().lent(page_reader(config, encoder)) as reader:
            return estimate(files, reader, encoder, space, passed_over)

    def waiting(self, paths: Sequence[str | PathLike[str]], config: IndexConfig | None = None) -> dict[Path, int]:
        """Files that ``index`` would look into, with their sizes in bytes, as far as a look from outside tells."""
        from pagesight.engine.indexing import checked_paths, waiting_files

        return waiting_files(self._store, checked_paths(paths), config or IndexConfig())

    def view(self) -> View:
        """One state of the index, for several searches of it: ``with engine.view() as view``. For one thread at a time."""
        return self.store.view()

    def search(
        self,
        query: str,
        *,
        filters: str | None = None,
        view: View | None = None,
        on_stage: OnStage | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[SearchHit]:
        """The pages that answer best, at most ``k``.

            engine.search("loans due in 2028", k=3, filters='document ~ "finance/*" and page <= 10')

        filters: an expression as in storage.filters; None searches all. config, or its fields as keywords: see SearchConfig.
        view: of ``view()``, to search in; None means the present state. on_stage: told of each stage and its seconds.
        Raises EmptyQuery, BadFilter, ConfigError.
        """
        chosen = self._checked(search_config(config, fields), filters)
        if view is not None:
            return self._answer(query, filters, view, chosen, on_stage)
        with self.view() as present:
            return self._answer(query, filters, present, chosen, on_stage)

    def search_many(
        self,
        queries: Sequence[str],
        *,
        filters: str | None = None,
        view: View | None = None,
        on_stage: OnStage | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[list[SearchHit]]:
        """``search`` for each query, all in one state of the index."""
        if isinstance(queries, str):
            raise ConfigError(f"queries must be a list of questions, not the one {queries!r}")
        chosen = self._checked(search_config(config, fields), filters)
        if view is not None:
            return [self._answer(query, filters, view, chosen, on_stage) for query in queries]
        with self.view() as present:
            return [self._answer(query, filters, present, chosen, on_stage) for query in queries]

    def remove(self, *names: str, filters: str | None = None, everything: bool = False) -> list[str]:
        """Take documents out of the index; returns their names. The files stay where they are.

        names: paths as hits show them, or globs (storage.globs). filters: documents with a page that fits. A document with
        several names stays until the last one is removed. everything: the explicit word, where neither is given.
        Raises ConfigError if it is not said what to remove.
        """
        return [name for name, _ in self.remove_files(*names, filters=filters, everything=everything)]

    def remove_files(self, *names: str, filters: str | None = None, everything: bool = False) -> list[tuple[str, Path]]:
        """``remove``; returns with each name where its file lies."""
        if not (names or filters is not None or everything):
            raise ConfigError("say what to remove: names, filters, or everything=True")
        if filters is not None:
            parse_filter(filters)
        wanted = [nfc(name) for name in names]
        with self.store.writer() as writer:
            found = [
                (name, location)
                for document in self.documents(filters)
                for name, location in zip(document.names, document.locations, strict=True)
                if not wanted or any(name == pattern or glob_matches(pattern, name) for pattern in wanted)
            ]
            writer.remove_names([os.fsencode(location) for _, location in found])
        return found

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        """What is in the index, in order of names. filters: only documents with a page that fits."""
        with self.view() as view:
            return view.documents(filters)

    def some_documents(self, filters: str | None, offset: int, limit: int) -> tuple[int, list[StoredDocument]]:
        """How many ``documents`` there are, and ``limit`` of them from ``offset`` on."""
        found = self.documents(filters)
        return len(found), found[offset : offset + limit]

    def failures(self) -> list[StoredFailure]:
        """What could not be read, and why."""
        with self.view() as view:
            return view.failures()

    def totals(self) -> Totals:
        """Numbers of the index."""
        with self.view() as view:
            return view.totals()

    def examine(self, *, drop_damaged: bool = False) -> Examination:
        """Check everything that is stored. drop_damaged: forget damaged documents, to be read again by the next ``index``."""
        return self.store.examine(drop_damaged=drop_damaged)

    def export(self, target: str | PathLike[str], *, overwrite: bool = False) -> Exported:
        """Write a backup of the present state: one file. Searches and indexing go on meanwhile.

        Raises ConfigError if the file is there already, unless ``overwrite``; StoreCorrupt if the index is damaged; DiskFull.
        """
        return self.store.export(Path(target).expanduser().absolute(), overwrite=overwrite)

    @classmethod
    def restore(cls, backup: str | PathLike[str], address: str | PathLike[str]) -> Self:
        """Make an index of a backup, and open it. Files are found where they were, or beside the index as they were.

        Raises ConfigError if there is an index already, StoreCorrupt for what is no whole backup, DiskFull.
        """
        place = full_address(address)
        kind = store_class(place)
        if not hasattr(kind, "restore"):
            raise ConfigError(f"no backup can be restored into {shown(place)}; name a folder")
        kind.restore(Path(backup).expanduser().absolute(), place).close()
        return cls.open(place)

    def optimize(self) -> Optimized:
        """Give back the space of removed documents, and bring the large index's lists up to date; searches go on."""
        return self.store.optimize()

    def measure(
        self, queries: Sequence[str] = (), *, n_queries: int = 50, config: SearchConfig | None = None
    ) -> Measurement:
        """How much of what exact search finds the usual search finds here; without queries they are made of stored pages.

        Raises EmptyQuery, StoreNotFound, and ConfigError for an empty index.
        """
        from pagesight.engine.measure import made_up_questions, measure

        if n_queries < 1:
            raise ConfigError(f"n_queries must be at least 1, not {n_queries}")
        with self.view() as view:
            if len(view.page_ids()) == 0:
                raise ConfigError(f"the index {self.address} has no page to measure; index something first")
            questions = [Question.of(query, self.encoder) for query in queries] or list(
                made_up_questions(view, n_queries)
            )
            return measure(questions, view, config or SearchConfig())

    def look_up(self, document: str, page: int, query: str | None = None, *, sha256: str | None = None) -> SearchHit:
        """One page by name, with the regions that match ``query``, if there is one and anything that could. Raises UnknownHit.

        sha256: of the document, as hits have it, where files in several folders have one name; without it the first of them is taken.
        """
        with self.view() as view:
            return self._looked_up(view, self._page_id(view, document, page, sha256), query)

    def read_page(self, document: str, page: int, query: str | None = None, *, sha256: str | None = None) -> PageRead:
        """``look_up``, and the words of the page."""
        with self.view() as view:
            page_id = self._page_id(view, document, page, sha256)
            ids, findable = np.array([page_id], np.int64), bool(np.isin(page_id, view.page_ids()))
            text = " ".join(view.details(ids)[page_id].words.texts) if findable else ""
            source = view.describe(ids)[page_id].text_source
            return PageRead(self._looked_up(view, page_id, query), text, source)

    def _looked_up(self, view: View, page_id: int, query: str | None) -> SearchHit:
        if query is None or not np.isin(page_id, view.page_ids()):
            return describe_page(page_id, view)
        question = Question.of(query, self.encoder, typed_for=view)
        alone = Question(encoded=question.encoded)
        scored = rerank(alone, view, np.array([page_id], np.int64), SearchConfig(k=1))
        return describe(scored, question.encoded, view, wording=question.wording)[0]

    def page_text(self, document: str, page: int, *, sha256: str | None = None) -> str:
        """The words of one page, in reading order, as they were read from it. sha256: see ``look_up``. Raises UnknownHit."""
        with self.view() as view:
            page_id = self._page_id(view, document, page, sha256)
            return " ".join(view.details(np.array([page_id]))[page_id].words.texts)

    def similar(
        self,
        document: str,
        page: int,
        *,
        sha256: str | None = None,
        filters: str | None = None,
        view: View | None = None,
        on_stage: OnStage | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[SearchHit]:
        """Pages like this one, without itself: the page is the question. sha256: see ``look_up``. Raises UnknownHit, BadFilter, ConfigError."""
        from pagesight.engine.similar import similar_pages

        chosen = self._checked(search_config(config, fields), filters)
        with nullcontext(view) if view is not None else self.view() as seen:
            page_id = self._page_id(seen, document, page, sha256)
            if page_id not in seen.page_ids():
                return Hits([], self)  # nothing on it to compare
            return Hits(similar_pages(page_id, seen, chosen, filters, on_stage), self)

    def search_page(
        self,
        page: PageContent,
        *,
        filters: str | None = None,
        view: View | None = None,
        on_stage: OnStage | None = None,
        config: SearchConfig | None = None,
    ) -> list[SearchHit]:
        """Pages like one that is not in the index. Raises BadInput, BadFilter, ConfigError."""
        from pagesight.engine.similar import search_by_page

        chosen = self._checked(config or SearchConfig(), filters)
        with nullcontext(view) if view is not None else self.view() as seen:
            return Hits(search_by_page(page, self.encoder, seen, chosen, filters, on_stage), self)

    def score_pages(self, names: Sequence[tuple[str, int]], query: EncodedQuery) -> list[float | None]:
        """MaxSim of pages by document and number, first pages included where they count; None for one that is not there.

        0 for a page on which there is nothing to compare.
        """
        with self.view() as view:
            ids = [view.find_page(document, number) for document, number in names]
            findable = np.intersect1d(np.array([i for i in ids if i is not None], np.int64), view.page_ids())
            question = Question(encoded=query, opening_weight=self.encoder.opening_weight)
            found = rerank(question, view, findable, WiderConfig(k=max(1, len(findable))))
        scores = {page.page_id: page.score for page in found}
        return [None if i is None else scores.get(i, 0.0) for i in ids]

    def pictures(self, hits: Sequence[SearchHit], *, password: str | None = None) -> Iterator[Image.Image]:
        """Each hit's page as a picture with its regions marked. Raises DocumentError if the file is gone or changed."""
        from pagesight.engine.pictures import marked_pages

        return marked_pages(hits, password)

    def close(self) -> None:
        """Let go of the files and of the model, which is freed when no other engine uses it. The engine cannot be used again."""
        with self._lock:
            self._closed, self._encoder = True, None
            if self._warm is not None:
                self._warm.close()
            if self._store is not None:
                self._store.close()

    def made(self) -> Store:
        """The store, which is made if there is none yet. Raises as ``index`` does."""
        with self._lock:
            encoder = self.encoder
            if self._store is None:
                store: Store = store_class(self._wanted.address).create(
                    self._wanted.address, self._wanted.space(encoder)
                )
                try:  # another process may have made it just now, with something else
                    self._wanted.check(store.space)
                    store.space.check_encoder(encoder.name, encoder.fingerprint)
                except BaseException:
                    store.close()
                    raise
                self._store = store
            return self._store

    def _warm_reader(self) -> WarmReader:
        from pagesight.indexer.running.warm import WarmReader

        with self._lock:
            self._check_open()
            if self._warm is None:
                self._warm = WarmReader()
                weakref.finalize(self, self._warm.close)  # of an engine that is dropped without being closed
            return self._warm

    def _checked(self, config: SearchConfig, filters: str | None) -> SearchConfig:
        """Raises BadFilter, and ConfigError for a device that is not there."""
        if filters is not None:
            parse_filter(filters)
        if config.score_on is not None:
            from pagesight.engine.models.on_torch.runtime import require_device

            require_device(config.score_on)
        return config

    def _answer(
        self, query: str, filters: str | None, view: View, config: SearchConfig, on_stage: OnStage | None
    ) -> list[SearchHit]:
        found = ask(query, self.encoder, view, config, filters, on_stage, self.reranker)
        with stage("describe", on_stage):
            return Hits(described(found, view), self)

    def _page_id(self, view: View, document: str, page: int, sha256: str | None) -> int:
        page_id = view.find_page(document, page, sha256=sha256)
        if page_id is None:
            raise UnknownHit(f"there is no page {document}:{page} in the index")
        return page_id

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(self.address)


def _reranker(given: str | PathLike[str] | Reranker | None) -> Reranker | None:
    if isinstance(given, str | PathLike):
        from pagesight.engine.reranker.table import load_reranker

        return load_reranker(Path(given).expanduser().absolute())
    return given

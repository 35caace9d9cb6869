"""A store in memory: the definition of what every store answers.

    SearchEngine.open("memory://notes")

Everything is exact and nothing is indexed: a page is scored from its token vectors one by one, a filter is asked of every page.
It serves tests, documentation and small things that need not last. The conformance suite holds all stores against it.
A state is never changed: a commit puts another in its place, and views keep the one they were opened with.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.codecs import codec_named
from pagesight.storage.errors import DimensionMismatch, StoreClosed, StoreLocked, StoreNotFound
from pagesight.storage.filters import AllOf, AnyOf, Compare, Filter, Not, parse_filter
from pagesight.storage.globs import glob_matches
from pagesight.storage.manifest import Manifest, Space
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.names import nfc
from pagesight.storage.stored import (
    Examination,
    Optimized,
    PageDetail,
    StoredDocument,
    StoredFailure,
    StoredPage,
    Totals,
)
from pagesight.storage.values import DocumentInfo, KnownFailure, KnownFile, NewPage, SourceFile, now
from pagesight.storage.vectors.pooling import pooled_page
from pagesight.storage.words import MAX_QUERY_TERMS, terms

PageIds = NDArray[np.int64]
Float = NDArray[np.float32]
_shelf: dict[str, MemoryStore] = {}  # by address, for the life of the process


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    id: int
    new: NewPage
    tokens: Float  # as the codec keeps them


@dataclass(frozen=True, slots=True, eq=False)
class _Document:
    info: DocumentInfo
    n_bytes: int
    added_at: str
    pages: tuple[_Page, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """documents: by SHA-256. files: by location, (SHA-256, file). failures: by location and page number or 0."""

    generation: int = 0
    next_page_id: int = 1
    documents: dict[str, _Document] = field(default_factory=dict)
    files: dict[bytes, tuple[str, SourceFile]] = field(default_factory=dict)
    failures: dict[tuple[bytes, int], StoredFailure] = field(default_factory=dict)
    failed_files: dict[bytes, KnownFailure] = field(default_factory=dict)


class MemoryStore:
    """``pagesight.engine.index.Store``."""

    def __init__(self, address: str) -> None:
        """Open what was created under this address in this process. Raises StoreNotFound."""
        if address not in _shelf:
            raise StoreNotFound(address)
        self._home = _shelf[address]
        self.address, self.manifest = address, self._home.manifest
        self._closed = False

    @classmethod
    def create(cls, address: str, space: Space) -> Self:
        if address not in _shelf:
            codec_named(space.codec, space.token_dim)
            home = cls.__new__(cls)
            home.address, home.manifest, home._home, home._closed = address, Manifest(spaces=(space,)), home, False
            home.state, home.writing = _State(), threading.Lock()
            _shelf[address] = home
        return cls(address)

    state: _State
    writing: threading.Lock

    @property
    def space(self) -> Space:
        return self.manifest.space

    def view(self) -> MemoryView:
        self._check_open()
        return MemoryView(self.space, self._home.state)

    @contextmanager
    def writer(self, fault: Callable[[str], None] | None = None) -> Iterator[MemoryWriter]:
        self._check_open()
        if not self._home.writing.acquire(blocking=False):
            raise StoreLocked(Path(self.address), "this process")
        try:
            yield MemoryWriter(self._home, fault or (lambda _: None))
        finally:
            self._home.writing.release()

    def optimize(self, fault: Callable[[str], None] | None = None) -> Optimized:
        """There is nothing to give back."""
        with self.writer(fault):
            return Optimized(bytes_before=0, bytes_after=0, bytes_written=0, n_pages_moved=0)

    def examine(self, *, drop_damaged: bool = False) -> Examination:  # noqa: ARG002 - nothing can be damaged
        with self.writer(), self.view() as view:
            totals = view.totals()
            return Examination(totals.n_documents, totals.n_pages, (), ())

    def bytes_on_disk(self) -> int:
        return 0

    def close(self) -> None:
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed(self.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MemoryView:
    """``pagesight.engine.index.View``, by definition."""

    def __init__(self, space: Space, state: _State) -> None:
        self.space, self._state = space, state
        self.generation = state.generation
        self._pages = {page.id: (document, page) for document in state.documents.values() for page in document.pages}
        self._found = sorted(page_id for page_id, (_, page) in self._pages.items() if len(page.tokens))

    def page_ids(self, filters: str | None = None) -> PageIds:
        fits = None if filters is None else parse_filter(filters)
        found = [i for i in self._found if fits is None or self._fits(fits, *self._pages[i])]
        return np.array(found, np.int64)

    def nearest(self, single: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._best(lambda page: float(page.new.encoded.single @ single), k, allowed)

    def nearest_by_means(self, tokens: Float, k: int, allowed: PageIds | None) -> PageIds:
        return self._best(lambda page: float((tokens @ page.tokens.T).max(axis=1).sum()), k, allowed)

    def nearest_by_words(self, query: str, k: int, allowed: PageIds | None) -> PageIds:
        """BM25 (k1 1.2, b 0.75), Robertson & Zaragoza 2009, with the inverse document frequency never below 1e-6."""
        wanted = list(dict.fromkeys(terms(query)))[:MAX_QUERY_TERMS]
        texts = {i: list(terms(" ".join(page.new.words.texts))) for i, (_, page) in self._pages.items()}
        usual = sum(map(len, texts.values())) / max(len(texts), 1)
        scores = dict.fromkeys(texts, 0.0)
        for term in wanted:
            n = sum(term in text for text in texts.values())
            weight = max(math.log((len(texts) - n + 0.5) / (n + 0.5)), 1e-6)
            for page_id, text in texts.items():
                count = text.count(term)
                length = 1.2 * (0.25 + 0.75 * len(text) / usual) if usual else 1.0
                scores[page_id] += weight * count * 2.2 / (count + length)
        among = None if allowed is None else set(allowed.tolist())
        found = [i for i, score in scores.items() if score > 0 and (among is None or i in among)]
        return np.array(sorted(found, key=lambda i: (-scores[i], i))[:k], np.int64)

    def means_maxima(self, tokens: Float, page_ids: PageIds) -> Float:
        return self.maxima(tokens, page_ids)

    def maxima(
        self,
        tokens: Float,
        page_ids: PageIds,
        *,
        precise: bool = True,  # noqa: ARG002 - it always is
        device: str | None = None,  # noqa: ARG002 - the same everywhere
    ) -> Float:
        columns = [(tokens @ self._pages[i][1].tokens.T).max(axis=1) for i in page_ids.tolist()]
        return np.stack(columns, axis=1) if columns else np.empty((len(tokens), 0), np.float32)

    def opening_pages(self, page_ids: PageIds) -> PageIds:
        documents = (self._pages[i][0] for i in page_ids.tolist())
        firsts = [min((p.new.number, p.id) for p in document.pages if len(p.tokens))[1] for document in documents]
        return np.array(firsts, np.int64)

    def describe(self, page_ids: PageIds) -> dict[int, StoredPage]:
        described = {}
        for page_id in page_ids.tolist():
            document, page = self._pages[page_id]
            first = self._files_of(document)[0]
            described[page_id] = StoredPage(
                page_id=page_id,
                number=page.new.number,
                n_pages=document.info.n_pages,
                document=first.path,
                root=first.root,
                location=first.location,
                sha256=document.info.sha256,
                kind=document.info.kind,
                title=document.info.title,
                n_tokens=len(page.tokens),
                width_pt=page.new.width_pt,
                height_pt=page.new.height_pt,
                text_source=page.new.text_source,
            )
        return described

    def detail(self, page_id: int) -> PageDetail:
        page = self._pages[page_id][1]
        return PageDetail(page.tokens, pooled_page(page.new.encoded, self.space.pool_factor).boxes, page.new.words)

    def find_page(self, name: str, number: int) -> int | None:
        named = [sha256 for sha256, file in self._state.files.values() if file.path == nfc(name)]
        pages = [
            page.id for sha256 in named for page in self._state.documents[sha256].pages if page.new.number == number
        ]
        return min(pages, default=None)

    def tokens(self, page_ids: PageIds) -> MultiVectors:
        return MultiVectors.from_pages([self._pages[i][1].tokens for i in page_ids.tolist()], self.space.token_dim)

    def single(self, page_id: int) -> Float:
        return self._pages[page_id][1].new.encoded.single

    def documents(self, filters: str | None = None) -> list[StoredDocument]:
        fits = None if filters is None else parse_filter(filters)
        found = []
        for document in self._state.documents.values():
            files = self._files_of(document)
            if fits is None or any(self._fits(fits, document, page) for page in document.pages):
                info = document.info
                found.append(
                    StoredDocument(
                        document=files[0].path,
                        names=tuple(file.path for file in files),
                        locations=tuple(file.location for file in files),
                        sha256=info.sha256,
                        media_type=info.media_type,
                        kind=info.kind,
                        n_pages=info.n_pages,
                        n_indexed_pages=len(document.pages),
                        n_bytes=document.n_bytes,
                        title=info.title,
                        author=info.author,
                        date=info.date,
                        added_at=document.added_at,
                        tags=dict(sorted(info.tags.items())),
                    )
                )
        return sorted(found, key=lambda item: (item.document, item.sha256))

    def failures(self) -> list[StoredFailure]:
        return sorted(self._state.failures.values(), key=lambda failure: (failure.document, failure.page))

    def totals(self) -> Totals:
        pages, failures = [page for _, page in self._pages.values()], self._state.failures.values()
        codec = codec_named(self.space.codec, self.space.token_dim)
        return Totals(
            n_documents=len(self._state.documents),
            n_files=len(self._state.files),
            n_pages=len(pages),
            n_pages_without_words=len(pages) - len(self._found),
            n_pages_by_ocr=sum(page.new.text_source in ("ocr", "text+ocr") for page in pages),
            n_tokens=sum(len(page.tokens) for page in pages),
            token_bytes=sum(codec.n_bytes(len(page.tokens)) + 8 * len(page.tokens) for page in pages),
            n_failed_files=sum(failure.page == 0 and failure.status == "failed" for failure in failures),
            n_failed_pages=sum(failure.page > 0 for failure in failures),
        )

    def known_files(self) -> dict[bytes, KnownFile]:
        return {
            location: KnownFile(location, sha256, file.n_bytes, file.mtime_ns, self._state.documents[sha256].added_at)
            for location, (sha256, file) in self._state.files.items()
        }

    def known_failures(self) -> dict[bytes, KnownFailure]:
        return dict(self._state.failed_files)

    def indexed_files(self) -> list[SourceFile]:
        return [file for _, (_, file) in sorted(self._state.files.items(), key=lambda item: item[0])]

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _best(self, score: Callable[[_Page], float], k: int, allowed: PageIds | None) -> PageIds:
        among = self._found if allowed is None else allowed.tolist()
        scores = {i: np.float32(score(self._pages[i][1])) for i in among}
        return np.array(sorted(scores, key=lambda i: (-scores[i], i))[:k], np.int64)

    def _files_of(self, document: _Document) -> list[SourceFile]:
        named = [file for sha256, file in self._state.files.values() if sha256 == document.info.sha256]
        return sorted(named, key=lambda file: file.path)

    def _fits(self, filter_: Filter, document: _Document, page: _Page) -> bool:
        match filter_:
            case AllOf(parts):
                return all(self._fits(part, document, page) for part in parts)
            case AnyOf(parts):
                return any(self._fits(part, document, page) for part in parts)
            case Not(part):
                return not self._fits(part, document, page)
        if filter_.field == "tag" or filter_.field in ("document", "folder"):
            values = self._several(filter_, document)
            operator = {"!=": "=", "!~": "~"}.get(filter_.operator, filter_.operator)
            found = any(_compares(value, operator, filter_.values) for value in values)
            return found != filter_.operator.startswith("!")
        info = document.info
        value: Any = {
            "page": page.new.number,
            "pages": info.n_pages,
            "title": info.title,
            "author": info.author,
            "kind": info.kind,
            "source": page.new.text_source,
            "date": info.date,
        }[filter_.field]
        return (filter_.field != "date" or value != "") and _compares(value, filter_.operator, filter_.values)

    def _several(self, of: Compare, document: _Document) -> list[str]:
        """The values of a field of which a document has any number."""
        if of.field == "tag":
            return [value for name, value in document.info.tags.items() if name == of.tag]
        paths = [file.path for file in self._files_of(document)]
        return paths if of.field == "document" else [path.rpartition("/")[0] for path in paths]


class MemoryWriter:
    """Writes by putting another state in the place of the last."""

    def __init__(self, home: MemoryStore, reach: Callable[[str], None]) -> None:
        self._home, self._reach = home, reach

    @contextmanager
    def draft(self) -> Iterator[MemoryDraft]:
        yield MemoryDraft(self._home.space, self._home.state.next_page_id, self.commit_document)

    def commit_document(
        self,
        info: DocumentInfo,
        source: SourceFile,
        pages: Sequence[_Page],
        page_failures: Sequence[tuple[int, str]],
        next_page_id: int,
    ) -> None:
        with self._change() as new:
            before = new.documents.get(info.sha256)
            tags = {**(before.info.tags if before else {}), **info.tags}
            new.documents[info.sha256] = _Document(replace(info, tags=tags), source.n_bytes, now(), tuple(pages))
            _name(new, info.sha256, source)
            _fail(new, source, [(number, "failed", reason) for number, reason in page_failures])
            object.__setattr__(new, "next_page_id", next_page_id)
            self._reach("before commit")

    def add_name(self, sha256: str, source: SourceFile) -> None:
        with self._change() as new:
            _name(new, sha256, source)

    def touch(self, source: SourceFile) -> None:
        location = os.fsencode(source.location)
        with self._change() as new:
            sha256, file = new.files[location]
            new.files[location] = (sha256, replace(file, n_bytes=source.n_bytes, mtime_ns=source.mtime_ns))
            new.failures.pop((location, 0), None)
            new.failed_files.pop(location, None)

    def remove_names(self, locations: Sequence[bytes]) -> int:
        with self._change() as new:
            n_before = len(new.documents)
            for location in locations:
                new.files.pop(location, None)
                _forget_failures(new, location)
            _drop_nameless(new)
            return n_before - len(new.documents)

    def set_tags(self, sha256: str, tags: dict[str, str]) -> None:
        with self._change() as new:
            document = new.documents[sha256]
            info = replace(document.info, tags={**document.info.tags, **tags})
            new.documents[sha256] = replace(document, info=info)

    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None:
        with self._change() as new:
            if drop:
                new.files.pop(os.fsencode(source.location), None)
                _drop_nameless(new)
            _fail(new, source, [(0, status, reason)])

    def has_document(self, sha256: str) -> bool:
        return sha256 in self._home.state.documents

    def names_of(self, sha256: str) -> list[bytes]:
        return [location for location, (named, _) in self._home.state.files.items() if named == sha256]

    @contextmanager
    def _change(self) -> Iterator[_State]:
        """A copy to be changed, which takes the place of the state at the end; without one if anything goes wrong."""
        old = self._home.state
        new = _State(
            old.generation + 1,
            old.next_page_id,
            dict(old.documents),
            dict(old.files),
            dict(old.failures),
            dict(old.failed_files),
        )
        yield new
        self._home.state = new
        self._reach("committed")


class MemoryDraft:
    """A document being written."""

    def __init__(self, space: Space, first_page_id: int, commit: Callable[..., None]) -> None:
        self._space, self._first_page_id, self._commit = space, first_page_id, commit
        self._codec = codec_named(space.codec, space.token_dim)
        self._pages: list[_Page] = []

    @property
    def n_pages(self) -> int:
        return len(self._pages)

    def add_page(self, new: NewPage) -> None:
        if new.encoded.single.shape != (self._space.single_dim,):
            raise DimensionMismatch("single vectors", self._space.single_dim, new.encoded.single.size)
        if new.encoded.tokens.shape[1:] != (self._space.token_dim,):
            raise DimensionMismatch("token vectors", self._space.token_dim, int(new.encoded.tokens.shape[-1]))
        tokens = pooled_page(new.encoded, self._space.pool_factor).tokens
        kept = self._codec.decode(self._codec.encode(tokens), len(tokens))
        self._pages.append(_Page(self._first_page_id + len(self._pages), new, kept))

    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]] = ()) -> None:
        next_page_id = self._first_page_id + len(self._pages)
        self._commit(info, source, self._pages, page_failures, next_page_id)


def _name(new: _State, sha256: str, source: SourceFile) -> None:
    location = os.fsencode(source.location)
    new.files[location] = (sha256, source)
    _forget_failures(new, location)
    _drop_nameless(new)


def _drop_nameless(new: _State) -> None:
    named = {sha256 for sha256, _ in new.files.values()}
    for sha256 in new.documents.keys() - named:
        del new.documents[sha256]


def _forget_failures(new: _State, location: bytes) -> None:
    for key in [key for key in new.failures if key[0] == location]:
        del new.failures[key]
    new.failed_files.pop(location, None)


def _fail(new: _State, source: SourceFile, failures: Sequence[tuple[int, str, str]]) -> None:
    location = os.fsencode(source.location)
    _forget_failures(new, location)
    for number, status, reason in failures:
        new.failures[location, number] = StoredFailure(
            document=source.path, location=source.location, page=number, status=status, reason=reason, at=now()
        )
        if number == 0:
            new.failed_files[location] = KnownFailure(location, status, reason, source.n_bytes, source.mtime_ns)


def _compares(value: Any, operator: str, values: Sequence[Any]) -> bool:
    match operator:
        case "in":
            return value in values
        case "~":
            return glob_matches(values[0], value)
        case "!~":
            return not glob_matches(values[0], value)
        case "=":
            return bool(value == values[0])
        case "!=":
            return bool(value != values[0])
        case "<":
            return bool(value < values[0])
        case "<=":
            return bool(value <= values[0])
        case ">":
            return bool(value > values[0])
    return bool(value >= values[0])

"""Writing to a store in memory: another state takes the place of the last, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pagesight.storage.codecs import codec_named
from pagesight.storage.manifest import Space
from pagesight.storage.memory.state import MemoryDocument, MemoryPage, MemoryState
from pagesight.storage.packed import check_packed, pack_page, unpack_page
from pagesight.storage.stored import StoredFailure
from pagesight.storage.values import DocumentInfo, KnownFailure, NewPage, PackedPage, SourceFile, now
from pagesight.storage.vectors.pooling import pooled_page


class Shelf(Protocol):
    """Where the state is."""

    space: Space
    state: MemoryState


class MemoryWriter:
    """Writes by putting another state in the place of the last."""

    def __init__(self, shelf: Shelf, reach: Callable[[str], None]) -> None:
        self._shelf, self._reach = shelf, reach

    @contextmanager
    def draft(self) -> Iterator[MemoryDraft]:
        yield MemoryDraft(self._shelf.space, self._shelf.state.next_page_id, self.commit_document)

    def commit_document(
        self,
        info: DocumentInfo,
        source: SourceFile,
        pages: Sequence[MemoryPage],
        page_failures: Sequence[tuple[int, str]],
        next_page_id: int,
    ) -> None:
        with self._change() as new:
            before = new.documents.get(info.sha256)
            tags = {**(before.info.tags if before else {}), **info.tags}
            new.documents[info.sha256] = MemoryDocument(
                replace(info, tags=tags), source.n_bytes, info.added_at or now(), tuple(pages)
            )
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
        return sha256 in self._shelf.state.documents

    def names_of(self, sha256: str) -> list[bytes]:
        return [location for location, (named, _) in self._shelf.state.files.items() if named == sha256]

    @contextmanager
    def _change(self) -> Iterator[MemoryState]:
        """A copy to be changed, which takes the place of the state at the end; without one if anything goes wrong."""
        old = self._shelf.state
        new = MemoryState(
            old.generation + 1,
            old.next_page_id,
            dict(old.documents),
            dict(old.files),
            dict(old.failures),
            dict(old.failed_files),
        )
        yield new
        self._shelf.state = new
        self._reach("committed")


class MemoryDraft:
    """A document being written."""

    def __init__(self, space: Space, first_page_id: int, commit: Callable[..., None]) -> None:
        self._space, self._first_page_id, self._commit = space, first_page_id, commit
        self._codec = codec_named(space.codec, space.token_dim)
        self._pages: list[MemoryPage] = []

    @property
    def n_pages(self) -> int:
        return len(self._pages)

    def add_page(self, new: NewPage) -> None:
        packed = pack_page(new, self._space, self._codec)
        boxes = pooled_page(new.encoded, self._space.pool_factor).boxes.astype(np.float32)
        self._append(new, packed, unpack_page(packed, self._space).encoded.tokens, boxes)

    def add_packed(self, new: PackedPage) -> None:
        check_packed(new, self._space)
        page = unpack_page(new, self._space)
        self._append(page, new, page.encoded.tokens, page.encoded.boxes)

    def _append(
        self, new: NewPage, packed: PackedPage, tokens: NDArray[np.float32], boxes: NDArray[np.float32]
    ) -> None:
        self._pages.append(MemoryPage(self._first_page_id + len(self._pages), new, packed, tokens, boxes))

    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]] = ()) -> None:
        next_page_id = self._first_page_id + len(self._pages)
        self._commit(info, source, self._pages, page_failures, next_page_id)


def _name(new: MemoryState, sha256: str, source: SourceFile) -> None:
    location = os.fsencode(source.location)
    new.files[location] = (sha256, source)
    _forget_failures(new, location)
    _drop_nameless(new)


def _drop_nameless(new: MemoryState) -> None:
    named = {sha256 for sha256, _ in new.files.values()}
    for sha256 in new.documents.keys() - named:
        del new.documents[sha256]


def _forget_failures(new: MemoryState, location: bytes) -> None:
    for key in [key for key in new.failures if key[0] == location]:
        del new.failures[key]
    new.failed_files.pop(location, None)


def _fail(new: MemoryState, source: SourceFile, failures: Sequence[tuple[int, str, str]]) -> None:
    location = os.fsencode(source.location)
    _forget_failures(new, location)
    for number, status, reason in failures:
        new.failures[location, number] = StoredFailure(
            document=source.path, location=source.location, page=number, status=status, reason=reason, at=now()
        )
        if number == 0:
            new.failed_files[location] = KnownFailure(location, status, reason, source.n_bytes, source.mtime_ns)

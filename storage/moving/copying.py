"""Copying an index: each document in one transaction, what is there already passed over, both compared at the end.

Stopped by whatever, the same call goes on from there. Bytes are carried as they are: nothing is decoded or encoded, so that
the copy gives the same scores. What the target has beside it stays, unless ``delete``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pagesight.storage.errors import PageTooLarge, StorageError, StoreCorrupt
from pagesight.storage.moving.ends import End, EndWriter, Held, check_same_space, check_two_ends
from pagesight.storage.moving.holdings import HeldDocument, Holdings, Relocation
from pagesight.storage.packed import Digest
from pagesight.storage.values import PackedPage

SHOWN = 5  # documents that a message names
NAMES_AT_ONCE = 10_000


@runtime_checkable
class KnowsProblems(Protocol):
    """An end of which parts cannot be read: (what, why)."""

    @property
    def problems(self) -> Sequence[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class DocumentCopied:
    """Progress: a document is committed. n_bytes: of all that was carried. pages_left: of those that are still to come."""

    document: str
    n_pages: int
    n_bytes: int
    pages_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy did. refused: (what, why) of what is damaged in the source, or too large for the target; all else is there."""

    n_documents: int
    n_pages: int
    n_bytes: int
    n_there: int  # documents that were there already
    n_removed: int  # names
    seconds: float
    refused: tuple[tuple[str, str], ...] = ()


def copy(
    source: End,
    target: End,
    *,
    delete: bool = False,
    moved: Sequence[Relocation] = (),
    on_document: Callable[[DocumentCopied], None] | None = None,
) -> Copied:
    """Bring all that the source holds into the target, and compare. delete: take out what the source does not have.

    moved: folders of documents that have another place there, (before, after). Raises ModelMismatch, CodecMismatch,
    ConfigError, StoreLocked, DiskFull, and StoreCorrupt if the target is not at the end what the source is.
    """
    check_two_ends(source.address, target.address)
    check_same_space(target.space, source.space)
    began = time.monotonic()
    with source.view() as held:
        wanted, problems = Holdings.of(held, moved), problems_of(held)
        if delete and problems:
            raise StorageError(
                f"{problems[0][0]}: {problems[0][1]}; nothing is deleted while parts of {source.address} cannot be read"
            )
        with target.writer() as writer:
            with target.view() as there:
                run = _Run(held, wanted, writer, Holdings.of(there), on_document)
            run.put_documents()
            run.put_failures()
            n_removed = run.remove() if delete else 0
        with target.view() as there:
            _compare(source.address, target.address, wanted, run, there, everything=delete)
    return Copied(
        n_documents=len(run.digests),
        n_pages=sum(digest.n_pages for digest in run.digests.values()),
        n_bytes=sum(digest.n_bytes for digest in run.digests.values()),
        n_there=len(wanted.documents) - len(run.digests) - len(run.refused),
        n_removed=n_removed,
        seconds=time.monotonic() - began,
        refused=(*problems, *((wanted.documents[sha].files[0].path, why) for sha, why in run.refused.items())),
    )


def problems_of(held: Held) -> tuple[tuple[str, str], ...]:
    """What of an end cannot be read, and why."""
    return tuple(held.problems) if isinstance(held, KnowsProblems) else ()


def put_document(writer: EndWriter, document: HeldDocument, pages: Iterator[PackedPage]) -> Digest:
    """Store a document under its first name, whole or not at all. Raises StoreCorrupt if its pages are not whole."""
    digest = Digest()
    with writer.draft() as draft:
        for page in pages:
            draft.add_packed(page)
            digest.add(page)
        if digest.n_pages != document.content.n_pages:
            raise StoreCorrupt(f"there are {digest.n_pages} pages where {document.content.n_pages} belong")
        draft.commit(document.info, document.files[0], list(document.problems))
    return digest


class _Run:
    """names, failed: what the target has, kept up to date. digests: of documents that were copied, by SHA-256."""

    def __init__(
        self,
        held: Held,
        wanted: Holdings,
        writer: EndWriter,
        there: Holdings,
        on_document: Callable[[DocumentCopied], None] | None,
    ) -> None:
        self._held, self._wanted, self._writer, self._there = held, wanted, writer, there
        self._on_document = on_document or (lambda _: None)
        self._names, self._failed = dict(there.names), dict(there.failures)
        self.digests: dict[str, Digest] = {}
        self.refused: dict[str, str] = {}

    def put_documents(self) -> None:
        left = sum(d.content.n_pages for d in self._wanted.documents.values() if not self._is_there(d))
        for sha256, document in self._wanted.documents.items():
            if not self._is_there(document):
                left = max(left - document.content.n_pages, 0)
                try:
                    digest = put_document(self._writer, document, self._held.packed_pages(sha256))
                except (StoreCorrupt, PageTooLarge) as error:
                    self.refused[sha256] = str(error)
                    continue
                self._named(document, 0)
                self.digests[sha256] = digest
                self._on_document(DocumentCopied(document.files[0].path, digest.n_pages, digest.n_bytes, left))
            else:
                tags = self._there.documents[sha256].info.tags
                if not document.info.tags.items() <= tags.items():
                    self._writer.set_tags(sha256, document.info.tags)
            for i, file in enumerate(document.files):
                location = os.fsencode(file.location)
                if self._names.get(location) != (sha256, file) or self._has_recovered(location):
                    self._writer.add_name(sha256, file)
                    self._named(document, i)

    def put_failures(self) -> None:
        for location, failure in self._wanted.failures.items():
            lost = location in self._names and location not in self._wanted.names
            if lost or self._failed.get(location) != failure:
                self._writer.record_failure(failure.source, failure.status, failure.reason, drop=lost)
                if lost:
                    del self._names[location]

    def remove(self) -> int:
        kept = self._wanted.names.keys() | self._wanted.failures.keys()
        gone = sorted((self._names.keys() | self._failed.keys()) - kept)
        for first in range(0, len(gone), NAMES_AT_ONCE):
            self._writer.remove_names(gone[first : first + NAMES_AT_ONCE])
        return len(gone)

    def _is_there(self, document: HeldDocument) -> bool:
        """A document that was there is gone if its last name has become another's meanwhile."""
        sha256 = document.info.sha256
        there = self._there.documents.get(sha256)
        if there is None or not document.is_as(there) or not self._writer.has_document(sha256):
            return False
        return not self._has_recovered(os.fsencode(document.files[0].location))

    def _has_recovered(self, location: bytes) -> bool:
        return location in self._failed and location not in self._wanted.failures

    def _named(self, document: HeldDocument, i: int) -> None:
        location = os.fsencode(document.files[i].location)
        self._names[location] = (document.info.sha256, document.files[i])
        self._failed.pop(location, None)


def _compare(source: str, target: str, wanted: Holdings, run: _Run, there: Held, *, everything: bool) -> None:
    """Raise StoreCorrupt unless the target holds what was wanted, and each copied document reads as it was sent."""
    found, different = Holdings.of(there), []
    for sha256, document in wanted.documents.items():
        if sha256 in run.refused:
            continue
        copied = found.documents.get(sha256)
        same = (
            copied is not None
            and document.is_as(copied)
            and document.info.tags.items() <= copied.info.tags.items()
            and all(found.names.get(os.fsencode(file.location)) == (sha256, file) for file in document.files)
            and (sha256 not in run.digests or _read_back(there, sha256) == run.digests[sha256].value)
        )
        if not same:
            different.append(document.files[0].path)
    different += [f.source.path for at, f in wanted.failures.items() if found.failures.get(at) != f]
    if everything:
        more = (found.names.keys() - wanted.names.keys()) | (found.failures.keys() - wanted.failures.keys())
        different += [os.fsdecode(location) for location in sorted(more)]
    if different:
        named = ", ".join(different[:SHOWN]) + (f" and {len(different) - SHOWN} more" if different[SHOWN:] else "")
        raise StoreCorrupt(f"the copy in {target} is not what {source} holds: {named}; copy again")


def _read_back(there: Held, sha256: str) -> bytes:
    digest = Digest()
    for page in there.packed_pages(sha256):
        digest.add(page)
    return digest.value

"""From files to committed documents, one outcome a file, in order.

discover -> plan (known? stored under another name?) -> read ahead, in processes -> encode -> commit
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pagesight.indexer.content import Attachment, PageContent
from pagesight.indexer.formats import reading_version
from pagesight.indexer.running.buckets import files_in
from pagesight.indexer.running.discover import Unusable, as_on_disk
from pagesight.indexer.running.plan import (
    IngestOptions,
    KnownIndex,
    Outcome,
    Plan,
    Planner,
    Status,
    check_untouched,
    file_date,
)
from pagesight.indexer.running.read_ahead import ReadAhead, Reading
from pagesight.indexer.running.reader import PageProblem, PageReader
from pagesight.storage.errors import DocumentError, EncryptedDocument, PageTooLarge, UnreadableDocument
from pagesight.storage.names import is_file_there, is_in_bucket, is_there, nfc
from pagesight.storage.values import DocumentInfo, EncodedPage, NewPage, PackedPage, SourceFile

MAX_DEPTH = 3  # of attachments within attachments


class PageEncoder(Protocol):
    """What indexing needs of a model. pages_at_once: how many it is given at once, where a file has so many."""

    @property
    def pages_at_once(self) -> int: ...

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        """One result a page, in order."""


class DocumentDraft(Protocol):
    """A document that is being written; nobody sees it before ``commit``."""

    @property
    def n_pages(self) -> int: ...
    def add_page(self, new: NewPage) -> None: ...
    def add_packed(self, new: PackedPage) -> None: ...
    def commit(self, info: DocumentInfo, source: SourceFile, page_failures: Sequence[tuple[int, str]] = ()) -> None: ...


class IndexWriter(Protocol):
    """What indexing needs to write; see StoreWriter. Content goes by its SHA-256, files by their location."""

    def draft(self) -> AbstractContextManager[DocumentDraft]: ...
    def add_name(self, sha256: str, source: SourceFile) -> None: ...
    def touch(self, source: SourceFile) -> None: ...
    def remove_names(self, locations: Sequence[bytes]) -> int: ...
    def set_tags(self, sha256: str, tags: dict[str, str]) -> None: ...
    def record_failure(self, source: SourceFile, status: str, reason: str, *, drop: bool) -> None: ...
    def has_document(self, sha256: str) -> bool: ...
    def names_of(self, sha256: str) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class PageDone:
    """Progress within a file: page ``number`` of ``n_pages`` is encoded. by_ocr: words of it were read from its pixels."""

    source: SourceFile
    number: int
    n_pages: int
    by_ocr: bool = False


class Ingest:
    """One run. Iterate over ``run``; what it has yielded is committed, whatever happens next."""

    def __init__(
        self,
        writer: IndexWriter,
        known: KnownIndex,
        reader: PageReader,
        encoder: PageEncoder,
        options: IngestOptions,
        on_page: Callable[[PageDone], None] | None = None,
    ) -> None:
        self._writer, self._reader, self._encoder = writer, reader, encoder
        self._options, self._on_page = options, on_page
        self._planner = Planner(known, options)
        self._attachments: dict[str, tuple[Attachment, ...]] = {}  # of content that was read in this run
        self._named: dict[
            bytes, set[bytes]
        ] = {}  # attachments of files whose content was stored before, by their new names

    def run(self, found: Iterator[SourceFile | Unusable]) -> Iterator[Outcome]:
        """Index each document whole or not at all. Only the files' own faults are outcomes: a full disk raises."""
        plans = (self._planner.plan(item) for item in found)
        ahead = ReadAhead(self._reader, plans, lambda plan: plan.path)
        for reading in ahead:
            outcome = self._finish(reading)
            yield outcome
            yield from self._within(outcome, reading, ahead)

    def _within(
        self, outcome: Outcome, reading: Reading[Plan], ahead: ReadAhead[Plan], depth: int = 1
    ) -> Iterator[Outcome]:
        """Documents attached to one that was stored or got another name now."""
        outer, sha256 = outcome.source, reading.item.sha256
        if outcome.status == Status.INDEXED:
            self._attachments[sha256] = reading.opened().attachments
        elif outcome.status not in (Status.COPIED, Status.RENAMED):
            return
        now = self._named.pop(os.fsencode(outer.location), set())
        for attachment in self._attachments.get(sha256, ()):
            plan = self._planner.attached(outer, attachment)
            now.add(os.fsencode(plan.source.location))
            inner = Reading(plan, plan.path, ahead)
            result = self._finish(inner)
            yield result
            if depth < MAX_DEPTH:
                yield from self._within(result, inner, ahead, depth + 1)
        gone = [place for place in self._planner.known_inside(os.fsencode(outer.location)) if place not in now]
        if gone:
            self._writer.remove_names([place for outer in gone for place in (outer, *self._all_inside(outer))])

    def _finish(self, reading: Reading[Plan]) -> Outcome:
        plan = reading.item
        try:
            outcome = plan.outcome or self._store(plan, reading)
        except (DocumentError, PageTooLarge) as error:
            encrypted = isinstance(error, EncryptedDocument)
            outcome = Outcome(source=plan.source, status=Status.FAILED, reason=str(error), needs_password=encrypted)
        if outcome.status in (Status.FAILED, Status.SKIPPED, Status.ELSEWHERE) and not outcome.remembered:
            # Content that we could hash is new and unreadable, so the old is gone; a file that could not even be
            # opened (a network drive, a permission) may be back tomorrow as it was, and one that somebody writes to is whole soon.
            known = self._planner.known(plan.source)
            new = bool(plan.sha256) and not (known and known.sha256 == plan.sha256)
            drop = new and _is_untouched(plan.source)
            self._writer.record_failure(outcome.source, outcome.status, outcome.reason, drop=drop)
        return outcome

    def _store(self, plan: Plan, reading: Reading[Plan]) -> Outcome:
        if plan.copy:
            if self._writer.has_document(plan.sha256):
                return self._add_name(plan)
            # The file before it could not be read, or the last name of this content was given to other content.
            reading.start(plan.source.location)
        return self._add_document(plan, reading)

    def _add_name(self, plan: Plan) -> Outcome:
        """The content is stored already."""
        if self._options.tags:
            self._writer.set_tags(plan.sha256, self._options.tags)
        known = self._planner.known(plan.source)
        if known and known.sha256 == plan.sha256:
            self._writer.touch(plan.source)
            return Outcome(source=plan.source, status=Status.UNCHANGED)
        names = self._writer.names_of(plan.sha256)
        gone = [name for name in names if not is_there(os.fsdecode(name))]
        self._writer.add_name(plan.sha256, plan.source)
        whole = next((name for name in (*gone, *names) if self._planner.known_inside(name)), None)
        if whole is not None:
            self._named[os.fsencode(plan.source.location)] = self._name_attachments(whole, plan.source)
        if gone:
            self._writer.remove_names([inside for name in gone for inside in self._all_inside(name)] + gone)
        return Outcome(source=plan.source, status=Status.RENAMED if gone else Status.COPIED)

    def _name_attachments(self, before: bytes, now: SourceFile) -> set[bytes]:
        """What is attached to a file has names in another with the same content, too; returns the locations of the outer ones."""
        named = set()
        for location in self._planner.known_inside(before):
            name = os.fsdecode(os.path.basename(location))
            known = self._planner.known_at(location)
            source = replace(now, path=f"{now.path} > {nfc(name)}", location=now.location / name, n_bytes=known.n_bytes)
            if self._writer.has_document(known.sha256):
                self._writer.add_name(known.sha256, source)
                named.add(os.fsencode(source.location))
                self._name_attachments(location, source)
        return named

    def _all_inside(self, location: bytes) -> Iterator[bytes]:
        for inside in self._planner.known_inside(location):
            yield inside
            yield from self._all_inside(inside)

    def _add_document(self, plan: Plan, reading: Reading[Plan]) -> Outcome:
        source, opened = plan.source, reading.opened()
        problems: list[PageProblem] = []
        notes = list(opened.notes)
        with self._writer.draft() as draft:
            batch: list[PageContent] = []
            for page in reading.pages():
                if isinstance(page, PageProblem):
                    problems.append(page)
                    continue
                if page.note:
                    notes.append(page.note if opened.n_pages == 1 else f"page {page.number}: {page.note}")
                batch.append(page)
                if len(batch) == self._encoder.pages_at_once:
                    problems += self._encode(batch, draft, source, opened.n_pages)
                    batch = []
            problems += self._encode(batch, draft, source, opened.n_pages)
            if draft.n_pages == 0:
                every = f"none of its {opened.n_pages} pages can be read: " if opened.n_pages > 1 else ""
                raise UnreadableDocument(every + problems[0].reason)
            check_untouched(source)
            info = DocumentInfo(
                sha256=plan.sha256,
                media_type=opened.media_type,
                kind=opened.kind,
                n_pages=opened.n_pages,
                title=nfc(opened.title),  # as filters are
                author=nfc(opened.author),
                date=opened.date or file_date(source),
                tags=self._options.tags,
                reading=reading_version(opened.media_type),
            )
            draft.commit(info, source, [(problem.number, problem.reason) for problem in problems])
        return Outcome(
            source=source,
            status=Status.INDEXED,
            n_pages=draft.n_pages,
            page_problems=tuple(problems),
            notes=tuple(notes),
        )

    def _encode(
        self, batch: list[PageContent], draft: DocumentDraft, source: SourceFile, n_pages: int
    ) -> list[PageProblem]:
        """Encode pages and hand them to the store; returns those that are too large for it."""
        problems = []
        for page, encoded in zip(batch, self._encoder.encode_pages(batch), strict=True):
            new = NewPage(
                number=page.number,
                width_pt=page.width_pt,
                height_pt=page.height_pt,
                text_source=page.text_source,
                words=page.words,
                encoded=encoded,
                note=page.note,
                pictures=page.pictures,
            )
            try:
                draft.add_page(new)
            except PageTooLarge as error:
                problems.append(PageProblem(page.number, str(error)))
            if self._on_page is not None:
                self._on_page(PageDone(source, page.number, n_pages, "ocr" in page.text_source))
        return problems


def _is_untouched(source: SourceFile) -> bool:
    try:
        check_untouched(source)
    except DocumentError:
        return False
    return True


def missing_files(files: Iterable[SourceFile], paths: Sequence[Path]) -> list[SourceFile]:
    """Those of these indexed files that are at or below the paths, and not on the disk any more."""
    known = {os.fsencode(source.location): source for source in files}
    places = {os.fsencode(as_on_disk(path)) for path in paths}
    listed = {os.fsencode(source.location) for path in paths if is_in_bucket(path) for source, _ in files_in(path)}

    def there(location: bytes) -> bool:
        if location in listed if is_in_bucket(os.fsdecode(location)) else is_file_there(os.fsdecode(location)):
            return True
        outer = os.path.dirname(location)
        return outer in known and _is_attached(known[location]) and there(outer)

    return [source for location, source in known.items() if _is_below(location, places) and not there(location)]


def _is_attached(source: SourceFile) -> bool:
    """Whether it is a document within a file, by how ``Planner.attached`` names it; else it is a file in a folder."""
    return source.path.endswith(f" > {nfc(source.location.name)}")


def _is_below(location: bytes, places: set[bytes]) -> bool:
    while location not in places:
        above = os.path.dirname(location)
        if above == location:
            return False
        location = above
    return True

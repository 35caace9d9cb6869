"""What is to be done with each file: nothing, another name for stored content, or reading it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pagesight.indexer.content import Attachment
from pagesight.indexer.formats import reading_version
from pagesight.indexer.running.buckets import copy_of, on_disk
from pagesight.indexer.running.discover import Unusable, size_and_time
from pagesight.indexer.running.patience import worth_retrying
from pagesight.indexer.running.reader import PageProblem
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.names import outer_file
from pagesight.storage.values import KnownFailure, KnownFile, SourceFile

RACY_NS = 2_000_000_000  # a file changed this shortly before it was indexed may change again within the same time stamp

NOT_TRIED = " (unchanged since; not tried again)"


class KnownIndex(Protocol):
    """What planning needs of an index: what it holds, by location."""

    def known_files(self) -> dict[bytes, KnownFile]: ...
    def known_failures(self) -> dict[bytes, KnownFailure]: ...


class Status(StrEnum):
    """What became of a file."""

    INDEXED = "indexed"  # read, encoded, stored
    UNCHANGED = "unchanged"  # as it was at the last run
    COPIED = "copied"  # the same content is stored under another name; this name was added
    RENAMED = "renamed"  # the same, and the other name is gone from the disk
    SKIPPED = "skipped"  # nothing to index, and nothing wrong
    ELSEWHERE = "elsewhere"  # of another part of a whole that several indexes make up
    FAILED = "failed"  # could not be read
    GONE = "gone"  # indexed before, not on the disk any more; still found until pruned
    REMOVED = "removed"  # the same, pruned


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file.

    reason: why, for skipped and failed ones. notes: what is to be said of one that was read. remembered: it was so at an earlier run,
    too; NOT_TRIED in the reason says that reading it was not tried again. needs_password: it failed because it is encrypted.
    """

    source: SourceFile
    status: Status
    n_pages: int = 0
    reason: str = ""
    page_problems: tuple[PageProblem, ...] = ()
    notes: tuple[str, ...] = ()
    remembered: bool = False
    needs_password: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """What to do about files that are known already, and the tags that documents get.

    reindex: read everything again. retry: read again what failed before. rehash: do not trust size and time.
    seconds: of processor time a page may take; what failed with less is read again. owns: whether content, by its SHA-256, is for this
    index; None: all is. What is attached to a file goes with it. not_owned: why a file is left out.
    """

    reindex: bool = False
    retry: bool = False
    rehash: bool = False
    seconds: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)
    owns: Callable[[str], bool] | None = None
    not_owned: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly one of: an outcome that is known now; content that is stored or on the way (copy); a file to read.

    A copy whose original is gone at its turn is a file to read after all.
    """

    source: SourceFile
    sha256: str = ""
    outcome: Outcome | None = None
    copy: bool = False

    @property
    def path(self) -> Path | None:
        """The file to read, if there is one."""
        return None if self.copy or self.outcome else self.source.location


class Planner:
    """Makes plans, in the order in which files will be finished."""

    def __init__(self, known: KnownIndex, options: IngestOptions) -> None:
        self._options = options
        self._known = known.known_files()
        self._failures = known.known_failures()
        self._inside: dict[bytes, list[bytes]] = {}  # locations of attachments by that of the file they are in
        for location in self._known:
            if (outer := os.path.dirname(location)) in self._known:
                self._inside.setdefault(outer, []).append(location)
        self._wanting = self._with_failures_inside()
        # Content that needs no reading: what is stored, and what the plans so far will store.
        self._there = {
            file.sha256
            for location, file in self._known.items()
            if self._is_current(file) and location not in self._wanting
        }

    def _with_failures_inside(self) -> set[bytes]:
        """Locations of files with an attachment that could not be read, and is to be tried again."""
        found = set()
        for location, failure in self._failures.items():
            if self._options.retry or worth_retrying(failure.reason, self._options.seconds):
                while (location := os.path.dirname(location)) in self._known:
                    found.add(location)
        return found

    def known(self, source: SourceFile) -> KnownFile | None:
        """What the index knew of this file when the run began."""
        return self._known.get(os.fsencode(source.location))

    def attached(self, outer: SourceFile, attachment: Attachment) -> Plan:
        """For a document within a file that was read now."""
        source = SourceFile(
            root=outer.root,
            path=f"{outer.path} > {attachment.name}",
            location=outer.location / attachment.name,
            n_bytes=attachment.n_bytes,
            mtime_ns=outer.mtime_ns,
        )
        copy = attachment.sha256 in self._there
        self._there.add(attachment.sha256)
        return Plan(source, attachment.sha256, copy=copy)

    def known_at(self, location: bytes) -> KnownFile:
        return self._known[location]

    def known_inside(self, location: bytes) -> list[bytes]:
        """Locations of what was attached to a file when the run began."""
        return self._inside.get(location, [])

    def _is_current(self, file: KnownFile) -> bool:
        """Whether reading it again would give nothing new."""
        options = self._options
        stalled = any(worth_retrying(reason, options.seconds) for reason in file.problems)
        return not (options.reindex or stalled) and file.reading >= reading_version(file.media_type)

    def is_unchanged(self, found: SourceFile) -> bool:
        """Whether a look at size and time is enough to pass it over."""
        options, known = self._options, self.known(found)
        location = os.fsencode(found.location)
        troubled = location in self._failures or location in self._wanting
        look_inside = options.reindex or options.rehash or options.tags or troubled
        return bool(known and not look_inside and self._is_current(known) and _looks_unchanged(found, known))

    def plan(self, found: SourceFile | Unusable) -> Plan:
        if isinstance(found, Unusable):
            return self._unusable(found)
        options = self._options
        if self.is_unchanged(found):
            return _decided(found, Status.UNCHANGED)
        failure = self._failures.get(os.fsencode(found.location))
        if failure and failure.status == Status.ELSEWHERE and failure.reason != options.not_owned:
            failure = None  # it was of another part when the parts were others
        again = options.reindex or options.retry or bool(failure and worth_retrying(failure.reason, options.seconds))
        if failure and not again:  # noqa: SIM102 - two questions
            if (failure.n_bytes, failure.mtime_ns) == (found.n_bytes, found.mtime_ns):
                elsewhere = failure.status == Status.ELSEWHERE
                reason = failure.reason if elsewhere else failure.reason + NOT_TRIED
                return _decided(found, Status(failure.status), reason, remembered=True)
        try:
            path = copy_of(found)
            n_bytes, mtime_ns = size_and_time(os.stat(path))  # it may have waited for its turn
            found = replace(found, n_bytes=n_bytes, mtime_ns=mtime_ns)
            sha256 = hash_file(path)
        except OSError as error:
            return _decided(found, Status.FAILED, f"cannot be opened: {error.strerror}")
        if options.owns is not None and not options.owns(sha256):
            return Plan(found, sha256, Outcome(source=found, status=Status.ELSEWHERE, reason=options.not_owned))
        copy = sha256 in self._there
        self._there.add(sha256)
        return Plan(found, sha256, copy=copy)

    def _unusable(self, found: Unusable) -> Plan:
        """What was told so at an earlier run is not noted again: others would see an index that has changed."""
        source, status = found.source, Status.SKIPPED if found.skipped else Status.FAILED
        location = os.fsencode(source.location)
        now = KnownFailure(location, status, found.reason, source.n_bytes, source.mtime_ns)
        return _decided(source, status, found.reason, remembered=self._failures.get(location) == now)


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_untouched(source: SourceFile) -> None:
    """Raise UnreadableDocument if the file is not the one that was found: its pages may be of two versions."""
    place = on_disk(source.location)
    outer = outer_file(place)
    try:
        status = os.stat(outer or place)
    except OSError as error:
        raise UnreadableDocument("it went away while it was being read") from error
    n_bytes, mtime_ns = size_and_time(status)
    same_size = outer is not None or n_bytes == source.n_bytes  # an attachment has a size of its own
    if not same_size or mtime_ns != source.mtime_ns:
        raise UnreadableDocument("it was changed while it was being read; index it again")


def file_date(source: SourceFile) -> str:
    """Day of the last change, YYYY-MM-DD, in UTC."""
    return datetime.fromtimestamp(source.mtime_ns / 1e9, UTC).date().isoformat()


def _looks_unchanged(found: SourceFile, known: KnownFile) -> bool:
    indexed_ns = datetime.fromisoformat(known.added_at).timestamp() * 1e9
    same = (found.n_bytes, found.mtime_ns) == (known.n_bytes, known.mtime_ns)
    return same and found.mtime_ns + RACY_NS < indexed_ns


def _decided(source: SourceFile, status: Status, reason: str = "", *, remembered: bool = False) -> Plan:
    return Plan(source, outcome=Outcome(source=source, status=status, reason=reason, remembered=remembered))

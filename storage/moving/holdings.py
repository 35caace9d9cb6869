"""What an end of a copy holds, side by side with what it should."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pagesight.storage.moving.ends import Held
from pagesight.storage.stored import StoredContent
from pagesight.storage.values import DocumentInfo, KnownFailure, SourceFile

Relocation = tuple[Path, Path]  # folder as the source says, folder as the target shall say


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document without its pages. problems: of pages that could not be read, (number, reason)."""

    content: StoredContent
    info: DocumentInfo
    files: tuple[SourceFile, ...]  # the first is what it is committed by
    problems: tuple[tuple[int, str], ...]

    def is_as(self, other: HeldDocument) -> bool:
        """Whether the pages of the other, and what is known of it, are these; names and tags apart."""

        def bare(of: HeldDocument) -> DocumentInfo:
            return replace(of.info, tags={}, added_at="")

        return self.content == other.content and bare(self) == bare(other) and set(self.problems) == set(other.problems)


@dataclass(frozen=True, slots=True)
class HeldFailure:
    """A file that gave no document."""

    source: SourceFile
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """documents: by SHA-256, the oldest first. names: by location, SHA-256 and file. failures: by location."""

    documents: dict[str, HeldDocument]
    names: dict[bytes, tuple[str, SourceFile]]
    failures: dict[bytes, HeldFailure]

    @classmethod
    def of(cls, held: Held, moved: Sequence[Relocation] = ()) -> Holdings:
        """moved: folders that have another place where this is going to; the first that fits a file counts."""
        known, located = held.known_files(), {}
        files: defaultdict[str, list[SourceFile]] = defaultdict(list)
        for file in held.indexed_files():
            sha256, there = known[os.fsencode(file.location)].sha256, relocated(file, moved)
            located[os.fsencode(there.location)] = (sha256, there)
            files[sha256].append(there)
        problems: defaultdict[bytes, list[tuple[int, str]]] = defaultdict(list)
        failed: dict[bytes, HeldFailure] = {}
        whole = held.known_failures()
        for failure in held.failures():
            location = os.fsencode(failure.location)
            if failure.page:
                problems[location].append((failure.page, failure.reason))
            elif location in whole:
                there = relocated(_file_of(failure.document, failure.location, whole[location]), moved)
                failed[os.fsencode(there.location)] = HeldFailure(there, failure.status, failure.reason)
        contents = {content.sha256: content for content in held.contents()}
        documents = {}
        for stored in held.documents():
            troubled = [location for location in map(os.fsencode, stored.locations) if location in problems]
            first = troubled[0] if troubled else os.fsencode(stored.locations[0])
            info = DocumentInfo(
                sha256=stored.sha256,
                media_type=stored.media_type,
                n_pages=stored.n_pages,
                kind=stored.kind,
                title=stored.title,
                author=stored.author,
                date=stored.date,
                tags=dict(stored.tags),
                reading=known[first].reading,
                added_at=stored.added_at,
            )
            said = tuple(sorted({problem for location in troubled for problem in problems[location]}))
            by = relocated_path(Path(os.fsdecode(first)), moved) if troubled else None
            order = {
                file: (file.location != by, file.n_bytes != stored.n_bytes) for file in files[stored.sha256]
            }  # what it is committed by brings its problems and its size
            ordered = tuple(sorted(order, key=order.__getitem__))
            documents[stored.sha256] = HeldDocument(contents[stored.sha256], info, ordered, said)
        by_age = {sha256: documents[sha256] for sha256 in contents if sha256 in documents}
        return cls(by_age, located, failed)


def relocated(file: SourceFile, moved: Sequence[Relocation]) -> SourceFile:
    """The file as it is where its folder has moved to."""
    location = relocated_path(file.location, moved)
    if location == file.location:
        return file
    root = relocated_path(file.root, moved)
    return replace(file, location=location, root=_root_of(file.path, location) if root == file.root else root)


def relocated_path(path: Path, moved: Sequence[Relocation]) -> Path:
    """A path as it is where its folder has moved to."""
    for before, after in moved:
        if path == before or before in path.parents:
            return after / path.relative_to(before)
    return path


def _file_of(name: str, location: Path, failure: KnownFailure) -> SourceFile:
    """Of a file that gave no document its name is kept, not the folder that was asked for."""
    root = _root_of(name, location)
    return SourceFile(root=root, path=name, location=location, n_bytes=failure.n_bytes, mtime_ns=failure.mtime_ns)


def _root_of(name: str, location: Path) -> Path:
    """The folder in which a file has this name."""
    parents = location.parents
    return parents[min(name.count("/"), len(parents) - 1)] if parents else location

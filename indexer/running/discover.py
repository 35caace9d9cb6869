"""From the paths a user gives to the files to read: sorted, stable, each once; in each folder long files come last.

A document is found when all of its pages are stored, so a long one first would keep those behind it from being found.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pagesight.indexer.formats import EXTENSIONS, TEXT_EXTENSIONS
from pagesight.indexer.running.buckets import files_in
from pagesight.storage.names import is_in_bucket, nfc, printable
from pagesight.storage.values import SourceFile

LONG_BYTES = 1_000_000  # some hundred pages of text, or a few scans
LOCK_PREFIX = "~$"  # Office writes such a file beside each document that is open
Identity = tuple[int, int]  # of a folder: device and inode
MOST_NS = 2**63 - 1  # what a database keeps: the year 2262


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something on the way that gives no document, and why. ``skipped`` is nobody's fault, else it failed."""

    source: SourceFile
    reason: str
    skipped: bool


def discover(
    paths: Sequence[Path], extensions: frozenset[str] = EXTENSIONS, passed_over: Counter[str] | None = None
) -> Iterator[SourceFile | Unusable]:
    """Files below folders that end in one of ``extensions``, and every file named on its own.

    Hidden files and folders (a leading dot) and locks of Office programs are passed over without a word. So are other endings inside folders, which ``passed_over`` counts.
    Links are followed; one that leads back to a folder already on its way is Unusable, as is what cannot be looked at. So is one
    in a linked folder that leads where another such link has led.
    """
    seen: set[Path] = set()
    for path in paths:
        if is_in_bucket(path):
            yield from _in_bucket(path, extensions, passed_over, seen)
            continue
        absolute = as_on_disk(path)
        for found in (
            _walk(absolute, extensions, passed_over) if os.path.isdir(absolute) else [_look(absolute, absolute.parent)]
        ):
            location = (found.source if isinstance(found, Unusable) else found).location
            if location not in seen:
                seen.add(location)
                yield found


def _in_bucket(
    place: Path, extensions: frozenset[str], passed_over: Counter[str] | None, seen: set[Path]
) -> Iterator[SourceFile | Unusable]:
    """The same below a bucket, or a folder in it, by the same rules."""
    found = list(files_in(place))
    for source, reason in sorted(found, key=lambda file: turn(file[0])):
        names, suffix = PurePosixPath(source.path).parts, source.location.suffix.lower()
        if source.location in seen or any(name.startswith((".", LOCK_PREFIX)) for name in names):
            continue
        seen.add(source.location)
        if suffix in extensions or source.location == place:
            yield Unusable(source, reason, skipped=suffix in TEXT_EXTENSIONS) if reason else source
        elif passed_over is not None:
            passed_over[suffix] += 1
    if not found:
        yield Unusable(_source(place, place.parent), "there is nothing under this name in the bucket", skipped=False)


def as_on_disk(path: Path) -> Path:
    """A path, absolute, as the disk spells it: of what is not there as typed, another form of the same characters may be."""
    if is_in_bucket(path):
        return path
    absolute = Path(os.path.abspath(path))
    if os.path.lexists(absolute):
        return absolute
    place = Path(absolute.anchor)
    for part in absolute.parts[1:]:
        if not os.path.lexists(place / part):
            try:
                part = next((name for name in sorted(os.listdir(place)) if nfc(name) == nfc(part)), part)  # noqa: PLW2901
            except (OSError, ValueError):
                return absolute
        place /= part
    return place


@dataclass(slots=True)
class _Folder:
    """On the way from the top to where the walk is. linked: a link led to it, or to a folder above it."""

    path: Path
    identity: Identity
    linked: bool
    entries: Iterator[os.DirEntry[str]]
    long: list[Path] = field(default_factory=list)


def _walk(top: Path, extensions: frozenset[str], passed_over: Counter[str] | None) -> Iterator[SourceFile | Unusable]:
    """A link in a linked folder is taken if no other such link led to the same place.

    Else folders with links to each other would be walked on every way there is among them.
    """
    followed: set[Identity] = set()
    first = _entered(top, top, linked=False)
    if isinstance(first, Unusable):
        yield first
        return
    way = [first]
    while way:
        folder = way[-1]
        entry = next(folder.entries, None)
        if entry is None:
            way.pop()
            for path in folder.long:  # looked at once more: those before them took their time
                yield _look(path, top)
            continue
        if entry.name.startswith((".", LOCK_PREFIX)):
            continue
        path = folder.path / entry.name
        if _is_folder(entry):
            is_link = entry.is_symlink()
            inner = _entered(path, top, linked=folder.linked or is_link)
            if isinstance(inner, Unusable):
                yield inner
            elif any(inner.identity == above.identity for above in way):
                yield Unusable(_source(path, top), "a link back to a folder that contains it", skipped=True)
            elif folder.linked and is_link and inner.identity in followed:
                yield Unusable(_source(path, top), "a link to a folder that another link led to", skipped=True)
            else:
                if folder.linked and is_link:
                    followed.add(inner.identity)
                way.append(inner)
        elif path.suffix.lower() not in extensions:
            if passed_over is not None:
                passed_over[path.suffix.lower()] += 1
        else:
            found = _look(path, top)
            if isinstance(found, SourceFile) and found.n_bytes >= LONG_BYTES:
                folder.long.append(path)
            else:
                yield found


def _entered(folder: Path, top: Path, *, linked: bool) -> _Folder | Unusable:
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        return Unusable(_source(folder, top), f"the folder cannot be opened: {error.strerror}", skipped=False)
    return _Folder(folder, (status.st_dev, status.st_ino), linked, iter(entries))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle: _look says so
        return False


def turn(source: SourceFile) -> list[tuple[bool, str]]:
    """What puts the files of a bucket in the order in which ``_walk`` comes to those of a folder."""
    parts = PurePosixPath(source.path).parts  # none, where the place itself is a file and a folder, too
    return [*((False, folder) for folder in parts[:-1]), (source.n_bytes >= LONG_BYTES, "".join(parts[-1:]))]


def _look(path: Path, root: Path) -> SourceFile | Unusable:
    try:
        status = path.stat()
    except FileNotFoundError:
        broken = os.path.islink(path)
        reason = "a link to a file that is not there" if broken else "there is no such file"
        return Unusable(_source(path, root), reason, skipped=False)
    except OSError as error:
        return Unusable(_source(path, root), f"cannot be looked at: {error.strerror}", skipped=False)
    except ValueError as error:  # a character that no name has
        return Unusable(_source(path, root), f"cannot be looked at: {error}", skipped=False)
    source = _source(path, root, status)
    if path.name.startswith(LOCK_PREFIX):
        return Unusable(source, "not a document, but the lock of one that is open in an Office program", skipped=True)
    if not stat.S_ISREG(status.st_mode):
        return Unusable(source, "not a regular file", skipped=True)
    if status.st_size == 0:
        text = path.suffix.lower() in TEXT_EXTENSIONS  # an empty __init__.py is as it should be
        return Unusable(source, "the file is empty (0 bytes)", skipped=text)
    return source


def _source(path: Path, root: Path, status: os.stat_result | None = None) -> SourceFile:
    relative = path.relative_to(root).as_posix() if path != root else "."
    n_bytes, mtime_ns = size_and_time(status) if status else (0, 0)
    return SourceFile(
        root=root,
        path=printable(relative),
        location=path,
        n_bytes=n_bytes,
        mtime_ns=mtime_ns,
    )


def size_and_time(status: os.stat_result) -> tuple[int, int]:
    """What a file is told by from its other versions. Where a clock was wrong, of a time that cannot be kept the nearest that can."""
    return status.st_size, max(-MOST_NS, min(status.st_mtime_ns, MOST_NS))

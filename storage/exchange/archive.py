"""One segment: a zip file without compression, so that zip programs and numpy can read it without us.

    segment.json                what there is: format, space, and entries in their order, documents with their pages among them
    000000-0f3c5a…/tokens       records of a document's pages end to end (storage.vectors.segments; lengths and CRC-32 in segment.json)
    …/singles.f16               float16 (pages, d_s)
    …/means-32.i8, -8, -1       int8 records (storage.vectors.page_rows), a row a page
    …/words.json                a page each: its words, one a line, and its terms for BM25
    …/boxes                     uint16 (words, 4), page fractions times 65535, of all pages end to end

It is named ``segment-NUMBER-HASH.zip`` by the first half of the SHA-256 of its bytes, and never changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pagesight.storage.errors import ConfigError, StorageError, StoreCorrupt
from pagesight.storage.folder import sync_folder
from pagesight.storage.manifest import Space
from pagesight.storage.moving.catalogue import Catalogue, PageRow, Place
from pagesight.storage.values import DocumentInfo, PackedPage, SeenPicture, SourceFile
from pagesight.storage.vectors.page_rows import LEVELS, SINGLES_NAME, means_name

FORMAT = 1
HEADER = "segment.json"
HASH_DIGITS = 32
_NAME = re.compile(rf"segment-(\d{{8,}})-([0-9a-f]{{{HASH_DIGITS}}})\.zip")
# RuntimeError: what is said to be encrypted, or packed in a way that nobody knows. zlib.error: to be packed, and is not.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
)
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class SegmentName:
    path: Path
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Header:
    space: Space
    entries: tuple[dict[str, Any], ...]


def segment_files(folder: Path) -> list[SegmentName]:
    """The segments that are there, in their order; files with other names do not count."""
    names = (_NAME.fullmatch(path.name) for path in folder.glob("segment-*.zip"))
    found = [SegmentName(folder / match[0], int(match[1]), match[2]) for match in names if match]
    return sorted(found, key=lambda file: (file.number, file.digest))


def read_header(file: SegmentName) -> Header:
    """What a segment says of itself. Raises StoreCorrupt, StorageError for a later format."""
    try:
        with zipfile.ZipFile(file.path) as archive:
            fields = json.loads(archive.read(HEADER))
        if fields["format"] != FORMAT:
            raise StorageError(f"it has format {fields['format']}, this pagesight reads {FORMAT}; upgrade pagesight")
        return Header(Space(**fields["space"]), tuple(fields["entries"]))
    except (*_DAMAGED, ConfigError, OSError) as error:
        raise StoreCorrupt(f"it is cut off or damaged ({str(error) or type(error).__name__})") from error


def check_bytes(file: SegmentName) -> None:
    """Raise StoreCorrupt unless a segment has the bytes that its name says."""
    try:
        with open(file.path, "rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()[:HASH_DIGITS]
    except OSError as error:
        raise StoreCorrupt(f"it cannot be read ({error.strerror or error})") from error
    if found != file.digest:
        raise StoreCorrupt(f"it is cut off or damaged (its bytes have SHA-256 {found[:12]}…, not {file.digest[:12]}…)")


def replay(entry: dict[str, Any], segment: str, into: Catalogue) -> None:
    """Let a catalogue know what an entry says. Raises StoreCorrupt."""
    try:
        change = _change(entry, segment)
    except _DAMAGED as error:
        raise StoreCorrupt(f"it is damaged ({error})") from error
    change(into)


def _change(entry: dict[str, Any], segment: str) -> Callable[[Catalogue], object]:
    """What is to be done with a catalogue. A name or tags of a document whose segment is damaged change nothing."""
    match entry["what"]:
        case "document":
            pages = [_page_row(row) for row in entry["pages"]]
            info, problems = DocumentInfo(**entry["info"]), [(int(n), str(why)) for n, why in entry["problems"]]
            source, place = _file(entry["file"]), Place(segment, str(entry["prefix"]))
            return lambda into: into.put(info, source, problems, pages, place)
        case "name":
            sha256, source = str(entry["sha256"]), _file(entry["file"])
            return lambda into: into.name(sha256, source) if sha256 in into.documents else None
        case "tags":
            sha256, tags = str(entry["sha256"]), {str(name): str(value) for name, value in entry["tags"].items()}
            return lambda into: into.tag(sha256, tags) if sha256 in into.documents else None
        case "removed":
            locations = [os.fsencode(location) for location in entry["locations"]]
            return lambda into: into.remove(locations)
        case "failure":
            source, status, reason = _file(entry["file"]), str(entry["status"]), str(entry["reason"])
            gone = [os.fsencode(source.location)] if entry["drop"] else []

            def failed(into: Catalogue) -> None:
                into.remove(gone)
                into.fail(source, status, reason)

            return failed
        case what:
            raise ValueError(f"there are no entries {what!r}")


def file_fields(source: SourceFile) -> dict[str, Any]:
    """Of an entry. Bytes that are no UTF-8 are lone surrogates, which JSON writes as it does all that is not ASCII."""
    return {**asdict(source), "root": str(source.root), "location": str(source.location)}


def read_pages(path: Path, prefix: str, rows: Sequence[PageRow]) -> Iterator[PackedPage]:
    """The pages of a document. Raises StoreCorrupt."""
    try:
        with zipfile.ZipFile(path) as archive:
            texts = json.loads(archive.read(f"{prefix}/words.json"))
            singles = archive.read(f"{prefix}/{SINGLES_NAME}")
            means = [archive.read(f"{prefix}/{means_name(n)}") for n in LEVELS]
            with archive.open(f"{prefix}/boxes") as boxes, archive.open(f"{prefix}/tokens") as tokens:
                for i, (row, text) in enumerate(zip(rows, texts, strict=True)):
                    n_words = len(text["words"].split("\n")) if text["words"] else 0
                    yield PackedPage(
                        number=row.number,
                        width_pt=row.width_pt,
                        height_pt=row.height_pt,
                        text_source=row.text_source,
                        n_tokens=row.n_tokens,
                        record=tokens.read(row.n_bytes),
                        single=_row(singles, i, len(rows)),
                        means=tuple(_row(level, i, len(rows)) for level in means),
                        words=text["words"],
                        word_boxes=boxes.read(8 * n_words),
                        terms=text["terms"],
                        note=row.note,
                        pictures=row.pictures,
                    )
    except (*_DAMAGED, OSError) as error:
        raise StoreCorrupt(f"{path.name} is damaged ({error}); copy it again") from error


def _row(rows: bytes, i: int, n: int) -> bytes:
    size = len(rows) // n
    return rows[i * size : (i + 1) * size]


def _file(fields: dict[str, Any]) -> SourceFile:
    return SourceFile(**{**fields, "root": Path(fields["root"]), "location": Path(fields["location"])})


def _page_row(fields: dict[str, Any]) -> PageRow:
    pictures = tuple(SeenPicture(**{**seen, "box": tuple(seen["box"])}) for seen in fields["pictures"])
    return PageRow(**{**fields, "pictures": pictures})


class ArchiveWriter:
    """A segment that is being written, under a name that does not count; ``finish`` gives it its own."""

    def __init__(self, folder: Path, number: int, space: Space) -> None:
        self._folder, self._number, self._space = folder, number, space
        self._path = folder / f".segment-{number:08d}.{os.getpid()}.tmp"
        self._file = open(self._path, "w+b")  # noqa: SIM115 - closed by finish() or abandon()
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)
        self.entries: list[dict[str, Any]] = []
        self.n_documents = self.n_bytes = 0

    def next_prefix(self, sha256: str) -> str:
        return f"{len(self.entries):06d}-{sha256[:16]}"

    def add_members(self, prefix: str, tokens: tempfile.SpooledTemporaryFile[bytes], pages: PageColumns) -> None:
        """The members of a document. tokens: records end to end, from the beginning."""
        size = tokens.seek(0, os.SEEK_END)
        tokens.seek(0)
        with self._zip.open(f"{prefix}/tokens", "w", force_zip64=size > 1 << 30) as member:
            while part := tokens.read(CHUNK):
                member.write(part)
        self._zip.writestr(f"{prefix}/{SINGLES_NAME}", b"".join(pages.singles))
        for i, n in enumerate(LEVELS):
            self._zip.writestr(f"{prefix}/{means_name(n)}", b"".join(rows[i] for rows in pages.means))
        self._zip.writestr(f"{prefix}/words.json", json.dumps(pages.texts))
        self._zip.writestr(f"{prefix}/boxes", b"".join(pages.boxes))
        self.n_documents += 1
        self.n_bytes = self._file.tell()

    def finish(self) -> SegmentName:
        """Close it and bring it to the disk. Raises OSError."""
        header = {"format": FORMAT, "space": asdict(self._space), "entries": self.entries}
        self._zip.writestr(HEADER, json.dumps(header))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.seek(0)
        digest = hashlib.file_digest(self._file, "sha256").hexdigest()[:HASH_DIGITS]
        self._file.close()
        path = self._folder / f"segment-{self._number:08d}-{digest}.zip"
        os.replace(self._path, path)
        sync_folder(self._folder)
        return SegmentName(path, self._number, digest)

    def abandon(self) -> None:
        self._zip.fp = None  # nothing more is written
        with contextlib.suppress(OSError):  # a full disk refuses the buffered rest; closing again drops it
            self._file.close()
        self._file.close()
        self._path.unlink(missing_ok=True)


class PageColumns:
    """What pages have beside their records, until their document is written."""

    def __init__(self) -> None:
        self.rows: list[PageRow] = []
        self.singles: list[bytes] = []
        self.means: list[tuple[bytes, ...]] = []
        self.texts: list[dict[str, str]] = []
        self.boxes: list[bytes] = []

    def add(self, page: PackedPage) -> None:
        self.rows.append(PageRow.of(page))
        self.singles.append(page.single)
        self.means.append(page.means)
        self.texts.append({"words": page.words, "terms": page.terms})
        self.boxes.append(page.word_boxes)


def spool(folder: Path, in_memory: int) -> tempfile.SpooledTemporaryFile[bytes]:
    """A file without a name, in memory while it is small."""
    return tempfile.SpooledTemporaryFile(in_memory, dir=str(folder))

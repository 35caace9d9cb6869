"""Documents within documents: what is attached to a PDF. Their location is that of the file, a slash, and their name."""

from __future__ import annotations

import hashlib
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pagesight.indexer.content import Attachment, OpenedDocument
from pagesight.indexer.formats import HEAD_BYTES, file_type
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.names import printable

MAX_ATTACHMENTS = 500
MAX_ATTACHED_BYTES = 200_000_000
LONGEST_NAME = 200  # characters


class _Informed(Protocol):
    info: OpenedDocument


Opened = TypeVar("Opened", bound=_Informed)


def with_attachments(info: OpenedDocument, document: Any) -> OpenedDocument:
    """The same, with what is attached to a document of PyMuPDF, and a note of what cannot be read of it."""
    found, unread = [], []
    for name, data in _embedded(document):
        row = file_type(data[:HEAD_BYTES], Path(name).suffix)
        if row is None or row.kind == "text" or not row.is_readable():
            unread.append(name)
        else:
            found.append(Attachment(name=name, sha256=hashlib.sha256(data).hexdigest(), n_bytes=len(data)))
    many = "s" if len(unread) > 1 else ""
    notes = (f"{len(unread)} attachment{many} not read: {', '.join(unread[:10])}",) if unread else ()
    return replace(info, attachments=tuple(found), notes=notes)


def open_attached(outer: Path, names: Sequence[str], open_file: Callable[[Path], Opened]) -> Opened:
    """Open what is attached to a file; with several names what is attached to that, and so on. Raises UnreadableDocument.

    open_file: opens a file that lies on the disk.
    """
    folder = tempfile.TemporaryDirectory(prefix="pagesight-", ignore_cleanup_errors=True)
    try:
        place = outer
        for depth, wanted in enumerate(names):
            data = _bytes_of(open_file(place), wanted)
            place = Path(folder.name) / f"{depth}{Path(wanted).suffix}"
            place.write_bytes(data)
        document = open_file(place)
        document.info = replace(document.info, sha256=hashlib.sha256(data).hexdigest())
    except BaseException:
        folder.cleanup()
        raise
    weakref.finalize(document, folder.cleanup)
    return document


def _bytes_of(document: Any, wanted: str) -> bytes:
    try:
        for name, data in _embedded(getattr(document, "_document", None)):
            if name == wanted:
                return data
    finally:
        document.close()
    raise UnreadableDocument(f"{wanted} is not attached any more; index the file again")


def _embedded(document: Any) -> Iterator[tuple[str, bytes]]:
    """Name and content of each embedded file; names are those of files, and each is another."""
    seen: set[str] = set()
    if document is None or not document.is_pdf:
        return
    for i in range(min(document.embfile_count(), MAX_ATTACHMENTS)):
        try:
            said = document.embfile_info(i)
            data = bytes(document.embfile_get(i))
        except Exception:  # noqa: S112 - a damaged one; the others can be read
            continue
        if len(data) > MAX_ATTACHED_BYTES:
            continue
        name = printable(
            str(said.get("ufilename") or said.get("filename") or said.get("name") or f"attachment {i + 1}")
        )
        name = name.replace("\\", "/").rpartition("/")[2].strip(". ")[-LONGEST_NAME:] or f"attachment {i + 1}"
        stem, suffix = Path(name).stem, Path(name).suffix
        same = 1
        while name in seen:
            same += 1
            name = f"{stem} ({same}){suffix}"
        seen.add(name)
        yield name, data

"""A corpus of rows, each a text or an image with an id: written to files, since files are what is indexed.

A row becomes ``<id>.txt`` or ``<id>.png`` (or the image's own ending), the id in percent encoding, so that the file's name
says which row it is. Rows are read and written one by one; what is written is kept for the next time.
"""

from __future__ import annotations

import io
import json
import os
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from pagesight.indexer.formats import HEAD_BYTES, file_type
from pagesight.indexer.reading.text_file import PAGE_COLUMNS
from pagesight.storage.errors import DatasetError

MAX_NAME_BYTES = 200  # file systems allow 255
_STAMP_NAME = ".written.json"


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """A row: the bytes of an image file, or else a text."""

    id: str
    image: bytes | None
    text: str


@dataclass(frozen=True, slots=True)
class RowCorpus:
    """rows reads them anew at each call. stamp is JSON that changes when they do."""

    rows: Callable[[], Iterator[CorpusRow]]
    stamp: object
    reads_text: bool = True
    foreign: tuple[str, ...] = ()

    def place(self, folder: Path) -> Path:
        """Write all rows below ``folder``, unless they are there already. Raises DatasetError for ids with no file name."""
        stamp_path = folder / _STAMP_NAME
        stamp = json.dumps(self.stamp)
        if stamp_path.exists() and stamp_path.read_text(encoding="utf-8") == stamp:
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        stamp_path.unlink(missing_ok=True)
        written: set[str] = set()
        for row in self.rows():
            name, data = _file_of(row)
            if name not in written:
                _write(folder / name, data)
                written.add(name)
        for entry in os.scandir(folder):
            if entry.name not in written:
                os.unlink(entry)
        stamp_path.write_text(stamp, encoding="utf-8")
        return folder

    def item(self, location: Path, page: int) -> str | None:  # noqa: ARG002 - a row is one item, however many pages it has
        return unquote(location.stem)


def _file_of(row: CorpusRow) -> tuple[str, bytes]:
    try:
        name = quote(row.id, safe=" ").replace(".", "%2E")  # a dot would look like the ending
    except UnicodeEncodeError as error:
        raise DatasetError(f"the corpus id {row.id[:80]!r} cannot be a file name: it has half a character") from error
    if len(name) > MAX_NAME_BYTES or not name:
        raise DatasetError(
            f"the corpus id {row.id[:80]!r} cannot be a file name: it has {len(name)} characters of 1 to 200"
        )
    if row.image is None:
        lines = (part for line in row.text.splitlines() for part in textwrap.wrap(line, PAGE_COLUMNS) or [""])
        return f"{name}.txt", "\n".join(lines).encode("utf-8", "replace")
    extension, data = image_file(row.image, f"corpus row {row.id!r}")
    return name + extension, data


def image_file(image: bytes, of_what: str) -> tuple[str, bytes]:
    """The ending and content of a file of this image: as it is, or PNG if it is of a kind that is not indexed, such as GIF and BMP.

    Raises DatasetError for what is no image.
    """
    found = file_type(image[:HEAD_BYTES])
    if found is not None and found.kind == "image":
        return found.extensions[0], image
    from PIL import Image

    try:
        converted = io.BytesIO()
        Image.open(io.BytesIO(image)).convert("RGB").save(converted, "PNG")
    except Exception as error:  # Pillow's plugins raise many classes on damaged files
        raise DatasetError(f"the image of {of_what} cannot be read: {error}") from error
    return ".png", converted.getvalue()


def _write(path: Path, data: bytes) -> None:
    """Leave a file alone that holds this already: its time stamp tells the index that nothing changed."""
    if not (path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data):
        path.write_bytes(data)

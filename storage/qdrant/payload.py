"""What points hold beside their vectors, as JSON: pages, documents, files that failed, and the space of the collection.

Fields of a page that people filter by have names of their own; ``packed`` is the page as a store keeps it, so that it can be
brought back to the last bit.
"""

from __future__ import annotations

import os
import uuid
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.manifest import Space
from pagesight.storage.moving.catalogue import Catalogue, KeptDocument, PageRow, Place
from pagesight.storage.packed import unpack_page
from pagesight.storage.qdrant.points import MEANS, SINGLE, TOKENS, NewPoint
from pagesight.storage.values import DocumentInfo, PackedPage, SeenPicture, SourceFile
from pagesight.storage.vectors.codecs import Int8Codec
from pagesight.storage.vectors.page_rows import LEVELS

FORMAT = 1
SPACE, DOCUMENT, PAGE, FAILURE = "space", "document", "page", "failure"  # values of ``what``
_NAMES = uuid.UUID("6b1f6a2e-31f4-4e0d-9b7f-5f4d2f1f8f3c")
Payload = dict[str, Any]


def point_id(what: str, of: str = "") -> str:
    """The same for the same thing, so that writing it again replaces it."""
    return str(uuid.uuid5(_NAMES, f"{what}:{of}"))


def page_id(sha256: str, position: int) -> str:
    return point_id(PAGE, f"{sha256}:{position}")


def space_point(space: Space) -> NewPoint:
    return NewPoint(point_id(SPACE), {"what": SPACE, "format": FORMAT, "space": asdict(space)})


def page_point(page: PackedPage, position: int, info: DocumentInfo, space: Space) -> NewPoint:
    """position: of the page in its document, from 0. Pages without token vectors have no vectors and are not found."""
    packed = {
        **{name: getattr(page, name) for name in ("width_pt", "height_pt", "n_tokens", "words", "terms", "note")},
        **{name: _text(getattr(page, name)) for name in ("record", "single", "word_boxes")},
        "means": [_text(row) for row in page.means],
        "pictures": [asdict(picture) for picture in page.pictures],
    }
    payload = {
        "what": PAGE,
        "sha256": info.sha256,
        "page": page.number,
        "source": page.text_source,
        "text": page.words.replace("\n", " "),
        "pictures": [picture.kind for picture in page.pictures],
        "packed": packed,
    }
    vectors = {}
    if page.n_tokens:
        encoded = unpack_page(page, space).encoded
        means = Int8Codec(space.token_dim).decode(page.means[0], LEVELS[0])
        vectors = {SINGLE: encoded.single.tolist(), MEANS: means.tolist(), TOKENS: encoded.tokens.tolist()}
    return NewPoint(page_id(info.sha256, position), payload, vectors)


def packed_page(payload: Payload) -> PackedPage:
    """Back out of a page's payload. Raises StoreCorrupt."""
    try:
        packed = payload["packed"]
        return PackedPage(
            number=payload["page"],
            text_source=payload["source"],
            record=b64decode(packed["record"]),
            single=b64decode(packed["single"]),
            word_boxes=b64decode(packed["word_boxes"]),
            means=tuple(b64decode(row) for row in packed["means"]),
            pictures=_pictures(packed["pictures"]),
            **{name: packed[name] for name in ("width_pt", "height_pt", "n_tokens", "words", "terms", "note")},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreCorrupt(f"the point of a page is not what was written ({error}); copy it again") from error


def shown_of_document(info: DocumentInfo, files: Sequence[SourceFile]) -> Payload:
    """What each page of a document shows of it, for filters."""
    names = [file.path for file in files]
    return {
        "document": names,
        "folder": [name.rpartition("/")[0] for name in names],
        "title": info.title,
        "author": info.author,
        "date": info.date,
        "kind": info.kind,
        "tags": info.tags,
    }


def document_point(kept: KeptDocument, order: int, catalogue: Catalogue) -> NewPoint:
    """A document counts when this point is there. order: grows with each document that is written."""
    files = catalogue.names_of(kept.info.sha256)
    troubled = [file for file in files if any(catalogue.failures.get(os.fsencode(file.location), {}))]
    first = troubled[0] if troubled else next((file for file in files if file.n_bytes == kept.n_bytes), files[0])
    said = catalogue.failures.get(os.fsencode(first.location), {})
    payload = {
        "what": DOCUMENT,
        "sha256": kept.info.sha256,
        "order": order,
        "info": asdict(kept.info),
        "files": [file_fields(file) for file in (first, *(file for file in files if file != first))],
        "problems": [[number, failure.reason] for number, failure in sorted(said.items()) if number],
        "pages": [asdict(row) for row in kept.pages],
    }
    return NewPoint(point_id(DOCUMENT, kept.info.sha256), payload)


def failure_point(source: SourceFile, status: str, reason: str) -> NewPoint:
    fields = file_fields(source)
    payload = {"what": FAILURE, "location": fields["location"], "file": fields, "status": status, "reason": reason}
    return NewPoint(point_id(FAILURE, fields["location"]), payload)


def catalogue_of(documents: Sequence[Payload], failures: Sequence[Payload]) -> Catalogue:
    """Raises StoreCorrupt."""
    catalogue = Catalogue()
    try:
        for payload in sorted(documents, key=lambda payload: payload["order"]):
            first, *others = map(file_of, payload["files"])
            rows = [PageRow(**{**row, "pictures": _pictures(row["pictures"])}) for row in payload["pages"]]
            problems = [(int(number), str(reason)) for number, reason in payload["problems"]]
            catalogue.put(DocumentInfo(**payload["info"]), first, problems, rows, Place())
            for file in others:
                catalogue.name(payload["sha256"], file)
        for payload in failures:
            catalogue.fail(file_of(payload["file"]), payload["status"], payload["reason"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreCorrupt(f"the points of documents are not what was written ({error}); copy them anew") from error
    return catalogue


def file_fields(source: SourceFile) -> Payload:
    """Paths are bytes, which JSON has not: as in URLs."""
    return {
        "root": quoted(source.root),
        "location": quoted(source.location),
        "path": source.path,
        "n_bytes": source.n_bytes,
        "mtime_ns": source.mtime_ns,
    }


def quoted(path: Path) -> str:
    return quote_from_bytes(os.fsencode(path))


def file_of(fields: Payload) -> SourceFile:
    where = {name: Path(os.fsdecode(unquote_to_bytes(fields[name]))) for name in ("root", "location")}
    return SourceFile(**{**fields, **where})


def _pictures(rows: Sequence[Payload]) -> tuple[SeenPicture, ...]:
    return tuple(SeenPicture(**{**seen, "box": tuple(seen["box"])}) for seen in rows)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")

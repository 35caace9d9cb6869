"""What points hold beside their vectors, as JSON.

The point of a page has fields by which people filter, and its bytes as stores keep them: ``recall`` (what finding it needs) and
``packed`` (the rest), from which it is brought back to the last bit.
"""

from __future__ import annotations

import os
import uuid
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pagesight.storage.errors import StoreCorrupt
from pagesight.storage.manifest import Space
from pagesight.storage.packed import unpack_page
from pagesight.storage.qdrant.points import MEANS, SINGLE, TOKENS, NewPoint, Payload
from pagesight.storage.values import PackedPage, SeenPicture, SourceFile
from pagesight.storage.vectors.codecs import Int8Codec
from pagesight.storage.vectors.page_rows import LEVELS

FORMAT = 2
SPACE, CHANGE, TIDIED, PROBE = "space", "change", "tidied", "probe"  # values of ``what``, as the next three
NEW, PAGE, GONE = "new", "page", "gone"  # a page that is being written, one of a document, one that is not any more
_NAMES = uuid.UUID("6b1f6a2e-31f4-4e0d-9b7f-5f4d2f1f8f3c")


def named(what: str) -> str:
    """The id of the only point of this kind."""
    return str(uuid.uuid5(_NAMES, f"{what}:"))


def space_point(space: Space, store_id: str) -> NewPoint:
    payload = {"what": SPACE, "format": FORMAT, "store_id": store_id, "space": asdict(space)}
    return NewPoint(named(SPACE), payload)


def draft_name(draft: int) -> str:
    """How the points of pages say which draft they belong to: their ids are this number and those that follow it."""
    return f"{draft:016x}"


def page_point(page: PackedPage, draft: int, position: int, sha256: str, sent_at: float, space: Space) -> NewPoint:
    """position: of the page in its document, from 0. Pages without token vectors have no vectors and are not found."""
    packed = {
        **{name: getattr(page, name) for name in ("width_pt", "height_pt", "n_tokens", "words", "note")},
        **{name: _text(getattr(page, name)) for name in ("record", "word_boxes")},
        "pictures": [asdict(picture) for picture in page.pictures],
    }
    payload = {
        "what": NEW,
        "draft": draft_name(draft),
        "sent_at": sent_at,
        "sha256": sha256,
        "page": page.number,
        "source": page.text_source,
        "text": page.words.replace("\n", " "),
        "pictures": [picture.kind for picture in page.pictures],
        "packed": packed,
        "recall": {
            "terms": page.terms,
            "single": _text(page.single),
            "means": [_text(row) for row in page.means],
        },
    }
    vectors = {}
    if page.n_tokens:
        encoded = unpack_page(page, space).encoded
        means = Int8Codec(space.token_dim).decode(page.means[0], LEVELS[0])
        vectors = {SINGLE: encoded.single.tolist(), MEANS: means.tolist(), TOKENS: encoded.tokens.tolist()}
    return NewPoint(draft + position, payload, vectors)


def packed_page(payload: Payload) -> PackedPage:
    """Back out of a page's payload. Raises StoreCorrupt."""
    try:
        packed, recall = payload["packed"], payload["recall"]
        return PackedPage(
            number=payload["page"],
            text_source=payload["source"],
            record=b64decode(packed["record"]),
            single=b64decode(recall["single"]),
            word_boxes=b64decode(packed["word_boxes"]),
            means=tuple(b64decode(row) for row in recall["means"]),
            terms=recall["terms"],
            pictures=pictures_of(packed["pictures"]),
            **{name: packed[name] for name in ("width_pt", "height_pt", "n_tokens", "words", "note")},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreCorrupt(f"the point of a page is not what was written ({error})") from error


def shown(info: Payload, names: Sequence[str]) -> Payload:
    """What each page of a document shows of it, for filters. info: title, author, date, kind and tags."""
    folders = [name.rpartition("/")[0] for name in names]
    return {"what": PAGE, "document": list(names), "folder": folders, **info}


def file_fields(source: SourceFile) -> Payload:
    """Paths are bytes, which JSON has not: as in URLs."""
    return {
        "root": quoted(source.root),
        "location": quoted(source.location),
        "path": source.path,
        "n_bytes": source.n_bytes,
        "mtime_ns": source.mtime_ns,
    }


def file_of(fields: Payload) -> SourceFile:
    where = {name: Path(os.fsdecode(unquoted(fields[name]))) for name in ("root", "location")}
    return SourceFile(**{**fields, **where})


def quoted(path: Path | bytes) -> str:
    return quote_from_bytes(os.fsencode(path))


def unquoted(text: str) -> bytes:
    return unquote_to_bytes(text)


def pictures_of(rows: Sequence[Payload]) -> tuple[SeenPicture, ...]:
    return tuple(SeenPicture(**{**seen, "box": tuple(seen["box"])}) for seen in rows)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")

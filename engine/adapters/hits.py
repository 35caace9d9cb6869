"""What every framework is told of a hit, before it is put into that framework's own words."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from pagesight.engine.results import SearchHit
from pagesight.storage.errors import UnknownHit
from pagesight.storage.names import path_text

if TYPE_CHECKING:
    from pagesight.engine.searcher import Searcher

PICTURE_QUALITY = 85  # of JPEG


def text_of(searcher: Searcher, hit: SearchHit) -> str:
    """The words of the page, or what was found of them if the page has left the index meanwhile."""
    try:
        return searcher.page_text(hit.document, hit.page, sha256=hit.sha256)
    except UnknownHit:
        return hit.snippet


def metadata_of(hit: SearchHit) -> dict[str, Any]:
    """Plain values, as JSON has them; without pictures, because frameworks print metadata into prompts."""
    return {
        "document": hit.document,
        "page_number": hit.page,
        "total_pages": hit.n_pages,
        "title": hit.title,
        "kind": hit.kind,
        "file_path": path_text(hit.path),
        "score": round(hit.score, 6),
        "snippet": hit.snippet,
        "regions": [region.to_dict() for region in hit.regions],
    }


def picture_of(searcher: Searcher, hit: SearchHit) -> bytes:
    """The page with its regions marked, as JPEG. Raises DocumentError if the file is gone or changed."""
    out = io.BytesIO()
    for picture in searcher.pictures([hit]):
        picture.convert("RGB").save(out, "JPEG", quality=PICTURE_QUALITY)
    return out.getvalue()


def as_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

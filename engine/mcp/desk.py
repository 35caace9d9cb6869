"""What the tools do, without the protocol: questions to a Searcher, answers within what clients of agents take.

Claude Desktop takes a result of 1 MB, Claude Code 25,000 tokens or 50,000 characters, models pictures of some 1,568 pixels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from pagesight.engine.mcp.answers import (
    DocumentPage,
    Fetched,
    FoundPage,
    IndexStatus,
    ListedDocument,
    MarkedRegion,
    PagePicture,
    SearchResults,
    Unread,
)
from pagesight.engine.results import Region, SearchHit
from pagesight.storage.errors import ConfigError, UnknownHit
from pagesight.storage.filters import quoted

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.searcher import Searcher
    from pagesight.storage.stored import StoredDocument

MAX_K, MAX_LISTED, MAX_FAILURES = 25, 200, 20
MAX_TEXT_CHARS = 40_000
SIDE_PX, MIN_SIDE_PX, MAX_SIDE_PX = 1_568, 64, 2_000
PICTURE_BYTES = 700_000  # before base64
QUALITIES = (85, 70, 50, 30)


def search(searcher: Searcher, query: str, k: int, filters: str, base: str) -> SearchResults:
    """base: address of the page that shows results, "" if there is none."""
    hits = searcher.search(query, k=max(1, min(k, MAX_K)), filters=filters.strip() or None)
    return SearchResults(results=[_found(hit, base) for hit in hits], missing=sorted(getattr(hits, "missing", ())))


def fetch(searcher: Searcher, hit_id: str, base: str) -> Fetched:
    """Raises UnknownHit."""
    document, colon, number = hit_id.rpartition(":")
    if colon and number.isascii() and number.isdigit() and len(number) < 10:
        try:
            return _fetch_page(searcher, document, int(number), base)
        except UnknownHit:
            if not _documents_named(searcher, hit_id):
                raise
    return _fetch_document(searcher, hit_id, base)


def page_picture(hit: SearchHit, picture: Image.Image, max_side: int) -> tuple[bytes, PagePicture]:
    """A page with its marks as JPEG, small enough for every client."""
    side = side_px(max_side)
    picture = picture.convert("RGB")
    picture.thumbnail((side, side))
    data = _jpeg(picture)
    described = PagePicture(
        id=hit.name,
        document=hit.document,
        page=hit.page,
        n_pages=hit.n_pages,
        width=picture.width,
        height=picture.height,
        regions=_regions(hit.regions),
    )
    return data, described


def side_px(wanted: int) -> int:
    """The longer side of a picture, within what makes sense; 0 or less says nothing."""
    return max(MIN_SIDE_PX, min(wanted, MAX_SIDE_PX)) if wanted > 0 else SIDE_PX


def list_documents(searcher: Searcher, filters: str, limit: int, offset: int) -> DocumentPage:
    found = searcher.documents(filters.strip() or None)
    first = max(0, offset)
    shown = found[first : first + max(1, min(limit, MAX_LISTED))]
    documents = [
        ListedDocument(
            document=one.document,
            title=one.title,
            kind=one.kind,
            n_pages=one.n_indexed_pages,
            date=one.date,
            tags=one.tags,
        )
        for one in shown
    ]
    return DocumentPage(total=len(found), offset=first, documents=documents)


def index_status(searcher: Searcher, indexing: str) -> IndexStatus:
    totals = searcher.totals()
    failures = searcher.failures() if totals.n_failed_files or totals.n_failed_pages else []
    return IndexStatus(
        documents=totals.n_documents,
        pages=totals.n_pages,
        pages_read_by_ocr=totals.n_pages_by_ocr,
        failed_files=totals.n_failed_files,
        failed_pages=totals.n_failed_pages,
        failures=[Unread(document=f.document, page=f.page, reason=f.reason) for f in failures[:MAX_FAILURES]],
        indexing=indexing,
    )


def page_url(base: str, document: str, page: int) -> str:
    """Where a person sees the page; without a server, the address of our own resource."""
    if base:
        return f"{base}?doc={quote(document, safe='')}&p={page}"
    return f"pagesight://pages/{quote(document)}/{page}"


def _fetch_page(searcher: Searcher, document: str, page: int, base: str) -> Fetched:
    hit = searcher.look_up(document, page)
    text = searcher.page_text(document, page, sha256=hit.sha256)
    metadata = {"document": hit.document, "page": str(page), "n_pages": str(hit.n_pages), "kind": hit.kind}
    return Fetched(
        id=hit.name, title=_title(hit), text=_cut(text), url=page_url(base, hit.document, page), metadata=metadata
    )


def _fetch_document(searcher: Searcher, name: str, base: str) -> Fetched:
    found = _documents_named(searcher, name)
    if not found:
        raise UnknownHit(f"there is no document and no page {name[:200]!r} in the index")
    document = found[0]
    parts, n_chars = [], 0
    for page in range(1, document.n_pages + 1):
        if n_chars > MAX_TEXT_CHARS:
            break
        try:
            parts.append(f"[page {page}]\n{searcher.page_text(name, page, sha256=document.sha256)}")
        except UnknownHit:  # it could not be read
            continue
        n_chars += len(parts[-1])
    metadata = {
        "document": document.document,
        "n_pages": str(document.n_pages),
        "kind": document.kind,
        "author": document.author,
        "date": document.date,
        **{f"tag.{tag}": value for tag, value in document.tags.items()},
    }
    title = document.title or document.document
    url = page_url(base, document.document, 1)
    return Fetched(id=name, title=title, text=_cut("\n\n".join(parts)), url=url, metadata=metadata)


def _documents_named(searcher: Searcher, name: str) -> Sequence[StoredDocument]:
    try:
        return searcher.documents(f"document = {quoted(name)}")
    except ConfigError:  # a filter has no way to say such a name
        return [one for one in searcher.documents() if name in one.names]


def _found(hit: SearchHit, base: str) -> FoundPage:
    return FoundPage(
        id=hit.name,
        title=_title(hit),
        url=page_url(base, hit.document, hit.page),
        document=hit.document,
        page=hit.page,
        n_pages=hit.n_pages,
        score=round(hit.score, 4),
        snippet=hit.snippet,
        regions=_regions(hit.regions),
    )


def _regions(regions: Sequence[Region]) -> list[MarkedRegion]:
    return [MarkedRegion(box=[round(x, 4) for x in region.box], score=round(region.score, 4)) for region in regions]


def _title(hit: SearchHit) -> str:
    return f"{hit.title or hit.document}, page {hit.page}"


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT_CHARS:
        return text
    return f"{text[:MAX_TEXT_CHARS]}\n[cut: {len(text) - MAX_TEXT_CHARS} or more characters follow; fetch single pages]"


def _jpeg(picture: Image.Image) -> bytes:
    """Coarser, and then smaller, until it is small enough."""
    while True:
        for quality in QUALITIES:
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality)
            if out.tell() <= PICTURE_BYTES:
                return out.getvalue()
        picture = picture.resize((max(1, picture.width * 2 // 3), max(1, picture.height * 2 // 3)))

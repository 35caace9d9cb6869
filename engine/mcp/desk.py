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
from pagesight.engine.mcp.handles import Handle, handles, meant, named
from pagesight.engine.results import Region, SearchHit
from pagesight.storage.errors import UnknownHit

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.searcher import Searcher

MAX_K, MAX_LISTED, MAX_FAILURES = 25, 200, 20
MAX_TEXT_CHARS = 40_000
SIDE_PX, MIN_SIDE_PX, MAX_SIDE_PX = 1_568, 64, 2_000
PICTURE_BYTES = 700_000  # before base64
QUALITIES = (85, 70, 50, 30)


def search(searcher: Searcher, query: str, k: int, filters: str, base: str) -> SearchResults:
    """base: address of the page that shows results, "" if there is none."""
    hits = searcher.search(query, k=max(1, min(k, MAX_K)), filters=filters.strip() or None)
    of_hits = handles(searcher, [(hit.document, hit.sha256) for hit in hits])
    found = [_found(hit, handle, base) for hit, handle in zip(hits, of_hits, strict=True)]
    return SearchResults(results=found, missing=sorted(getattr(hits, "missing", ())))


def look_up(searcher: Searcher, document: str, page: int, query: str | None = None) -> tuple[SearchHit, Handle]:
    """document: a name, or a handle. Raises UnknownHit."""
    name, sha256 = meant(searcher, document)
    hit = searcher.look_up(name, page, query, sha256=sha256)
    return hit, handles(searcher, [(hit.document, hit.sha256)])[0]


def fetch(searcher: Searcher, hit_id: str, base: str) -> Fetched:
    """Raises UnknownHit."""
    document, colon, number = hit_id.rpartition(":")
    if colon and number.isascii() and number.isdigit() and len(number) < 10:
        try:
            return _fetch_page(searcher, document, int(number), base)
        except UnknownHit:
            if not named(searcher, meant(searcher, hit_id)[0]):
                raise
    return _fetch_document(searcher, hit_id, base)


def page_picture(hit: SearchHit, handle: Handle, picture: Image.Image, max_side: int) -> tuple[bytes, PagePicture]:
    """A page with its marks as JPEG, small enough for every client."""
    side = side_px(max_side)
    picture = picture.convert("RGB")
    picture.thumbnail((side, side))
    data = _jpeg(picture)
    described = PagePicture(
        id=f"{handle}:{hit.page}",
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
    of_shown = handles(searcher, [(one.document, one.sha256) for one in shown])
    documents = [
        ListedDocument(
            id=str(handle),
            document=one.document,
            title=one.title,
            kind=one.kind,
            n_pages=one.n_indexed_pages,
            date=one.date,
            tags=one.tags,
        )
        for one, handle in zip(shown, of_shown, strict=True)
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


def page_url(base: str, handle: Handle, page: int) -> str:
    """Where a person sees the page; without a server, the address of our own resource."""
    if not base:
        return f"pagesight://pages/{quote(str(handle))}/{page}"
    return f"{base}?doc={quote(handle.name, safe='')}&p={page}{'' if handle.alone else f'&sha={handle.sha256}'}"


def _fetch_page(searcher: Searcher, document: str, page: int, base: str) -> Fetched:
    hit, handle = look_up(searcher, document, page)
    text = searcher.page_text(hit.document, page, sha256=hit.sha256)
    metadata = {"document": hit.document, "page": str(page), "n_pages": str(hit.n_pages), "kind": hit.kind}
    url = page_url(base, handle, page)
    return Fetched(id=f"{handle}:{page}", title=_title(hit), text=_cut(text), url=url, metadata=metadata)


def _fetch_document(searcher: Searcher, document_id: str, base: str) -> Fetched:
    name, sha256 = meant(searcher, document_id)
    found = [one for one in named(searcher, name) if sha256 in (None, one.sha256)]
    if not found:
        raise UnknownHit(f"there is no document and no page {document_id[:200]!r} in the index")
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
    (handle,) = handles(searcher, [(name, document.sha256)])
    url = page_url(base, handle, 1)
    return Fetched(id=str(handle), title=title, text=_cut("\n\n".join(parts)), url=url, metadata=metadata)


def _found(hit: SearchHit, handle: Handle, base: str) -> FoundPage:
    return FoundPage(
        id=f"{handle}:{hit.page}",
        title=_title(hit),
        url=page_url(base, handle, hit.page),
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

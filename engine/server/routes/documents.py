"""What is in an index: documents, pages, their words, what could not be read, numbers."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from pagesight.engine.api import SearchEngine
from pagesight.engine.server.errors import NotFound
from pagesight.engine.server.facets import facets_of
from pagesight.engine.server.named import find_document, remove_documents
from pagesight.engine.server.routes.hits import hit_json, missing_in
from pagesight.engine.server.routes.models import (
    Document,
    DocumentList,
    Facets,
    FailureList,
    Heat,
    Json,
    Page,
    Removed,
    TotalsModel,
)
from pagesight.engine.server.routes.shared import (
    Content,
    DocumentName,
    DocumentPath,
    Filters,
    IndexName,
    Limit,
    Offset,
    PagePath,
    Question,
    Reading,
    Serving,
    Writing,
)
from pagesight.engine.server.service import Service
from pagesight.engine.word_heat import word_heat
from pagesight.storage.errors import UnknownHit
from pagesight.storage.globs import glob_of
from pagesight.storage.names import nfc
from pagesight.storage.stored import StoredDocument

router = APIRouter(prefix="/api", tags=["documents"])


@router.get("/documents", response_model=DocumentList)
async def documents(
    service: Serving, _: Reading, index: IndexName = "", filters: Filters = "", offset: Offset = 0, limit: Limit = 100
) -> JSONResponse:
    """In order of their names."""
    total, found = await service.run(service.engine(index).some_documents, nfc(filters) or None, offset, limit)
    return JSONResponse({"total": total, "documents": [_document(document) for document in found]})


@router.get("/documents/{document:path}/pages/{page}/heat", response_model=Heat)
async def heat(
    document: DocumentPath,
    page: PagePath,
    q: Question,
    service: Serving,
    _: Reading,
    index: IndexName = "",
    sha256: Content = None,
) -> JSONResponse:
    """For each word of the question ``q`` where it finds itself on the page."""
    return JSONResponse(await service.run(_heat, service.own_engine(index), document, page, sha256, nfc(q)))


@router.get("/documents/{document:path}/pages/{page}", response_model=Page)
async def page(
    document: DocumentPath,
    page: PagePath,
    service: Serving,
    _: Reading,
    index: IndexName = "",
    sha256: Content = None,
    q: Question = "",
) -> JSONResponse:
    """One page with its words, and with what matches ``q`` on it."""
    return JSONResponse(await service.run(_page, service, index, document, page, sha256, nfc(q).strip()))


@router.get("/documents/{document:path}", response_model=Document)
async def document(
    document: DocumentPath, service: Serving, _: Reading, index: IndexName = "", sha256: Content = None
) -> JSONResponse:
    """One document."""
    found = await service.run(find_document, service.engine(index), document, sha256)
    return JSONResponse(_document(found))


@router.delete("/documents", response_model=Removed)
async def remove(document: DocumentName, service: Serving, _: Writing, index: IndexName = "") -> JSONResponse:
    """Take one document out of the index. Its file stays where it is, unless it was uploaded."""
    return JSONResponse({"removed": await service.run(_remove, service, index, document)})


@router.get("/failures", response_model=FailureList)
async def failures(
    service: Serving, _: Reading, index: IndexName = "", offset: Offset = 0, limit: Limit = 100
) -> JSONResponse:
    """What could not be read, and why."""
    found = await service.run(service.engine(index).failures)
    shown = [
        {"document": f.document, "page": f.page, "status": f.status, "reason": f.reason, "at": f.at}
        for f in found[offset : offset + limit]
    ]
    return JSONResponse({"total": len(found), "failures": shown})


@router.get("/totals", response_model=TotalsModel)
async def totals(service: Serving, _: Reading, index: IndexName = "") -> JSONResponse:
    """Numbers of an index."""
    return JSONResponse(await service.run(_totals, service, index))


@router.get("/facets", response_model=Facets)
async def facets(service: Serving, _: Reading, index: IndexName = "") -> JSONResponse:
    """What filters can choose from."""
    return JSONResponse(await service.run(facets_of, service.engine(index)))


def _page(service: Service, index: str, document: str, number: int, sha256: str | None, query: str) -> Json:
    read = service.engine(index).read_page(document, number, query or None, sha256=sha256)
    return {
        "index": service.name_of(index),
        "hit": hit_json(read.hit, service.settings.hide_paths),
        "text": read.text,
        "text_source": read.text_source,
    }


def _heat(engine: SearchEngine, document: str, number: int, sha256: str | None, query: str) -> Json:
    with engine.view() as view:
        page_id = view.find_page(document, number, sha256=sha256)
        if page_id is None:
            raise UnknownHit(f"there is no page {document}:{number} in the index")
        details = view.details(np.array([page_id])) if np.isin(page_id, view.page_ids()) else {}
    (encoded,) = engine.encoder.encode_queries([query])
    if not details:  # nothing on the page has a vector
        return {"words": []}
    return {
        "words": [
            {
                "word": found.word,
                "weight": round(found.weight, 4),
                "places": [
                    {"box": [round(x, 4) for x in place.box], "heat": round(place.heat, 3)} for place in found.places
                ],
            }
            for found in word_heat(query, encoded, details[page_id])
        ]
    }


def _totals(service: Service, index: str) -> Json:
    engine = service.engine(index)
    with engine.view() as view:
        return {
            "index": service.name_of(index),
            "generation": view.generation,
            "model": view.space.encoder,
            **asdict(view.totals()),
            **missing_in(view),
        }


def _remove(service: Service, index: str, document: str) -> list[str]:
    # First, so that a name that is not there is said at once, also while another program writes.
    find_document(service.own_engine(index), document)
    name = nfc(document)
    removed = remove_documents(service, index, glob_of(name))
    if not removed:
        raise NotFound(f"there is no document {name[:200]!r} in the index")
    return removed


def _document(found: StoredDocument) -> Json:
    return {
        "document": found.document,
        "names": list(found.names),
        "kind": found.kind,
        "media_type": found.media_type,
        "n_pages": found.n_pages,
        "n_indexed_pages": found.n_indexed_pages,
        "n_bytes": found.n_bytes,
        "title": found.title,
        "author": found.author,
        "date": found.date,
        "added_at": found.added_at,
        "tags": found.tags,
        "sha256": found.sha256,
    }

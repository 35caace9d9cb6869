"""Asking: by words, by a page of the index, by a picture."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.index import View
from pagesight.engine.results import SearchHit
from pagesight.engine.server.errors import BadRequest
from pagesight.engine.server.queue import WorkQueue
from pagesight.engine.server.routes.hits import hit_json
from pagesight.engine.server.routes.models import DEFAULTS, Json, SearchAnswer, SearchRequest
from pagesight.engine.server.routes.shared import (
    Candidates,
    DocumentName,
    Filters,
    IndexName,
    K,
    PageNumber,
    Reading,
    Serving,
)
from pagesight.engine.server.service import Service
from pagesight.engine.similar import search_by_page, similar_pages
from pagesight.engine.stages import OnStage
from pagesight.indexer.content import PageContent
from pagesight.storage.errors import UnknownHit
from pagesight.storage.names import nfc

router = APIRouter(prefix="/api", tags=["search"])
# A question, or None, and what finds its hits in a view.
Asked = tuple[str | None, Callable[[View, OnStage], list[SearchHit]]]


@router.post("/search", response_model=SearchAnswer)
async def search(asked: SearchRequest, request: Request, service: Serving, _: Reading) -> JSONResponse:
    """Find the pages that answer a question, or several in one state of the index."""
    if (asked.query is None) == (asked.queries is None):
        raise BadRequest("give either query or queries", "query")
    engine = service.engine(asked.index)
    config = SearchConfig(
        k=asked.k,
        n_candidates=asked.candidates,
        exact=asked.exact,
        terms=asked.terms,
        min_confidence=asked.min_confidence,
        mend=asked.mend,
    )
    filters = nfc(asked.filters) or None

    def by_words(text: str) -> Asked:
        def find(view: View, on_stage: OnStage) -> list[SearchHit]:
            return engine.search(text, filters=filters, view=view, config=config, on_stage=on_stage)

        return text, find

    texts = [nfc(text) for text in asked.queries or [asked.query or ""]]
    return await _answered(service, request, asked.index, engine, [by_words(text) for text in texts])


@router.get("/similar", response_model=SearchAnswer)
async def similar(
    document: DocumentName,
    page: PageNumber,
    request: Request,
    service: Serving,
    _: Reading,
    index: IndexName = "",
    k: K = DEFAULTS.k,
    candidates: Candidates = DEFAULTS.n_candidates,
    filters: Filters = "",
) -> JSONResponse:
    """Pages like one of the index: the page is the question."""
    engine = service.engine(index)

    def find(view: View, on_stage: OnStage) -> list[SearchHit]:
        page_id = view.find_page(document, page)
        if page_id is None:
            raise UnknownHit(f"there is no page {document}:{page} in the index")
        if page_id not in view.page_ids():
            return []  # nothing on it to compare
        return similar_pages(page_id, view, SearchConfig(k=k, n_candidates=candidates), nfc(filters) or None, on_stage)

    return await _answered(service, request, index, engine, [(None, find)])


@router.post(
    "/search/picture",
    response_model=SearchAnswer,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def search_by_picture(
    request: Request,
    service: Serving,
    _: Reading,
    index: IndexName = "",
    k: K = DEFAULTS.k,
    candidates: Candidates = DEFAULTS.n_candidates,
    filters: Filters = "",
) -> JSONResponse:
    """Pages like a picture: PNG, JPEG, WebP or TIFF in the body. A model that reads words reads it by OCR."""
    engine = service.engine(index)
    data = await request.body()
    if not data:
        raise BadRequest("the body is empty; send a picture", "body")
    page = await service.pictures.work.run(_read, service, data, engine.encoder.image_pixels)

    def find(view: View, on_stage: OnStage) -> list[SearchHit]:
        config = SearchConfig(k=k, n_candidates=candidates)
        return search_by_page(page, engine.encoder, view, config, nfc(filters) or None, on_stage)

    return await _answered(service, request, index, engine, [(None, find)])


def _read(service: Service, data: bytes, image_pixels: int | None) -> PageContent:
    """A picture that a stranger sent is opened where files are read: in a process that may die."""
    with tempfile.NamedTemporaryFile(prefix="pagesight-asked-") as file:
        file.write(data)
        file.flush()
        return service.pictures.read_picture(Path(file.name), image_pixels)


async def _answered(
    service: Service, request: Request, index: str, engine: SearchEngine, asked: Sequence[Asked]
) -> JSONResponse:
    """All questions in one view, in a thread; given up if the client leaves before its turn."""
    name = service.name_of(index)

    def answer() -> Json:
        milliseconds: dict[str, float] = {}

        def on_stage(stage: str, seconds: float) -> None:
            service.metrics.on_stage(stage, seconds)
            milliseconds[stage] = milliseconds.get(stage, 0.0) + seconds * 1e3

        with engine.view() as view:
            results = [
                {"query": text, "hits": [hit_json(hit, service.settings.hide_paths) for hit in find(view, on_stage)]}
                for text, find in asked
            ]
            generation = view.generation
        rounded = {stage: round(taken, 2) for stage, taken in milliseconds.items()}
        return {"index": name, "generation": generation, "results": results, "milliseconds": rounded}

    async def present() -> bool:
        return not await request.is_disconnected()

    work: WorkQueue = service.work
    return JSONResponse(await work.run_for(present, answer))

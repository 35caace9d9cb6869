"""Asking: by words, by a page of the index, by a picture."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pagesight.engine.config import SearchConfig
from pagesight.engine.results import SearchHit
from pagesight.engine.server.errors import BadRequest
from pagesight.engine.server.queue import WorkQueue
from pagesight.engine.server.routes.hits import hit_json, missing_in
from pagesight.engine.server.routes.models import DEFAULTS, Json, SearchAnswer, SearchRequest
from pagesight.engine.server.routes.shared import (
    Candidates,
    Content,
    DocumentName,
    Filters,
    IndexName,
    K,
    PageNumber,
    Reading,
    Serving,
)
from pagesight.engine.server.service import Served, Service
from pagesight.engine.stages import OnStage
from pagesight.indexer.content import PageContent
from pagesight.storage.names import nfc

router = APIRouter(prefix="/api", tags=["search"])
Find = Callable[[Any, OnStage], Sequence[Sequence[SearchHit]]]  # hits of each question, in a view


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

    texts = [nfc(text) for text in asked.queries or [asked.query or ""]]

    def find(view: Any, on_stage: OnStage) -> Sequence[Sequence[SearchHit]]:
        return engine.search_many(texts, filters=filters, view=view, config=config, on_stage=on_stage)

    return await _answered(service, request, asked.index, engine, texts, find)


@router.get("/similar", response_model=SearchAnswer)
async def similar(
    document: DocumentName,
    page: PageNumber,
    request: Request,
    service: Serving,
    _: Reading,
    index: IndexName = "",
    sha256: Content = None,
    k: K = DEFAULTS.k,
    candidates: Candidates = DEFAULTS.n_candidates,
    filters: Filters = "",
) -> JSONResponse:
    """Pages like one of the index: the page is the question."""
    engine = service.engine(index)

    config = SearchConfig(k=k, n_candidates=candidates)

    def find(view: Any, on_stage: OnStage) -> Sequence[Sequence[SearchHit]]:
        asked = {"filters": nfc(filters) or None, "config": config, "view": view, "on_stage": on_stage}
        return [engine.similar(document, page, sha256=sha256, **asked)]

    return await _answered(service, request, index, engine, [None], find)


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

    config = SearchConfig(k=k, n_candidates=candidates)

    def find(view: Any, on_stage: OnStage) -> Sequence[Sequence[SearchHit]]:
        return [engine.search_page(page, filters=nfc(filters) or None, config=config, view=view, on_stage=on_stage)]

    return await _answered(service, request, index, engine, [None], find)


def _read(service: Service, data: bytes, image_pixels: int | None) -> PageContent:
    """A picture that a stranger sent is opened where files are read: in a process that may die."""
    with tempfile.NamedTemporaryFile(prefix="pagesight-asked-") as file:
        file.write(data)
        file.flush()
        return service.pictures.read_picture(Path(file.name), image_pixels)


async def _answered(
    service: Service, request: Request, index: str, engine: Served, texts: Sequence[str | None], find: Find
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
                {"query": text, "hits": [hit_json(hit, service.settings.hide_paths) for hit in hits]}
                for text, hits in zip(texts, find(view, on_stage), strict=True)
            ]
            generation, missing = view.generation, missing_in(view)
        rounded = {stage: round(taken, 2) for stage, taken in milliseconds.items()}
        return {"index": name, "generation": generation, "results": results, "milliseconds": rounded, **missing}

    async def present() -> bool:
        return not await request.is_disconnected()

    work: WorkQueue = service.work
    return JSONResponse(await work.run_for(present, answer))

"""Is it alive, is it ready, what does it count."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from pagesight.engine.server.metrics import CONTENT_TYPE
from pagesight.engine.server.routes.shared import Serving
from pagesight.engine.server.security import reader

router = APIRouter(tags=["status"])


class Alive(BaseModel):
    status: str


class Ready(BaseModel):
    """ready: every index is open and its model loaded. problems: why not, by index."""

    ready: bool
    problems: dict[str, str]


@router.get("/healthz")
async def healthz() -> Alive:
    """The process answers. Needs no key."""
    return Alive(status="alive")


@router.get("/readyz", responses={503: {"model": Ready, "description": "Not yet, or not any more."}})
async def readyz(service: Serving) -> JSONResponse:
    """Every index is open and its model is loaded. Needs no key."""
    problems = {name: problem for name in service.names if (problem := service.problem(name)) is not None}
    ready = Ready(ready=not problems, problems=problems)
    headers = {} if ready.ready else {"Retry-After": "2"}
    return JSONResponse(ready.model_dump(), 200 if ready.ready else 503, headers)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(service: Serving, request: Request) -> Response:
    """For Prometheus. Needs a key if there is one, unless the server was told otherwise."""
    if not service.settings.open_metrics:
        reader(request)
    return Response(await service.run(service.metrics.text), media_type=CONTENT_TYPE)

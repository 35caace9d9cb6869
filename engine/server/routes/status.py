"""Is it alive, is it ready, what does it count."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from pagesight.engine.server.metrics import CONTENT_TYPE
from pagesight.engine.server.routes.shared import Serving
from pagesight.engine.server.security import reader, role_of

router = APIRouter(tags=["status"])
NO_REASON = "it cannot be searched now; with a key this says why"


class Alive(BaseModel):
    status: str


class Ready(BaseModel):
    """ready: every index is open and its model loaded. problems: why not, by index; for those who show a key."""

    ready: bool
    problems: dict[str, str]


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> Alive:
    """The process answers. Needs no key."""
    return Alive(status="alive")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"model": Ready, "description": "Not yet, or not any more."}})
async def readyz(service: Serving, request: Request) -> JSONResponse:
    """Every index is open and its model is loaded. Needs no key; without one it does not say why not."""
    problems = {name: problem for name in service.names if (problem := service.problem(name)) is not None}
    if role_of(service.settings, request) is None:  # messages name folders and hosts
        problems = dict.fromkeys(problems, NO_REASON)
    ready = Ready(ready=not problems, problems=problems)
    headers = {} if ready.ready else {"Retry-After": "2"}
    return JSONResponse(ready.model_dump(), 200 if ready.ready else 503, headers)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(service: Serving, request: Request) -> Response:
    """For Prometheus. Needs a key if there is one, unless the server was told otherwise."""
    if not service.settings.open_metrics:
        reader(request)
    return Response(await service.run(service.metrics.text), media_type=CONTENT_TYPE)

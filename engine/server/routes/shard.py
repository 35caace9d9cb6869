"""What a coordinator asks of this server, as a part of a whole (engine.shards)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse

from pagesight.engine.server.routes.models import Json
from pagesight.engine.server.routes.shard_forms import check_form
from pagesight.engine.server.routes.shared import Reading, Serving
from pagesight.engine.server.service import Service
from pagesight.engine.shards.desk import answered, state_of

router = APIRouter(prefix="/api/shard", include_in_schema=False)  # between servers of one version, and no promise


@router.get("")
async def state(service: Serving, _: Reading) -> JSONResponse:
    return JSONResponse(await service.run(_state, service))


@router.post("/{name}")
async def ask(name: str, body: Annotated[dict[str, Any], Body()], service: Serving, _: Reading) -> JSONResponse:
    return JSONResponse(await service.run(_answer, service, name, body))


def _state(service: Service) -> Json:
    with service.own_engine().view() as view:
        return state_of(view, service.settings.part)


def _answer(service: Service, name: str, body: Json) -> Json:
    check_form(name, body)
    with service.own_engine().view() as view:
        answer = answered(view, service.settings.part, name, body)
    if service.settings.hide_paths:
        for hit in (answer.get("hit"), *answer.get("hits", ())):
            if hit is not None:
                hit["path"] = hit["document"]
    return answer

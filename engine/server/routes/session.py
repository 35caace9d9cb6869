"""Who is asking, and the cookie of the page."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pagesight.engine import __version__
from pagesight.engine.server.errors import KeyNeeded
from pagesight.engine.server.routes.models import IndexInfo, Info, KeyRequest, Session
from pagesight.engine.server.routes.shared import Reading, Serving
from pagesight.engine.server.security import COOKIE, COOKIE_SECONDS, Role, make_cookie, role_of_key
from pagesight.engine.server.service import Service
from pagesight.storage.errors import SearchEngineError

router = APIRouter(prefix="/api", tags=["session"])
WRONG_KEY_SECONDS = 0.5  # before a wrong key is answered


@router.get("/info", response_model=Info)
async def info(service: Serving, role: Reading) -> JSONResponse:
    """What is served, and what this client may do."""
    found = await service.run(_info, service, role)
    return JSONResponse(found.model_dump())


@router.post("/session")
async def sign_in(shown: KeyRequest, request: Request, response: Response, service: Serving) -> Session:
    """Show a key once and get a cookie, for pages in a browser."""
    keys = service.settings.keys
    if not keys:
        return Session(role="all")
    role = role_of_key(keys, shown.key)
    if role is None:
        await asyncio.sleep(WRONG_KEY_SECONDS)
        raise KeyNeeded("this key is not one of this server")
    # Without a path the cookie belongs to the folder of this address, ".../api", whatever prefix a proxy adds.
    response.set_cookie(
        COOKIE,
        make_cookie(keys, role),
        max_age=COOKIE_SECONDS,
        path=None,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return Session(role="all" if role == Role.ALL else "read")


@router.delete("/session", status_code=204, response_class=Response)
async def sign_out() -> Response:
    """Drop the cookie."""
    response = Response(status_code=204)
    response.headers.append("Set-Cookie", f"{COOKIE}=; Max-Age=0; HttpOnly; SameSite=strict")
    return response


def _info(service: Service, role: Role) -> Info:
    return Info(
        version=__version__,
        indexes=[_index_info(service, name) for name in service.names],
        may_write=service.settings.allow_write and role == Role.ALL,
        needs_key=bool(service.settings.keys),
    )


def _index_info(service: Service, name: str) -> IndexInfo:
    found = {"model": "", "sees": False, "n_pages": 0}
    try:
        engine = service.engine(name)
        found = {"model": engine.encoder.name, "sees": engine.encoder.image_pixels is not None, "n_pages": 0}
        found["n_pages"] = engine.totals().n_pages
        problem = ""
    except SearchEngineError as error:
        problem = str(error)
    return IndexInfo(name=name, ready=service.problem(name) is None, problem=problem, **found)  # type: ignore[arg-type]

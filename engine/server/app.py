"""The application: routers from a table, errors in one shape, an OpenAPI document that says what is."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp

from pagesight.engine import __version__
from pagesight.engine.server import openapi
from pagesight.engine.server.errors import described, error_body
from pagesight.engine.server.guard import Guard
from pagesight.engine.server.queue import ClientGone
from pagesight.engine.server.service import Service
from pagesight.engine.server.settings import ServerSettings
from pagesight.storage.errors import SearchEngineError

log = logging.getLogger("pagesight.server")

# A part of the server is a module here. It has ``router``, an APIRouter, or ``routes(service)``, a list of Starlette's routes;
# and, if something has to run beside the requests, ``running(service)``, an asynchronous context manager.
PARTS = (
    "pagesight.engine.server.routes.status",
    "pagesight.engine.server.routes.session",
    "pagesight.engine.server.routes.search",
    "pagesight.engine.server.routes.files",  # before documents, whose names may contain anything
    "pagesight.engine.server.routes.documents",
    "pagesight.engine.server.routes.jobs",
    "pagesight.engine.server.routes.page",
    "pagesight.engine.server.routes.v1",
    "pagesight.engine.server.routes.rerank",
    "pagesight.engine.server.routes.mcp",
    "pagesight.engine.server.routes.shard",
    "pagesight.engine.server.watching",
)
# Where the index is on other servers, these know the files of its documents and answer what is asked of one page.
RELAYED = "pagesight.engine.server.routes.relayed"


class _Application(FastAPI):
    """FastAPI with the guard around everything, its answers to bugs included."""

    def build_middleware_stack(self) -> ASGIApp:
        service: Service = self.state.service
        return Guard(super().build_middleware_stack(), service.settings, service.metrics)


def create_app(settings: ServerSettings) -> FastAPI:
    """The server as an ASGI application. Nothing is opened before it is started."""
    service = Service(settings)
    names = (RELAYED, *PARTS) if settings.shards else PARTS  # what is named first answers
    parts = [import_module(name) for name in names]
    app = _Application(
        title="pagesight",
        version=__version__,
        description="Search inside documents by what is on the page.",
        docs_url=None,  # the ready-made pages load scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan(service, parts),
        redirect_slashes=False,  # behind a proxy a redirect would name the wrong address
        separate_input_output_schemas=False,
    )
    app.state.service = service
    for part in parts:
        if hasattr(part, "router"):
            app.include_router(part.router)
        if hasattr(part, "routes"):
            app.router.routes.extend(part.routes(service))
    app.add_exception_handler(SearchEngineError, _on_our_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ClientGone, _on_gone)
    app.add_exception_handler(ClientDisconnect, _on_gone)  # while it sent a body
    app.add_exception_handler(Exception, _on_bug)
    openapi.install(app)
    return app


def _lifespan(service: Service, parts: list[Any]) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            service.start()
            stack.callback(service.close)
            for part in parts:
                if hasattr(part, "running"):
                    await stack.enter_async_context(part.running(service))
            yield

    return lifespan


async def _on_our_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SearchEngineError)
    status, body, headers = described(error)
    if status == 500:
        log.error("%s", error)
    return JSONResponse(body, status, headers)


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    """Pydantic says what is wrong where; the first of it is enough."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    param = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return JSONResponse(error_body(400, f"{param}: {first['msg']}", code="invalid_value", param=param), 400)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, SearchEngineError):  # FastAPI wraps what reading the body raised
        return await _on_our_error(request, error.__cause__)
    names = {404: "not_found", 405: "method_not_allowed"}
    headers = dict(error.headers or {})
    if error.status_code == 405:  # Starlette names the methods of one route only
        headers["Allow"] = ", ".join(_methods(request))
    body = error_body(error.status_code, error.detail, code=names.get(error.status_code, "http_error"))
    return JSONResponse(body, error.status_code, headers)


def _methods(request: Request) -> list[str]:
    """What may be asked of this address, over all routes that it fits."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


async def _on_gone(_: Request, __: Exception) -> Response:
    """Nobody reads it; the log does."""
    return Response(status_code=499)


async def _on_bug(_: Request, error: Exception) -> JSONResponse:
    """Starlette raises the error again afterwards, so that its traceback is logged."""
    return JSONResponse(error_body(500, "an error of the server; its log says more", code=type(error).__name__), 500)

"""/mcp: the tools for agents over HTTP, for the first index; /mcp/NAME for any other.

A client with the key for reading is shown the tools that read. Host, origin and the size of requests are the guard's affair.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pagesight.engine.mcp.server import Backstage, make_server
from pagesight.engine.pictures import mark
from pagesight.engine.server.allowed import allowed_paths
from pagesight.engine.server.errors import KeyNeeded, described
from pagesight.engine.server.named import remove_documents
from pagesight.engine.server.security import Role, role_of
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.storage.errors import ConfigError

if TYPE_CHECKING:
    from PIL import Image

    from pagesight.engine.results import SearchHit
    from pagesight.engine.server.service import Service


def routes(service: Service) -> list[Route]:
    """Without redirects: behind a proxy they would name the wrong address. Without GET: a stream of events would stay silent."""
    doors = _doors[service] = {name: _Door(service, name) for name in service.names}
    first = Route("/mcp", doors[service.names[0]], methods=["POST"])
    return [first, *(Route(f"/mcp/{name}", door, methods=["POST"]) for name, door in doors.items())]


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """What the SDK runs beside the requests."""
    async with AsyncExitStack() as stack:
        for door in _doors[service].values():
            for server in door.servers:
                await stack.enter_async_context(server.session_manager.run())
        yield


class _Door:
    """An ASGI application: the server of the tools that this client may use."""

    def __init__(self, service: Service, index: str) -> None:
        self._service = service
        reading, self._reading = _server(service, index, writing=None)
        self._writing, self.servers = self._reading, [reading]
        if service.settings.allow_write:
            writing, self._writing = _server(service, index, writing=_Writing(service, index))
            self.servers.append(writing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        role = role_of(self._service.settings, Request(scope))
        if role is None:
            status, body, headers = described(KeyNeeded("this server asks for a key: Authorization: Bearer KEY"))
            await JSONResponse(body, status, headers)(scope, receive, send)
            return
        app = self._writing if role >= Role.ALL else self._reading
        await app(scope, receive, send)


class _Writing:
    """By way of the server's jobs."""

    def __init__(self, service: Service, index: str) -> None:
        self._service, self._index = service, index

    def start(self, paths: list[str]) -> str:
        if not paths:
            raise ConfigError("name at least one file or folder")
        found = allowed_paths(paths, self._service.settings.allowed_folders)
        return f"queued: job {self._service.jobs.add(self._index, found).id}"

    def remove(self, names: list[str]) -> list[str]:
        if not names:
            raise ConfigError("name at least one document")
        return remove_documents(self._service, self._index, *names)


def _server(service: Service, index: str, *, writing: _Writing | None) -> tuple[MCPServer, ASGIApp]:
    async def draw(hit: SearchHit, max_side: int) -> Image.Image:
        from PIL import Image

        side = min(max_side, service.settings.limits.max_side)
        engine = service.engine(index)
        if isinstance(engine, Coordinator):
            return await service.run(lambda: mark(Image.open(io.BytesIO(engine.picture(hit, side))), hit.regions))
        picture = await service.pictures.draw(hit, hit.regions, side, "png")
        return Image.open(io.BytesIO(picture.data))

    def base(request: Any) -> str:
        """The page, as this client reaches it."""
        return f"{request.url.scheme}://{request.headers['host']}{service.settings.prefix}/"

    backstage = Backstage(
        searcher=lambda: service.engine(index),
        run=service.run,
        draw=draw,
        indexing=lambda: _indexing(service, index),
        base=base,
        writing=writing,
    )
    server = make_server(backstage)
    app = server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=service.settings.limits.json_bytes,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the guard's affair
    )
    (route,) = app.routes
    assert isinstance(route, Route)
    return server, route.app


def _indexing(service: Service, index: str) -> str:
    """The job that runs, or waits, for this index."""
    if not service.settings.allow_write:
        return ""
    for job in service.jobs.journal.jobs(20, 0):
        if job.index == index and not job.finished:
            progress = service.jobs.progress(job.id)
            return f"{job.status}: job {job.id}, {progress.files} files, {progress.pages} pages, {progress.document}".rstrip(
                ", "
            )
    return ""


_doors: WeakKeyDictionary[Service, dict[str, _Door]] = WeakKeyDictionary()

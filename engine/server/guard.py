"""What every request passes first, and every answer last: host, origin, key, size and pace of the body, headers, a log line."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pagesight.engine.server.errors import NotAllowed, Refused, TooLarge, TooSlow, WrongHost, described
from pagesight.engine.server.metrics import Metrics
from pagesight.engine.server.security import shown_role
from pagesight.engine.server.settings import Limits, ServerSettings

log = logging.getLogger("pagesight.access")
WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}
SIGNING_IN = "/api/session"  # the key is in the body
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
SLOWEST = 10_000  # bytes a second of a body that is not too slow, after ``Limits.send_seconds``
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
# Beginnings of paths whose bodies may be larger than JSON's: the field of Limits that says how large.
BODY_LIMITS = (
    ("/api/uploads/", "upload_bytes"),
    ("/api/search/picture", "picture_bytes"),
    ("/v1/", "picture_bytes"),
    ("/v2/", "picture_bytes"),
    ("/mcp", "picture_bytes"),
    ("/api/shard/", "picture_bytes"),  # vectors of questions
)


class Guard:
    """The outermost layer. A request that it refuses costs no thread, and reaches no route."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        names = {"localhost", socket.gethostname(), settings.host, *settings.allowed_hosts}
        self._names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a websocket: there are none
            await send({"type": "websocket.close", "code": 1000})
            return
        scope = self._without_prefix(scope)
        answer = _Answer(scope, send, self._metrics, self._settings.limits.seconds)
        try:
            self._check(scope)
        except Refused as error:
            self._metrics.refused.labels(type(error).__name__).inc()
            status, body, headers = described(error)
            await JSONResponse(body, status, headers)(scope, receive, answer.send)
        else:
            limits = self._settings.limits
            pace = _Body(receive, scope, _body_limit(scope["path"], limits), limits.send_seconds)
            try:
                await self._app(scope, pace, answer.send)
            except Exception:
                if not answer.stalled:
                    raise

    def _without_prefix(self, scope: Scope) -> Scope:
        """A request under the prefix is one without it: a proxy may strip it or not."""
        prefix, path = self._settings.prefix, scope["path"]
        if not prefix or not (path == prefix or path.startswith(prefix + "/")):
            return scope
        return {**scope, "path": path[len(prefix) :] or "/", "raw_path": None}

    def _check(self, scope: Scope) -> None:
        """Pages of other origins, and names that an attacker points at this machine (DNS rebinding), get nothing; nor is a stranger's body read."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(_hostname(host)):
            raise WrongHost(f"this server does not go by the name {host[:100]!r}")
        origin = headers.get("origin")
        if origin is not None and urlsplit_netloc(origin) != host.lower():
            raise NotAllowed(f"requests from {origin[:100]!r} are not answered")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not (
            headers.get("sec-fetch-mode") == "navigate" and scope["method"] in ("GET", "HEAD")
        ):
            raise NotAllowed("requests from another site are not answered")
        # Routes ask for the key when the body has been read and parsed already, which costs more than most answers.
        if scope["method"] not in WITHOUT_BODY and scope["path"] != SIGNING_IN:
            shown_role(self._settings, HTTPConnection(scope))

    def _is_ours(self, name: str | None) -> bool:
        """A name from the list, or any address: only names can be pointed elsewhere."""
        if not name:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.lower() in self._names
        return True


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def urlsplit_netloc(origin: str) -> str | None:
    """Host and port of an origin, lower case; None for "null" and what is no origin."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _body_limit(path: str, limits: Limits) -> int:
    name = next((name for start, name in BODY_LIMITS if path.startswith(start)), "json_bytes")
    return int(getattr(limits, name))


class _Body:
    """``receive`` that raises TooLarge and TooSlow."""

    def __init__(self, receive: Receive, scope: Scope, limit: int, seconds: float) -> None:
        self._receive, self._limit, self._seconds = receive, limit, seconds
        declared = Headers(scope=scope).get("content-length", "")
        self._declared = int(declared) if declared.isascii() and declared.isdigit() else 0
        self._began = time.monotonic()
        self._size, self._complete = 0, False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        if self._declared > self._limit:
            raise TooLarge(f"{self._declared} bytes are more than the {self._limit} that are read here")
        allowed = self._seconds + self._size / SLOWEST - (time.monotonic() - self._began)
        try:
            message = await asyncio.wait_for(self._receive(), max(0.01, min(allowed, self._seconds)))
        except TimeoutError as error:
            raise TooSlow("the request was not sent in time") from error
        self._size += len(message.get("body", b""))
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        if self._size > self._limit:
            raise TooLarge(f"more than the {self._limit} bytes that are read here")
        return message


class _Answer:
    """``send`` that adds the headers, tells metrics and log of the answer, and lets go of who takes nothing any more."""

    def __init__(self, scope: Scope, send: Send, metrics: Metrics, seconds: float) -> None:
        self._scope, self._send, self._metrics, self._seconds = scope, send, metrics, seconds
        self._began = time.perf_counter()
        self.stalled = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            self._tell(message["status"])
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:
            self.stalled = True
            raise

    def _tell(self, status: int) -> None:
        seconds = time.perf_counter() - self._began
        method = self._scope["method"] if self._scope["method"] in METHODS else "other"
        route: Any = self._scope.get("route")
        template = getattr(route, "path", None) or "other"
        self._metrics.on_request(method, template, status, seconds)
        client = self._scope.get("client") or ("", 0)
        fields = {
            "client": client[0],
            "method": method,
            "route": template,
            "status": status,
            "ms": round(seconds * 1e3, 1),
        }
        log.info("%(client)s %(method)s %(route)s %(status)d %(ms).1f ms", fields, extra={"fields": fields})

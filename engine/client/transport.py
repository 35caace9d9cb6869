"""Requests over kept connections: JSON or bytes come back, or an error of ours."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
import weakref
from typing import Any
from urllib.parse import urlencode, urlsplit

from pagesight.storage import errors
from pagesight.storage.errors import ConfigError, SearchEngineError, ServerRefused, ServerUnreachable, code_of

MAX_TRIES = 5  # of a request that a server was too busy for
MAX_PAUSE_S = 10.0
_BY_CODE = {code_of(getattr(errors, name)): getattr(errors, name) for name in errors.__all__}
_LOST = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, http.client.CannotSendRequest)


class Transport:
    """For any number of threads: each request takes a connection that nobody uses, or opens one."""

    def __init__(self, address: str, key: str | None, timeout_s: float, *, tries: int = MAX_TRIES) -> None:
        """tries: of a request that a server is too busy for. Raises ConfigError for what is no http address."""
        parts = urlsplit(address)
        try:
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ConfigError(f"{address!r} is not the address of a server: {error}") from error
        if parts.scheme not in ("http", "https") or not self._host or parts.query or parts.fragment:
            raise ConfigError(f"{address!r} is not the address of a server; it has the form http://localhost:8000")
        if parts.username is not None:
            raise ConfigError("an address holds no key; give the key by itself")
        self.address, self._prefix = address.rstrip("/"), parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._headers = {"User-Agent": "pagesight", "Accept-Encoding": "identity"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout_s, self._tries = timeout_s, tries
        self._idle: list[http.client.HTTPConnection] = []
        weakref.finalize(self, _close_all, self._idle)
        self._lock = threading.Lock()
        self._closed = False

    def json(self, method: str, path: str, body: Any = None, **query: object) -> Any:
        """What a route answers. query: what is None is left out. Raises SearchEngineError."""
        data = self.raw(method, path, None if body is None else json.dumps(body).encode(), **query)
        try:
            return json.loads(data)
        except ValueError as error:
            raise ServerUnreachable(self.address, "what answers there is no pagesight server") from error

    def raw(self, method: str, path: str, body: bytes | None = None, **query: object) -> bytes:
        """The same, as it comes."""
        given = {name: value for name, value in query.items() if value is not None}
        target = f"{self._prefix}{path}" + (f"?{urlencode(given)}" if given else "")
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        for attempt in range(1, self._tries + 1):
            status, answered, data = self._once(method, target, body, headers)
            pause = answered.get("Retry-After", "")
            if status not in (429, 503) or not pause.isdigit() or attempt == self._tries:
                break
            time.sleep(min(float(pause), MAX_PAUSE_S))
        if status >= 300:
            raise refusal(self.address, status, data)
        return data

    def open(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        """An answer of whatever status, to be read piece by piece and closed. path: with its query. Raises ServerUnreachable."""
        connection = self._new_connection()
        try:
            connection.request(
                "GET", f"{self._prefix}{path}", headers={**self._headers, **headers, "Connection": "close"}
            )
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ServerUnreachable(self.address, str(error) or type(error).__name__) from error

    def close(self) -> None:
        with self._lock:
            self._closed = True
            _close_all(self._idle)

    def _once(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """A server may have closed a kept connection: then a new one is tried, once, before anything has been answered."""
        while True:
            connection, kept = self._connection()
            try:
                connection.request(method, target, body, headers)
                answer = connection.getresponse()
                data = answer.read()
            except _LOST as error:
                connection.close()
                if kept:
                    continue
                raise ServerUnreachable(self.address, "it closed the connection") from error
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                raise ServerUnreachable(self.address, str(error) or type(error).__name__) from error
            except BaseException:
                connection.close()
                raise
            with self._lock:
                if answer.will_close or self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)
            return answer.status, answer.headers, data

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._closed:
                raise errors.StoreClosed(self.address)
            if self._idle:
                return self._idle.pop(), True
        return self._new_connection(), False

    def _new_connection(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def refusal(address: str, status: int, data: bytes) -> SearchEngineError:
    """The error that the server met, as one of ours; its values other than the message stay there."""
    try:
        said = json.loads(data)["error"]
        message, code = str(said["message"]), said["code"]
    except (ValueError, KeyError, TypeError):
        message, code = f"{http.client.responses.get(status, 'no answer')}, and no word why", None
    kind = _BY_CODE.get(code)
    if kind is None:
        return ServerRefused(address, status, message)
    error: SearchEngineError = kind.__new__(kind)
    Exception.__init__(error, message)
    return error

"""Who may ask for what: keys, the page's cookie, and the dependencies that routes name.

A key comes as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``, never in an address. The page shows it once and gets a
cookie, because pictures and event streams of a page cannot send headers. The cookie is signed with the key: it holds after
a restart, and ends when the key is changed.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from enum import IntEnum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from pagesight.engine.server.errors import KeyNeeded, NotAllowed
from pagesight.engine.server.settings import Keys, ServerSettings

COOKIE = "pagesight"
COOKIE_SECONDS = 30 * 24 * 3600
_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="The key, or the read-only key.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="key in a header")


class Role(IntEnum):
    """What a client may do; the greater one includes the smaller."""

    READ = 1
    ALL = 2


def role_of_key(keys: Keys, shown: str) -> Role | None:
    """What a key allows. Takes as long for every wrong key."""
    given = shown.encode()
    is_all = hmac.compare_digest(given, (keys.all or "").encode()) and keys.all is not None
    is_read_only = hmac.compare_digest(given, (keys.read_only or "").encode()) and keys.read_only is not None
    return Role.ALL if is_all else Role.READ if is_read_only else None


def make_cookie(keys: Keys, role: Role) -> str:
    """``role.expiry.signature``"""
    said = f"{int(role)}.{int(time.time()) + COOKIE_SECONDS}"
    return f"{said}.{_signature(keys, role, said)}"


def role_of_cookie(keys: Keys, cookie: str) -> Role | None:
    """What a cookie allows, if we made it with the present keys and it has not expired."""
    try:
        number, expiry, signature = cookie.split(".")
        role, until = Role(int(number)), int(expiry)
    except ValueError:
        return None
    good = hmac.compare_digest(signature.encode(), _signature(keys, role, f"{number}.{expiry}").encode())
    return role if good and until > time.time() and _key(keys, role) is not None else None


def _key(keys: Keys, role: Role) -> str | None:
    return keys.all if role == Role.ALL else keys.read_only


def _signature(keys: Keys, role: Role, said: str) -> str:
    secret = hashlib.sha256(b"pagesight cookie\0" + (_key(keys, role) or "").encode()).digest()
    return hmac.new(secret, said.encode(), "sha256").hexdigest()


def role_of(settings: ServerSettings, request: HTTPConnection) -> Role | None:
    """What the sender of a request may do; without keys everybody may do everything that the settings allow."""
    if not settings.keys:
        return Role.ALL
    shown = request.headers.get("x-api-key")
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        shown = credentials.strip()
    if shown is not None:
        return role_of_key(settings.keys, shown)
    cookie = request.cookies.get(COOKIE)
    return role_of_cookie(settings.keys, cookie) if cookie else None


def shown_role(settings: ServerSettings, request: HTTPConnection) -> Role:
    """The same; raises KeyNeeded where there is none."""
    role = role_of(settings, request)
    if role is None:
        raise KeyNeeded("this server asks for a key: Authorization: Bearer KEY, or X-API-Key: KEY")
    return role


def reader(
    request: Request,
    _bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
    _header: Annotated[str | None, Depends(_header)] = None,
) -> Role:
    """For routes that read. The two unused ones tell the OpenAPI document how keys are shown."""
    return shown_role(request.app.state.service.settings, request)


def writer(request: Request, role: Annotated[Role, Depends(reader)]) -> Role:
    """For routes that change something."""
    settings: ServerSettings = request.app.state.service.settings
    if not settings.allow_write:
        raise NotAllowed("this server was started for reading only")
    if role < Role.ALL:
        raise NotAllowed("the key that was shown is for reading only")
    return role

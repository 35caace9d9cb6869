"""The page for people: files of this package, the same for everybody, and no secret. Its addresses are all relative."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response

from pagesight.engine.server.errors import NotFound

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parents[1] / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class _Asset:
    data: bytes
    media_type: str
    tag: str


@cache
def _assets() -> dict[str, _Asset]:
    """All of them, by name; what is not here cannot be asked for."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in TYPES:
            data = path.read_bytes()
            found[path.name] = _Asset(data, TYPES[path.suffix], f'"{hashlib.sha256(data).hexdigest()[:16]}"')
    return found


@router.head("/")
@router.get("/")
async def index(if_none_match: Annotated[str, Header()] = "") -> Response:
    return _answer("index.html", if_none_match)


@router.head("/favicon.ico")
@router.get("/favicon.ico")
async def icon(if_none_match: Annotated[str, Header()] = "") -> Response:
    return _answer("icon.svg", if_none_match)


@router.head("/static/{name}")
@router.get("/static/{name}")
async def static(name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
    return _answer(name, if_none_match)


def _answer(name: str, if_none_match: str) -> Response:
    asset = _assets().get(name)
    if asset is None:
        raise NotFound("there is no such file")
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache"}
    if asset.tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(asset.data, media_type=asset.media_type, headers=headers)

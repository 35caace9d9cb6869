"""Pictures of pages, and the files they come from."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from pagesight.engine.server.errors import BadRequest
from pagesight.engine.server.named import find_document
from pagesight.engine.server.originals import Original, Originals
from pagesight.engine.server.pictures import picture_key
from pagesight.engine.server.routes.models import LIMITS
from pagesight.engine.server.routes.shared import Content, DocumentPath, IndexName, PagePath, Question, Reading, Serving
from pagesight.storage.errors import UnreadableDocument
from pagesight.storage.names import nfc

router = APIRouter(prefix="/api", tags=["files"])
MaxSide = Annotated[int, Query(ge=16, le=LIMITS.max_side, description="Pixels of the longer side, at most.")]
KEPT = {"Cache-Control": "private, no-cache"}  # kept by the client, who asks whether it is still so
PIECE = 256 << 10
# What is shown by a browser itself, in our origin. A PDF cannot act on a page around it; HTML, SVG and scripts could.
INLINE = {"application/pdf"}
FILE_CSP = "default-src 'none'; object-src 'self'; plugin-types application/pdf; frame-ancestors 'none'"
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As the client has it (If-None-Match)."}}


@router.get(
    "/documents/{document:path}/pages/{page}/image",
    response_class=Response,
    responses={200: {"content": {"image/webp": _PICTURE, "image/png": _PICTURE}}, **NOT_MODIFIED},
)
async def image(
    document: DocumentPath,
    page: PagePath,
    service: Serving,
    _: Reading,
    index: IndexName = "",
    sha256: Content = None,
    query: Question = "",
    max_side: MaxSide = 1_200,
    format: Literal["webp", "png"] = "webp",  # noqa: A002 - the name of the parameter
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """The picture of a page; what matches ``query`` is marked on it."""
    look_up = service.engine(index).look_up
    hit = await service.run(look_up, document, page, nfc(query).strip() or None, sha256=sha256)
    tag = f'"{picture_key(hit, hit.regions, max_side, format)}"'
    if tag in if_none_match:
        return Response(status_code=304, headers={"ETag": tag, **KEPT})
    picture = await service.pictures.draw(hit, hit.regions, max_side, format)
    return Response(picture.data, media_type=picture.media_type, headers={"ETag": tag, **KEPT})


@router.head("/documents/{document:path}/file", include_in_schema=False)
@router.get(
    "/documents/{document:path}/file",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": _PICTURE, "application/pdf": _PICTURE}},
        206: {"description": "A part of it.", "content": {"application/octet-stream": _PICTURE}},
        **NOT_MODIFIED,
    },
)
async def file(
    document: DocumentPath,
    request: Request,
    service: Serving,
    _: Reading,
    index: IndexName = "",
    sha256: Content = None,
    range: Annotated[str, Header()] = "",  # noqa: A002 - the name of the header
    if_none_match: Annotated[str, Header()] = "",
    if_range: Annotated[str, Header()] = "",
) -> Response:
    """The file itself, as it was indexed. A PDF is shown by the browser (``#page=N``), anything else is saved."""
    found = await service.run(find_document, service.engine(index), document, sha256)
    tag = f'"{found.sha256}"'
    if tag in if_none_match:
        return Response(status_code=304, headers={"ETag": tag, **KEPT})
    opened = await service.run(_open_first, service.originals, found.locations, found.sha256, found.document)
    try:
        size = opened.seek(0, 2)
        first, last = _span(range if if_range in ("", tag) else "", size)
    except BaseException:
        opened.close()
        raise
    inline = found.media_type in INLINE
    name = found.document.rsplit("/", 1)[-1]
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Content-Length": str(last + 1 - first),
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": FILE_CSP if inline else "default-src 'none'; sandbox",
        **KEPT,
    }
    partial = (first, last) != (0, size - 1)
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    media_type = found.media_type if inline else "application/octet-stream"
    if request.method == "HEAD":
        opened.close()
        return Response(None, 206 if partial else 200, headers, media_type)
    return StreamingResponse(_pieces(opened, first, last), 206 if partial else 200, headers, media_type)


class BadRange(BadRequest):
    """None of the bytes that are asked for is there; the answer says how many there are (RFC 9110, 15.5.17)."""

    status = 416

    def __init__(self, header: str, size: int) -> None:
        super().__init__(f"the file has {size} bytes; {header[:60]!r} is not within them", "range")
        self.headers = {"Content-Range": f"bytes */{size}"}


def _open_first(originals: Originals, locations: Sequence[Path], sha256: str, name: str) -> BufferedReader:
    """A document with several names is there as long as one of its files is."""
    problem: UnreadableDocument | None = None
    for location in locations:
        try:
            opened = originals.open(Original(location, sha256, name))
        except UnreadableDocument as error:
            problem = problem or error
        else:
            return opened
    raise problem or UnreadableDocument(f"the file of {name} is not there")


def _span(header: str, size: int) -> tuple[int, int]:
    """First and last byte that are asked for; all for several ranges, or what is no range (RFC 9110, 14.2). Raises BadRange."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size - 1
    first, last = match.groups()
    if not first:
        if not int(last):
            raise BadRange(header, size)
        return max(0, size - int(last)), size - 1
    span = int(first), min(int(last) if last else size - 1, size - 1)
    if span[0] >= size or span[0] > span[1]:
        raise BadRange(header, size)
    return span


async def _pieces(file: BufferedReader, first: int, last: int) -> AsyncIterator[bytes]:
    """The file is closed whatever happens; a client that takes nothing any more is let go by the guard."""
    try:
        file.seek(first)
        left = last + 1 - first
        while left > 0:
            piece = await asyncio.to_thread(file.read, min(PIECE, left))
            if not piece:
                return
            left -= len(piece)
            yield piece
    finally:
        file.close()

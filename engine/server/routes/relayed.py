"""Files of documents, pictures of pages, and what is on them: asked of the shard that has the document, handed on as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPResponse
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from pagesight.engine.server.routes.shared import DocumentPath, IndexName, PagePath, Reading, Serving
from pagesight.engine.server.service import Service
from pagesight.engine.shards.coordinator import Coordinator

router = APIRouter(prefix="/api/documents", include_in_schema=False)  # described where an index is in the process
ASKED = ("range", "if-none-match", "if-range")
ANSWERED = (
    "content-type",
    "content-length",
    "content-range",
    "content-disposition",
    "content-security-policy",
    "accept-ranges",
    "etag",
    "cache-control",
)
PIECE = 256 << 10


@router.get("/{document:path}/pages/{page}/image")
async def image(
    document: DocumentPath, page: PagePath, request: Request, service: Serving, _: Reading, index: IndexName = ""
) -> Response:
    return await _relayed(service, request, index, document, f"/pages/{page}/image")


@router.get("/{document:path}/pages/{page}/heat")
async def heat(
    document: DocumentPath, page: PagePath, request: Request, service: Serving, _: Reading, index: IndexName = ""
) -> Response:
    return await _relayed(service, request, index, document, f"/pages/{page}/heat")


@router.head("/{document:path}/file")
@router.get("/{document:path}/file")
async def file(
    document: DocumentPath, request: Request, service: Serving, _: Reading, index: IndexName = ""
) -> Response:
    return await _relayed(service, request, index, document, "/file")


async def _relayed(service: Service, request: Request, index: str, document: str, rest: str) -> Response:
    engine = service.engine(index)
    assert isinstance(engine, Coordinator)
    query = [(name, value) for name, value in parse_qsl(request.url.query, keep_blank_values=True) if name != "index"]
    path = f"/api/documents/{quote(document, safe='/')}{rest}" + (f"?{urlencode(query)}" if query else "")
    asked = {name: request.headers[name] for name in ASKED if name in request.headers}
    sha256 = dict(query).get("sha256")
    answer = await service.run(engine.relayed, document, path, asked, sha256=sha256)
    headers = {name: value for name, value in answer.getheaders() if name.lower() in ANSWERED}
    if request.method == "HEAD":
        answer.close()
        return Response(None, answer.status, headers)
    return StreamingResponse(_pieces(answer), answer.status, headers)


def _pieces(answer: HTTPResponse) -> Iterator[bytes]:
    """In a thread; the connection is closed whatever happens."""
    with answer:
        while piece := answer.read(PIECE):
            yield piece

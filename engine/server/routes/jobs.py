"""Changing an index: uploads, indexing by path, and how far it is."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi import Path as PathParameter
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from pagesight.engine.server.allowed import allowed_paths
from pagesight.engine.server.errors import BadRequest, Busy
from pagesight.engine.server.journal import FileOutcome, Job
from pagesight.engine.server.named import contents_named
from pagesight.engine.server.routes.models import JobList, JobModel, JobRequest, Json, OutcomeList, Uploaded
from pagesight.engine.server.routes.shared import IndexName, Limit, Offset, Reading, Serving, Writing
from pagesight.engine.server.service import Service
from pagesight.engine.server.uploads import safe_name

router = APIRouter(prefix="/api", tags=["jobs"])
JobId = Annotated[str, PathParameter(pattern="^[0-9a-f]{16}$")]
TICK_SECONDS = 0.4  # between two looks at a running job
HEARTBEAT_SECONDS = 15.0  # so that a proxy does not take a silent stream for a dead one
ROWS = 100  # outcomes read at a time
BUFFER = 1 << 20


@router.put(
    "/uploads/{name}",
    response_model=Uploaded,
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def upload(
    name: Annotated[str, PathParameter(min_length=1, max_length=1024)],
    request: Request,
    service: Serving,
    _: Writing,
    index: IndexName = "",
) -> JSONResponse:
    """Send one file as the body: ``curl -T report.pdf .../api/uploads/``. It is kept and indexed when this answers."""
    kept_as, index = safe_name(name), service.name_of(index)
    declared = request.headers.get("content-length", "0")
    if service.uploading >= service.settings.limits.streams:
        raise Busy("as many files are being sent as may be; try again in a moment")
    service.uploading += 1
    try:
        file = await asyncio.to_thread(service.uploads.begin, int(declared) if declared.isdigit() else 0)
        try:
            size = 0
            buffer = bytearray()
            async for piece in request.stream():
                buffer += piece
                if len(buffer) >= BUFFER:
                    await asyncio.to_thread(service.uploads.write, file, bytes(buffer))
                    size, buffer = size + len(buffer), bytearray()
            await asyncio.to_thread(service.uploads.write, file, bytes(buffer))
            _check_size(size + len(buffer))
            known = partial(contents_named, service, index)
            kept = await asyncio.to_thread(service.uploads.finish, file, index, kept_as, known)
        except BaseException:
            service.uploads.give_up(file)
            raise
    finally:
        service.uploading -= 1
    job = await asyncio.to_thread(service.jobs.add, index, [kept], kind="upload")
    return JSONResponse({"document": kept.name, "job": _job(service, job)}, 201)


def _check_size(n_bytes: int) -> None:
    if not n_bytes:
        raise BadRequest("the file is empty", "body")


@router.post("/jobs", response_model=JobModel, status_code=201)
async def start(asked: JobRequest, service: Serving, _: Writing) -> JSONResponse:
    """Index files and folders of the server, below the folders that it was allowed to read."""
    index = service.name_of(asked.index)
    paths = await asyncio.to_thread(allowed_paths, asked.paths, service.settings.allowed_folders)
    options: dict[str, Any] = {
        "text": asked.text,
        "prune": asked.prune,
        "retry": asked.retry,
        "reindex": asked.reindex,
        "tags": asked.tags,
    }
    job = await asyncio.to_thread(lambda: service.jobs.add(index, paths, **options))
    return JSONResponse(await asyncio.to_thread(_job, service, job), 201)


@router.get("/jobs", response_model=JobList)
async def jobs(service: Serving, _: Reading, offset: Offset = 0, limit: Limit = 50) -> JSONResponse:
    """The latest first. A server that only reads has none."""
    if not service.settings.allow_write:
        return JSONResponse({"jobs": []})

    def read() -> Json:
        return {"jobs": [_job(service, service.jobs.get(job.id)) for job in service.jobs.journal.jobs(limit, offset)]}

    return JSONResponse(await asyncio.to_thread(read))


@router.get("/jobs/{job_id}", response_model=JobModel)
async def job(job_id: JobId, service: Serving, _: Reading) -> JSONResponse:
    """One job."""
    return JSONResponse(await asyncio.to_thread(lambda: _job(service, service.jobs.get(job_id))))


@router.get("/jobs/{job_id}/outcomes", response_model=OutcomeList)
async def outcomes(job_id: JobId, service: Serving, _: Reading, after: Offset = 0, limit: Limit = 100) -> JSONResponse:
    """What became of each file, in order; those with a number above ``after``."""

    def read() -> Json:
        service.jobs.get(job_id)
        return {"outcomes": [_outcome(found) for found in service.jobs.journal.outcomes(job_id, after, limit)]}

    return JSONResponse(await asyncio.to_thread(read))


@router.post("/jobs/{job_id}/cancel", response_model=JobModel)
async def cancel(job_id: JobId, service: Serving, _: Writing) -> JSONResponse:
    """Stop a job between two pages. What is committed is kept."""
    return JSONResponse(await asyncio.to_thread(lambda: _job(service, service.jobs.cancel(job_id))))


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(
    job_id: JobId, service: Serving, _: Reading, last_event_id: Annotated[str, Header()] = ""
) -> StreamingResponse:
    """Server-sent events: ``file`` (an outcome), ``progress``, and at last ``end`` (the job). Goes on after Last-Event-ID."""
    await asyncio.to_thread(service.jobs.get, job_id)
    if service.streaming >= service.settings.limits.streams:
        raise Busy("as many streams of events are open as may be")
    after = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 16 else 0
    return _Stream(service, _events(service, job_id, after))


class _Stream(StreamingResponse):
    """It has a place among the open ones from now until it ends, also if its client is gone before the first event."""

    def __init__(self, service: Service, found: AsyncIterator[bytes]) -> None:
        headers = {"X-Accel-Buffering": "no"}  # nginx would keep events until there are many
        super().__init__(found, 200, headers, "text/event-stream")
        self._service = service
        service.streaming += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._service.streaming -= 1


async def _events(service: Service, job_id: str, after: int) -> AsyncIterator[bytes]:
    shown, spoke = "", time.monotonic()
    while True:
        now = await asyncio.to_thread(lambda: _job(service, service.jobs.get(job_id)))
        more = True
        while more:  # before the job is looked at again, which counts all of them
            found = await asyncio.to_thread(service.jobs.journal.outcomes, job_id, after, ROWS)
            for outcome in found:
                after = outcome.number
                yield _event("file", _outcome(outcome), after)
            more = len(found) == ROWS
        if now["finished_at"] or service.closing.is_set():
            yield _event("end", now)
            return
        if (said := json.dumps(now)) != shown:
            shown, spoke = said, time.monotonic()
            yield _event("progress", now)
        elif time.monotonic() - spoke > HEARTBEAT_SECONDS:
            spoke = time.monotonic()
            yield b": still here\n\n"
        await asyncio.sleep(TICK_SECONDS)


def _event(name: str, data: Json, number: int | None = None) -> bytes:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _job(service: Service, job: Job) -> Json:
    progress = service.jobs.progress(job.id)
    return {
        "id": job.id,
        "index": job.index,
        "kind": job.kind,
        "status": job.status,
        "reason": job.reason,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "n_paths": len(job.paths),
        "counts": service.jobs.journal.counts(job.id),
        "progress": {
            "files": progress.files,
            "pages": progress.pages,
            "document": progress.document,
            "page": progress.page,
            "n_pages": progress.n_pages,
        },
    }


def _outcome(found: FileOutcome) -> Json:
    return {
        "number": found.number,
        "document": found.document,
        "status": found.status,
        "n_pages": found.n_pages,
        "reason": found.reason,
        "page_problems": [{"page": page, "reason": reason} for page, reason in found.page_problems],
    }

"""What routes name as their arguments."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from pagesight.engine.server.routes.models import LIMITS
from pagesight.engine.server.security import Role, reader, writer
from pagesight.engine.server.service import Service

MAX_NUMBER = 2**31 - 1


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(service_of)]
Reading = Annotated[Role, Depends(reader)]
Writing = Annotated[Role, Depends(writer)]
IndexName = Annotated[str, Query(alias="index", max_length=64, description="Name of an index; the first one without.")]
DocumentName = Annotated[str, Query(max_length=4096, description="As hits name it.")]
DocumentPath = Annotated[str, Path(max_length=4096, description="As hits name it; slashes as they are, or as %2F.")]
Content = Annotated[
    str | None,
    Query(alias="sha256", max_length=64, description="Of the document, as hits have it, where several have its name."),
]
PageNumber = Annotated[int, Query(ge=1, le=MAX_NUMBER)]
PagePath = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
K = Annotated[int, Query(ge=1, le=LIMITS.k)]
Candidates = Annotated[int, Query(ge=1, le=LIMITS.candidates)]
Filters = Annotated[str, Query(max_length=LIMITS.filter_chars)]
Question = Annotated[str, Query(max_length=LIMITS.query_chars)]
Offset = Annotated[int, Query(ge=0, le=MAX_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=LIMITS.page)]

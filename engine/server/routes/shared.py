"""What routes name as their arguments."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from pagesight.engine.server.security import Role, reader, writer
from pagesight.engine.server.service import Service


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Serving = Annotated[Service, Depends(service_of)]
Reading = Annotated[Role, Depends(reader)]
Writing = Annotated[Role, Depends(writer)]
IndexName = Annotated[str, Query(alias="index", max_length=64, description="Name of an index; the first one without.")]

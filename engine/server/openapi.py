"""The OpenAPI document: FastAPI's, with our one shape of errors."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

ERROR = {
    "type": "object",
    "title": "Error",
    "required": ["error", "detail"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        },
        "detail": {"type": "string", "description": "The same message."},
    },
}


def install(app: FastAPI) -> None:
    """Make ``app.openapi()`` ours."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way of doing this


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Error"] = ERROR
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None) if _is_fastapis(operation["responses"].get("422")) else None
            operation["responses"]["4XX"] = _response("The request cannot be answered as it is.")
            operation["responses"]["5XX"] = _response("The server cannot answer it, or not now.")
    if not app.state.service.settings.keys:  # nobody is asked for one
        found["components"].pop("securitySchemes", None)
        for operations in found["paths"].values():
            for operation in operations.values():
                operation.pop("security", None)
    found["servers"] = [{"url": "."}]  # wherever this document was read from
    return found


def _is_fastapis(response: dict[str, Any] | None) -> bool:
    return response is not None and "HTTPValidationError" in str(response)


def _response(description: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": description, "content": content}

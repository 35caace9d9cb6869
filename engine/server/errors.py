"""How errors leave the server: one shape, and one table from our errors to HTTP.

    {"error": {"message": "...", "type": "invalid_request_error", "param": null, "code": "bad_filter"}, "detail": "..."}

OpenAI's clients read ``error``, Jina's read ``detail``. ``code`` is the name of the error's class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pagesight.storage import errors
from pagesight.storage.errors import SearchEngineError, code_of


class Refused(SearchEngineError):
    """A request that the server does not answer. status: of HTTP. retry_after: seconds after which asking again may help.

    headers: what else the answer says.
    """

    status = 400
    retry_after: int | None = None
    headers: Mapping[str, str] = {}


class BadRequest(Refused):
    """The request itself is not as described. param: the part of it that is wrong."""

    def __init__(self, message: str, param: str | None = None) -> None:
        self.param = param
        super().__init__(message)


class KeyNeeded(Refused):
    status = 401


class NotAllowed(Refused):
    status = 403


class NotFound(Refused):
    status = 404


class TooSlow(Refused):
    """The client did not send its request in time."""

    status = 408


class TooLarge(Refused):
    status = 413


class UnsupportedType(Refused):
    status = 415


class WrongHost(Refused):
    """The request names another host than this server goes by."""

    status = 421


class Busy(Refused):
    """As many requests wait as may wait."""

    status, retry_after = 429, 1


class NotReady(Refused):
    """The index or its model is still being opened, or could not be."""

    status, retry_after = 503, 2


class TookTooLong(Refused):
    """The answer was not there within the time that a request may take."""

    status, retry_after = 503, 5


RETRY_AFTER = 2  # seconds, where an answer of 503 knows no better; our client asks five times
# The nearest class of an error counts. What is not here is a bug, or damage, and is answered 500.
STATUS: dict[type[SearchEngineError], int] = {
    errors.ConfigError: 400,
    errors.QueryError: 400,
    errors.UnknownHit: 404,
    errors.BadInput: 400,
    errors.DocumentError: 422,
    errors.UnknownModel: 404,
    errors.ModelError: 503,
    errors.DeviceMemory: 503,
    errors.StoreNotFound: 404,
    errors.StoreLocked: 409,
    errors.StoreClosed: 503,
    errors.StoreUnreachable: 503,
    errors.KeptCorrupt: 503,
    errors.StoreRefused: 503,
    errors.IndexMismatch: 409,
    errors.FormatVersionMismatch: 409,
    errors.DimensionMismatch: 400,
    errors.DiskFull: 507,
    errors.StorageError: 500,
    errors.BucketUnreachable: 503,
    errors.ShardUnavailable: 503,
    errors.ShardMismatch: 409,
}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def status_of(error: SearchEngineError) -> int:
    if isinstance(error, Refused):
        return error.status
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def error_body(status: int, message: str, *, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """The one shape of an error."""
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}, "detail": message}


def described(error: SearchEngineError) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers of an answer that is this error."""
    status = status_of(error)
    headers = dict(error.headers) if isinstance(error, Refused) else {}
    retry_after = error.retry_after if isinstance(error, Refused) else None
    if retry_after is not None or status == 503:
        headers["Retry-After"] = str(retry_after or RETRY_AFTER)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="pagesight"'
    param = getattr(error, "param", None)
    return status, error_body(status, str(error), code=code_of(type(error)), param=param), headers

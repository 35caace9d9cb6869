"""What a database says when something is wrong, in errors of ours.

Codes are PostgreSQL's (its documentation, appendix A). What is not listed is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pagesight.storage.errors import DiskFull, StorageError, StoreCorrupt, StoreRefused, StoreUnreachable

REFUSALS = {  # class or code -> it answers, and will not
    "28": "",  # user or password
    "3D000": "",  # no such database
    "42501": "",  # no right to it
    "25006": "; it is a copy that can only be read: write to the server that it follows",
    "0A000": "",
}
GONE = ("08", "53300", "57P")  # connections: lost, too many, ended by the server's end
INTERRUPTED = (
    "57014",
    "25P02",
    "25P03",
    "25P04",
    "55P03",
)  # a statement or transaction that took longer than the server allows
FULL = ("53100", "53200", "54")  # disk, memory, a limit of the program
MISSING = ("3F000", "42P01", "42703", "XX001", "XX002")  # schema, table or column taken away; damaged pages


@contextmanager
def database_errors(address: str) -> Iterator[None]:
    """address: as it may be shown. Raises StoreUnreachable, StoreRefused, DiskFull, StoreCorrupt, StorageError."""
    import psycopg
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        raise translated(error.orig, address) or error from error.orig
    except psycopg.Error as error:
        found = translated(error, address)
        if found is None:
            raise
        raise found from error


def translated(error: BaseException, address: str) -> StorageError | None:
    """The error of ours that one of psycopg's is; None for what should not happen."""
    import psycopg

    code = getattr(error, "sqlstate", None) or ""
    said = " ".join(str(error).split()) or type(error).__name__
    for start, remedy in REFUSALS.items():
        if code.startswith(start):
            return StoreRefused(address, said + remedy)
    if code.startswith(FULL):
        return DiskFull(address, said)
    if code.startswith(INTERRUPTED):
        return StorageError(
            f"the database {address} ended what was asked of it: {said}; nothing is half done, try again"
        )
    if code.startswith(MISSING):
        return StoreCorrupt(f"the index in {address} is not whole: {said}")
    if code.startswith(GONE) or (not code and isinstance(error, psycopg.OperationalError)):
        refused = any(
            sign in said for sign in ("authentication failed", "no password supplied", "does not exist", "no pg_hba")
        )
        return StoreRefused(address, said) if refused else StoreUnreachable(address, said)
    return None

"""What readers of files raise, as reasons a user can read.

Parsers of damaged files raise anything. Whatever it is, it costs the page it was raised for, or the file if it was raised
on opening, and is told by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pagesight.storage.errors import DocumentError, SearchEngineError, UnreadableDocument
from pagesight.storage.names import printable

LONGEST = 300  # characters of a reason
NO_MEMORY = "needs more memory than a reading process may have"


@contextmanager
def as_document_error(what: str) -> Iterator[None]:
    """Raise UnreadableDocument, ``what`` and the reason, for whatever is raised inside, except what says enough itself."""
    try:
        yield
    except DocumentError:
        raise
    except Exception as error:
        raise UnreadableDocument(f"{what}: {reason_of(error)}") from error


def reason_of(error: BaseException) -> str:
    """Class and text of an error, on one line."""
    if isinstance(error, MemoryError):
        return NO_MEMORY
    text = one_line(str(error))
    if isinstance(error, SearchEngineError):  # ours are sentences
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def one_line(text: str) -> str:
    """Text of any origin as one line that can be shown and stored, cut where it is long."""
    text = printable(" ".join(text.split()))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

"""Documents of an index by name: finding them, and taking them out with the files that were uploaded."""

from __future__ import annotations

from pagesight.engine.server.errors import NotReady
from pagesight.engine.server.service import Served, Service
from pagesight.storage.errors import StorageError, UnknownHit
from pagesight.storage.names import nfc
from pagesight.storage.stored import StoredDocument


def find_document(engine: Served, name: str, sha256: str | None = None) -> StoredDocument:
    """The document of this name, and of this content if that is said. Raises UnknownHit."""
    found = [one for one in documents_named(engine, name) if sha256 in (None, one.sha256)]
    if not found:
        raise UnknownHit(f"there is no document {nfc(name)[:200]!r} in the index")
    return found[0]


def documents_named(engine: Served, name: str) -> list[StoredDocument]:
    """Several, where files in several folders have one name."""
    wanted = nfc(name)
    if '"' in wanted and "'" in wanted:  # a filter has no way to say both
        candidates = engine.documents()
    else:
        mark = "'" if '"' in wanted else '"'
        candidates = engine.documents(f"document = {mark}{wanted}{mark}")
    return [document for document in candidates if wanted in document.names]


def contents_named(service: Service, index: str, name: str) -> frozenset[str]:
    """The SHA-256 of these documents. None are known of an index that is not there yet, or not open: an upload does not wait for it."""
    try:
        return frozenset(document.sha256 for document in documents_named(service.engine(index), name))
    except (NotReady, StorageError):
        return frozenset()


def remove_documents(service: Service, index: str, *names: str) -> list[str]:
    """Take them out of the index; returns their names. Files stay where they are, unless they were uploaded.

    names: or globs, see ``SearchEngine.remove``, which says what this raises.
    """
    removed = service.own_engine(index).remove_files(*names)
    for _, location in removed:
        service.uploads.forget(location)
    return [name for name, _ in removed]

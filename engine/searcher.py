"""What can be asked of an index, wherever it is: in this process, or on a server.

Adapters, agents and the command line ask a Searcher, and ``open_searcher`` finds the one for an address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Protocol, Self, Unpack

from pagesight.engine.config import SearchConfig, SearchFields
from pagesight.engine.results import SearchHit
from pagesight.storage.stored import StoredDocument, StoredFailure, Totals

if TYPE_CHECKING:
    from types import TracebackType

    from PIL import Image


class Searcher(Protocol):
    """What SearchEngine and Client have in common; see there."""

    @property
    def address(self) -> str: ...
    def search(
        self,
        query: str,
        *,
        filters: str | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[SearchHit]: ...
    def search_many(
        self,
        queries: Sequence[str],
        *,
        filters: str | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[list[SearchHit]]: ...
    def similar(
        self,
        document: str,
        page: int,
        *,
        sha256: str | None = None,
        filters: str | None = None,
        config: SearchConfig | None = None,
        **fields: Unpack[SearchFields],
    ) -> list[SearchHit]: ...
    def documents(self, filters: str | None = None) -> list[StoredDocument]: ...
    def failures(self) -> list[StoredFailure]: ...
    def totals(self) -> Totals: ...
    def look_up(
        self, document: str, page: int, query: str | None = None, *, sha256: str | None = None
    ) -> SearchHit: ...
    def page_text(self, document: str, page: int, *, sha256: str | None = None) -> str: ...
    def pictures(self, hits: Sequence[SearchHit], *, password: str | None = None) -> Iterator[Image.Image]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


def open_searcher(address: str | PathLike[str], *, key: str | None = None, index: str = "") -> Searcher:
    """A Client for an http address, a Coordinator for several (engine.shards), else the engine over that index.

    key, index: of a server; of several, the key that all of them ask for. Raises ConfigError; StoreNotFound at the first question if there is no index.
    """
    text = fspath(address)
    if text.startswith(("http://", "https://")) and ("," in text or "|" in text):
        from pagesight.engine.shards.coordinator import Coordinator

        return Coordinator.open(text, key=key)
    if text.startswith(("http://", "https://")):
        from pagesight.engine.client.client import Client

        return Client(text, key=key, index=index)
    from pagesight.engine.api import SearchEngine

    return SearchEngine.open(address)

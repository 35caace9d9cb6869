"""Haystack: a retriever component whose documents are pages.

    from pagesight.engine.adapters.haystack import PagesightRetriever

    pipeline.add_component("retriever", PagesightRetriever("my-index", top_k=5))      # or "http://localhost:8000"

``file_path`` and ``page_number`` in the meta are what Haystack's DocumentToImageContent draws pages from. A saved pipeline is
loaded where HAYSTACK_DESERIALIZATION_ALLOWLIST names ``pagesight``: Haystack loads no classes of others otherwise.
"""

from __future__ import annotations

import threading
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from pagesight.engine.adapters.hits import metadata_of, picture_of, text_of
from pagesight.engine.searcher import open_searcher
from pagesight.storage.errors import ExtraMissing

try:
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.dataclasses import ByteStream
    from haystack.utils import Secret
except ImportError as error:
    raise ExtraMissing("haystack-ai", "haystack") from error

if TYPE_CHECKING:
    from pagesight.engine.results import SearchHit
    from pagesight.engine.searcher import Searcher

KEY = Secret.from_env_var("PAGESIGHT_API_KEY", strict=False)


@component
class PagesightRetriever:
    """Finds pages. The index is opened at the first use, or by ``warm_up``."""

    def __init__(
        self,
        address: str | PathLike[str],
        top_k: int = 10,
        filters: str | None = None,
        index: str = "",
        images: bool = False,
        key: Secret = KEY,
    ) -> None:
        """address: of an index or a server. index: its name on a server. images: pages as JPEG in ``blob``, what matched marked.

        filters: as for ``SearchEngine.search``. key: of a server; it is never saved with a pipeline.
        """
        self.address, self.top_k, self.filters = fspath(address), top_k, filters
        self.index, self.images, self.key = index, images, key
        self._searcher: Searcher | None = None
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Open the index."""
        with self._lock:
            if self._searcher is None:
                self._searcher = open_searcher(self.address, key=self.key.resolve_value(), index=self.index)

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None, filters: str | None = None) -> dict[str, list[Document]]:
        """The pages that answer best, the best first."""
        self.warm_up()
        assert self._searcher is not None
        hits = self._searcher.search(query, k=top_k or self.top_k, filters=filters or self.filters)
        return {"documents": [self._document(self._searcher, hit) for hit in hits]}

    def to_dict(self) -> dict[str, Any]:
        """For saving a pipeline."""
        saved: dict[str, Any] = default_to_dict(
            self,
            address=self.address,
            top_k=self.top_k,
            filters=self.filters,
            index=self.index,
            images=self.images,
            key=self.key.to_dict(),
        )
        return saved

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> PagesightRetriever:
        """From what ``to_dict`` gave."""
        given = data["init_parameters"]
        if isinstance(given.get("key"), dict):
            given["key"] = Secret.from_dict(given["key"])
        made: PagesightRetriever = default_from_dict(cls, data)
        return made

    def _document(self, searcher: Searcher, hit: SearchHit) -> Document:
        meta = metadata_of(hit)
        score = meta.pop("score")
        blob = ByteStream(picture_of(searcher, hit), mime_type="image/jpeg") if self.images else None
        return Document(id=hit.name, content=text_of(searcher, hit), meta=meta, score=score, blob=blob)

"""LlamaIndex: a retriever whose nodes are pages.

    from pagesight.engine.adapters.llamaindex import PagesightRetriever

    nodes = PagesightRetriever.open("my-index", k=4).retrieve("turnover by region")     # or "http://localhost:8000"

Metadata are those of LlamaIndex's own readers (``file_name``, ``file_path``, ``page_label``) and ours; a model is shown where the
page is from, and no regions or scores.
"""

from __future__ import annotations

import posixpath
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from pagesight.engine.adapters.hits import as_base64, metadata_of, picture_of, text_of
from pagesight.engine.searcher import open_searcher
from pagesight.storage.errors import ConfigError, ExtraMissing

try:
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import (
        ImageNode,
        NodeRelationship,
        NodeWithScore,
        QueryBundle,
        RelatedNodeInfo,
        TextNode,
    )
except ImportError as error:
    raise ExtraMissing("llama-index-core", "llamaindex") from error

if TYPE_CHECKING:
    from pagesight.engine.results import SearchHit
    from pagesight.engine.searcher import Searcher

SHOWN = {"file_name", "page_label", "title"}  # to a model


class PagesightRetriever(BaseRetriever):
    """Finds pages. Any number of threads may use it."""

    def __init__(
        self, searcher: Searcher, *, k: int = 10, filters: str | None = None, images: bool = False, **base: Any
    ) -> None:
        """searcher: a SearchEngine or a Client. images: nodes are ImageNodes with the page as JPEG, what matched marked.

        base: of LlamaIndex's BaseRetriever. Raises ConfigError.
        """
        if k < 1:
            raise ConfigError(f"k must be at least 1, not {k}")
        self._searcher, self._k, self._filters, self._images = searcher, k, filters, images
        super().__init__(**base)

    @classmethod
    def open(cls, address: str | PathLike[str], *, key: str | None = None, index: str = "", **options: Any) -> Self:
        """Over the index at an address, or on a server. key, index: of a server."""
        return cls(open_searcher(address, key=key, index=index), **options)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._searcher.search(query_bundle.query_str, k=self._k, filters=self._filters)
        return [NodeWithScore(node=self._node(hit), score=hit.score) for hit in hits]

    def _node(self, hit: SearchHit) -> TextNode:
        metadata = {
            **metadata_of(hit),
            "file_name": posixpath.basename(hit.document),
            "page_label": str(hit.page),
        }
        hidden = sorted(metadata.keys() - SHOWN)
        fields: dict[str, Any] = {
            "id_": hit.name,
            "text": text_of(self._searcher, hit),
            "metadata": metadata,
            "excluded_llm_metadata_keys": hidden,
            "excluded_embed_metadata_keys": hidden,
            "relationships": {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=hit.document)},
        }
        if not self._images:
            return TextNode(**fields)
        image = as_base64(picture_of(self._searcher, hit))
        return ImageNode(**fields, image=image, image_mimetype="image/jpeg")

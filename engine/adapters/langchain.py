"""LangChain: a retriever whose documents are pages.

    from pagesight.engine.adapters.langchain import PagesightRetriever

    retriever = PagesightRetriever.open("my-index", k=4)            # or "http://localhost:8000"
    chain = retriever | prompt | model

Metadata are those of LangChain's own PDF loaders (``source``, ``page`` from 0, ``page_label``, ``total_pages``) and ours.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from pagesight.engine.adapters.hits import as_base64, metadata_of, picture_of, text_of
from pagesight.engine.results import SearchHit
from pagesight.engine.searcher import open_searcher
from pagesight.storage.errors import ExtraMissing

try:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
except ImportError as error:
    raise ExtraMissing("langchain-core", "langchain") from error

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun


class PagesightRetriever(BaseRetriever):
    """Finds pages. Any number of threads may use it.

    searcher: a SearchEngine or a Client. k: pages. filters: as for ``SearchEngine.search``. images: put the page as a picture with
    what matched marked, a data URI, into the metadata as ``image``; for models that see, and not for prompts of text.
    """

    searcher: Any = Field(exclude=True)
    k: int = Field(default=4, ge=1)
    filters: str | None = None
    images: bool = False

    @classmethod
    def open(cls, address: str | PathLike[str], *, key: str | None = None, index: str = "", **fields: Any) -> Self:
        """Over the index at an address, or on a server. key, index: of a server."""
        return cls(searcher=open_searcher(address, key=key, index=index), **fields)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's protocol
        k: int | None = None,
        filters: str | None = None,
    ) -> list[Document]:
        hits = self.searcher.search(query, k=k or self.k, filters=filters or self.filters)
        return [self._document(hit) for hit in hits]

    def _document(self, hit: SearchHit) -> Document:
        ours = metadata_of(hit)
        metadata = {
            **ours,
            "source": ours["file_path"],
            "page": hit.page - 1,
            "page_label": str(hit.page),
        }
        if self.images:
            metadata["image"] = f"data:image/jpeg;base64,{as_base64(picture_of(self.searcher, hit))}"
        return Document(id=hit.name, page_content=text_of(self.searcher, hit), metadata=metadata)

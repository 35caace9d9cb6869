"""What the tools answer, as models whose schemas agents are shown: flat, every field always there."""

from __future__ import annotations

from pydantic import BaseModel, Field


class MarkedRegion(BaseModel):
    """A part of a page that matched. box: x0, y0, x1, y1 in page fractions from the top left. score: 0 to 1, its share."""

    box: list[float]
    score: float


class FoundPage(BaseModel):
    """A page that answers. id: what fetch takes. score: higher is better, comparable within one search only."""

    id: str
    title: str
    url: str
    document: str
    page: int
    n_pages: int
    score: float
    snippet: str
    regions: list[MarkedRegion]


class SearchResults(BaseModel):
    """missing: servers with a part of the index that did not answer; what is on them was not searched. Mostly empty."""

    results: list[FoundPage]
    missing: list[str]


class Fetched(BaseModel):
    """The text of a page, or of a document from its first page on. metadata: what is known of the document, as texts."""

    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, str]


class PagePicture(BaseModel):
    """What the picture shows. width, height: of the picture, in pixels. regions: marked on it, the best first."""

    id: str
    document: str
    page: int
    n_pages: int
    width: int
    height: int
    regions: list[MarkedRegion]


class ListedDocument(BaseModel):
    """id: what fetch takes; the name, if no other document has it."""

    id: str
    document: str
    title: str
    kind: str
    n_pages: int
    date: str
    tags: dict[str, str]


class DocumentPage(BaseModel):
    """A part of the list. total: documents that fit in all."""

    total: int
    offset: int
    documents: list[ListedDocument]


class Unread(BaseModel):
    """page: 0 for the whole file."""

    document: str
    page: int
    reason: str


class IndexStatus(BaseModel):
    """Numbers of the index; the first failures; what is being indexed now, "" for nothing."""

    documents: int
    pages: int
    pages_read_by_ocr: int
    failed_files: int
    failed_pages: int
    failures: list[Unread] = Field(description="At most 20.")
    indexing: str


class Started(BaseModel):
    """What was begun; index_status says how far it is."""

    indexing: str


class RemovedDocuments(BaseModel):
    removed: list[str]

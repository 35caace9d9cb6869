"""What travels as JSON. Requests are strict: no unknown fields, no text where a number belongs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pagesight.engine.config import SearchConfig
from pagesight.engine.server.settings import Limits

LIMITS, DEFAULTS = Limits(), SearchConfig()
Fraction = Annotated[float, Field(ge=-0.001, le=1.001)]
Box = Annotated[
    list[float], Field(min_length=4, max_length=4, description="x0, y0, x1, y1 in page fractions, from the top left.")
]
QueryText = Annotated[str, Field(min_length=1, max_length=LIMITS.query_chars)]
FilterText = Annotated[
    str, Field(max_length=LIMITS.filter_chars, description="As for the command line; empty: all pages.")
]


MISSING: Any = Field(
    None, description="Servers with a part of the index that did not answer, and why; left out if all did."
)


class Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class SearchRequest(Request):
    """Give either query or queries."""

    query: QueryText | None = None
    queries: Annotated[list[QueryText], Field(min_length=1, max_length=LIMITS.queries)] | None = None
    index: Annotated[str, Field(max_length=64)] = ""
    k: Annotated[int, Field(ge=1, le=LIMITS.k)] = DEFAULTS.k
    candidates: Annotated[int, Field(ge=1, le=LIMITS.candidates)] = DEFAULTS.n_candidates
    exact: bool = False
    terms: Annotated[bool, Field(description="Add to MaxSim what the model's ranking has.")] = True
    min_confidence: Annotated[
        float, Field(ge=0, le=1, strict=False, description="No hits if the first is less likely to be right.")
    ] = 0.0
    mend: Annotated[bool, Field(description="Read questions as they are meant, slips of the pen included.")] = True
    filters: FilterText = ""


class RegionModel(BaseModel):
    box: Box
    score: float


class MatchModel(BaseModel):
    """A token of the question, its best place on the page, and the word that stands there."""

    token: str
    score: float
    box: Box
    word: str


class PartModel(BaseModel):
    """A part of a score: MaxSim, what the first page adds, and each term."""

    name: str
    score: float
    reason: str = Field(description="As \"read 'recieve' as 'receive'\"; mostly empty.")


class ConfidenceModel(BaseModel):
    """Of the answer that a hit belongs to: how likely its first hit is right, and the index answers the question at all."""

    right: float
    answerable: float


class PictureModel(BaseModel):
    """A picture on the page: its kind, what that is a case of, its probability, and what a QR code says."""

    kind: str
    family: str
    box: Box
    sure: float
    text: str | None = None


class Hit(BaseModel):
    """One page found. Up to ``pictures`` as the command line prints it."""

    rank: int
    score: float
    parts: list[PartModel] = Field(description="They add up to the score.")
    question: str = Field(description="That it answers, as it was read: mended, or one of several.")
    confidence: ConfidenceModel | None = Field(description="null where the model was never calibrated.")
    document: str
    page: int
    n_pages: int
    lines: list[int] | None = Field(None, description="First and last line, of text files.")
    title: str
    kind: str
    path: str | None = Field(None, description="Where the file lies; left out if the server hides it.")
    regions: list[RegionModel]
    snippet: str
    pictures: list[PictureModel] = Field(description="What was seen, if the index was told to look; largest first.")
    highlights: list[list[int]] = Field(description="Start and stop of the matched words in snippet, in code points.")
    matches: list[MatchModel]
    aspect: float = Field(description="Width of the page divided by its height.")
    sha256: str


class Answer(BaseModel):
    """query: as it was asked; null for a page or picture that asked."""

    query: str | None
    hits: list[Hit]


class SearchAnswer(BaseModel):
    """results: in the order of the questions. milliseconds: of each stage, for all questions together."""

    index: str
    generation: int = Field(description="Of the index; grows with every change.")
    results: list[Answer]
    milliseconds: dict[str, float]
    missing: dict[str, str] | None = MISSING


class Document(BaseModel):
    document: str
    names: list[str]
    kind: str
    media_type: str
    n_pages: int
    n_indexed_pages: int
    n_bytes: int
    title: str
    author: str
    date: str
    added_at: str
    tags: dict[str, str]
    sha256: str


class DocumentList(BaseModel):
    total: int
    documents: list[Document]


class Page(BaseModel):
    """A page with its words; regions and matches if there was a query."""

    index: str
    hit: Hit
    text: str
    text_source: str


class PlaceModel(BaseModel):
    box: Box
    heat: float


class WordHeatModel(BaseModel):
    word: str
    weight: float
    places: list[PlaceModel]


class Heat(BaseModel):
    words: list[WordHeatModel]


class Failure(BaseModel):
    document: str
    page: int = Field(description="0 for the whole file.")
    status: str
    reason: str
    at: str


class FailureList(BaseModel):
    total: int
    failures: list[Failure]


class TotalsModel(BaseModel):
    index: str
    generation: int
    model: str
    n_documents: int
    n_files: int
    n_pages: int
    n_pages_without_words: int
    n_pages_by_ocr: int
    n_tokens: int
    token_bytes: int
    n_failed_files: int
    n_failed_pages: int
    missing: dict[str, str] | None = MISSING


class Facet(BaseModel):
    value: str
    documents: int


class Facets(BaseModel):
    """What filters can choose from, with numbers of documents, the most frequent first."""

    folders: list[Facet]
    kinds: list[Facet]
    years: list[Facet]
    tags: dict[str, list[Facet]]
    missing: dict[str, str] | None = MISSING


class IndexInfo(BaseModel):
    """sees: the model sees the picture of a page; otherwise it reads words."""

    name: str
    ready: bool
    problem: str
    model: str
    sees: bool
    n_pages: int


class Info(BaseModel):
    version: str
    indexes: list[IndexInfo]
    may_write: bool = Field(description="Whether this client may upload, index and remove.")
    needs_key: bool


class Removed(BaseModel):
    removed: list[str]


class JobRequest(Request):
    """paths: absolute, at or below the allowed folders."""

    paths: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=4096)]], Field(min_length=1, max_length=LIMITS.paths)
    ]
    index: Annotated[str, Field(max_length=64)] = ""
    text: bool = False
    prune: bool = False
    retry: bool = False
    reindex: bool = False
    tags: Annotated[dict[str, Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=50)] = {}


class PageProblemModel(BaseModel):
    page: int
    reason: str


class OutcomeModel(BaseModel):
    number: int
    document: str
    status: str
    n_pages: int
    reason: str
    page_problems: list[PageProblemModel]


class ProgressModel(BaseModel):
    files: int
    pages: int
    document: str
    page: int
    n_pages: int


JobStatus = Literal["queued", "waiting", "running", "done", "failed", "cancelled"]


class JobModel(BaseModel):
    """status: waiting means that another process writes to the index. counts: files by what became of them."""

    id: str
    index: str
    kind: Literal["upload", "path"]
    status: JobStatus
    reason: str
    created_at: str
    finished_at: str
    n_paths: int
    counts: dict[str, int]
    progress: ProgressModel


class JobList(BaseModel):
    jobs: list[JobModel]


class OutcomeList(BaseModel):
    outcomes: list[OutcomeModel]


class Uploaded(BaseModel):
    document: str = Field(description="The name that hits will show.")
    job: JobModel


class KeyRequest(Request):
    key: Annotated[str, Field(min_length=1, max_length=1024)]


class Session(BaseModel):
    role: Literal["read", "all"]


Json = dict[str, Any]

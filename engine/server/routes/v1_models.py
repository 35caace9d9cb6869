"""Requests and answers of /v1 and /v2, as clients of OpenAI, Jina and Cohere have them. Fields of no meaning here are named, too:
an unknown one is an error, because it would silently change nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_INPUTS, MAX_DOCUMENTS = 2048, 1000
MAX_CHARS = 1_000_000  # of a text
Text = Annotated[str, Field(max_length=MAX_CHARS)]
Encoding = Literal["float", "base64", "binary", "ubinary"]
Task = Literal["retrieval.query", "retrieval.passage", "text-matching", "code.query", "code.passage"]
NUMBERS_REFUSED = "token ids are those of another model's tokenizer; send texts (LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))"


def _no_token_ids(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], int | list):
        raise ValueError(NUMBERS_REFUSED)
    return value


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Input(_Request):
    """One of: text; image (a data URI, base64, or an address where the server fetches); bytes (base64); url."""

    text: Text | None = None
    image: str | None = None
    bytes: str | None = None
    url: str | None = None


class PageInput(_Request):
    """A page of an index, as hits name it."""

    page: Annotated[str, Field(pattern=r":[0-9]{1,9}$", description="document:page", max_length=5000)]


class EmbeddingsRequest(_Request):
    """OpenAI's and Jina's in one."""

    input: Annotated[
        Text | Annotated[list[Text | Input], Field(min_length=1, max_length=MAX_INPUTS)], BeforeValidator(_no_token_ids)
    ]
    model: Annotated[str, Field(max_length=200, description="As /v1/models lists it; empty: the first one.")] = ""
    task: Task | None = Field(
        default=None, description="Whether texts are questions (the default) or what is searched."
    )
    dimensions: Annotated[int, Field(ge=1, le=65_536)] | None = Field(
        default=None, description="To cut single vectors to."
    )
    return_multivector: bool = Field(default=False, description="A vector a token, in `embeddings`, instead of one.")
    encoding_format: Literal["float", "base64"] | None = None
    embedding_type: Encoding | Annotated[list[Encoding], Field(min_length=1, max_length=4)] | None = None
    encoding_type: Encoding | Annotated[list[Encoding], Field(min_length=1, max_length=4)] | None = None
    late_chunking: Literal[False] | None = None
    normalized: Literal[True] | None = None
    truncate: bool | None = Field(default=None, description="Texts are always cut to what the model reads.")
    user: str | None = None


class Usage(BaseModel):
    """Token vectors that were made."""

    prompt_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, n_tokens: int) -> Usage:
        return cls(prompt_tokens=n_tokens, total_tokens=n_tokens)


class EmbeddingRow(BaseModel):
    """embedding: numbers, or their float32 bytes in base64; by name if several encodings were asked for.

    embeddings: one such value a token, instead.
    """

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | list[int] | str | dict[str, list[float] | list[int] | str] | None = None
    embeddings: list[list[float] | list[int] | str | dict[str, list[float] | list[int] | str]] | None = None


class EmbeddingsAnswer(BaseModel):
    object: Literal["list"] = "list"
    data: list[EmbeddingRow]
    model: str
    usage: Usage


class ModelInfo(BaseModel):
    """reads: words or page images. dimensions: of its single vectors, the largest first."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "pagesight"
    reads: str
    dimensions: list[int]
    token_dimensions: int


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelInfo]


class RerankRequest(_Request):
    """Jina's and Cohere's in one. documents: texts, pictures, or pages of an index."""

    query: Annotated[str, Field(min_length=1, max_length=MAX_CHARS)] | Input
    documents: Annotated[list[Text | Input | PageInput], Field(min_length=1, max_length=MAX_DOCUMENTS)]
    model: Annotated[str, Field(max_length=200)] = ""
    top_n: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Best ones to return; none or 0: all.")
    return_documents: bool | None = Field(default=None, description="Default: true at /v1, false at /v2.")
    index: Annotated[str, Field(max_length=64, description="Of the pages; the first one that has the model.")] = ""
    truncate: bool | None = None
    truncation: bool | None = None
    return_embeddings: Literal[False] | None = None
    max_tokens_per_doc: int | None = None
    max_chunks_per_doc: int | None = None
    max_doc_length: int | None = None
    max_query_length: int | None = None
    rank_fields: list[str] | None = None
    priority: int | None = None
    user: str | None = None

    @model_validator(mode="after")
    def _has_a_question(self) -> RerankRequest:
        if isinstance(self.query, Input) and not any(self.query.model_dump().values()):
            raise ValueError("the query is empty")
        return self


class Ranked(BaseModel):
    """relevance_score: 0 to 1, the mean over the query's tokens of the cosine with the best token of the document."""

    index: int
    relevance_score: float
    document: dict[str, str] | None = None


class RerankAnswer(BaseModel):
    id: str
    object: Literal["list"] = "list"
    model: str
    usage: Usage
    results: list[Ranked]
    meta: dict[str, Any]

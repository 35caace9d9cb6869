"""/v1/rerank and /v2/rerank: a question against texts, pictures, or pages of an index, as clients of Jina and Cohere ask."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import numpy as np
from fastapi import APIRouter, Depends

from pagesight.engine.embedding import has_words
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.maxsim import maxsim
from pagesight.engine.server.errors import BadRequest, NotFound, NotReady
from pagesight.engine.server.routes.shared import Serving
from pagesight.engine.server.routes.v1 import embed, model_named, read_inputs
from pagesight.engine.server.routes.v1_models import Input, PageInput, Ranked, RerankAnswer, RerankRequest, Usage
from pagesight.engine.server.security import reader
from pagesight.storage.multivectors import MultiVectors
from pagesight.storage.names import nfc

if TYPE_CHECKING:
    from pagesight.engine.embedding import Embedded
    from pagesight.engine.encoder import Encoder
    from pagesight.engine.server.service import Served, Service

router = APIRouter(tags=["models"], dependencies=[Depends(reader)])


@router.post("/v1/rerank", response_model=RerankAnswer, response_model_exclude_none=True)
async def rerank_v1(service: Serving, request: RerankRequest) -> RerankAnswer:
    """As Jina's and Cohere's v1."""
    return await _answered(service, request, documents=True, version="1")


@router.post("/v2/rerank", response_model=RerankAnswer, response_model_exclude_none=True)
async def rerank_v2(service: Serving, request: RerankRequest) -> RerankAnswer:
    """As Cohere's v2."""
    return await _answered(service, request, documents=False, version="2")


async def _answered(service: Service, request: RerankRequest, *, documents: bool, version: str) -> RerankAnswer:
    encoder = model_named(service, request.model)
    return await service.run(_rerank, service, request, encoder, documents, version)


def _rerank(service: Service, request: RerankRequest, encoder: Encoder, documents: bool, version: str) -> RerankAnswer:
    (query,) = embed(encoder, read_inputs({0: request.query}, service.settings, "query"), "query", "query")
    pages = {i: one.page for i, one in enumerate(request.documents) if isinstance(one, PageInput)}
    others = {i: one for i, one in enumerate(request.documents) if not isinstance(one, PageInput)}
    given = read_inputs(others, service.settings, "documents")
    given = {i: one for i, one in given.items() if one.picture is not None or has_words(one.text)}
    made = embed(encoder, given, "passage", "documents")
    scores = dict.fromkeys(others, 0.0) | dict(zip(given, relevance(query, made), strict=True))
    if pages:
        engine = _engine_with(service, encoder, request.index)
        scores |= zip(pages, page_relevance(query, list(pages.values()), engine), strict=True)
    order = sorted(scores, key=lambda i: (-scores[i], i))[: request.top_n or None]
    shown = documents if request.return_documents is None else request.return_documents
    return RerankAnswer(
        id=str(uuid.uuid4()),
        model=encoder.name,
        usage=Usage.of(len(query.tokens) + sum(len(one.tokens) for one in made)),
        results=[
            Ranked(index=i, relevance_score=scores[i], document=_shown(request.documents[i]) if shown else None)
            for i in order
        ],
        meta={"api_version": {"version": version}},
    )


def relevance(query: Embedded, documents: list[Embedded]) -> list[float]:
    """MaxSim divided by the most it can be: the mean cosine of the query's tokens with the best ones, by their weights.

    0 where it would be below. A document without token vectors has 0.
    """
    scores = np.zeros(len(documents))
    with_tokens = [i for i, one in enumerate(documents) if len(one.tokens)]
    if with_tokens:
        pages = MultiVectors.from_pages([documents[i].tokens for i in with_tokens], query.tokens.shape[1])
        scores[with_tokens] = maxsim(np.asarray(query.tokens, np.float32), pages)
    return _shares(query, scores)


def page_relevance(query: Embedded, names: list[str], engine: Served) -> list[float]:
    """The score that a search gives these pages, divided likewise. Raises NotFound."""
    pages = [(document, int(number)) for document, _, number in (name.rpartition(":") for name in names)]
    encoded = EncodedQuery(query.single, query.tokens, ("",) * len(query.tokens))
    scores = engine.score_pages([(nfc(document), number) for document, number in pages], encoded)
    for name, score in zip(names, scores, strict=True):
        if score is None:
            raise NotFound(f"there is no page {name[:500]!r} in the index")
    return _shares(query, np.array(scores, np.float64))


def _shares(query: Embedded, scores: np.ndarray) -> list[float]:
    most = max(float(np.linalg.norm(query.tokens, axis=1).sum()), 1e-9)
    return [round(float(score), 6) for score in np.clip(scores / most, 0, 1)]


def _engine_with(service: Service, encoder: Encoder, index: str) -> Served:
    """The named index, or the first one made with this model. Raises BadRequest, NotFound."""
    for name in (index,) if index else service.names:
        try:
            engine = service.engine(name)
        except NotReady:
            if index:
                raise
            continue
        if engine.encoder.fingerprint == encoder.fingerprint:
            return engine
    raise BadRequest(f"index: {index or 'no index'} was made with another model than {encoder.name}", "index")


def _shown(document: str | Input | PageInput) -> dict[str, str] | None:
    """Texts and names of pages; pictures are not sent back."""
    if isinstance(document, PageInput):
        return {"page": document.page}
    text = document if isinstance(document, str) else document.text
    return None if text is None or text.startswith("data:image/") else {"text": text}

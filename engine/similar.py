"""A page as the question: one of the index, or a picture that somebody brings."""

from __future__ import annotations

import numpy as np

from pagesight.engine.config import SearchConfig
from pagesight.engine.describe import describe
from pagesight.engine.encoder import EncodedQuery, Encoder
from pagesight.engine.index import View
from pagesight.engine.results import SearchHit
from pagesight.engine.retrieval import Question, search
from pagesight.engine.stages import OnStage, stage
from pagesight.indexer.content import PageContent
from pagesight.storage.errors import BadInput

QUERY_TOKENS = 128  # of the page that ask; more cost more and find the same


def similar_pages(
    page_id: int, view: View, config: SearchConfig, filters: str | None = None, on_stage: OnStage | None = None
) -> list[SearchHit]:
    """Pages like this one, without itself."""
    asked = as_question(page_id, view, filters)
    wider = config.wider(config.k + 1)
    found = [page for page in search(asked, view, wider, on_stage) if page.page_id != page_id][: config.k]
    with stage("describe", on_stage):
        return describe(found, asked.encoded, view)


def search_by_page(
    page: PageContent,
    encoder: Encoder,
    view: View,
    config: SearchConfig,
    filters: str | None = None,
    on_stage: OnStage | None = None,
) -> list[SearchHit]:
    """Pages like one that is not in the index. Raises BadInput if the model finds nothing on it."""
    with stage("encode", on_stage):
        asked = picture_as_question(page, encoder, filters)
    found = search(asked, view, config, on_stage)
    with stage("describe", on_stage):
        return describe(found, asked.encoded, view)


def as_question(page_id: int, view: View, filters: str | None) -> Question:
    """A page of the index, one that can be found."""
    return _question(view.single(page_id), view.tokens(np.array([page_id], np.int64))[0], filters)


def picture_as_question(page: PageContent, encoder: Encoder, filters: str | None) -> Question:
    """A page that is not in the index. Raises BadInput if the model finds nothing on it."""
    (encoded,) = encoder.encode_pages([page])
    if not len(encoded.tokens):
        raise BadInput("nothing on the picture can be read by the model of this index")
    return _question(encoded.single, encoded.tokens, filters)


def _question(single: np.ndarray, tokens: np.ndarray, filters: str | None) -> Question:
    """Some of a page's token vectors, from all over it, ask. Words and first pages are for questions that people type."""
    chosen = np.unique(np.linspace(0, len(tokens) - 1, min(len(tokens), QUERY_TOKENS)).astype(np.int64))
    asking = np.asarray(tokens[chosen], np.float32)
    return Question(encoded=EncodedQuery(single, asking, ("",) * len(asking)), filters=filters)

"""From a text that somebody typed to the pages that answer it: read, asked, and put together where it is several questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.config import SearchConfig
from pagesight.engine.describe import describe
from pagesight.engine.encoder import QueryEncoder
from pagesight.engine.index import View
from pagesight.engine.reranker import Reranker
from pagesight.engine.reranker.opinion import second_opinion
from pagesight.engine.results import Confidence, SearchHit
from pagesight.engine.retrieval import Question, ScoredPage, answer
from pagesight.engine.stages import OnStage, stage
from pagesight.engine.typed.several import questions_in
from pagesight.storage.values import PageWords

OF_SEVERAL = "of several questions"  # the part of a score by which answers to several questions share one scale


@dataclass(frozen=True, slots=True)
class Found:
    """A page, the question that it answers, and how sure the answer to that question is."""

    page: ScoredPage
    question: Question
    confidence: Confidence | None


def ask(
    text: str,
    encoder: QueryEncoder,
    view: View,
    config: SearchConfig,
    filters: str | None = None,
    on_stage: OnStage | None = None,
    reranker: Reranker | None = None,
) -> list[Found]:
    """The best pages, at most ``config.k``, best first. Raises EmptyQuery.

    reranker: orders the first ``config.second_opinion`` pages anew. Confidence is of the answer before that, which is what it was
    learnt from: that the index answers the question stays true, and "right" is of the page that was first then.
    """
    texts = questions_in(text) if config.mend else [text]
    with stage("encode", on_stage):
        typed_for = view if config.mend and config.terms else None
        questions = [Question.of(text, encoder, filters, typed_for=typed_for) for text in texts]
    answers = []
    for question in questions:
        if reranker is None or not config.second_opinion:
            pages, confidence = answer(question, view, config, on_stage)
        else:
            n = min(config.second_opinion, config.n_candidates)
            pages, confidence = answer(question, view, replace(config, k=max(config.k, n)), on_stage)
            with stage("second opinion", on_stage):
                pages = second_opinion(question.wording, pages, reranker, partial(_words_of, view), n)[: config.k]
        answers.append([Found(page, question, confidence) for page in pages])
    return answers[0] if len(answers) == 1 else together(answers, config.k)


def _words_of(view: View, page_ids: NDArray[np.int64]) -> dict[int, PageWords]:
    return {page_id: detail.words for page_id, detail in view.details(page_ids).items()}


def together(answers: Sequence[Sequence[Found]], k: int) -> list[Found]:
    """The best of several answers: a page stands by how far it is behind the best page for its question, in cosines.

    So the best pages of all questions come first, in the order of the questions, and those of each stay in order. A page that answers several is found once,
    where it stands best. All scores are brought to the scale of the first question, which their last part says.
    """
    answers = [answer for answer in answers if answer]
    if not answers:
        return []
    behind: list[tuple[float, int, int, Found]] = []
    for i, pages in enumerate(answers):
        gap = 0.0
        for found in pages:  # one that a second opinion put below a lesser one is as far behind as that
            gap = max(gap, (pages[0].page.score - found.page.score) / found.question.length)
            behind.append((gap, i, len(behind), found))
    behind.sort(key=lambda row: row[:3])
    first, best = answers[0][0], dict[int, Found]()
    for gap, _, _, found in behind:
        score = first.page.score - gap * first.question.length
        parts = (*found.page.parts, (OF_SEVERAL, score - found.page.score))
        best.setdefault(found.page.page_id, replace(found, page=replace(found.page, score=score, parts=parts)))
    return list(best.values())[:k]


def described(found: Sequence[Found], view: View) -> list[SearchHit]:
    """Hits for these pages, in this order; each with the regions that answer its own question."""
    if len({id(one.question) for one in found}) == 1:  # as mostly: nothing is put together
        return _described(found, view)
    hits: dict[int, SearchHit] = {}
    for question in dict.fromkeys(id(one.question) for one in found):
        for hit in _described([one for one in found if id(one.question) == question], view):
            hits[hit.page_id] = hit
    return [replace(hits[one.page.page_id], rank=rank) for rank, one in enumerate(found, start=1)]


def _described(found: Sequence[Found], view: View) -> list[SearchHit]:
    """Hits for pages that answer one question."""
    asked, confidence = found[0].question, found[0].confidence
    pages = [one.page for one in found]
    return describe(pages, asked.encoded, view, confidence, wording=asked.wording, read_as=asked.read_as)

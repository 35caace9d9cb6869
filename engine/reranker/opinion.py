"""The order that a second opinion gives to the first pages of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.reranker import Reranker
from pagesight.engine.results import SECOND_OPINION
from pagesight.engine.retrieval import ScoredPage
from pagesight.storage.values import PageWords

WordsOf = Callable[[NDArray[np.int64]], Mapping[int, PageWords]]


def second_opinion(
    question: str, pages: Sequence[ScoredPage], reranker: Reranker, words_of: WordsOf, n: int
) -> list[ScoredPage]:
    """The first ``n`` of these pages, as the reranker orders them, then the others as they are.

    A page keeps its score, and says the reranker's beside its parts. Ties stay in order. Pages without words, which the
    reranker cannot read, follow those with words. words_of: the words of pages, by their ids.
    """
    first, rest = pages[:n], pages[n:]
    words = words_of(np.array([page.page_id for page in first], np.int64)) if first else {}
    readable = [page for page in first if _reads(words[page.page_id])]
    others = [page for page in first if not _reads(words[page.page_id])]
    if readable:
        scores = reranker.scores(question, [words[page.page_id] for page in readable]).tolist()
        order = sorted(range(len(readable)), key=lambda i: -scores[i])
        readable = [replace(readable[i], parts=(*readable[i].parts, (SECOND_OPINION, scores[i]))) for i in order]
    return [*readable, *others, *rest]


def _reads(words: PageWords) -> bool:
    return len(words) > 0

"""The last round: hits and words of the pages that were found, each from the shard that has it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.answering import Found
from pagesight.engine.results import SearchHit
from pagesight.engine.shards import wire
from pagesight.engine.shards.asking import Pages
from pagesight.engine.shards.view import ClusterView
from pagesight.engine.shards.wire import Json
from pagesight.storage.values import PageWords


def described(found: Sequence[Found], view: ClusterView, pages: Pages) -> list[SearchHit | None]:
    """Hits for these pages, in this order; None for a page that went away, or whose shard did."""
    questions = {id(one.question): one.question for one in found}
    numbers = {key: i for i, key in enumerate(questions)}
    asked = [wire.question_json(question) for question in questions.values()]
    rows: list[list[Json]] = [[] for _ in range(view.asking.n_shards)]
    at: list[tuple[int, int]] = []
    for one in found:
        shard, place = pages.at(one.page.page_id)
        at.append((shard, len(rows[shard])))
        rows[shard].append({"place": place.json(), "question": numbers[id(one.question)], **wire.scored_json(one.page)})
    bodies = [{"questions": asked, "pages": some} if some else None for some in rows]
    by_shard = view.asking.all("describe", bodies) if found else []
    hits: list[SearchHit | None] = []
    for one, (shard, row) in zip(found, at, strict=True):
        answer = by_shard[shard]
        fields = answer and answer["hits"][row]
        hits.append(
            wire.hit_of(fields, rank=1, page_id=one.page.page_id, confidence=one.confidence) if fields else None
        )
    return hits


def words_of(view: ClusterView, pages: Pages, page_ids: NDArray[np.int64]) -> dict[int, PageWords]:
    """The words of pages by their ids; none for a page that went away, or whose shard did."""
    rows: list[list[Json]] = [[] for _ in range(view.asking.n_shards)]
    ids: list[list[int]] = [[] for _ in rows]
    for page_id in page_ids.tolist():
        shard, place = pages.at(page_id)
        rows[shard].append(place.json())
        ids[shard].append(page_id)
    found = dict.fromkeys(page_ids.tolist(), PageWords.none())
    bodies = [{"places": some} if some else None for some in rows]
    for some, answer in zip(ids, view.asking.all("texts", bodies), strict=True):
        for page_id, words in zip(some, answer["words"] if answer else (), strict=False):
            if words is not None:
                found[page_id] = PageWords(tuple(words["texts"]), wire.vectors_of(words["boxes"]))
    return found

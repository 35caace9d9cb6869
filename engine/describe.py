"""From scored pages to hits: what the index knows of each page, and what on it matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.explain import WordsOfPages, find_matches, make_snippets, on_page, seen_at, supported, token_heats
from pagesight.engine.index import View
from pagesight.engine.regions.choose import AskedPage, find_regions
from pagesight.engine.regions.evidence import stand_out
from pagesight.engine.regions.ragged import slices
from pagesight.engine.results import Confidence, ScorePart, SearchHit
from pagesight.engine.retrieval import ScoredPage
from pagesight.storage.stored import StoredPage


def describe(
    found: Sequence[ScoredPage],
    query: EncodedQuery,
    view: View,
    confidence: Confidence | None = None,
    *,
    wording: str = "",
    read_as: str = "",
) -> list[SearchHit]:
    """Hits for these pages, in this order. confidence: of the answer they make. wording, read_as: as in ``Question``; "" if it is none."""
    if not found:
        return []
    page_ids = np.array([scored.page_id for scored in found], np.int64)
    stored, details = view.describe(page_ids), view.details(page_ids)
    pages = [stored[scored.page_id] for scored in found]
    tokens = [details[scored.page_id] for scored in found]
    products, lengths = zip(*(detail.products(query.tokens) for detail in tokens), strict=True)
    placed = _placed([detail.boxes for detail in tokens])
    standing = stand_out(
        [page if at is None else page[:, at] for page, at in zip(products, placed, strict=True)],
        [page if at is None else page[at] for page, at in zip(lengths, placed, strict=True)],
    )
    places = [page.boxes if at is None else page.boxes[at] for page, at in zip(tokens, placed, strict=True)]
    boxes, pictures, aspects = (
        np.concatenate(places),
        [page.pictures for page in pages],
        [page.aspect for page in pages],
    )
    heat = supported(token_heats(standing), boxes, standing.pages, aspects)
    asked = [
        AskedPage(heat[of], where, detail.words, aspect)
        for of, where, detail, aspect in zip(slices(standing.pages), places, tokens, aspects, strict=True)
    ]
    words = WordsOfPages.of([detail.words for detail in tokens])
    regions = find_regions(wording, standing, asked)
    matches = find_matches(products, query.token_texts, [detail.boxes for detail in tokens], words, pictures)
    if any(pictures):
        of_pictures = [seen_at(where, seen) >= 0 for where, seen in zip(places, pictures, strict=True)]
        heat = np.where(np.concatenate(of_pictures), np.float32(0), heat)
    snippets = make_snippets(words, heat, boxes, standing.pages)
    return [
        SearchHit(
            rank=i + 1,
            score=scored.score,
            regions=regions[i],
            matches=matches[i],
            parts=tuple(ScorePart(name, part, "" if at else read_as) for at, (name, part) in enumerate(scored.parts)),
            confidence=confidence,
            question=wording,
            snippet=snippets[i].text,
            snippet_spans=snippets[i].spans,
            **_identity(pages[i]),
        )
        for i, scored in enumerate(found)
    ]


def _placed(boxes: Sequence[NDArray[np.float32]]) -> list[NDArray[np.int64] | None]:
    """Of each page the indices of the tokens that have a place on it; None for all, as on most pages, of which nothing is copied."""
    every = np.concatenate(boxes)
    if ((every[:, 2] > every[:, 0]) & (every[:, 3] > every[:, 1])).all():
        return [None] * len(boxes)
    placed = map(on_page, boxes)
    return [None if len(at) == len(page) else at for page, at in zip(boxes, placed, strict=True)]


def describe_page(page_id: int, view: View) -> SearchHit:
    """A page that was not searched for: nothing of it matched."""
    page = view.describe(np.array([page_id], np.int64))[page_id]
    return SearchHit(rank=1, score=0.0, regions=(), matches=(), snippet="", snippet_spans=(), **_identity(page))


def _identity(page: StoredPage) -> dict[str, Any]:
    return {
        "document": page.document,
        "page": page.number,
        "n_pages": page.n_pages,
        "title": page.title,
        "kind": page.kind,
        "page_id": page.page_id,
        "path": page.location,
        "sha256": page.sha256,
        "aspect": round(page.aspect, 4),
        "pictures": page.pictures,
    }

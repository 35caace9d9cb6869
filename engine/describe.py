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
from pagesight.engine.regions.evidence import lengths_of, stand_out
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
    products, lengths = [], []
    for detail in tokens:
        vectors = detail.tokens
        products.append(query.tokens @ vectors.T)
        lengths.append(lengths_of(vectors))
    placed = [_placed(detail.boxes) for detail in tokens]
    standing = stand_out(
        [page if at is None else page[:, at] for page, at in zip(products, placed, strict=True)],
        [page if at is None else page[at] for page, at in zip(lengths, placed, strict=True)],
    )
    asked = []
    for heat, at, detail, page in zip(token_heats(standing), placed, tokens, pages, strict=True):
        boxes = detail.boxes if at is None else detail.boxes[at]
        asked.append(AskedPage(supported(heat, boxes, page.aspect), boxes, detail.words, page.aspect))
    words = WordsOfPages.of([detail.words for detail in tokens])
    pictures = [page.pictures for page in pages]
    regions = find_regions(wording, standing, asked)
    matches = find_matches(products, query.token_texts, [detail.boxes for detail in tokens], words, pictures)
    of_words = [
        page.heat * (seen_at(page.boxes, seen) < 0) if seen else page.heat
        for page, seen in zip(asked, pictures, strict=True)
    ]
    snippets = make_snippets(words, of_words, [page.boxes for page in asked])
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


def _placed(boxes: NDArray[np.float32]) -> NDArray[np.int64] | None:
    """Indices of the tokens that have a place on the page; None for all, as on most pages, of which nothing is copied."""
    placed = on_page(boxes)
    return None if len(placed) == len(boxes) else placed


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

"""From scored pages to hits: what the index knows of each page, and what on it matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.explain import find_matches, make_snippet, on_page, seen_at, supported, token_heat
from pagesight.engine.index import View
from pagesight.engine.regions.choose import find_regions
from pagesight.engine.regions.evidence import stand_out
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
    page_ids = np.array([scored.page_id for scored in found], np.int64)
    pages, details = view.describe(page_ids), view.details(page_ids)
    hits = []
    for rank, scored in enumerate(found, start=1):
        page, detail = pages[scored.page_id], details[scored.page_id]
        aspect = page.aspect
        products = query.tokens @ detail.tokens.T
        placed = on_page(detail.boxes)
        boxes = detail.boxes[placed]
        if len(placed) == len(detail.boxes):  # as on most pages: nothing is copied
            standing = stand_out(products, detail.tokens)
        else:
            standing = stand_out(products[:, placed], detail.tokens[placed])
        heat = supported(token_heat(standing), boxes, aspect)
        snippet = make_snippet(detail.words, heat * (seen_at(boxes, page.pictures) < 0), boxes)
        hits.append(
            SearchHit(
                rank=rank,
                score=scored.score,
                regions=find_regions(wording, standing, heat, boxes, detail.words, aspect),
                matches=find_matches(products, query.token_texts, detail, page.pictures),
                parts=tuple(ScorePart(name, part, "" if i else read_as) for i, (name, part) in enumerate(scored.parts)),
                confidence=confidence,
                question=wording,
                snippet=snippet.text,
                snippet_spans=snippet.spans,
                **_identity(page),
            )
        )
    return hits


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

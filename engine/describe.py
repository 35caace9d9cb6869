"""From scored pages to hits: what the index knows of each page, and what on it matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.explain import WordsOfPages, find_matches, make_snippets, on_page, seen_at, supported, token_heat
from pagesight.engine.index import View
from pagesight.engine.regions.choose import AskedPage, find_regions
from pagesight.engine.regions.evidence import stand_out
from pagesight.engine.results import Confidence, ScorePart, SearchHit
from pagesight.engine.retrieval import ScoredPage
from pagesight.storage.stored import PageDetail, StoredPage


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
    products = [query.tokens @ page.tokens.T for page in tokens]
    asked = [
        _asked(product, detail, page.aspect) for product, detail, page in zip(products, tokens, pages, strict=True)
    ]
    words = WordsOfPages.of([detail.words for detail in tokens])
    pictures = [page.pictures for page in pages]
    regions = find_regions(wording, asked)
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


def _asked(products: NDArray[np.float32], detail: PageDetail, aspect: float) -> AskedPage:
    """A page, with what of the question its tokens match. products: (n_query_tokens, n_tokens)."""
    placed = on_page(detail.boxes)
    boxes, tokens = detail.boxes, detail.tokens
    if len(placed) < len(boxes):  # on few pages: else nothing is copied
        boxes, tokens, products = boxes[placed], tokens[placed], products[:, placed]
    standing = stand_out(products, tokens)
    return AskedPage(standing, supported(token_heat(standing), boxes, aspect), boxes, detail.words, aspect)


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

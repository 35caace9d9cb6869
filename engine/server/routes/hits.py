"""From hits to JSON."""

from __future__ import annotations

import numpy as np

from pagesight.engine.api import SearchEngine
from pagesight.engine.results import SearchHit
from pagesight.engine.server.routes.models import Json


def look_up(engine: SearchEngine, document: str, page: int, query: str) -> SearchHit:
    """A page by name, with what matches a question, if there is one and anything on the page that could. Raises UnknownHit."""
    if query:
        with engine.view() as view:
            page_id = view.find_page(document, page)
            if page_id is None or not np.isin(page_id, view.page_ids()):
                query = ""
    return engine.look_up(document, page, query or None)


def hit_json(hit: SearchHit, hide_paths: bool) -> Json:
    """As ``--json`` prints it, and what a page that shows it needs."""
    found = hit.to_dict()
    if hide_paths:
        del found["path"]
    return {
        **found,
        "highlights": [list(span) for span in hit.snippet_spans],
        "matches": [
            {"token": match.token, "score": round(match.score, 4), "box": [round(x, 4) for x in match.box]}
            for match in hit.matches
        ],
        "aspect": hit.aspect,
        "sha256": hit.sha256,
    }

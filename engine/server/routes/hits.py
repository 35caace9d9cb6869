"""From hits to JSON."""

from __future__ import annotations

from pagesight.engine.results import SearchHit
from pagesight.engine.server.routes.models import Json


def missing_in(view: object) -> Json:
    """Which shards did not answer, and why, where the index is on several servers and partial answers are wanted; else nothing."""
    missing = getattr(view, "missing", None)
    return {"missing": missing} if missing else {}


def hit_json(hit: SearchHit, hide_paths: bool) -> Json:
    """As ``--json`` prints it, and what a page that shows it needs."""
    found = hit.to_dict()
    if hide_paths:
        del found["path"]
    return {
        **found,
        "highlights": [list(span) for span in hit.snippet_spans],
        "matches": [match.to_dict() for match in hit.matches],
        "aspect": hit.aspect,
        "sha256": hit.sha256,
    }

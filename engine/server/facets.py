"""What filters can choose from, counted once a state of an index."""

from __future__ import annotations

import threading
import weakref
from collections import Counter, defaultdict
from posixpath import dirname

from pagesight.engine.api import SearchEngine
from pagesight.engine.server.routes.hits import missing_in
from pagesight.engine.server.routes.models import Json
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.storage.stored import StoredDocument

MOST = 100  # values of a facet
_lock = threading.Lock()
_counted: weakref.WeakKeyDictionary[SearchEngine | Coordinator, tuple[int, Json]] = weakref.WeakKeyDictionary()


def facets_of(engine: SearchEngine | Coordinator) -> Json:
    with engine.view() as view:
        with _lock:
            known = _counted.get(engine)
        if known is not None and known[0] == view.generation:
            return known[1]
        counted = count_facets(view.documents())
        if missing := missing_in(view):
            return counted | missing
        with _lock:
            _counted[engine] = (view.generation, counted)
        return counted


def count_facets(documents: list[StoredDocument]) -> Json:
    folders: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    years: Counter[str] = Counter()
    tags: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for document in documents:
        folders.update({folder for name in document.names if (folder := dirname(name))})
        kinds[document.kind] += 1
        if document.date:
            years[document.date[:4]] += 1
        for name, value in document.tags.items():
            tags[name][value] += 1
    return {
        "folders": _most(folders),
        "kinds": _most(kinds),
        "years": sorted(_most(years), key=lambda facet: str(facet["value"]), reverse=True),
        "tags": {name: _most(values) for name, values in sorted(tags.items())[:MOST]},
    }


def _most(counter: Counter[str]) -> list[Json]:
    ranked = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    return [{"value": value, "documents": n} for value, n in ranked[:MOST]]

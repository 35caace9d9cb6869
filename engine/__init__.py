"""pagesight: search inside documents by what is on the page.

    from engine import SearchEngine

Importing this package costs nothing; what is named here is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine import similarity
    from engine.api import SearchEngine
    from engine.config import IndexConfig, ModelConfig, SearchConfig
    from engine.models.jina_v4.embedder import JinaEmbeddingsV4
    from engine.results import Region, SearchHit, TokenMatch
    from indexer.pipeline import PageDone
    from indexer.plan import Outcome, Status
    from storage.errors import SearchEngineError

__version__ = "0.1.0"
__all__ = [
    "IndexConfig",
    "JinaEmbeddingsV4",
    "ModelConfig",
    "Outcome",
    "PageDone",
    "Region",
    "SearchConfig",
    "SearchEngine",
    "SearchEngineError",
    "SearchHit",
    "Status",
    "TokenMatch",
    "similarity",
]
_HOMES = {
    "SearchEngine": "engine.api",
    "IndexConfig": "engine.config",
    "JinaEmbeddingsV4": "engine.models.jina_v4.embedder",
    "ModelConfig": "engine.config",
    "SearchConfig": "engine.config",
    "Region": "engine.results",
    "SearchHit": "engine.results",
    "TokenMatch": "engine.results",
    "PageDone": "indexer.pipeline",
    "Outcome": "indexer.plan",
    "Status": "indexer.plan",
    "SearchEngineError": "storage.errors",
}


def __getattr__(name: str) -> object:  # PEP 562
    if name == "similarity":
        return import_module("engine.similarity")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

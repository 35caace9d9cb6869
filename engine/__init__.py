"""pagesight: search inside documents by what is on the page.

    from pagesight.engine import SearchEngine

Importing this package costs nothing; what is named here is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagesight.engine import similarity
    from pagesight.engine.api import SearchEngine
    from pagesight.engine.config import IndexConfig, ModelConfig, SearchConfig
    from pagesight.engine.models.jina_v4.embedder import JinaEmbeddingsV4
    from pagesight.engine.results import Region, SearchHit, TokenMatch
    from pagesight.indexer.running.pipeline import PageDone
    from pagesight.indexer.running.plan import Outcome, Status
    from pagesight.storage.errors import SearchEngineError

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
    "SearchEngine": "pagesight.engine.api",
    "IndexConfig": "pagesight.engine.config",
    "JinaEmbeddingsV4": "pagesight.engine.models.jina_v4.embedder",
    "ModelConfig": "pagesight.engine.config",
    "SearchConfig": "pagesight.engine.config",
    "Region": "pagesight.engine.results",
    "SearchHit": "pagesight.engine.results",
    "TokenMatch": "pagesight.engine.results",
    "PageDone": "pagesight.indexer.running.pipeline",
    "Outcome": "pagesight.indexer.running.plan",
    "Status": "pagesight.indexer.running.plan",
    "SearchEngineError": "pagesight.storage.errors",
}


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> object:  # PEP 562
    if name == "similarity":
        return import_module("pagesight.engine.similarity")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

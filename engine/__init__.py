"""pagesight: search inside documents by what is on the page.

    from pagesight import SearchEngine

Importing this package costs nothing; what is named here is loaded when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagesight.engine import similarity
    from pagesight.engine.api import SearchEngine
    from pagesight.engine.client.client import Client
    from pagesight.engine.config import IndexConfig, ModelConfig, SearchConfig, SearchFields, WatchConfig
    from pagesight.engine.encoder import CountsTokens, EncodedQuery, Encoder
    from pagesight.engine.estimate import Estimate
    from pagesight.engine.index import Store, View
    from pagesight.engine.indexing import IndexSummary
    from pagesight.engine.measure import Measurement
    from pagesight.engine.models.jina_v4.embedder import JinaEmbeddingsV4
    from pagesight.engine.moving import copy_index, plan_copy
    from pagesight.engine.reranker import Reranker
    from pagesight.engine.results import Confidence, Region, ScorePart, SearchHit, TokenMatch
    from pagesight.engine.searcher import Searcher
    from pagesight.engine.watching.watcher import Watcher
    from pagesight.indexer.content import PageContent
    from pagesight.indexer.running.pipeline import DocumentDraft, IndexWriter, PageDone
    from pagesight.indexer.running.plan import Outcome, Status
    from pagesight.indexer.running.reader import PageProblem
    from pagesight.storage.errors import SearchEngineError
    from pagesight.storage.manifest import Space
    from pagesight.storage.moving.copying import Copied, DocumentCopied
    from pagesight.storage.moving.plan import CopyPlan
    from pagesight.storage.multivectors import MultiVectors
    from pagesight.storage.stored import (
        Examination,
        Exported,
        Finding,
        Optimized,
        PageDetail,
        StoredContent,
        StoredDocument,
        StoredFailure,
        StoredPage,
        Totals,
    )
    from pagesight.storage.values import (
        DocumentInfo,
        EncodedPage,
        KnownFailure,
        KnownFile,
        NewPage,
        PackedPage,
        PageWords,
        SeenPicture,
        SourceFile,
    )
    from pagesight.storage.words import WordScores

__version__ = "0.1.0"
__all__ = [
    "Client",
    "Confidence",
    "Copied",
    "CopyPlan",
    "CountsTokens",
    "DocumentCopied",
    "DocumentDraft",
    "DocumentInfo",
    "EncodedPage",
    "EncodedQuery",
    "Encoder",
    "Estimate",
    "Examination",
    "Exported",
    "Finding",
    "IndexConfig",
    "IndexSummary",
    "IndexWriter",
    "JinaEmbeddingsV4",
    "KnownFailure",
    "KnownFile",
    "Measurement",
    "ModelConfig",
    "MultiVectors",
    "NewPage",
    "Optimized",
    "Outcome",
    "PackedPage",
    "PageContent",
    "PageDetail",
    "PageDone",
    "PageProblem",
    "PageWords",
    "Region",
    "Reranker",
    "ScorePart",
    "SearchConfig",
    "SearchEngine",
    "SearchEngineError",
    "SearchFields",
    "SearchHit",
    "Searcher",
    "SeenPicture",
    "SourceFile",
    "Space",
    "Status",
    "Store",
    "StoredContent",
    "StoredDocument",
    "StoredFailure",
    "StoredPage",
    "TokenMatch",
    "Totals",
    "View",
    "WatchConfig",
    "Watcher",
    "WordScores",
    "copy_index",
    "plan_copy",
    "similarity",
]
_HOMES = {
    "SearchEngine": "pagesight.engine.api",
    "Client": "pagesight.engine.client.client",
    "IndexConfig": "pagesight.engine.config",
    "ModelConfig": "pagesight.engine.config",
    "SearchConfig": "pagesight.engine.config",
    "SearchFields": "pagesight.engine.config",
    "WatchConfig": "pagesight.engine.config",
    "CountsTokens": "pagesight.engine.encoder",
    "EncodedQuery": "pagesight.engine.encoder",
    "Encoder": "pagesight.engine.encoder",
    "Estimate": "pagesight.engine.estimate",
    "Store": "pagesight.engine.index",
    "View": "pagesight.engine.index",
    "IndexSummary": "pagesight.engine.indexing",
    "Measurement": "pagesight.engine.measure",
    "JinaEmbeddingsV4": "pagesight.engine.models.jina_v4.embedder",
    "copy_index": "pagesight.engine.moving",
    "plan_copy": "pagesight.engine.moving",
    "Copied": "pagesight.storage.moving.copying",
    "DocumentCopied": "pagesight.storage.moving.copying",
    "CopyPlan": "pagesight.storage.moving.plan",
    "Confidence": "pagesight.engine.results",
    "Region": "pagesight.engine.results",
    "Reranker": "pagesight.engine.reranker",
    "ScorePart": "pagesight.engine.results",
    "SearchHit": "pagesight.engine.results",
    "TokenMatch": "pagesight.engine.results",
    "Searcher": "pagesight.engine.searcher",
    "Watcher": "pagesight.engine.watching.watcher",
    "PageContent": "pagesight.indexer.content",
    "DocumentDraft": "pagesight.indexer.running.pipeline",
    "IndexWriter": "pagesight.indexer.running.pipeline",
    "PageDone": "pagesight.indexer.running.pipeline",
    "Outcome": "pagesight.indexer.running.plan",
    "Status": "pagesight.indexer.running.plan",
    "PageProblem": "pagesight.indexer.running.reader",
    "SearchEngineError": "pagesight.storage.errors",
    "Space": "pagesight.storage.manifest",
    "MultiVectors": "pagesight.storage.multivectors",
    "Examination": "pagesight.storage.stored",
    "Exported": "pagesight.storage.stored",
    "Finding": "pagesight.storage.stored",
    "Optimized": "pagesight.storage.stored",
    "PageDetail": "pagesight.storage.stored",
    "StoredContent": "pagesight.storage.stored",
    "StoredDocument": "pagesight.storage.stored",
    "StoredFailure": "pagesight.storage.stored",
    "StoredPage": "pagesight.storage.stored",
    "Totals": "pagesight.storage.stored",
    "DocumentInfo": "pagesight.storage.values",
    "EncodedPage": "pagesight.storage.values",
    "KnownFailure": "pagesight.storage.values",
    "KnownFile": "pagesight.storage.values",
    "NewPage": "pagesight.storage.values",
    "PackedPage": "pagesight.storage.values",
    "PageWords": "pagesight.storage.values",
    "SeenPicture": "pagesight.storage.values",
    "SourceFile": "pagesight.storage.values",
    "WordScores": "pagesight.storage.words",
}


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> object:  # PEP 562
    if name == "similarity":
        return import_module("pagesight.engine.similarity")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

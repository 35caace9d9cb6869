"""The index that is measured: made from a dataset's corpus with a setting, and what making it cost."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import DEFAULT_MODEL, IndexConfig, ModelConfig
from pagesight.indexer.modes import OcrMode
from pagesight.indexer.running.pipeline import PageDone
from pagesight.indexer.running.plan import Outcome
from pagesight.storage.codecs import DEFAULT_CODEC, DEFAULT_POOL_FACTOR

if TYPE_CHECKING:
    from pagesight.engine.evaluation.dataset import Corpus


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSetting:
    """What makes one index differ from another. truncate_dim: single vectors are cut to it. task: the model's adapter.
    pool_factor: one stored token vector for so many. ocr: as in IndexConfig.
    """

    model: str = DEFAULT_MODEL
    codec: str = DEFAULT_CODEC
    pool_factor: int = DEFAULT_POOL_FACTOR
    truncate_dim: int | None = None
    ocr: OcrMode | None = None
    task: str | None = None

    @property
    def model_config(self) -> ModelConfig:
        """What the model is loaded with."""
        return ModelConfig(task=self.task, single_dim=self.truncate_dim)

    @property
    def folder_name(self) -> str:
        parts = (self.model, self.codec, self.pool_factor, self.truncate_dim or "", self.ocr or "", self.task or "")
        plain = re.sub(r"[^\w.]+", "-", Path(self.model).name)
        return f"{plain}-{self.codec}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class IndexingCost:
    """Seconds and pages of all runs that made an index; kept beside it."""

    n_pages: int = 0
    seconds: float = 0.0

    @classmethod
    def read(cls, index: Path) -> IndexingCost:
        """Nothing where it is not known; a run that was killed, or a full disk, may leave half a file."""
        try:
            return cls(**json.loads(_cost_path(index).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self, index: Path) -> None:
        text = json.dumps({"n_pages": self.n_pages, "seconds": round(self.seconds, 3)})
        _cost_path(index).write_text(text, encoding="utf-8")


def make_index(
    corpus: Corpus,
    setting: IndexSetting,
    index: Path,
    place: Path,
    *,
    on_page: Callable[[PageDone], None] | None = None,
    on_file: Callable[[Outcome], None] | None = None,
) -> SearchEngine:
    """Bring the index in ``index`` up to date with the corpus, which lies in ``place``, and open it; an interrupted one goes on where it stopped.

    Files that cannot be read are outcomes like any other: their pages are never found, and that is measured.
    """
    engine = SearchEngine.open(
        index,
        model=setting.model,
        settings=setting.model_config,
        codec=setting.codec,
        pool_factor=setting.pool_factor,
    )
    before = IndexingCost.read(index)
    began, n_pages = time.perf_counter(), 0
    try:
        config = IndexConfig(ocr=setting.ocr, text=corpus.reads_text, prune=True)
        for outcome in engine.iter_index([place], config, on_page=on_page):
            n_pages += outcome.n_pages
            if on_file is not None:
                on_file(outcome)
        if corpus.reads_text and corpus.foreign:
            engine.remove(*corpus.foreign)
    except BaseException:  # Ctrl-C too: what was spent counts, and the index is let go
        engine.close()
        raise
    finally:
        if n_pages:
            IndexingCost(before.n_pages + n_pages, before.seconds + time.perf_counter() - began).write(index)
    return engine


def _cost_path(index: Path) -> Path:
    return index.with_name(index.name + ".cost.json")

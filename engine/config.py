"""Settings, each with its unit and its default, which is written only here."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from indexer.content import OcrMode
from storage.errors import ConfigError

DEFAULT_MODEL = "multilingual-e5-small"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """How a question is answered.

    k: pages returned. n_candidates: pages the recall stage hands to the exact rerank. token_recall: find candidates also by
    their token vectors, beside the single vector and words. exact: score every page instead.
    """

    k: int = 10
    n_candidates: int = 200
    token_recall: bool = True
    exact: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.k <= 10_000:
            raise ConfigError(f"k must be from 1 to 10000, not {self.k}")
        if self.n_candidates < self.k and not self.exact:
            raise ConfigError(f"n_candidates ({self.n_candidates}) must not be smaller than k ({self.k})")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How files are read and stored.

    text: text files and code in folders are documents too; a file that is named on its own always is.
    n_processes: reading processes. seconds_per_page: how long one may be silent before it is stopped.
    """

    password: str | None = None
    ocr: OcrMode = "auto"
    text: bool = False
    n_processes: int = field(default_factory=lambda: max(1, min(8, os.cpu_count() or 1)))
    seconds_per_page: float = 120.0
    reindex: bool = False
    retry: bool = False
    rehash: bool = False
    prune: bool = False
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.n_processes < 1:
            raise ConfigError(f"n_processes must be at least 1, not {self.n_processes}")
        if self.seconds_per_page <= 0:
            raise ConfigError(f"seconds_per_page must be positive, not {self.seconds_per_page}")

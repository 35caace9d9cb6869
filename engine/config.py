"""Settings, each with its unit and its default, which is written only here."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from numbers import Real
from operator import index
from typing import ClassVar, Self, TypedDict

from pagesight.indexer.modes import OcrMode, check_ocr
from pagesight.storage.errors import ConfigError
from pagesight.storage.names import nfc
from pagesight.storage.parts import Part

DEFAULT_MODEL = "multilingual-e5-small"
MAX_TAG_NAME = 200  # letters


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """How a question is answered.

    k: pages returned. n_candidates: pages the recall stage hands to the exact rerank, never fewer than k. token_recall: find candidates also by
    their token vectors, beside the single vector and words. exact: score every page instead. score_on: the device of torch
    that pages are scored on, as "cuda"; None means the processor's own kernel, which needs no torch. terms: add to MaxSim
    what engine.ranking has for the model; False is MaxSim as published. min_confidence: return nothing if the probability that the first
    hit is right is lower; it has no effect where it is not known (see engine.ranking.confidence). mend: read questions as they
    are meant, slips of the pen and other writings included (see engine.typed); False is as they are typed. second_opinion: the first
    so many pages are ordered by the reranker that the engine was opened with, if it was; 0 for none.
    """

    k: int = 10
    n_candidates: int = 200
    token_recall: bool = True
    exact: bool = False
    score_on: str | None = None
    terms: bool = True
    min_confidence: float = 0.0
    mend: bool = True
    second_opinion: int = 20
    most_k: ClassVar[int] = 10_000

    def __post_init__(self) -> None:
        for name in ("k", "n_candidates", "second_opinion"):
            given = getattr(self, name)
            try:
                object.__setattr__(self, name, index(given))  # of numpy's integers, too, which JSON does not know
            except TypeError:
                raise ConfigError(f"{name} must be a whole number, not {given!r}") from None
        if not 1 <= self.k <= self.most_k:
            raise ConfigError(f"k must be from 1 to {self.most_k}, not {self.k}")
        if self.n_candidates < 1:
            raise ConfigError(f"n_candidates must be at least 1, not {self.n_candidates}")
        if not (isinstance(self.min_confidence, Real) and 0 <= self.min_confidence <= 1):
            raise ConfigError(f"min_confidence must be from 0 to 1, not {self.min_confidence!r}")
        if not 0 <= self.second_opinion <= 1_000:
            raise ConfigError(f"second_opinion must be from 0 to 1000, not {self.second_opinion}")
        object.__setattr__(self, "n_candidates", max(self.n_candidates, self.k))

    def wider(self, k: int) -> SearchConfig:
        """The same for ``k`` pages, however many."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return WiderConfig(**{**own, "k": k})


@dataclass(frozen=True, slots=True, kw_only=True)
class WiderConfig(SearchConfig):
    """Of a search that we make to answer another one: it may need one page more, or all that somebody named."""

    most_k: ClassVar[int] = sys.maxsize


class SearchFields(TypedDict, total=False):
    """The fields of SearchConfig as keywords of a search."""

    k: int
    n_candidates: int
    token_recall: bool
    exact: bool
    score_on: str | None
    terms: bool
    min_confidence: float
    mend: bool
    second_opinion: int


def search_config(config: SearchConfig | None, fields_: SearchFields) -> SearchConfig:
    """What a search is told: a whole configuration, or single fields of it, which change it. Raises ConfigError."""
    known = {f.name for f in fields(SearchConfig)}
    if unknown := sorted(fields_.keys() - known):
        raise ConfigError(f"there is no setting {', '.join(unknown)} of a search; there are {', '.join(sorted(known))}")
    return replace(config or SearchConfig(), **fields_)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What a model has a choice of. None and "auto" leave it to the model.

    The first four change its vectors, are kept in the index, and cannot differ afterwards:
    task: of a model with an adapter a task. single_dim: to cut single vectors to. image_pixels: of a page picture, at most.
    sight: of a model that reads words: what kinds of pictures a page has is seen, too.
    The others say how it runs:
    device: as torch names it; several, joined by commas, are used at once by a process each. dtype: float32, bfloat16.
    batch_tokens: of one forward pass. compile: by torch, which takes a minute. offline: never fetch weights.
    """

    task: str | None = None
    single_dim: int | None = None
    image_pixels: int | None = None
    sight: bool = False
    device: str = "auto"
    dtype: str = "auto"
    batch_tokens: int | None = None
    compile: bool = False
    offline: bool = False

    def __post_init__(self) -> None:
        for name in ("single_dim", "image_pixels", "batch_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be positive, not {value}")

    def stored(self) -> dict[str, str | int]:
        """What belongs to an index."""
        chosen = {"task": self.task, "single_dim": self.single_dim, "image_pixels": self.image_pixels}
        chosen["sight"] = self.sight or None
        return {name: value for name, value in chosen.items() if value is not None}

    def with_stored(self, stored: Mapping[str, str | int]) -> Self:
        """The same, with the settings of an index."""
        return replace(self, **stored)  # type: ignore[arg-type]  # what stored() gave

    def given(self) -> list[str]:
        """Names of all settings that were made; ``offline`` binds every model and is none."""
        usual = ModelConfig()
        return [f.name for f in fields(self) if f.name != "offline" and getattr(self, f.name) != getattr(usual, f.name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How files are read and stored.

    password: tried on encrypted files. ocr: None reads pixels where there is no text layer if the model reads words, and never if it sees the page itself.
    text: text files and code in folders are documents too; a file that is named on its own always is.
    n_processes: reading processes. nice: how much these give way to the work of others, from 0 to 19. seconds_per_page: of processor time a page may take, and of doing nothing at all.
    reindex: read everything again. retry: read again what failed before. rehash: do not trust size and time. prune: forget
    files that are gone. tags: of the documents, by name. part: take only documents of this part of a whole, as "2/4" (storage.parts).
    """

    password: str | None = None
    ocr: OcrMode | None = None
    text: bool = False
    n_processes: int = field(default_factory=lambda: max(1, min(8, os.cpu_count() or 1)))
    nice: int = 0
    seconds_per_page: float = 120.0
    reindex: bool = False
    retry: bool = False
    rehash: bool = False
    prune: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    part: str | None = None

    def __post_init__(self) -> None:
        if self.part is not None:
            Part.parse(self.part)
        if self.ocr is not None:
            check_ocr(self.ocr)
        if self.n_processes < 1:
            raise ConfigError(f"n_processes must be at least 1, not {self.n_processes}")
        if self.seconds_per_page <= 0:
            raise ConfigError(f"seconds_per_page must be positive, not {self.seconds_per_page}")
        _check_nice(self.nice)
        for name, value in self.tags.items():
            _check_tag(name, value)
        # As filters are, which would find no others.
        object.__setattr__(self, "tags", {nfc(name): nfc(value) for name, value in self.tags.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """When a folder is looked at.

    settle_s: a file is left alone until its size and time have not changed for so long. poll_s: between looks at folders that
    give no events (network shares). rescan_s: between looks at all others, as a net. retry_s: after the index was locked, or
    the disk full. nice: how much the work gives way to that of others, from 0 to 19.
    """

    settle_s: float = 5.0
    poll_s: float = 30.0
    rescan_s: float = 300.0
    retry_s: float = 15.0
    nice: int = 10

    def __post_init__(self) -> None:
        for name in ("settle_s", "poll_s", "rescan_s", "retry_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be positive, not {getattr(self, name)}")
        _check_nice(self.nice)


def _check_tag(name: str, value: str) -> None:
    """Databases keep text of Unicode only, and PostgreSQL no NUL in it."""
    if not (isinstance(name, str) and isinstance(value, str)):
        raise ConfigError(f"tags are text by name, not {value!r} by {name!r}")
    if not name or len(name) > MAX_TAG_NAME:
        raise ConfigError(f"the name of a tag must have from 1 to {MAX_TAG_NAME} letters, not {len(name)}")
    for text in (name, value):
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            raise ConfigError(f"the tag {name!r} has characters that cannot be stored in {text[:80]!r}")


def _check_nice(nice: int) -> None:
    if not 0 <= nice <= 19:
        raise ConfigError(f"nice must be from 0 to 19, not {nice}")

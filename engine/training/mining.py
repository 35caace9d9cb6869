"""Hard negatives: what our own index takes for an answer and is none.

Of the pages at some ranks of what the index finds for a question, those are taken that score clearly less than the right
answer does: what scores as well is likely an answer that nobody judged (NV-Retriever, arXiv:2407.15831, "TopK-PercPos").
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.api import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.evaluation.dataset import EvalQuery
from pagesight.engine.evaluation.run import Items
from pagesight.engine.index import View
from pagesight.engine.retrieval import Question, rerank, search
from pagesight.engine.training.minable import Minable
from pagesight.storage.errors import ConfigError, DatasetError, EmptyQuery
from pagesight.storage.filters import parse_filter
from pagesight.storage.tables.database import disk_errors

POSITIVE, NEAR, MARGIN, SAME_DOCUMENT, SPARE = (
    "answers themselves",
    "almost the same as an answer",
    "too close to the answer's score",
    "of an answer's document",
    "more than were asked for",
)
NO_ANSWER, NO_WORD, NONE_LEFT = (
    "no answer is in the index",
    "they have no word to search for",
    "no page within the ranks is left",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MiningConfig:
    """Which pages become negatives.

    ranks: first and last, from 1, of what the index finds; answers count. margin: they score at most this share of the best
    answer's score. near: the cosine of single vectors from which a page is a copy of an answer. n_negatives: of a question, at
    most, drawn from what is left. other_documents: none of a document that has an answer. filters: see storage.filters.
    """

    ranks: tuple[int, int] = (2, 30)
    margin: float = 0.95
    near: float = 0.99
    n_negatives: int = 7
    other_documents: bool = False
    filters: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.ranks[0] <= self.ranks[1] <= 10_000:
            raise ConfigError(f"ranks must be two numbers from 1 to 10000, the smaller first, not {self.ranks}")
        if not 0 < self.margin <= 1:
            raise ConfigError(f"margin must be above 0 and at most 1, not {self.margin}")
        if self.n_negatives < 1:
            raise ConfigError(f"n_negatives must be at least 1, not {self.n_negatives}")
        if self.seed < 0:
            raise ConfigError(f"seed must be 0 or more, not {self.seed}")
        if self.filters is not None:
            parse_filter(self.filters)


@dataclass(slots=True)
class Mined:
    """What came of mining. dropped: pages within the ranks that became no negatives, by reason. left_out: questions, by reason."""

    path: Path
    n_questions: int = 0
    n_written: int = 0
    n_negatives: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            f.name: dict(value) if isinstance(value := getattr(self, f.name), Counter) else value for f in fields(self)
        }


def mine(
    data: Minable,
    engine: SearchEngine,
    out: Path,
    config: MiningConfig | None = None,
    *,
    overwrite: bool = False,
    on_question: Callable[[], None] | None = None,
) -> Mined:
    """Ask the index every question of the data, and write each with its answers and hard negatives to ``out`` (.jsonl).

    The file is there when all of it is. Raises ConfigError if it is there already, DatasetError if no answer is in the index.
    """
    config = config or MiningConfig()
    check_free(out, overwrite=overwrite)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    mined = Mined(out)
    try:
        with disk_errors(out.parent), open(part, "w", encoding="utf-8") as file, engine.view() as view:
            mining = _Mining(engine, view, data, config, mined)
            for query in data.dataset.judged:
                row = mining.row(query)
                if row is not None:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                if on_question is not None:
                    on_question()
        if not mined.n_written:
            reasons = ", ".join(f"{n:,}: {reason}" for reason, n in mined.left_out.items())
            raise DatasetError(f"nothing was mined for {data.dataset.name} in the index {engine.address} ({reasons})")
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    return mined


def check_free(out: Path, *, overwrite: bool) -> None:
    """Raise ConfigError for a file that would be overwritten, or that cannot be."""
    if out.suffix != ".jsonl":
        raise ConfigError(f"{out} must end in .jsonl")
    if out.is_dir() or (out.exists() and not overwrite):
        raise ConfigError(f"{out} is there already; name another file, or allow it to be overwritten")
    if not out.parent.is_dir():
        raise ConfigError(f"there is no folder {out.parent}")
    try:
        TemporaryFile(dir=out.parent).close()
    except OSError as error:
        raise ConfigError(f"{out.parent} cannot be written to: {error.strerror}; name a file elsewhere") from error


class _Mining:
    def __init__(self, engine: SearchEngine, view: View, data: Minable, config: MiningConfig, mined: Mined) -> None:
        self._engine, self._view, self._data, self._config, self._mined = engine, view, data, config, mined
        self._items = Items(view, data.dataset.corpus)
        self._pages = self._items.by_item()

    def row(self, query: EvalQuery) -> dict[str, Any] | None:
        """The line of a question; None if there is none."""
        self._mined.n_questions += 1
        grades = self._data.dataset.qrels[query.id]
        answers = [item for item, grade in grades.items() if grade > 0]
        pages = np.array(sorted({page for item in answers for page in self._pages.get(item, ())}), np.int64)
        negatives = self._negatives(query, grades, pages) if len(pages) else NO_ANSWER
        if isinstance(negatives, str):
            self._mined.left_out[negatives] += 1
            return None
        self._mined.n_written += 1
        self._mined.n_negatives += len(negatives)
        return self._data.row(query, answers, negatives)

    def _negatives(self, query: EvalQuery, grades: Mapping[str, int], pages: NDArray[np.int64]) -> list[str] | str:
        """Items, in order of their rank; or why there are none. pages: of the answers."""
        first, last = self._config.ranks
        try:
            question = Question.of(query.text, self._engine.encoder, self._config.filters)
        except EmptyQuery:
            return NO_WORD
        best = rerank(question, self._view, pages, SearchConfig(k=1))[0].score
        limit = best - (1 - self._config.margin) * abs(best)
        scores = self._items.scores(search(question, self._view, SearchConfig(k=last)))
        singles = np.stack([self._view.single(page) for page in pages.tolist()])
        documents = {self._data.document(item) for item, grade in grades.items() if grade > 0}
        kept: list[str] = []
        for item, score in list(scores.items())[first - 1 : last]:
            reason = self._reason(item, score, limit, grades, singles, documents)
            if reason:
                self._mined.dropped[reason] += 1
            else:
                kept.append(item)
        spare = len(kept) - self._config.n_negatives
        if spare <= 0:
            return kept or NONE_LEFT
        self._mined.dropped[SPARE] += spare
        rng = np.random.default_rng([self._config.seed, *query.id.encode()])
        return [kept[place] for place in sorted(rng.choice(len(kept), self._config.n_negatives, replace=False))]

    def _reason(
        self,
        item: str,
        score: float,
        limit: float,
        grades: Mapping[str, int],
        singles: NDArray[np.float32],
        documents: set[str],
    ) -> str:
        """Why an item is no negative; "" if it is one. What was judged to be wrong is one whatever it scores."""
        if item in grades:
            return POSITIVE if grades[item] > 0 else ""
        if self._config.other_documents and self._data.document(item) in documents:
            return SAME_DOCUMENT
        if score > limit:
            return MARGIN
        own = np.stack([self._view.single(page) for page in self._pages[item]])
        return NEAR if float((own @ singles.T).max()) >= self._config.near else ""

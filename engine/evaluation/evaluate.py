"""One evaluation: an index and the questions of a dataset go in, figures come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pagesight.engine.api import SearchEngine
from pagesight.engine.evaluation.dataset import Dataset
from pagesight.engine.evaluation.indexing import IndexingCost, IndexSetting, make_index
from pagesight.engine.evaluation.metrics import Metric
from pagesight.engine.evaluation.result import Result, result_of_answers
from pagesight.engine.evaluation.run import Answers, AskConfig, ask, with_scanned
from pagesight.indexer.running.pipeline import PageDone
from pagesight.indexer.running.plan import Outcome


class IndexWatcher(Protocol):
    """Told of each page and file."""

    def page_done(self, done: PageDone) -> None: ...
    def file_done(self, outcome: Outcome) -> None: ...


class Watcher(Protocol):
    """Told how far a measurement is; the command line draws bars."""

    def indexing(self, place: Path) -> AbstractContextManager[IndexWatcher]: ...
    def asking(self, n_queries: int) -> AbstractContextManager[Callable[[], None]]: ...


class Silent:
    """A Watcher that says nothing."""

    @contextmanager
    def indexing(self, place: Path) -> Iterator[Silent]:  # noqa: ARG002 - as Watcher.indexing
        yield self

    @contextmanager
    def asking(self, n_queries: int) -> Iterator[Callable[[], None]]:  # noqa: ARG002 - as Watcher.asking
        yield lambda: None

    def page_done(self, done: PageDone) -> None: ...
    def file_done(self, outcome: Outcome) -> None: ...


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The figures, and the answers they were taken from."""

    result: Result
    answers: Answers


def evaluate_setting(
    dataset: Dataset,
    setting: IndexSetting,
    config: AskConfig,
    metrics: Sequence[Metric],
    folder: Path,
    watcher: Watcher,
) -> Evaluated:
    """With an index of this setting, which is made in ``folder`` and kept there: the next time it is only brought up to
    date. Stopping at any time loses nothing that is indexed.
    """
    index = folder / "indexes" / setting.folder_name
    index.parent.mkdir(parents=True, exist_ok=True)
    place = dataset.corpus.place(folder / "corpus")
    with watcher.indexing(place) as told:
        engine = make_index(dataset.corpus, setting, index, place, on_page=told.page_done, on_file=told.file_done)
    return evaluate_index(dataset, engine, config, metrics, watcher, IndexingCost.read(index))


def evaluate_index(
    dataset: Dataset,
    engine: SearchEngine,
    config: AskConfig,
    metrics: Sequence[Metric],
    watcher: Watcher,
    cost: IndexingCost | None = None,
) -> Evaluated:
    """With an index as it stands; it is closed at the end. cost: of making it, where that is known."""
    with engine, watcher.asking(len(dataset.judged)) as query_done:
        answers = ask(engine, dataset, config, query_done)
        space = engine.store.space
        setting: dict[str, str | int | None] = {
            "model": space.encoder,
            "codec": space.codec,
            "n_candidates": config.n_candidates,
            **({} if config.reranker is None else {"reranker": config.reranker.name}),
        }
        grouped = with_scanned(dataset, answers.scanned)
        result = result_of_answers(grouped, answers, metrics, setting, engine, cost or IndexingCost())
    return Evaluated(result, answers)

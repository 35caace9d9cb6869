"""Asking an index every query of a dataset: what is found, how long each stage takes, how close it is to exact search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pagesight.engine import answering
from pagesight.engine.api import SearchEngine
from pagesight.engine.config import SearchConfig
from pagesight.engine.evaluation.dataset import Corpus, Dataset, EvalQuery
from pagesight.engine.evaluation.pairs import DocumentsAsQueries
from pagesight.engine.evaluation.places import Box, Places, places_of
from pagesight.engine.index import View
from pagesight.engine.reranker.table import load_reranker
from pagesight.engine.results import Confidence, Region
from pagesight.engine.retrieval import Question, ScoredPage, recall, rerank, search
from pagesight.engine.stages import STAGES, stage
from pagesight.storage.errors import ConfigError, DatasetError, EmptyQuery

SHOWN = 10  # hits that are described, and compared with exact search: what a user sees


@dataclass(frozen=True, slots=True, kw_only=True)
class AskConfig:
    """depth: pages kept a query. n_candidates: as in SearchConfig. n_exact: queries that are answered exactly as well.

    symmetric: queries are documents (ArguAna): they are encoded as the pages were, and a query's own document, the one
    with its id, does not count as found. reranker: folder of one that gives a second opinion; None: the engine's, if it has one.
    """

    depth: int = 100
    n_candidates: int = SearchConfig().n_candidates
    n_exact: int = 100
    symmetric: bool = False
    reranker: Path | None = None

    def __post_init__(self) -> None:
        if self.depth < SHOWN:
            raise ConfigError(f"depth must be at least {SHOWN}, not {self.depth}")
        if self.n_candidates < SHOWN:
            raise ConfigError(f"n_candidates must be at least {SHOWN}, not {self.n_candidates}")
        if self.n_exact < 0:
            raise ConfigError(f"n_exact must not be negative, not {self.n_exact}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came of asking.

    run: query id -> item -> score. seconds: stage -> (n,) of the queries that have a word to search for. exact and shown:
    the best SHOWN items of exact search and of the two stages, for every n-th query. recall: (n,) share of the exact
    ones among the candidates. n_missing: relevant items that are not in the index. scanned: query ids whose answers
    were read by OCR. confidences: query id -> how sure the answer was, also of unanswerable queries; empty where the model
    was never calibrated. places: whether regions are where the queries say that the answers are.
    """

    run: Mapping[str, Mapping[str, float]]
    seconds: Mapping[str, NDArray[np.float64]]
    shown: Mapping[str, tuple[str, ...]]
    exact: Mapping[str, tuple[str, ...]]
    recall: NDArray[np.float64]
    n_missing: int
    scanned: frozenset[str]
    confidences: Mapping[str, Confidence] = field(default_factory=dict)
    places: Places | None = None


def ask(
    engine: SearchEngine,
    dataset: Dataset,
    config: AskConfig,
    on_query: Callable[[], None] | None = None,
) -> Answers:
    """Ask every judged query, one after the other, after one that is not timed.

    Raises DatasetError if nothing that is relevant is in the index.
    """
    with engine.view() as view:
        items = Items(view, dataset.corpus)
        relevant = {q.id: {i: g for i, g in dataset.qrels[q.id].items() if g > 0} for q in dataset.judged}
        sought = {item for grades in relevant.values() for item in grades}
        if sought and not sought & items.sources.keys():
            raise DatasetError(
                f"nothing that answers the queries of {dataset.name} is in the index {engine.address}: its documents were "
                "not indexed there, or could not be read"
            )
        asking = _Asking(engine, view, items, config)
        asking.warm_up(dataset.judged)
        for query in dataset.judged:
            asking.ask(query)
            if on_query is not None:
                on_query()
        for query in dataset.unanswerable:
            asking.ask_in_vain(query)
        if config.n_exact:  # after the timed ones: exact search reads every page into the system's memory
            for query in dataset.judged[:: -(-len(dataset.judged) // config.n_exact)]:
                asking.compare(query)
        best = {
            query_id: [i for i, g in grades.items() if g == max(grades.values())]
            for query_id, grades in relevant.items()
        }
        scanned = (query for query, items_of in best.items() if any(items.sources.get(i) == "ocr" for i in items_of))
        return asking.answers(n_missing=len(sought - items.sources.keys()), scanned=frozenset(scanned))


def search_items(
    engine: SearchEngine,
    corpus: Corpus,
    queries: Sequence[EvalQuery],
    config: AskConfig,
    among: Mapping[str, Sequence[str]] | None = None,
) -> Mapping[str, Mapping[str, float]]:
    """query id -> item -> score, and nothing measured. among: the only items that are scored, for each query."""
    with engine.view() as view:
        asking = _Asking(engine, view, Items(view, corpus), config)
        for query in queries:
            asking.ask(query, among=None if among is None else among.get(query.id, ()))
        return asking.run


def with_scanned(dataset: Dataset, scanned: frozenset[str]) -> Dataset:
    """The dataset with its queries grouped by whether their answers were read by OCR too."""
    queries = (
        replace(query, groups={**query.groups, "scanned": "yes" if query.id in scanned else "no"})
        for query in dataset.queries
    )
    return replace(dataset, queries=tuple(queries))


class Items:
    """Which items the pages of an index stand for. A file that lies in the corpus twice stands for two.

    page_ids: (n,) of all that can be found. sources: item -> where its words came from, as in StoredPage.text_source.
    """

    def __init__(self, view: View, corpus: Corpus) -> None:
        self.page_ids = view.page_ids()
        locations = {document.sha256: document.locations for document in view.documents()}
        self._of_page: dict[int, tuple[str, ...]] = {}
        self.sources: dict[str, str] = {}
        for page_id, page in view.describe(self.page_ids).items():
            found = (corpus.item(location, page.number) for location in locations.get(page.sha256, ()))
            items = tuple(item for item in found if item is not None) or (f"{page.document}:{page.number}",)
            self._of_page[page_id] = items
            self.sources.update(dict.fromkeys(items, page.text_source))

    def pages(self, items: Collection[str]) -> NDArray[np.int64]:
        """Ids of the pages of these items, ascending."""
        wanted = set(items)
        return np.array([page for page, of_page in self._of_page.items() if wanted & set(of_page)], np.int64)

    def of(self, page_id: int) -> tuple[str, ...]:
        """What a page stands for."""
        return self._of_page[page_id]

    def by_item(self) -> dict[str, list[int]]:
        """Item -> ids of its pages, ascending, of all items."""
        pages: dict[str, list[int]] = defaultdict(list)
        for page, items in self._of_page.items():
            for item in items:
                pages[item].append(page)
        return {item: sorted(of_item) for item, of_item in pages.items()}

    def scores(self, ranked: Sequence[ScoredPage], own: str | None = None) -> dict[str, float]:
        """Items with the score of their best page, best first; without the item ``own``."""
        scores: dict[str, float] = {}
        for page in ranked:
            for item in self._of_page[page.page_id]:
                if item != own:
                    scores.setdefault(item, page.score)
        return scores


class _Asking:
    def __init__(self, engine: SearchEngine, view: View, items: Items, config: AskConfig) -> None:
        self._encoder = DocumentsAsQueries(engine.encoder) if config.symmetric else engine.encoder
        self._view, self._items, self._config = view, items, config
        self._reranker = load_reranker(config.reranker) if config.reranker is not None else engine.reranker
        self.run: dict[str, dict[str, float]] = {}
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._shown: dict[str, tuple[str, ...]] = {}
        self._exact: dict[str, tuple[str, ...]] = {}
        self._recalled: list[float] = []
        self._confidences: dict[str, Confidence] = {}
        self._placed: dict[str, tuple[Sequence[Region], Sequence[Box]]] = {}
        self._boxed: set[str] = set()

    def warm_up(self, queries: Sequence[EvalQuery]) -> None:
        """What only the first search of a process costs is not the latency of a query."""
        self.ask(queries[0])
        self._seconds.clear()

    def ask(self, query: EvalQuery, *, among: Sequence[str] | None = None) -> None:
        """As the engine answers, with the time that each stage takes."""
        seconds: dict[str, float] = {}

        def count(name: str, taken: float) -> None:
            seconds[name] = seconds.get(name, 0.0) + taken  # several questions in one are asked one after the other

        config = self._search_config(self._config.depth)
        try:
            if among is None:
                found = answering.ask(
                    query.text, self._encoder, self._view, config, on_stage=count, reranker=self._reranker
                )
            else:
                with stage("encode", count):
                    question = self._question(query)
                ranked = rerank(question, self._view, self._items.pages(among), config)
                found = [answering.Found(page, question, None) for page in ranked]
        except EmptyQuery:
            self.run[query.id] = {}
            return
        if found and found[0].confidence is not None:
            self._confidences[query.id] = found[0].confidence
        with stage("describe", count):
            hits = answering.described(found[:SHOWN], self._view)
        if query.boxes and hits:
            self._boxed.add(query.id)
            boxes = [box for item in self._items.of(hits[0].page_id) for box in query.boxes.get(item, ())]
            if boxes:
                self._placed[query.id] = hits[0].regions, boxes
        for name, taken in seconds.items():
            self._seconds[name].append(taken)
        ranked = [one.page for one in found]
        if self._reranker is not None:  # hits keep their scores, a run is ordered by them
            ranked = [replace(page, score=float(len(ranked) - i)) for i, page in enumerate(ranked)]
        self.run[query.id] = self._items.scores(ranked, query.id if self._config.symmetric else None)

    def ask_in_vain(self, query: EvalQuery) -> None:
        """A query that nothing answers: only how sure the answer is."""
        try:
            found = answering.ask(query.text, self._encoder, self._view, self._search_config(SHOWN))
        except EmptyQuery:
            return
        if found and found[0].confidence is not None:
            self._confidences[query.id] = found[0].confidence

    def compare(self, query: EvalQuery) -> None:
        """The same with exact search beside it."""
        if not self.run[query.id]:
            return
        question, config = self._question(query), self._search_config(SHOWN)
        candidates = recall(question, self._view, config)
        exact = search(question, self._view, replace(config, exact=True))
        self._recalled.append(float(np.isin([page.page_id for page in exact], candidates).mean()))
        self._exact[query.id] = tuple(self._items.scores(exact))
        self._shown[query.id] = tuple(self._items.scores(rerank(question, self._view, candidates, config)))

    def _question(self, query: EvalQuery) -> Question:
        return Question.of(query.text, self._encoder, typed_for=None if self._config.symmetric else self._view)

    def _search_config(self, k: int) -> SearchConfig:
        """No more pages than candidates: their number is what a sweep measures. Documents that ask were not typed."""
        n = self._config.n_candidates
        return SearchConfig(k=min(k, n), n_candidates=n, mend=not self._config.symmetric)

    def answers(self, *, n_missing: int, scanned: frozenset[str]) -> Answers:
        return Answers(
            run=self.run,
            seconds={
                stage: np.array(self._seconds[stage])
                for stage in STAGES
                if self._seconds[stage] or stage not in ("confidence", "second opinion")
            },
            shown=self._shown,
            exact=self._exact,
            recall=np.array(self._recalled),
            n_missing=n_missing,
            scanned=scanned,
            confidences=self._confidences,
            places=places_of(list(self._placed.values()), len(self._boxed)),
        )

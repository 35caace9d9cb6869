"""From questions to pages over all shards, as one index with everything in it answers them (engine.retrieval)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.config import SearchConfig
from pagesight.engine.ranking.confidence import (
    FEWEST_PAGES,
    LOOKED_AT,
    calibration_of,
    sample_of,
    signs_beside,
)
from pagesight.engine.ranking.terms import BEST_BY_WORDS, FEW, FEWEST_IS_FEW
from pagesight.engine.results import Confidence
from pagesight.engine.retrieval import Question, ScoredPage
from pagesight.engine.shards import wire
from pagesight.engine.shards.cluster import Round
from pagesight.engine.shards.wire import Json, Place
from pagesight.engine.stages import OnStage, stage
from pagesight.storage.bm25 import WordStatistics
from pagesight.storage.words import telling

# How a shard is told to search: what depends on the process that does it is its own affair.
TOLD = ("k", "n_candidates", "exact", "terms")


class Pages:
    """Numbers for pages of all shards, for as long as one question is answered."""

    def __init__(self) -> None:
        self._ids: dict[object, int] = {}
        self._at: dict[int, tuple[int, Place]] = {}

    def id_of(self, shard: int, place: Place) -> int:
        """The same for the same page, whichever shard found it first."""
        page_id = self.id_of_opening(place.key)
        self._at.setdefault(page_id, (shard, place))
        return page_id

    def id_of_opening(self, key: object) -> int:
        return self._ids.setdefault(key, len(self._ids) + 1)

    def at(self, page_id: int) -> tuple[int, Place]:
        """Its shard and place."""
        return self._at[page_id]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the shards have together for one question. n_allowed: pages that may be found, by shard; None: it does not answer.

    written: phrases of the question's dates and part numbers that are on a few pages and tell these from others.
    """

    statistics: WordStatistics
    n_allowed: tuple[int | None, ...]
    written: tuple[tuple[str, ...], ...]


def answers(
    asking: Round, questions: Sequence[Question], config: SearchConfig, pages: Pages, on_stage: OnStage | None = None
) -> list[tuple[list[ScoredPage], Confidence | None]]:
    """``engine.retrieval.answer`` for each question: its best pages, at most ``config.k``, and how sure that is."""
    if not questions:
        return []
    with stage("numbers", on_stage):
        numbers = numbers_of(asking, questions)
        n_words = words_of(asking, questions, numbers)
    sure = [bool(question.ranking.calibration) and config.terms for question in questions]
    wider = min(max(config.k, LOOKED_AT), config.n_candidates) if any(sure) else config.k
    with stage("search", on_stage):
        found = search(asking, questions, numbers, n_words, replace(config, k=wider), pages)
    answered = []
    for question, calibrated, number, (best, usual) in zip(questions, sure, numbers, found, strict=True):
        confidence = _confidence(question, number, best, usual) if calibrated else None
        enough = confidence is None or confidence.right >= config.min_confidence
        answered.append((best[: config.k] if enough else [], confidence))
    return answered


def numbers_of(asking: Round, questions: Sequence[Question]) -> list[Numbers]:
    """The first round."""
    body = {
        "questions": [
            {
                "text": question.text,
                "writings": [list(writing.phrases) for writing in question.writings],
                "filters": question.filters,
            }
            for question in questions
        ]
    }
    by_shard = [None if answer is None else answer["questions"] for answer in asking.all("numbers", body)]
    found = []
    for i, question in enumerate(questions):
        own = [None if answer is None else answer[i] for answer in by_shard]
        there = [answer for answer in own if answer is not None]
        statistics = WordStatistics.total([wire.statistics_of(answer["statistics"]) for answer in there])
        most = max(FEWEST_IS_FEW, int(FEW * statistics.n_findable))
        on_pages = [sum(answer["written"][j] for answer in there) for j in range(len(question.writings))]
        written = tuple(w.phrases for w, n in zip(question.writings, on_pages, strict=True) if 0 < n <= most)
        found.append(Numbers(statistics, tuple(None if one is None else one["n_allowed"] for one in own), written))
    return found


def words_of(asking: Round, questions: Sequence[Question], numbers: Sequence[Numbers]) -> list[list[int]]:
    """The second round: for each question, how many of each shard's best pages by words are among the best of all.

    It is left out for questions whose words are on so few pages that all of them are.
    """
    found = [[BEST_BY_WORDS] * asking.n_shards for _ in questions]
    many = [
        i
        for i, (question, number) in enumerate(zip(questions, numbers, strict=True))
        if question.text and _with_words(number.statistics) > BEST_BY_WORDS
    ]
    if not many:
        return found
    body = {
        "questions": [
            {
                "text": questions[i].text,
                "statistics": wire.statistics_json(numbers[i].statistics),
                "filters": questions[i].filters,
            }
            for i in many
        ]
    }
    by_shard = [None if answer is None else answer["scores"] for answer in asking.all("words", body)]
    for at, i in enumerate(many):
        scores = [np.array([] if answer is None else answer[at]) for answer in by_shard]
        shard = np.repeat(np.arange(len(scores)), [len(some) for some in scores])
        best = np.argsort(-np.concatenate(scores), kind="stable")[:BEST_BY_WORDS]
        found[i] = np.bincount(shard[best], minlength=len(scores)).tolist()
    return found


def _with_words(statistics: WordStatistics) -> int:
    """More than the pages with a word of the question that tells something, at most."""
    return sum(statistics.n_with[term] for term in telling(statistics.n_with, statistics.n_findable))


def search(
    asking: Round,
    questions: Sequence[Question],
    numbers: Sequence[Numbers],
    n_words: Sequence[Sequence[int]],
    config: SearchConfig,
    pages: Pages,
) -> list[tuple[list[ScoredPage], NDArray[np.float32]]]:
    """The third round: the best pages of each question, ties by content and page, and what a sample of all pages gets."""
    asked = [
        (wire.question_json(q), wire.statistics_json(n.statistics), n.written)
        for q, n in zip(questions, numbers, strict=True)
    ]
    samples = [_samples(number.n_allowed) for number in numbers]
    told = {name: value for name, value in asdict(config).items() if name in TOLD}
    bodies: list[Json | None] = []
    for shard in range(asking.n_shards):
        rows = [
            {
                "question": question,
                "statistics": statistics,
                "written": [list(phrases) for phrases in written],
                "n_words": n_words[i][shard],
                "sample": samples[i][shard] if questions[i].ranking.calibration and config.terms else [],
            }
            for i, (question, statistics, written) in enumerate(asked)
        ]
        bodies.append(None if numbers[0].n_allowed[shard] is None else {"questions": rows, "config": told})
    by_shard = asking.all("search", bodies)
    return [
        _merged([answer and answer["questions"][i] for answer in by_shard], config.k, pages)
        for i in range(len(questions))
    ]


def _merged(by_shard: Sequence[Json | None], k: int, pages: Pages) -> tuple[list[ScoredPage], NDArray[np.float32]]:
    rows = [
        (page["score"], Place.of(page["place"]), shard, page)
        for shard, answer in enumerate(by_shard)
        for page in (answer["pages"] if answer else ())
    ]
    rows.sort(key=lambda row: (-row[0], row[1].key, row[2]))
    found: dict[int, ScoredPage] = {}
    for _, place, shard, page in rows:
        page_id = pages.id_of(shard, place)
        opening = pages.id_of_opening((shard, page["opening"]))
        found.setdefault(page_id, replace(wire.scored_of(page, page_id), opening=opening))
    usual = [np.array(answer["usual"] if answer else [], np.float32) for answer in by_shard]
    return list(found.values())[:k], np.concatenate(usual)


def _samples(n_allowed: Sequence[int | None]) -> list[list[int]]:
    """For each shard the positions of its pages in a sample of all, as one index with the shards' pages one after the other has it."""
    ends = np.cumsum([n or 0 for n in n_allowed])
    sample = sample_of(int(ends[-1])) if ends[-1] else np.empty(0, np.int64)
    starts = [0, *ends[:-1].tolist()]
    return [
        (sample[(sample >= start) & (sample < stop)] - start).tolist()
        for start, stop in zip(starts, ends.tolist(), strict=True)
    ]


def _confidence(
    question: Question, numbers: Numbers, best: Sequence[ScoredPage], usual: NDArray[np.float32]
) -> Confidence | None:
    """``engine.retrieval.confidence_in``."""
    n_pages, best = sum(n or 0 for n in numbers.n_allowed), best[:LOOKED_AT]
    if n_pages < FEWEST_PAGES or len(best) < 2 or question.length <= 0 or not len(usual):
        return None
    signs = signs_beside(
        usual,
        question.length,
        np.array([page.opening for page in best], np.int64),
        np.array([page.score for page in best], np.float32),
        best[0].parts[0][1],
    )
    return calibration_of(question.ranking.calibration).confidence(signs)

"""Questions, pages and hits as JSON between a coordinator and its shards, with every bit of their numbers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.ranking.score import Ranking
from pagesight.engine.ranking.table import RANKINGS
from pagesight.engine.results import Confidence, Region, ScorePart, SearchHit, TokenMatch
from pagesight.engine.retrieval import Question, ScoredPage
from pagesight.storage.bm25 import WordStatistics
from pagesight.storage.errors import ShardMismatch
from pagesight.storage.names import path_text
from pagesight.storage.values import SeenPicture

Json = dict[str, Any]
Float = NDArray[np.float32]
PROTOCOL = 1  # raised when these forms change


@dataclass(frozen=True, slots=True)
class Place:
    """A page, as all servers name it: by content and number, which order equal pages (``key``).

    page_id: its number in the store that found it, where to look for it first.
    """

    sha256: str
    number: int
    page_id: int = 0

    @property
    def key(self) -> tuple[str, int]:
        return self.sha256, self.number

    def json(self) -> Json:
        return plain(self)

    @classmethod
    def of(cls, fields: Json) -> Self:
        return cls(**fields)


def vectors_json(rows: Float) -> Json:
    """float32 rows, or one of them, as base64."""
    return {"shape": list(rows.shape), "float32": base64.b64encode(rows.astype("<f4").tobytes()).decode()}


def vectors_of(fields: Json) -> Float:
    """Raises ShardMismatch."""
    try:
        rows = np.frombuffer(base64.b64decode(fields["float32"]), "<f4").astype(np.float32)
        return rows.reshape(fields["shape"])
    except ValueError as error:
        raise ShardMismatch(f"these are no vectors of shape {fields['shape']}: {error}") from error


def question_json(question: Question) -> Json:
    """writings stay with the coordinator: shards are told which of their pages have them."""
    encoded = question.encoded
    return {
        "single": vectors_json(encoded.single),
        "tokens": vectors_json(encoded.tokens),
        "token_texts": list(encoded.token_texts),
        "text": question.text,
        "filters": question.filters,
        "opening_weight": question.opening_weight,
        "ranking": [[term.name, term.weight] for term in question.ranking.terms],
        "wording": question.wording,
        "read_as": question.read_as,
    }


def question_of(fields: Json) -> Question:
    """Raises ShardMismatch for a term that this version does not have, and for token vectors that are none."""
    tokens = vectors_of(fields["tokens"])
    if tokens.ndim != 2 or not len(tokens) or not np.isfinite(tokens).all():
        raise ShardMismatch(
            f"a question has token vectors of numbers; these are of shape {tokens.shape}, or have others in them"
        )
    single, texts = vectors_of(fields["single"]), tuple(map(str, fields["token_texts"]))
    if single.ndim != 1 or not np.isfinite(single).all() or len(texts) != len(tokens):
        raise ShardMismatch("a question has one single vector of numbers, and a text for each token vector")
    encoded = EncodedQuery(single, tokens, texts)
    return Question(
        encoded=encoded,
        text=fields["text"],
        filters=fields["filters"],
        opening_weight=fields["opening_weight"],
        ranking=_ranking(fields["ranking"]),
        wording=fields["wording"],
        read_as=fields["read_as"],
    )


def _ranking(named: list[tuple[str, float]]) -> Ranking:
    known = {term.name: term for ranking in RANKINGS.values() for term in ranking.terms}
    if unknown := [name for name, _ in named if name not in known]:
        raise ShardMismatch(
            f"this version adds no {', '.join(unknown)} to scores; let all servers run the same version"
        )
    return Ranking(tuple(replace(known[name], weight=weight) for name, weight in named))


def statistics_json(statistics: WordStatistics) -> Json:
    return {**asdict(statistics), "n_with": dict(statistics.n_with)}


def statistics_of(fields: Mapping[str, Any]) -> WordStatistics:
    return WordStatistics(**fields)


def scored_json(page: ScoredPage) -> Json:
    return {"score": page.score, "parts": [list(part) for part in page.parts], "opening": page.opening}


def scored_of(fields: Json, page_id: int) -> ScoredPage:
    parts = tuple((str(name), float(part)) for name, part in fields["parts"])
    return ScoredPage(page_id, fields["score"], parts, fields["opening"])


def hit_json(hit: SearchHit) -> Json:
    """All fields; confidence is the coordinator's to add."""
    several = ("regions", "matches", "parts", "pictures")
    nested = {name: [plain(one) for one in getattr(hit, name)] for name in several}
    return {**plain(hit), **nested, "path": path_text(hit.path), "confidence": None}


def plain(value: Any) -> Json:
    """The fields of a dataclass as they are; dataclasses.asdict copies what is in them, which took longer than finding it."""
    return {field.name: getattr(value, field.name) for field in fields_of(value)}


def hit_of(fields: Json, *, rank: int, page_id: int, confidence: Confidence | None) -> SearchHit:
    return SearchHit(
        **{
            **fields,
            "rank": rank,
            "page_id": page_id,
            "path": Path(fields["path"]),
            "regions": tuple(Region(_box(one["box"]), one["score"]) for one in fields["regions"]),
            "matches": tuple(TokenMatch(**{**one, "box": _box(one["box"])}) for one in fields["matches"]),
            "snippet_spans": tuple((start, stop) for start, stop in fields["snippet_spans"]),
            "parts": tuple(ScorePart(**one) for one in fields["parts"]),
            "pictures": tuple(SeenPicture(**{**one, "box": _box(one["box"])}) for one in fields["pictures"]),
            "confidence": confidence,
        }
    )


def _box(box: list[float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return x0, y0, x1, y1

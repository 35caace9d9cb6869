"""What a search returns: the same values make the table, ``--json`` and every other form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pagesight.storage.names import path_text
from pagesight.storage.values import SeenPicture

SECOND_OPINION = "second opinion"  # the part of a hit that a reranker gave: it orders hits, and is in no sum


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a page that matched. box: (x0, y0, x1, y1) in page fractions, origin top left.

    score: how much of the question this region answers, from 0 to 1; the best region of a page comes first.
    """

    box: tuple[float, float, float, float]
    score: float

    def to_dict(self) -> dict[str, Any]:
        return {"box": [round(value, 4) for value in self.box], "score": round(self.score, 4)}


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure an answer is. right: the probability that its first hit is; answerable: that the index answers the question at all."""

    right: float
    answerable: float

    def to_dict(self) -> dict[str, float]:
        return {"right": round(self.right, 3), "answerable": round(self.answerable, 3)}


@dataclass(frozen=True, slots=True)
class TokenMatch:
    """One token of the question and the best place for it on the page; a box without area is no place on it."""

    token: str
    score: float  # what it adds to MaxSim: a cosine, times how much the token counts
    box: tuple[float, float, float, float]
    word: str = ""  # what stands there; "" where the page has no words

    def to_dict(self) -> dict[str, Any]:
        box = [round(value, 4) for value in self.box]
        return {"token": self.token, "score": round(self.score, 4), "box": box, "word": self.word}


@dataclass(frozen=True, slots=True)
class ScorePart:
    """A part of a hit's score, by name; the parts of a hit, all but SECOND_OPINION, add up to its score.

    reason: what is to be said of it, as "read 'recieve' as 'receive'" of MaxSim; mostly "".
    """

    name: str
    score: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "score": round(self.score, 4), "reason": self.reason}


def picture_dict(picture: SeenPicture) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    box = [round(value, 4) for value in picture.box]
    text = {"text": picture.text} if picture.text else {}
    return {"kind": picture.kind, "family": picture.family, "box": box, "sure": round(picture.sure, 3), **text}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One page found for a query."""

    rank: int  # from 1
    score: float  # MaxSim and terms, higher is better; comparable within one query only
    document: str  # path relative to the indexed folder
    page: int  # from 1, as a PDF viewer shows it
    n_pages: int
    title: str
    kind: str  # pdf, image, document, text
    page_id: int
    path: Path  # where the file is
    sha256: str  # of the file when it was indexed
    aspect: float  # width over height of the page, four digits
    regions: tuple[Region, ...]
    matches: tuple[TokenMatch, ...]
    snippet: str
    snippet_spans: tuple[tuple[int, int], ...]  # (start, stop) of the matched words in snippet
    parts: tuple[ScorePart, ...] = ()  # of the score, in the order they are added
    confidence: Confidence | None = (
        None  # of the answer that the hit belongs to; None if the model was never calibrated
    )
    question: str = ""  # that it answers, as it was read: mended, or one of several

    pictures: tuple[SeenPicture, ...] = ()  # what was seen on the page, if the index was told to look; largest first

    @property
    def lines(self) -> tuple[int, int] | None:
        """First and last line of the best region, for text files; of the page if nothing on it matched."""
        if self.kind != "text":
            return None
        from pagesight.indexer.reading.text_file import line_span

        return line_span(self.page, self.regions[0].box if self.regions else (0, 0, 1, 1))

    @property
    def name(self) -> str:
        """What ``pagesight show`` takes: document:page."""
        return f"{self.document}:{self.page}"

    def to_dict(self, query_id: str | None = None) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        described: dict[str, Any] = {} if query_id is None else {"query_id": query_id}
        return {
            **described,
            "rank": self.rank,
            "score": round(self.score, 6),
            "parts": [part.to_dict() for part in self.parts],
            "question": self.question,
            "confidence": None if self.confidence is None else self.confidence.to_dict(),
            "document": self.document,
            "page": self.page,
            "n_pages": self.n_pages,
            **({} if self.lines is None else {"lines": self.lines}),
            "title": self.title,
            "kind": self.kind,
            "path": path_text(self.path),
            "regions": [region.to_dict() for region in self.regions],
            "snippet": self.snippet,
            "pictures": [picture_dict(picture) for picture in self.pictures],
        }

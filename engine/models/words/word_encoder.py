"""Encoders that read words: each word of a page becomes a vector that knows its neighbours, and keeps its box.

    words -> pieces -> windows of 128 pieces that overlap -> last layer of a text model -> mean over each unit's pieces

A unit is a word; in scripts without blanks between words (Chinese, Japanese, Thai, ...) it is one piece. Each piece takes
its vector from the window in which it is farthest from an edge. The single vector is the mean over all pieces. Where a
model knows several languages, what tells them apart is taken out of all vectors (engine.models.words.languages).

A piece of a question counts by how rare it is: "Leipzig" says more than "the". Its vector has that length, so MaxSim needs
to know nothing of it. In the same way a word in large type counts a little more: what a page is about stands in its titles.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.models.words.languages import recipe_digest, without
from pagesight.engine.models.words.weights import Float
from pagesight.engine.models.words.windows import LastWindows, WindowRunner, spans
from pagesight.indexer.content import PageContent
from pagesight.storage.errors import EmptyQuery
from pagesight.storage.hyphens import broken_words
from pagesight.storage.values import EncodedPage, PageWords

WINDOW_PIECES = 128  # 64 and 256 find less: see ARCHITECTURE
OVERLAP_PIECES = 32
MAX_PAGE_PIECES = 16_384  # a page of print has 500 to 3,000; beyond this it is a data dump, and its rest is left out
LARGE = 1.25  # of the median height of a page's words: from there on type is large
OPENING_WEIGHT = 0.7  # see Encoder.opening_weight; 0.5 to 0.9 do about equally well
_NO_BLANKS = re.compile(  # Thai to Myanmar, Khmer, kana, Chinese characters; Korean has blanks
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


class WordTokenizer(Protocol):
    """Cuts words into pieces of a model's vocabulary."""

    start_id: int
    end_id: int

    def pieces(self, word: str) -> list[tuple[int, str]]:
        """(id, text) of each piece, at least one; see UnigramTokenizer."""

    def weight(self, piece_id: int) -> float:
        """How much a piece of a question counts beside the others: any positive number."""

    def surprise(self, word: str) -> tuple[float, int]:
        """How improbable a word is, in nats, and of how many pieces it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordModelSpec:
    """What tells one such model from another.

    name: what load_model takes. page_prefix, query_prefix: what the model was trained with.
    many_languages: whether the differences between languages are taken out. large_type: length of the vectors of words in
    large type. It is no part of the fingerprint: a page's vectors point where they pointed before, and go well with those of
    pages that were indexed without it.
    """

    name: str
    page_prefix: str
    query_prefix: str
    weights_sha256: str
    graph_version: int
    vocabulary_sha256: str = ""  # where it is a file of its own
    many_languages: bool = False
    large_type: float = 1.0

    @property
    def fingerprint(self) -> str:
        """Of everything that changes vectors. The name does not: the same weights may lie in several folders."""
        settings: list[object] = [self.page_prefix, self.query_prefix, self.weights_sha256, self.graph_version]
        settings += [WINDOW_PIECES, OVERLAP_PIECES, MAX_PAGE_PIECES, _NO_BLANKS.pattern]
        settings.append(recipe_digest() if self.many_languages else "")
        settings += [self.vocabulary_sha256] if self.vocabulary_sha256 else []
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()


@dataclass(slots=True)
class _Units:
    """A page as the model reads it. owner: (n_pieces,) unit of each piece. boxes: (n_boxes, 4); unit: (n_boxes,) what stands there.

    A word that a line's end breaks is one unit in two boxes, everything else has one.
    """

    ids: list[int]
    owner: NDArray[np.int64]
    boxes: Float
    unit: NDArray[np.int64]


class WordEncoder:
    """An Encoder over the words of pages."""

    image_pixels: int | None = None
    reads_words = True
    opening_weight = OPENING_WEIGHT
    trained_single = True
    pages_at_once = 8

    def __init__(
        self,
        spec: WordModelSpec,
        runner: WindowRunner,
        tokenizer: WordTokenizer,
        directions: Float | None = None,
    ) -> None:
        """directions: see engine.models.words.languages."""
        self._runner, self._page_windows, self._tokenizer = runner, LastWindows(runner.run), tokenizer
        self._directions, self._large_type = directions, spec.large_type
        self.name, self.fingerprint = spec.name, spec.fingerprint
        self.single_dim = self.token_dim = runner.dim
        self._page_head = self._head(spec.page_prefix)
        self._query_head = self._head(spec.query_prefix)

    def _head(self, prefix: str) -> list[int]:
        return [self._tokenizer.start_id, *(i for word in prefix.split() for i, _ in self._tokenizer.pieces(word))]

    def piece_vectors(self, texts: Sequence[str]) -> list[Float]:
        """Vectors of the pieces of short texts, read as pages are: (n_pieces, token_dim) each, rows of unit length."""
        inputs = [[*self._page_head, *(i for i, _ in self._pieces(text)), self._tokenizer.end_id] for text in texts]
        return [self._unit_rows(output[len(self._page_head) : -1]) for output in self._runner.run(inputs)]

    def _pieces(self, text: str) -> list[tuple[int, str]]:
        return [piece for word in text.split() for piece in self._tokenizer.pieces(word)]

    def surprise(self, word: str) -> tuple[float, int]:
        """As engine.encoder.KnowsWords. A vocabulary without probabilities knows every word."""
        return self._tokenizer.surprise(word)

    def encode_pages(self, pages: Sequence[PageContent]) -> list[EncodedPage]:
        """The pages' windows go through the model side by side."""
        read = [self._units(page.words) for page in pages]
        body = WINDOW_PIECES - len(self._page_head) - 1
        spans_of = [spans(len(page.ids), body, OVERLAP_PIECES) for page in read]
        windows = [
            [*self._page_head, *page.ids[start:stop], self._tokenizer.end_id]
            for page, page_spans in zip(read, spans_of, strict=True)
            for start, stop in page_spans
        ]
        outputs = iter(self._page_windows.run(windows))
        return [
            self._assemble(page, [(span, next(outputs)) for span in page_spans])
            for page, page_spans in zip(read, spans_of, strict=True)
        ]

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        """One vector a piece of the question; the single vector is their mean with the prefix, as the model was trained."""
        pieces = [self._pieces(text) for text in texts]
        room = WINDOW_PIECES * 4 - len(self._query_head) - 1  # 512, the model's limit
        for text, found in zip(texts, pieces, strict=True):
            if not any(any(map(str.isalnum, piece)) for _, piece in found):
                raise EmptyQuery(text)
        inputs = [[*self._query_head, *(i for i, _ in found[:room]), self._tokenizer.end_id] for found in pieces]
        queries = []
        for found, output in zip(pieces, self._runner.run(inputs), strict=True):
            weights = np.array([self._tokenizer.weight(i) for i, _ in found[:room]], np.float32)
            tokens = self._unit_rows(output[len(self._query_head) : -1]) * (weights / weights.mean())[:, None]
            texts_of_tokens = tuple(piece for _, piece in found[:room])
            queries.append(EncodedQuery(self._mean(output), tokens, texts_of_tokens))
        return queries

    def _units(self, words: PageWords) -> _Units:
        ids: list[int] = []
        owner: list[int] = []
        boxes: list[tuple[float, float, float, float]] = []
        unit: list[int] = []
        whole = {word.first: word.text for word in broken_words(words)}
        later = {i for word in broken_words(words) for i in range(word.first + 1, word.last + 1)}
        for i, (word, (x0, y0, x1, y1)) in enumerate(zip(words.texts, words.boxes.tolist(), strict=True)):
            if i in later:
                boxes.append((x0, y0, x1, y1))
                unit.append(owner[-1])
                continue
            pieces = self._tokenizer.pieces(whole.get(i, word))
            if len(ids) + len(pieces) > MAX_PAGE_PIECES:
                break
            length = max(1, sum(len(text) for _, text in pieces))
            stands = y1 - y0 > x1 - x0 and len(word) > 1  # from top to bottom, as Japanese may
            at = 0  # characters of the word before this piece
            may_grow = has_text = False  # of the word's last unit
            for piece_id, text in pieces:
                start, stop = at / length, (at + len(text)) / length
                alone = bool(_NO_BLANKS.search(text))
                if not (may_grow and not (alone and has_text)):
                    unit.append(unit[-1] + 1 if unit else 0)
                    boxes.append(
                        (x0, y0 + (y1 - y0) * start, x1, y1) if stands else (x0 + (x1 - x0) * start, y0, x1, y1)
                    )
                left, top = boxes[-1][:2]
                boxes[-1] = (left, top, x1, y0 + (y1 - y0) * stop) if stands else (left, top, x0 + (x1 - x0) * stop, y1)
                may_grow, has_text = not alone, bool(text)
                at += len(text)
                ids.append(piece_id)
                owner.append(unit[-1])
        placed = np.array(boxes, np.float32).reshape(-1, 4)
        return _Units(ids, np.array(owner, np.int64), placed, np.array(unit, np.int64))

    def _assemble(self, page: _Units, outputs: list[tuple[tuple[int, int], Float]]) -> EncodedPage:
        if not page.ids:
            nothing = np.empty((0, self.token_dim), np.float32)
            return EncodedPage(np.zeros(self.single_dim, np.float32), nothing, page.boxes)
        pieces = np.empty((len(page.ids), self.token_dim), np.float32)
        best = np.full(len(page.ids), -1)
        for (start, stop), output in outputs:
            # Distance to the edges of the window; the ends of the page are no edges.
            from_left = np.arange(stop - start) + (len(page.ids) if start == 0 else 0)
            from_right = np.arange(stop - start)[::-1] + (len(page.ids) if stop == len(page.ids) else 0)
            distance = np.minimum(from_left, from_right)
            better = np.flatnonzero(distance > best[start:stop])
            pieces[start + better] = output[len(self._page_head) + better]
            best[start + better] = distance[better]
        sums = np.zeros((page.unit[-1] + 1, self.token_dim), np.float32)
        np.add.at(sums, page.owner, _normalised(pieces))
        lengths = np.where(in_large_type(page.boxes), np.float32(self._large_type), np.float32(1))
        return EncodedPage(self._mean(pieces), self._unit_rows(sums)[page.unit] * lengths[:, None], page.boxes)

    def _unit_rows(self, rows: Float) -> Float:
        """Rows without the language they are in, scaled to length 1."""
        if self._directions is not None:
            rows = without(_normalised(rows), self._directions)
        return _normalised(rows)

    def _mean(self, rows: Float) -> Float:
        """The single vector of pieces."""
        return np.asarray(self._unit_rows(rows.mean(axis=0, keepdims=True))[0], np.float32)


def in_large_type(boxes: Float) -> NDArray[np.bool_]:
    """Which of a page's words are clearly higher than most: (n,) of boxes (n, 4)."""
    heights = boxes[:, 3] - boxes[:, 1]
    usual = np.median(heights[heights > 0]) if (heights > 0).any() else 1.0
    return np.asarray(heights > LARGE * usual)


def _normalised(rows: Float) -> Float:
    """Rows scaled to length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)

"""Questions and pages as pairs of texts: cut into windows that fit the model, scored in batches; a page's best window counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pagesight.engine.reranker import Reranker
from pagesight.storage.errors import BadReranker, ExtraMissing
from pagesight.storage.hyphens import whole_texts
from pagesight.storage.values import PageWords

TOKENIZER = "tokenizer.json"
MOST_TOKENS = 512  # of a pair, also where a model could read more: its time grows with the square
MOST_WINDOWS = 16  # of a page: some 5,000 words
OVERLAP = 8  # windows share a part of so many of what a pair may have
BATCH_TOKENS = 4_096  # of one forward pass, padding included

Int = NDArray[np.int64]
Inputs = dict[str, Int]  # input_ids, attention_mask, token_type_ids: (n_pairs, n_tokens) each
Forward = Callable[[Inputs], NDArray[np.float32]]  # (n_pairs, n_labels)


class TextPairs(Reranker):
    """A Reranker of the words of pages."""

    def __init__(self, folder: Path, forward: Forward, *, most_tokens: int) -> None:
        """folder: with the tokenizer. most_tokens: that the model reads. Raises ExtraMissing, BadReranker."""
        self._folder, self._forward = folder, forward
        self._most_tokens = min(most_tokens, MOST_TOKENS)
        self._tokenizer = _tokenizer(folder)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    @property
    def name(self) -> str:
        return self._folder.name

    def scores(self, question: str, pages: Sequence[PageWords]) -> NDArray[np.float32]:
        pairs, owner = [], []
        for page, words in enumerate(pages):
            windows = self._windows(question, " ".join(whole_texts(words)))
            pairs += windows
            owner += [page] * len(windows)
        found = np.full(len(pages), -np.inf, np.float32)
        for batch in batches([len(pair.ids) for pair in pairs]):
            logits = self._forward(self._inputs([pairs[i] for i in batch]))
            np.maximum.at(found, np.array(owner)[batch], self._relevance(logits))
        return found

    def _windows(self, question: str, text: str) -> list[Any]:
        """Pairs of a question, which may have half of the tokens of a pair, and each window of a page."""
        asked = self._tokenizer.encode(question, add_special_tokens=False)
        asked.truncate(self._most_tokens // 2)
        whole = self._tokenizer.encode(text, add_special_tokens=False)
        special = self._tokenizer.num_special_tokens_to_add(is_pair=True)
        whole.truncate(self._most_tokens - len(asked.ids) - special, stride=self._most_tokens // OVERLAP)
        windows = [whole, *whole.overflowing][:MOST_WINDOWS]
        return [self._tokenizer.post_process(asked, window) for window in windows]

    def _inputs(self, pairs: Sequence[Any]) -> Inputs:
        shape = (len(pairs), max(len(pair.ids) for pair in pairs))
        inputs = {name: np.zeros(shape, np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
        for row, pair in enumerate(pairs):
            n = len(pair.ids)
            inputs["input_ids"][row, :n], inputs["token_type_ids"][row, :n] = pair.ids, pair.type_ids
            inputs["attention_mask"][row, :n] = 1
        return inputs

    def _relevance(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n_pairs,): the one label's, or by how much "relevant" outweighs "not" of two."""
        if logits.ndim != 2 or logits.shape[1] not in (1, 2):
            shape = " x ".join(map(str, logits.shape[1:]))
            raise BadReranker(self._folder, [f"a reranker says one or two numbers a pair, not {shape}"])
        return np.asarray(logits[:, -1] - (logits[:, 0] if logits.shape[1] == 2 else 0), np.float32)


def batches(lengths: Sequence[int]) -> Iterator[Int]:
    """Indices of pairs that go through the model together: of like length, BATCH_TOKENS with padding, one pair at least."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * lengths[order[stop]] <= BATCH_TOKENS:
            stop += 1
        yield order[start:stop]
        start = stop


def _tokenizer(folder: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ExtraMissing("tokenizers", "reranker") from error
    path = folder / TOKENIZER
    if not path.is_file():
        raise BadReranker(folder, [f"it has no {TOKENIZER}"])
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises Exception itself
        raise BadReranker(folder, [f"{TOKENIZER} cannot be read: {error}"]) from error

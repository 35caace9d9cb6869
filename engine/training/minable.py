"""Data that hard negatives can be mined for: questions over a corpus that is indexed, and how a mined line is written.

A line is one that the layouts of training data read back: pages by document and number, documents of a BEIR folder by their
ids, and the texts and pictures of other tables as they are.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pagesight.engine.evaluation.benchmarks import beir_tables, read_beir
from pagesight.engine.evaluation.dataset import Dataset, EvalQuery
from pagesight.engine.evaluation.folder import QUERIES_NAME, read_folder
from pagesight.engine.evaluation.rows import CorpusRow, RowCorpus
from pagesight.engine.training.data.examples import Picture, Piece, Text, piece_key
from pagesight.engine.training.data.layouts import located, open_source
from pagesight.engine.training.data.links import Links
from pagesight.engine.training.data.sources import Source
from pagesight.storage.errors import BadTrainingData

MINED_NAME = "mined.jsonl"
Cell = dict[str, Any]


class Minable(Protocol):
    """Questions over a corpus, and how what was mined is written."""

    @property
    def dataset(self) -> Dataset: ...
    @property
    def default_out(self) -> Path:
        """Beside the data."""

    def document(self, item: str) -> str:
        """What the item is a part of."""

    def row(self, query: EvalQuery, answers: Sequence[str], negatives: Sequence[str]) -> Cell:
        """A line of the file that is written. Raises BadTrainingData."""


def open_minable(path: str, out: Path | None = None, split: str = "train") -> Minable:
    """The data in a file or folder, or of the hub (see open_source). out: where paths will be relative to.

    Raises DatasetError.
    """
    root = located(path)
    if root.is_dir() and all(beir_tables(root, "", split).values()):
        dataset = read_beir(root, root.resolve().name, "", split)
        assert dataset is not None
        return Judged(dataset, root)
    if (root / QUERIES_NAME).is_file():
        dataset = read_folder(root)
        if dataset.corpus.reads_text:
            raise BadTrainingData(
                [f"{root} has texts among its documents, which have no pictures of pages to learn from"]
            )
        return Pages(dataset, Path(os.path.abspath(root)), out or root / MINED_NAME)
    source = open_source(path, split=split)
    if source.kind == "graded":
        raise BadTrainingData([f"{path} has graded pairs, which need no negatives"])
    beside = root / MINED_NAME if root.is_dir() else root.with_name(f"{root.name.split('.')[0]}-{MINED_NAME}")
    return Rows(source, Links.of(source), beside, out or beside)


@dataclass(frozen=True, slots=True)
class Judged:
    """A BEIR folder: items are ids of its corpus, and the line has ids, to be read beside the corpus."""

    dataset: Dataset
    root: Path

    @property
    def default_out(self) -> Path:
        return self.root / MINED_NAME

    def document(self, item: str) -> str:
        return item

    def row(self, query: EvalQuery, answers: Sequence[str], negatives: Sequence[str]) -> Cell:
        return {"id": query.id, "query": query.text, "positive_ids": [*answers], "negative_ids": [*negatives]}


@dataclass(frozen=True, slots=True)
class Pages:
    """A folder of documents: items are pages."""

    dataset: Dataset
    root: Path
    out: Path

    @property
    def default_out(self) -> Path:
        return self.root / MINED_NAME

    def document(self, item: str) -> str:
        return item.rpartition(":")[0]

    def row(self, query: EvalQuery, answers: Sequence[str], negatives: Sequence[str]) -> Cell:
        return {
            "id": query.id,
            "query": query.text,
            "positives": [self._cell(item) for item in answers],
            "negatives": [self._cell(item) for item in negatives],
        }

    def _cell(self, item: str) -> Cell:
        name, _, page = item.rpartition(":")
        path = os.path.relpath(self.root / name, os.path.abspath(self.out.parent))
        return {"pdf" if name.lower().endswith(".pdf") else "document": path, "page": int(page)}


class Rows:
    """Any other table: its corpus is all its answers and negatives, each once; items are their keys in hexadecimal."""

    def __init__(self, source: Source, links: Links, beside: Path, out: Path) -> None:
        self._source, self._out, self.default_out = source, out, beside
        keys = np.concatenate([links.positives, links.negatives])
        rows = np.arange(len(source))
        firsts = (links.first_positive, links.first_negative)
        of_keys = np.concatenate([np.repeat(rows, np.diff(first)) for first in firsts])
        self._keys, places = np.unique(keys, return_index=True)
        self._rows = of_keys[places]
        queries: dict[int, EvalQuery] = {}
        qrels: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for i in range(len(source)):
            query, key = source[i].query, int(links.queries[i])
            if isinstance(query, Text):
                asked = queries.setdefault(key, EvalQuery(id=f"{key:016x}", text=query.text))
                qrels[asked.id].update({_item(answer): 1 for answer in links.positives_of(i)})
        stamp = hashlib.sha256(self._keys.tobytes()).hexdigest()
        corpus = RowCorpus(self._corpus, stamp)
        self.dataset = Dataset(name=source.name, queries=tuple(queries.values()), qrels=dict(qrels), corpus=corpus)

    def document(self, item: str) -> str:
        return item

    def row(self, query: EvalQuery, answers: Sequence[str], negatives: Sequence[str]) -> Cell:
        cell = partial(_cell, folder=Path(os.path.abspath(self._out.parent)))
        return {
            "query": query.text,
            "positives": [cell(self._piece(item)) for item in answers],
            "negatives": [cell(self._piece(item)) for item in negatives],
        }

    def _corpus(self) -> Iterator[CorpusRow]:
        for key in self._keys.tolist():
            piece = self._piece(item := _item(key))
            if isinstance(piece, Text):
                yield CorpusRow(item, None, piece.text)
            else:
                yield CorpusRow(item, _bytes(piece), "")

    def _piece(self, item: str) -> Piece:
        """Of this key."""
        key = int(item, 16)
        example = self._source[int(self._rows[np.searchsorted(self._keys, np.uint64(key))])]
        return next(piece for piece in (*example.positives, *example.negatives) if piece_key(piece) == key)


def _item(key: int) -> str:
    return f"{key:016x}"


def _cell(piece: Piece, folder: Path) -> Cell:
    if isinstance(piece, Text):
        return {"text": piece.text}
    assert piece.path is not None, "layouts give pictures by path"
    return {"image": os.path.relpath(piece.path, folder)}


def _bytes(picture: Picture) -> bytes:
    if picture.path is None:
        raise BadTrainingData([f"{picture.key}: it cannot be opened"])
    try:
        return Path(picture.path).read_bytes()
    except OSError as error:
        raise BadTrainingData([f"{picture.path}: {error.strerror}"]) from error

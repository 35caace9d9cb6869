"""Made-up pages by the million: the recipe of benchmarks.vectors in groups instead of patches, written in batches.

A page is GROUPS means of its token vectors, each of a concept of the document's topics or of a blank part, with two token
vectors a group. So its means are known and need no k-means, and a page is 64 token vectors where a real one is 256 to 1,000:
what finds candidates is as large as that of real pages, what is reranked is smaller. There are three times as many topics and
concepts as for 100,000 pages. Words are the concepts' names among words that many pages have.

The rows go into the files of an index as ``storage.vectors.page_rows`` and ``segments`` describe them, a batch at a time, and
into SQLite in one transaction a batch; going through the writer would take an hour for its k-means alone.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.vectors import N_BACKGROUND, N_GENERIC, QUERY_TOKENS, Float, unit
from pagesight.storage.manifest import Space
from pagesight.storage.store import Store
from pagesight.storage.vectors.page_rows import SINGLES_NAME, means_name, row_sizes
from pagesight.storage.vectors.pooling import ITERATIONS
from pagesight.storage.vectors.segments import SEGMENT_BYTES, padded, segment_path

N_TOPICS, CONCEPTS_A_TOPIC, TOPICS_A_DOCUMENT = 1_500, 60, 3
N_WORDS, WORDS_A_PAGE, NAMES_A_PAGE = 20_000, 6, 4
GROUPS, TOKENS_A_GROUP = 32, 2
DOCUMENTS_A_BATCH, BATCHES_A_COMMIT = 20, 50  # small enough for arrays that are used again and stay in the cache
N_NOISE = 100_000
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some documents. ``sizes``: pages of each; all else has a row a page. concepts: (n, GROUPS), -1 for blank parts."""

    sizes: Integers
    tokens: Float  # (n, GROUPS * TOKENS_A_GROUP, dim)
    means: Float  # (n, GROUPS, dim)
    concepts: Integers
    words: Integers  # (n, WORDS_A_PAGE)


class ManyPages:
    """Documents by batch; any batch can be made without the others."""

    def __init__(self, dim: int = 128, seed: int = 1) -> None:
        self.dim, self.seed = dim, seed
        rng = np.random.default_rng([seed, 0])
        topics = unit(rng.standard_normal((N_TOPICS, 1, dim), np.float32))
        own = unit(rng.standard_normal((N_TOPICS, CONCEPTS_A_TOPIC, dim), np.float32))
        self.concepts = unit(0.75 * topics + own).reshape(-1, dim)
        self.background = unit(rng.standard_normal((N_BACKGROUND, dim), np.float32))
        self.generic = unit(rng.standard_normal((N_GENERIC, dim), np.float32))
        self._of_rank = _zipf(TOPICS_A_DOCUMENT * CONCEPTS_A_TOPIC)
        self._of_word = _zipf(N_WORDS)
        drawn = rng.standard_normal((N_NOISE, dim), np.float32)
        self._drawn = drawn / np.float32(np.sqrt(dim))

    def batch(self, number: int) -> Batch:
        rng = np.random.default_rng([self.seed, 1, number])
        sizes = rng.integers(4, 40, DOCUMENTS_A_BATCH)
        topics = rng.integers(0, N_TOPICS, (DOCUMENTS_A_BATCH, TOPICS_A_DOCUMENT))
        known = (topics[:, :, None] * CONCEPTS_A_TOPIC + np.arange(CONCEPTS_A_TOPIC)).reshape(DOCUMENTS_A_BATCH, -1)
        known = rng.permuted(known, axis=1)  # the first are on most pages of the document
        style = 0.3 * unit(rng.standard_normal((DOCUMENTS_A_BATCH, 1, self.dim), np.float32))
        document = np.repeat(np.arange(DOCUMENTS_A_BATCH), sizes)
        n = len(document)
        ranks = np.searchsorted(self._of_rank, rng.random((n, GROUPS)))
        concepts = known[document[:, None], ranks]
        blank = np.arange(GROUPS) < rng.integers(4, 11, n)[:, None]
        looks = np.take_along_axis(rng.integers(0, N_BACKGROUND, (n, 3)), rng.integers(0, 3, (n, GROUPS)), axis=1)
        groups = self.concepts[concepts]
        groups += self._noise(rng, groups.shape[:2], 0.3)
        groups[blank] = self.background[looks[blank]]
        _scale(groups)
        groups += style[document]
        _scale(groups)
        tokens = self._noise(rng, (n, GROUPS * TOKENS_A_GROUP), 0.5)
        tokens.reshape(n, GROUPS, TOKENS_A_GROUP, self.dim)[:] += groups[:, :, None]
        _scale(tokens)
        means = tokens.reshape(n, GROUPS, TOKENS_A_GROUP, self.dim).sum(axis=2)
        _scale(means)
        words = np.searchsorted(self._of_word, rng.random((n, WORDS_A_PAGE)))
        return Batch(sizes, tokens, means, np.where(blank, -1, concepts), words)

    def _noise(self, rng: np.random.Generator, shape: tuple[int, ...], length: float) -> Float:
        """Vectors of about this length, taken from what was drawn once: drawing them all takes longer than all else."""
        found = self._drawn[rng.integers(0, N_NOISE, shape)]
        found *= np.float32(length)
        return found

    def query(self, rng: np.random.Generator, batch: Batch, row: int) -> tuple[Float, str]:
        """A question for a page of a batch: token vectors (QUERY_TOKENS, dim), and words."""
        content_groups = rng.permutation(np.flatnonzero(batch.concepts[row] >= 0))[: rng.integers(5, 9)]
        content = batch.means[row, content_groups]
        content = content + 1.9 * unit(rng.standard_normal(content.shape, np.float32))
        generic = self.generic[rng.integers(0, N_GENERIC, QUERY_TOKENS - len(content))]
        generic = generic + 0.4 * unit(rng.standard_normal(generic.shape, np.float32)) + 0.1 * content.mean(axis=0)
        names = [f"c{concept}" for concept in batch.concepts[row, np.sort(content_groups)[:3]].tolist()]
        return unit(np.concatenate([content, generic])), " ".join(
            [*names, *(f"w{word}" for word in batch.words[row, :3].tolist())]
        )


def _scale(rows: Float) -> None:
    """To unit length, in place."""
    rows /= np.sqrt(np.einsum("...d,...d->...", rows, rows))[..., None]


def batches(corpus: ManyPages, n_pages: int) -> Iterator[Batch]:
    """Whole batches until there are at least ``n_pages`` pages."""
    number = 0
    while n_pages > 0:
        batch = corpus.batch(number)
        yield batch
        number, n_pages = number + 1, n_pages - len(batch.means)


def pooled(means: Float, n_groups: int) -> Float:
    """``storage.vectors.pooling.pool`` of many pages at once: (n, m, dim) -> (n, n_groups, dim)."""
    found = means[:, np.linspace(0, means.shape[1] - 1, n_groups).round().astype(np.int64)]
    for _ in range(ITERATIONS):
        nearest = (found @ means.transpose(0, 2, 1)).argmax(axis=1)
        members = (nearest[:, None, :] == np.arange(n_groups)[:, None]).astype(np.float32)
        sums = members @ means
        lengths = np.linalg.norm(sums, axis=2, keepdims=True)
        found = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), found)
    return np.asarray(found, np.float32)


def encoded(vectors: Float) -> NDArray[np.uint8]:
    """Rows as ``Int8Codec`` makes them of each page: (n, m, dim) -> (n, m * (4 + dim)) bytes."""
    scales = (np.abs(vectors).max(axis=2) / 127).astype("<f4")
    codes = vectors / scales[:, :, None]
    codes = np.rint(codes, out=codes).astype(np.int8)
    return np.concatenate([scales.view(np.uint8), codes.reshape(len(codes), -1).view(np.uint8)], axis=1)


class Writer:
    """Appends batches to an empty index."""

    def __init__(self, folder: Path, dim: int) -> None:
        with Store.create(folder, Space(encoder="made-up", fingerprint="made-up-2", single_dim=dim, token_dim=dim)):
            pass
        self._folder, self._stack = folder, ExitStack()
        self._rows = {name: self._stack.enter_context((folder / name).open("wb")) for name in row_sizes(dim, dim)}
        for name, size in row_sizes(dim, dim).items():
            self._rows[name].write(bytes(size))  # row 0 is unused
        self._database = sqlite3.connect(folder / "metadata.db", isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")
        self._segment, self._segment_bytes = 1, 0
        self.n_pages = self._n_documents = self._n_batches = 0

    def add(self, batch: Batch) -> None:
        n = len(batch.means)
        singles = unit(batch.tokens.mean(axis=1))
        self._rows[SINGLES_NAME].write(singles.astype("<f2").tobytes())
        for n_means, means in (
            (32, batch.means),
            (8, pooled(batch.means, 8)),
            (1, unit(batch.means.sum(axis=1, keepdims=True))),
        ):
            self._rows[means_name(n_means)].write(encoded(means).tobytes())
        places = self._append(batch.tokens)
        documents = np.repeat(np.arange(len(batch.sizes)), batch.sizes) + self._n_documents + 1
        numbers = np.concatenate([np.arange(1, size + 1) for size in batch.sizes.tolist()])
        ids = range(self.n_pages + 1, self.n_pages + n + 1)
        page_rows = zip(ids, documents.tolist(), numbers.tolist(), places, strict=True)
        words = [_page_words(*row) for row in zip(batch.concepts.tolist(), batch.words.tolist(), strict=True)]
        run = self._database.executemany
        if not self._database.in_transaction:
            self._database.execute("BEGIN")
        names = [(d + self._n_documents + 1, size) for d, size in enumerate(batch.sizes.tolist())]
        run(
            "INSERT INTO document VALUES (?, ?, 'application/pdf', 'pdf', 1, ?, '', '', '', '2026-01-01T00:00:00+00:00')",
            [(d, hashlib.sha256(b"%d" % d).hexdigest(), size) for d, size in names],
        )
        run(
            "INSERT INTO file VALUES (NULL, ?, ?, ?, x'2f', ?, 1, 1)",
            [
                (d, b"/made-up/%s" % p, b"../made-up/%s" % p, p.decode())
                for d, _ in names
                for p in [b"%02d/%06d.pdf" % (d % 100, d)]
            ],
        )
        run(
            "INSERT INTO page VALUES (?, ?, ?, 595, 842, 'text', ?, ?, ?, ?, ?)",
            [(i, d, number, batch.tokens.shape[1], *place) for i, d, number, place in page_rows],
        )
        run("INSERT INTO page_text VALUES (?, '', x'')", [(i,) for i in ids])
        run("INSERT INTO page_terms (rowid, terms) VALUES (?, ?)", list(zip(ids, words, strict=True)))
        self.n_pages, self._n_documents = self.n_pages + n, self._n_documents + len(batch.sizes)
        self._database.execute(
            "UPDATE index_state SET generation = generation + 1, next_page_id = ?, segment = ?, segment_bytes = ?",
            (self.n_pages + 1, self._segment, self._segment_bytes),
        )
        self._n_batches += 1
        if self._n_batches % BATCHES_A_COMMIT == 0:
            self._database.execute("COMMIT")

    def _append(self, tokens: Float) -> list[tuple[int, int, int, int]]:
        """Write records; (segment, offset, bytes, CRC-32) of each."""
        n_bytes = tokens.shape[1] * (tokens.shape[2] + 4 + 8)
        records = encoded(tokens)
        records = np.pad(records, ((0, 0), (0, padded(n_bytes) - records.shape[1])))  # boxes are zeros
        if self._segment_bytes + records.size > SEGMENT_BYTES:
            self._segment, self._segment_bytes = self._segment + 1, 0
        with open(segment_path(self._folder, self._segment), "ab") as file:
            file.write(records.tobytes())
        first, size = self._segment_bytes, records.shape[1]
        self._segment_bytes += records.size
        return [
            (self._segment, first + i * size, n_bytes, zlib.crc32(record[:n_bytes])) for i, record in enumerate(records)
        ]

    def close(self) -> None:
        self._stack.close()
        if self._database.in_transaction:
            self._database.execute("COMMIT")
        self._database.close()


def _zipf(n: int) -> NDArray[np.float64]:
    """Cumulative shares of ranks."""
    weights = np.cumsum(1 / np.arange(1, n + 1))
    return np.asarray(weights / weights[-1])


def _page_words(concepts: list[int], words: list[int]) -> str:
    names = [f"c{concept}" for concept in concepts if concept >= 0]
    return " ".join([*names[:NAMES_A_PAGE], *(f"w{word}" for word in words)])

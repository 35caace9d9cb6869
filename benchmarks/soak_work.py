"""The two processes of the soak: both search in threads, and one of them changes the index without a pause.

    python -m benchmarks.soak_work {search,change} INDEX RECORDS SECONDS N_THREADS

What happens is written to RECORDS, a line of JSON each: commits, answers, errors, and memory and descriptors over time.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil

from benchmarks.soak_check import FILTERS, HASHING, K
from pagesight import (
    DocumentInfo,
    IndexWriter,
    NewPage,
    PageContent,
    PageWords,
    SearchConfig,
    SearchEngine,
    SourceFile,
    View,
)

N_WORDS, N_DOCUMENTS, MAX_PAGES, WORDS_A_PAGE = 150, 90, 6, 7
BATCH = 6  # commits with the right to write, at most
OPTIMIZED_EVERY, EXAMINED_EVERY = 4, 30  # batches; the first of each is early
CONFIGS = {
    "usual": SearchConfig(k=K),
    "few": SearchConfig(k=K, n_candidates=20),
    "exact": SearchConfig(k=K, exact=True),
}


class Records:
    """Lines in a file, from any thread; the counts of what is in them."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._lock = file, threading.Lock()
        self.counts: Counter[str] = Counter()

    def write(self, kind: str, **line: Any) -> None:
        text = json.dumps({"kind": kind, **line})
        with self._lock:
            self.counts[kind] += 1
            self._file.write(text + "\n")


def question(rng: random.Random) -> str:
    """Some words of some page, or of none."""
    words = [f"word{rng.randrange(N_WORDS)}" for _ in range(rng.randint(1, 3))]
    return " ".join([*words, f"name{rng.randrange(N_DOCUMENTS)}"] if rng.random() < 0.5 else words)


def search(engine: SearchEngine, records: Records, rng: random.Random, ends: float) -> None:
    """Ask until the end: now once in a view, now again and again in one that is kept open while the index changes."""
    while time.monotonic() < ends:
        try:
            with engine.view() as view:
                ask(engine, view, records, rng)
                if rng.random() < 0.05:
                    for _ in range(4):
                        time.sleep(rng.random() / 10)
                        ask(engine, view, records, rng)
        except Exception as error:
            records.write("error", where="search", error=repr(error))


def ask(engine: SearchEngine, view: View, records: Records, rng: random.Random) -> None:
    query, filters = question(rng), rng.choice([None, None, *FILTERS])
    how = rng.choice(list(CONFIGS))
    hits = engine.search(query, filters=filters, view=view, config=CONFIGS[how])
    # Scores as they are: two that are rounded to one look like a tie in the wrong order.
    found = [(hit.document, hit.page, hit.score, hit.page_id, hit.sha256) for hit in hits]
    exact = how == "exact" or (how == "usual" and len(view.page_ids(filters)) <= CONFIGS[how].n_candidates)
    records.write("answer", generation=view.generation, query=query, filters=filters, exact=exact, hits=found)


class Changer:
    """The writer: adds, replaces, removes, optimizes, examines."""

    def __init__(self, engine: SearchEngine, records: Records, rng: random.Random) -> None:
        self._engine, self._records, self._rng = engine, records, rng
        self._there: dict[str, int] = {}
        self._version = self._batches = 0

    def run(self, ends: float) -> None:
        """Errors end it: what is in the index would not be known."""
        try:
            while time.monotonic() < ends:
                with self._engine.store.writer() as writer:
                    for _ in range(self._rng.randint(1, BATCH)):
                        (self._remove if len(self._there) > 20 and self._rng.random() < 0.3 else self._put)(writer)
                self._care()
        except Exception as error:
            self._records.write("error", where="change", error=repr(error))

    def _put(self, writer: IndexWriter) -> None:
        number = self._rng.randrange(N_DOCUMENTS)
        name, self._version = f"{'abc'[number % 3]}/{number}.txt", self._version + 1
        texts = [self._text(number) for _ in range(self._rng.randint(1, MAX_PAGES))]
        sha256 = hashlib.sha256("\f".join(texts).encode()).hexdigest()
        with writer.draft() as draft:
            for page, text in enumerate(texts, start=1):
                draft.add_page(new_page(page, text))
            info = DocumentInfo(sha256=sha256, media_type="text/plain", kind="text", n_pages=len(texts))
            draft.commit(info, source(name))
        self._there[name] = len(texts)
        self._records.write("commit", generation=self._generation(), put=name, texts=texts, sha256=sha256)

    def _remove(self, writer: IndexWriter) -> None:
        names = self._rng.sample(sorted(self._there), self._rng.randint(1, 3))
        writer.remove_names([str(source(name).location).encode() for name in names])
        for name in names:
            del self._there[name]
        self._records.write("commit", generation=self._generation(), removed=names)

    def _care(self) -> None:
        self._batches += 1
        if self._batches % OPTIMIZED_EVERY == 1:
            moved = self._engine.optimize()
            self._records.write("optimize", moved=moved.n_pages_moved)
        if self._batches % EXAMINED_EVERY == 2:
            examined = self._engine.examine()
            if examined.findings or examined.n_pages != sum(self._there.values()):
                self._records.write("error", where="examine", error=repr(examined))

    def _generation(self) -> int:
        with self._engine.view() as view:  # nobody else changes anything
            return view.generation

    def _text(self, number: int) -> str:
        words = [f"word{self._rng.randrange(N_WORDS)}" for _ in range(WORDS_A_PAGE)]
        return " ".join([f"name{number}", f"version{self._version}", *words])


def new_page(number: int, text: str) -> NewPage:
    texts = tuple(text.split())
    edges = np.linspace(0, 1, len(texts) + 1, dtype=np.float32)
    boxes = np.stack([edges[:-1], np.full(len(texts), 0.1), edges[1:], np.full(len(texts), 0.2)], axis=1)
    words = PageWords(texts, boxes.astype(np.float32))
    page = PageContent(number=number, width_pt=595, height_pt=842, words=words, text_source="text")
    (encoded,) = HASHING.encode_pages([page])
    return NewPage(number=number, width_pt=595, height_pt=842, text_source="text", words=words, encoded=encoded)


def source(name: str) -> SourceFile:
    root = Path("/soak")
    return SourceFile(root=root, path=name, location=root / name, n_bytes=1, mtime_ns=1)


def main(role: str, index: str, path: str, seconds: float, n_threads: int) -> None:
    process, began = psutil.Process(), time.monotonic()
    ends = began + seconds
    with open(path, "w", encoding="utf-8") as file, SearchEngine.open(index) as engine:
        records = Records(file)
        work: list[Callable[[], None]] = [
            lambda seed=seed: search(engine, records, random.Random(f"{role} {seed}"), ends)
            for seed in range(n_threads)
        ]
        if role == "change":
            work.append(lambda: Changer(engine, records, random.Random("change")).run(ends))
        threads = [threading.Thread(target=one) for one in work]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(min(0.5, seconds / 100))
            at = (time.monotonic() - began) / seconds
            records.write("size", at=round(at, 4), rss=process.memory_info().rss, descriptors=process.num_fds())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]))

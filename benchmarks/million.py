"""A million made-up pages (benchmarks.many_pages): opening, memory, what a search takes by stage, and what its candidates miss.

    python -m benchmarks.million build FOLDER --pages 1000000    15 GB; 4 minutes of processor time, then the inverted lists
    python -m benchmarks.million search FOLDER                   into benchmarks/results/million-search-THREADS.json
    python -m benchmarks.million recall FOLDER                   into million-recall.json
    python -m benchmarks.million lists FOLDER                    into million-lists.json

Set OMP_NUM_THREADS for the number of threads. Searches are warm: the row files, 5.5 GB, are in the page cache. anon_mb is the
memory of the process beyond mapped files. The exact top 10 is that of MaxSim over all token vectors of the 5,000 best pages
by 32 means.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import write_result
from benchmarks.many_pages import ManyPages, Writer, batches
from benchmarks.vectors import unit
from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.retrieval import Question, recall, search
from pagesight.storage.recall import vector_index
from pagesight.storage.recall.index import SIEVES, RecallIndex
from pagesight.storage.scoring import kernel
from pagesight.storage.scoring.layout import CodeLayout
from pagesight.storage.scoring.threads import n_threads
from pagesight.storage.store import Store
from pagesight.storage.vectors.page_rows import LEVELS, means_name
from pagesight.storage.view import StoreView

DIM, N_QUERIES, N_ASKED, N_COMPARED = 128, 200, 100, 40
K, CANDIDATES, NEAR = 10, 200, 5_000
FILTERS = {"1% of the pages": 'folder = "07"', "44% of the pages": "page <= 10"}
PageIds = NDArray[np.int64]
Scores = NDArray[np.float32]


def build(folder: Path, n_pages: int) -> dict[str, Any]:
    """Make pages and questions for some of them, then let a writer do what it does at its end."""
    corpus, writer, rng = ManyPages(DIM), Writer(folder, DIM), np.random.default_rng(7)
    tokens, pages, texts = [], [], []
    step, following = max(1, n_pages // N_QUERIES), 0
    for number, batch in enumerate(batches(corpus, n_pages)):
        while following < writer.n_pages + len(batch.means):
            asked, text = corpus.query(rng, batch, following - writer.n_pages)
            tokens.append(asked)
            texts.append(text)
            pages.append(following + 1)
            following += step
        writer.add(batch)
        if number % 50 == 0:
            print(f"{writer.n_pages:,} pages", file=sys.stderr, flush=True)
    writer.close()
    np.savez(folder / "queries.npz", tokens=np.stack(tokens), page=np.array(pages), text=np.array(texts))
    made_s = time.process_time()
    with Store(folder) as store, store.writer():
        pass
    return {
        "pages": writer.n_pages,
        "making_cpu_s": round(made_s),
        "lists_cpu_s": round(time.process_time() - made_s),
        "gb_on_disk": {kind: round(size / 1e9, 2) for kind, size in sizes(folder).items()},
    }


def sizes(folder: Path) -> dict[str, int]:
    """Bytes by kind of file."""
    found: dict[str, int] = {}
    for path in sorted(folder.iterdir()):
        kind = path.name.rpartition("-")[0] or path.name
        found[kind] = found.get(kind, 0) + path.stat().st_size
    return {kind: size for kind, size in found.items() if size > 1e7}


def questions(folder: Path, n: int) -> list[Question]:
    stored = np.load(folder / "queries.npz")
    chosen = np.linspace(0, len(stored["tokens"]) - 1, n).astype(np.int64)
    return [
        Question(
            encoded=EncodedQuery(unit(tokens.mean(axis=0)), tokens, ("",) * len(tokens)), text=str(stored["text"][i])
        )
        for i, tokens in zip(chosen.tolist(), stored["tokens"][chosen].astype(np.float32), strict=True)
    ]


def measure_search(folder: Path) -> dict[str, Any]:
    """Open, search, and search by filters."""
    began, asked = time.perf_counter(), [without_words(q) for q in questions(folder, N_ASKED)]
    result: dict[str, Any] = {"threads": n_threads(), "kernel": kernel.KERNELS[0]}
    began = time.perf_counter()
    with Store(folder) as store, store.view() as view:
        result["pages"] = len(view.page_ids())
        result["open_s"] = round(time.perf_counter() - began, 3)
        view.nearest(asked[0].encoded.single, 1, None)
        result["open_to_search_s"] = round(time.perf_counter() - began, 3)
        result["memory_mb_open"] = memory_mb()
        with_words = questions(folder, N_ASKED)
        config = SearchConfig(n_candidates=CANDIDATES)
        result["search"] = timed(asked, lambda q: search(q, view, config))
        result["stages"] = stages(asked, view)
        result["words"] = timed(with_words[:30], lambda q: view.nearest_by_words(q.text, CANDIDATES, None), rounds=5)
        for name, expression in FILTERS.items():
            found_in = time.perf_counter()
            n_allowed = len(view.page_ids(expression))
            first_ms = round(1e3 * (time.perf_counter() - found_in), 1)
            within = [Question(encoded=q.encoded, filters=expression) for q in asked]
            result[name] = {"filter": expression, "pages": n_allowed, "finding_them_once_ms": first_ms}
            result[name] |= timed(within[:30], lambda q: search(q, view, config))
        result["memory_mb"] = memory_mb()
    return result


def without_words(question: Question) -> Question:
    return Question(encoded=question.encoded)


def stages(asked: list[Question], view: StoreView) -> dict[str, Any]:
    """What the stages of a search take, one by one. The sieves are those of ``RecallIndex.nearest_by_means``."""
    index, pages, config, n_before = recall_index(view), view.page_ids(), SearchConfig(n_candidates=CANDIDATES), 0
    rows: dict[str, list[float]] = {}

    def note(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        found = work()
        rows.setdefault(name, []).append(time.perf_counter() - began)
        return found

    for question in asked:
        tokens = question.encoded.tokens
        note("single vector, FAISS", partial(index.nearest, question.encoded.single, CANDIDATES, None))
        some = pages
        for sieve in SIEVES:
            n_kept = sieve.kept(len(pages), CANDIDATES)
            name = (
                f"{len(pages):,} pages by 1 mean" if some is pages else f"about {n_before:,} by {sieve.n_means} means"
            )
            scores = note(name, partial(index._scan, tokens, some, sieve.n_means))
            some, n_before = some[scores >= np.partition(scores, len(scores) - n_kept)[len(scores) - n_kept]], n_kept
        note(f"about {n_before:,} by 32 means", partial(index.means_maxima, tokens, some))
        candidates = recall(question, view, config)
        note(f"rerank of {CANDIDATES}", partial(view.maxima, tokens, candidates))
    return {name: round(1e3 * float(np.median(seconds)), 2) for name, seconds in rows.items()}


def timed(asked: list[Question], work: Callable[[Question], Any], rounds: int = 1) -> dict[str, Any]:
    """Milliseconds of warm calls. rounds: of all questions, of which each counts by its median. By words questions differ a
    hundredfold, and what one of them takes by a factor of two from second to second.
    """
    for question in asked:
        work(question)
    wall, cpu = np.empty((rounds, len(asked))), np.empty((rounds, len(asked)))
    for at in np.ndindex(wall.shape):
        began, cpu_began = time.perf_counter(), time.process_time()
        work(asked[at[1]])
        wall[at] = 1e3 * (time.perf_counter() - began)
        cpu[at] = 1e3 * (time.process_time() - cpu_began)
    p50, p95 = np.percentile(np.median(wall, axis=0), [50, 95])
    return {"p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "cpu_p50_ms": round(float(np.median(cpu)), 1)}


def memory_mb() -> dict[str, int]:
    """Of this process: its own, and pages of mapped files, which the system takes back when it needs them."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssFile"))}
    return {"anon_mb": round(found["RssAnon"] / 1024), "mapped_mb": round(found["RssFile"] / 1024)}


def recall_index(view: StoreView) -> RecallIndex:
    return view._state.recall_index(view._snapshot)


def best(scores: Scores, k: int) -> NDArray[np.int64]:
    """Positions of the best, best first."""
    chosen = np.argpartition(-scores, min(k, len(scores) - 1))[:k]
    return chosen[np.argsort(-scores[chosen])]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Every page by its means, for one question: number of means -> (n_pages,); and the exact top 10, positions."""

    by: dict[int, Scores]
    exact: NDArray[np.int64]

    @classmethod
    def of(cls, question: Question, view: StoreView) -> Scored:
        index, pages = recall_index(view), view.page_ids()
        by = {n: index._scan(question.encoded.tokens, pages, n) for n in LEVELS}
        near = np.sort(best(by[32], NEAR))
        return cls(by, near[best(view.maxima(question.encoded.tokens, pages[near]).sum(axis=0), K)])

    def candidates(self, kept: tuple[int, int]) -> NDArray[np.int64]:
        """By 32 means, of those that two sieves let through."""
        some = np.arange(len(self.by[1]))
        for n_means, k in zip((1, 8), kept, strict=True):
            some = some[best(self.by[n_means][some], k)]
        return some[best(self.by[32][some], CANDIDATES)]


def measure_recall(folder: Path) -> dict[str, Any]:
    """Share of the exact top 10 among the candidates: with other bounds of the sieves, and as a search finds them."""
    with Store(folder) as store, store.view() as view:
        pages, rows = view.page_ids(), {}
        n = len(pages)
        usual = tuple(sieve.kept(n, CANDIDATES) for sieve in SIEVES)
        ways = {"every page by 32 means": (n, n), "a tenth, a fortieth": (n // 10, n // 40)}
        for kept in ((n // 10, 2_500), (65_536, 8_192), (50_000, 5_000), usual, (20_000, 4_096), (8_192, 2_048)):
            ways[f"{kept[0]:,}, then {kept[1]:,}" + " (default)" * (kept == usual)] = kept
        config = SearchConfig(n_candidates=CANDIDATES)
        for question in map(without_words, questions(folder, N_COMPARED)):
            scored = Scored.of(question, view)
            found = {name: scored.candidates(kept) for name, kept in ways.items()}
            found["a search, with single vectors"] = recall(question, view, config) - 1
            for name, some in found.items():
                rows.setdefault(name, []).append((np.isin(scored.exact, some).mean(), scored.exact[0] in some))
        means = {name: np.mean(row, axis=0).round(3).tolist() for name, row in rows.items()}
        return {"pages": n, "queries": N_COMPARED, "top 10 and first within 200 candidates": means}


def measure_lists(folder: Path, n_pages: int = 300_000) -> dict[str, Any]:
    """FAISS' inverted lists over the mean of each page in place of the scan, for the first pages of the index."""
    import faiss

    with Store(folder) as store, store.view() as view:
        pages = view.page_ids()[:n_pages]
        rows = recall_index(view).rows.map(means_name(1), int(pages[-1]))[: n_pages + 1]
        means = (rows[1:, 4:].view(np.int8) * np.ascontiguousarray(rows[1:, :4]).view("<f4")).astype(np.float32)
        sample = np.random.default_rng(1).choice(n_pages, vector_index.sample_size(n_pages), replace=False)
        lists = vector_index.train(means[sample], n_pages)
        lists.add_with_ids(means, pages)
        layout, index = CodeLayout(DIM), recall_index(view)
        found: dict[str, list[float]] = {}
        spent: dict[str, list[float]] = {}

        def note(name: str, work: Callable[[], PageIds], top: PageIds) -> None:
            began = time.process_time()
            some = work()
            spent.setdefault(name, []).append(1e3 * (time.process_time() - began))
            found.setdefault(name, []).append(float(np.isin(top, some).mean()))

        def scanned(query: Scores, least: float) -> PageIds:
            return pages[kernel.scan(query, rows, pages, layout) >= least]

        def listed(query: Scores, least: float, n_probed: int) -> PageIds:
            parameters: Any = faiss.SearchParametersIVF
            return np.asarray(lists.range_search(query, least, params=parameters(nprobe=n_probed))[2])

        for question in questions(folder, N_COMPARED):
            tokens = question.encoded.tokens
            top = pages[best(index._scan(tokens, pages, 32), K)]
            query = tokens.sum(axis=0, keepdims=True)
            scores = kernel.scan(query, rows, pages, layout)
            for share in (50, 25, 10):
                k = n_pages // share
                least = float(np.partition(scores, n_pages - k)[n_pages - k])
                note(f"scan, 1/{share} kept", partial(scanned, query, least), top)
                for visited in (8, 4, 2):
                    name = f"1/{visited} of the lists, 1/{share} kept"
                    note(name, partial(listed, query, least, lists.nlist // visited), top)
        return {
            "pages": n_pages,
            "lists": lists.nlist,
            "ways": {
                name: {
                    "cpu_p50_ms": round(float(np.median(spent[name])), 2),
                    "holds of the top 10 by 32 means": round(float(np.mean(shares)), 3),
                }
                for name, shares in found.items()
            },
        }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("build", "search", "recall", "lists"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=1_000_000)
    arguments = parser.parse_args()
    if arguments.step == "build":
        write_result("million-build", build(arguments.folder, arguments.pages))
    elif arguments.step == "search":
        load = {"load_average": round(os.getloadavg()[0], 1)}
        write_result(f"million-search-{n_threads()}", measure_search(arguments.folder) | load)
    elif arguments.step == "recall":
        write_result("million-recall", measure_recall(arguments.folder))
    else:
        write_result("million-lists", measure_lists(arguments.folder))


if __name__ == "__main__":
    main()

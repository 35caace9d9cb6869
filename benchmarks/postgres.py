"""The same made-up pages (benchmarks.vectors) in PostgreSQL and in a folder: writing, filling what searches keep, searching, following.

    python -m benchmarks.postgres build FOLDER --pages 30000 --step 3
    python -m benchmarks.postgres write FOLDER URL             into benchmarks/results/postgres-build-256.json
    python -m benchmarks.postgres measure FOLDER URL           into benchmarks/results/postgres-256.json

Pages have 768 token vectors of 128 dimensions; with --step 3 each is made three pages of every third, in three documents, and results
are named by how many they have. URL: of an index that is not there yet. The pages go into it packed, as the folder has them, half of the
documents by one writer and half by four at once: the rates are those of sending and storing. Searches are asked in turn, of:

    all fetched     a searcher whose memory holds what one question looks at, so that the next one fetches nearly all it needs
    postgresql      one with a memory of the usual size
    again           the same, asked the same a second time: all that it needs is in its memory
    folder

The server runs on the same machine, and takes its share of the same processors. cpu: processor time of the process that asks.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.scale import DIM, N_QUERIES, TOKENS, add, info_of, source_of
from benchmarks.vectors import Corpus, documents, unit
from benchmarks.workers import PATIENCE_S, seconds
from pagesight.engine.config import SearchConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.retrieval import Question, search
from pagesight.storage.manifest import Space
from pagesight.storage.postgres.store import PostgresStore
from pagesight.storage.store import Store

QUERIES, QUERIES_EACH, WARMING = "queries-postgres.npy", 4, 10
CONFIGS = {"50 candidates": SearchConfig(n_candidates=50), "200 candidates": SearchConfig(n_candidates=200)}


def build(folder: Path, n_pages: int, step: int) -> None:
    """Pages into a folder, after those that are there; and questions about pages here and there."""
    corpus = Corpus(DIM)
    space = Space(encoder="made-up", fingerprint="made-up-1", single_dim=DIM, token_dim=DIM)
    with Store.create(folder, space) as store, store.writer() as writer:
        with store.view() as view:
            there = {document.document: document.n_pages for document in view.documents()}
        made = number = 0
        while made < n_pages // step:
            names = [name_of(number * step + first) for first in range(step)]
            n_known, number = there.get(names[-1]), number + 1
            if n_known is not None:
                made += n_known
                continue
            pages = corpus.document(number - 1)[: n_pages // step - made]
            for first, name in enumerate(names):
                if name not in there:
                    add(writer, name, [np.ascontiguousarray(tokens[first::step]) for tokens in pages])
            made += len(pages)
            print(f"\r{made * step:,} pages", end="", file=sys.stderr, flush=True)
    asked = range(0, number, max(1, number * QUERIES_EACH // N_QUERIES))
    queries = [
        [corpus.query(QUERIES_EACH * n + i, pages[i : i + 1], 0).tokens for i in range(QUERIES_EACH)]
        for n, pages in ((n, corpus.document(n)) for n in asked)
    ]
    np.save(folder / QUERIES, np.concatenate(np.swapaxes(queries, 0, 1)))  # those about one document far apart


def name_of(number: int) -> str:
    return f"{number:06d}.pdf"


def write(url: str, folder: Path) -> dict[str, Any]:
    """All pages of the folder into the database, and what they take in both."""
    with Store(folder) as local, local.view() as view:
        totals, size = view.totals(), local.bytes_on_disk()
        n_pages, n_documents = totals.n_pages, totals.n_documents
        PostgresStore.create(url, local.space).close()
    names = [name_of(number) for number in range(n_documents)]
    found: dict[str, Any] = {"pages": n_pages, "tokens_per_page": totals.n_tokens // n_pages}
    with PostgresStore(url) as remote:
        written = 0
        for n, some in ((1, names[: n_documents // 2]), (4, names[n_documents // 2 :])):
            took = seconds(n, partial(hand_over, folder, some), url, n)
            with remote.view() as view:
                now = view.totals().n_pages
            found[f"pages_per_s_by_{n}"] = round((now - written) / took)
            written = now
        found["postgresql_bytes_per_page"] = remote.bytes_on_disk() // n_pages
    return {**found, "folder_bytes_per_page": size // n_pages}


def hand_over(folder: Path, names: list[str], url: str, number: int, share: int, together: Barrier) -> None:
    """Every ``share``-th of these documents, as the folder has it."""
    with Store(folder) as local, local.view() as view, PostgresStore(url) as remote, remote.writer() as writer:
        together.wait(PATIENCE_S)
        for name in names[number::share]:
            with writer.draft() as draft:
                for page in view.packed_pages(hashlib.sha256(name.encode()).hexdigest()):
                    draft.add_packed(page)
                draft.commit(info_of(name, draft.n_pages), source_of(name))
        together.wait(PATIENCE_S)


def measure(url: str, folder: Path, n_questions: int) -> dict[str, Any]:
    """Search all in turn; then add a document, and see how long the next search takes."""
    questions = [
        Question(encoded=EncodedQuery(unit(tokens.mean(axis=0)), tokens, ("",) * len(tokens)))
        for tokens in np.load(folder / QUERIES)
    ]
    found: dict[str, Any] = {}
    with PostgresStore(url) as remote, Store(folder) as local:
        began = time.perf_counter()
        with remote.view() as view:
            n_pages = len(view.page_ids())
            found["filled_after_s"] = round(time.perf_counter() - began, 1)
            totals = view.totals()
        found |= {"pages": n_pages, "tokens_per_page": totals.n_tokens // n_pages}
        for name, config in CONFIGS.items():
            memory = config.n_candidates * totals.token_bytes // n_pages // 1_000_000 + 1
            with PostgresStore(f"{url}&memory={memory}") as forgetful:
                stores = {"all fetched": forgetful, "postgresql": remote, "again": remote, "folder": local}
                found[name] = in_turn(stores, questions[: WARMING + n_questions], config)
        found["follow_ms"] = following(remote, questions[0], TOKENS // found["tokens_per_page"])
    return found


def in_turn(stores: dict[str, Any], questions: list[Question], config: SearchConfig) -> dict[str, Any]:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in stores}
    same = 0
    for question in questions:
        answers = []
        for name, store in stores.items():
            began, used = time.perf_counter(), time.process_time()
            with store.view() as view:
                pages = search(question, view, config)
                times[name].append((time.perf_counter() - began, time.process_time() - used))
                at = view.describe(np.array([page.page_id for page in pages], np.int64))
            answers.append({(at[page.page_id].sha256, at[page.page_id].number, page.score) for page in pages})
        same += all(answer == answers[0] for answer in answers)
    figures: dict[str, Any] = {"same_hits": f"{same} of {len(questions)}"}
    for name, measured in times.items():
        wall, cpu = 1000 * np.array(measured[WARMING:]).T
        figures[name] = {
            "p50_ms": round(float(np.percentile(wall, 50)), 1),
            "p95_ms": round(float(np.percentile(wall, 95)), 1),
            "cpu_p50_ms": round(float(np.percentile(cpu, 50)), 1),
        }
    return figures


def following(store: PostgresStore, question: Question, step: int) -> float:
    """Milliseconds of the first search after a commit, a median of a few."""
    took = []
    with store.writer() as writer:
        for _, pages in zip(range(5), documents(Corpus(DIM, seed=7), 200), strict=False):
            add(writer, "followed.pdf", [np.ascontiguousarray(tokens[::step]) for tokens in pages])
            began = time.perf_counter()
            with store.view() as view:
                search(question, view, SearchConfig())
            took.append(1000 * (time.perf_counter() - began))
        writer.remove_names([b"/made-up/followed.pdf"])
    return round(float(np.median(took)), 1)


def keep(name: str, found: dict[str, Any]) -> None:
    write_result(f"{name}-{found['tokens_per_page']}", found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["build", "write", "measure"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("url", nargs="?", default="")
    parser.add_argument("--pages", type=int, default=30_000)
    parser.add_argument("--step", type=int, default=3)
    parser.add_argument("--questions", type=int, default=N_QUERIES - WARMING, metavar="N")
    given = parser.parse_args()
    if given.what == "build":
        build(given.folder, given.pages, given.step)
    elif given.what == "write":
        keep("postgres-build", write(given.url, given.folder))
    else:
        keep("postgres", measure(given.url, given.folder, given.questions))


if __name__ == "__main__":
    main()

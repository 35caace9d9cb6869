"""An index on several servers beside one with everything: how long a question takes, and whether the answers are the same.

    python -m benchmarks.cluster build FOLDER --pages 6000    one index, and the same documents as 2 and 4 parts
    python -m benchmarks.cluster measure FOLDER               into benchmarks/results/cluster.json

Pages are made up (benchmarks.vectors: every third token, so 256 of 128 dimensions), with 60 words each that are drawn as words
are (Zipf). All servers run on this machine, so figures say what asking several costs, not what several machines gain. Searches
are warm, the variants take turns, question by question. cpu_ms is processor time of all processes of a variant, a question.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import write_result
from benchmarks.vectors import Corpus, Float, Query, documents, unit
from pagesight.engine.api import SearchEngine
from pagesight.engine.client.client import Client
from pagesight.engine.config import ModelConfig, SearchConfig
from pagesight.engine.encoder import EncodedQuery
from pagesight.engine.models.hashing import HashingEncoder
from pagesight.engine.models.specs import ModelSpec
from pagesight.engine.models.table import MODELS
from pagesight.engine.shards.coordinator import Coordinator
from pagesight.storage.manifest import Space
from pagesight.storage.parts import Part
from pagesight.storage.store import Store
from pagesight.storage.values import DocumentInfo, EncodedPage, NewPage, PageWords, SourceFile

DIM, STEP, N_WORDS, VOCABULARY = 128, 3, 60, 20_000
N_QUERIES, ROUNDS = 60, 2
NUMBERS = (1, 2, 4)  # of shards
NAME, QUERIES = "made-up", "queries.npz"
CONFIGS = {"two stages": SearchConfig(), "exact": SearchConfig(exact=True)}


class MadeUp(HashingEncoder):
    """Knows the questions of one folder by their first word."""

    name, fingerprint, token_dim = NAME, "made-up-256", DIM
    reads_words = True

    def __init__(self, folder: Path) -> None:
        self.single_dim = DIM
        self.fingerprint = "made-up-256"
        self._tokens = np.load(folder / QUERIES)["tokens"]

    def encode_queries(self, texts: Sequence[str]) -> list[EncodedQuery]:
        asked = [self._tokens[int(text.split()[0][1:])] for text in texts]
        return [EncodedQuery(unit(tokens.mean(axis=0)), tokens, ("",) * len(tokens)) for tokens in asked]


def load(name: str, folder: Path | None, config: ModelConfig) -> MadeUp:  # noqa: ARG001 - as all loaders
    return MadeUp(Path(os.environ["MADE_UP"]))


def known() -> None:
    """Make the model one that servers can load."""
    MODELS[NAME] = ModelSpec(
        name=NAME, loader="benchmarks.cluster:load", reads="", single_dim=DIM, token_dim=DIM, weights="", licence=""
    )


def words(rng: np.random.Generator) -> PageWords:
    ranks = np.minimum(rng.zipf(1.3, N_WORDS), VOCABULARY)
    boxes = np.tile(np.array([0.1, 0.1, 0.2, 0.12], np.float32), (N_WORDS, 1))
    return PageWords(tuple(f"w{rank}" for rank in ranks), boxes)


def build(folder: Path, n_pages: int) -> None:
    """Each document goes to the whole, and to its part of two and of four."""
    folder.mkdir(parents=True, exist_ok=True)
    space = Space(encoder=NAME, fingerprint="made-up-256", single_dim=DIM, token_dim=DIM)
    corpus, queries, page = Corpus(DIM), list[Query](), 0
    parts = [Part(number, n) for n in NUMBERS for number in range(1, n + 1)]
    with ExitStack() as stack:
        stores = [stack.enter_context(Store.create(place(folder, part), space)) for part in parts]
        writers = [stack.enter_context(store.writer()) for store in stores]
        for number, pages in enumerate(documents(corpus, n_pages)):
            sha256 = hashlib.sha256(f"{number}".encode()).hexdigest()
            made = [new_page(i, tokens[::STEP]) for i, tokens in enumerate(pages, start=1)]
            for part, writer in zip(parts, writers, strict=True):
                if part.owns(sha256):
                    add(writer, f"{number % 10}/{number:06d}.pdf", sha256, made)
            for tokens in pages:
                if page % max(1, n_pages // N_QUERIES) == 0 and len(queries) < N_QUERIES:
                    queries.append(corpus.query(page, [tokens], page))
                page += 1
            if number % 50 == 0:
                print(f"{page:,} pages", file=sys.stderr, flush=True)
    np.savez(folder / QUERIES, tokens=np.stack([query.tokens for query in queries]))


def place(folder: Path, part: Part) -> Path:
    return folder / f"{part.number}-of-{part.of}"


def new_page(number: int, tokens: Float) -> NewPage:
    boxes = np.tile(np.array([0.1, 0.1, 0.2, 0.12], np.float32), (len(tokens), 1))
    rng = np.random.default_rng(abs(int(tokens[0, 0] * 1e9)))
    encoded = EncodedPage(unit(tokens.mean(axis=0)), tokens, boxes)
    return NewPage(number=number, width_pt=595, height_pt=842, text_source="text", words=words(rng), encoded=encoded)


def add(writer: Any, name: str, sha256: str, pages: Sequence[NewPage]) -> None:
    source = SourceFile(root=Path("/made-up"), path=name, location=Path("/made-up") / name, n_bytes=1, mtime_ns=1)
    with writer.draft() as draft:
        for page in pages:
            draft.add_page(page)
        draft.commit(DocumentInfo(sha256=sha256, media_type="application/pdf", n_pages=len(pages)), source)


def serve(folder: Path, part: Part | None) -> None:
    """A server of one part, on a free port, which it prints."""
    from pagesight.engine.server.app import create_app
    from pagesight.engine.server.listen import listen
    from pagesight.engine.server.settings import ServerSettings

    settings = ServerSettings(indexes={"made-up": str(folder)}, port=0, part=None if part is None else str(part))
    listen(create_app(settings), settings, ready=lambda address: print(f"at {address}", flush=True))


@contextmanager
def started(folder: Path, index: Path, part: Part | None) -> Iterator[tuple[str, psutil.Process]]:
    command = [sys.executable, "-m", "benchmarks.cluster", "serve", str(index), *([] if part is None else [str(part)])]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "MADE_UP": str(folder)}
    ) as child:
        try:
            assert child.stdout is not None
            match = re.search(r"at (\S+)/", child.stdout.readline())
            assert match is not None
            with Client(match[1], timeout_s=60) as client:
                until = time.monotonic() + 120
                while time.monotonic() < until:
                    try:
                        client.totals()
                        break
                    except Exception:
                        time.sleep(0.2)
            yield match[1], psutil.Process(child.pid)
        finally:
            child.terminate()
            child.wait(30)


def measure(folder: Path, n_questions: int) -> dict[str, Any]:
    """Every variant is asked every question, in turns."""
    known()
    os.environ["MADE_UP"] = str(folder)
    rng = np.random.default_rng(7)
    texts = [f"q{i} " + " ".join(words(rng).texts[:6]) for i in range(n_questions)]
    me = psutil.Process()
    with ExitStack() as stack:
        engine = stack.enter_context(SearchEngine.open(place(folder, Part(1, 1))))
        address, process = stack.enter_context(started(folder, place(folder, Part(1, 1)), None))
        client = stack.enter_context(Client(address, timeout_s=60))
        variants: dict[str, tuple[Any, list[psutil.Process]]] = {
            "in process": (engine, [me]),
            "one server": (client, [me, process]),
        }
        for n in NUMBERS:
            parts = [Part(number, n) for number in range(1, n + 1)]
            servers = [stack.enter_context(started(folder, place(folder, part), part)) for part in parts]
            coordinator = stack.enter_context(Coordinator.open(",".join(server for server, _ in servers)))
            print(f"{n} shards started", file=sys.stderr, flush=True)
            variants[f"{n} shard{'s' * (n > 1)}"] = coordinator, [me, *(child for _, child in servers)]
        n_pages = engine.totals().n_pages
        rows = [row for name, config in CONFIGS.items() for row in timed(variants, texts, name, config)]
    return {"pages": n_pages, "questions": len(texts), "load_average": round(os.getloadavg()[0], 1), "searches": rows}


def timed(
    variants: dict[str, tuple[Any, list[psutil.Process]]], texts: list[str], name: str, config: SearchConfig
) -> list[dict[str, Any]]:
    """p50 and p95 of warm searches; how much of the exact top 10 of one index they find; how many questions have its very hits."""
    asked = texts if name == "two stages" else texts[:10]
    times: dict[str, list[float]] = {variant: [] for variant in variants}
    cpu: dict[str, list[float]] = {variant: [] for variant in variants}
    found: dict[str, list[list[Any]]] = {variant: [] for variant in variants}
    for turn in range(ROUNDS + 1):  # the first one warms
        print(name, turn, file=sys.stderr, flush=True)
        for text in asked:
            for variant, (searcher, processes) in variants.items():
                before, began = cpu_s(processes), time.perf_counter()
                hits = searcher.search(text, config=config)
                if turn:
                    times[variant].append(time.perf_counter() - began)
                    cpu[variant].append(cpu_s(processes) - before)
                if turn == 1:
                    found[variant].append([((hit.sha256, hit.page), round(hit.score, 6)) for hit in hits])
    exact = [{(hit.sha256, hit.page) for hit in variants["in process"][0].search(text, exact=True)} for text in asked]
    return [
        {
            "search": name,
            "variant": variant,
            "p50_ms": milliseconds(times[variant], 50),
            "p95_ms": milliseconds(times[variant], 95),
            "cpu_ms": round(
                float(np.mean(cpu[variant])) * 1e3, 1
            ),  # it comes in ticks of 10 ms: only the mean says something
            "of_exact": round(
                float(
                    np.mean(
                        [
                            len(best & {key for key, _ in hits}) / len(best)
                            for best, hits in zip(exact, found[variant], strict=True)
                        ]
                    )
                ),
                4,
            ),
            "same_hits": sum(a == b for a, b in zip(found[variant], found["in process"], strict=True)),
        }
        for variant in variants
    ]


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    return sum(used.user + used.system for used in (process.cpu_times() for process in processes))


def milliseconds(seconds: Sequence[float], percentile: int) -> float:
    return round(float(np.percentile(seconds, percentile)) * 1e3, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("build", "measure", "serve"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("part", nargs="?", type=Part.parse)
    parser.add_argument("--pages", type=int, default=6_000)
    parser.add_argument("--questions", type=int, default=N_QUERIES, choices=range(1, N_QUERIES + 1), metavar="N")
    arguments = parser.parse_args()
    if arguments.what == "build":
        build(arguments.folder, arguments.pages)
    elif arguments.what == "serve":
        known()
        serve(arguments.folder, arguments.part)
    else:
        write_result("cluster", measure(arguments.folder, arguments.questions))


if __name__ == "__main__":
    main()

"""The rerank by one thread, by two, and by two processes, in turns: what the second processor is worth to a search.

    python -m benchmarks.threads                 into benchmarks/results/threads.json
    python -m benchmarks.threads --name NAME     into threads-NAME.json: for another processor

1,000 of 1,500 pages of 768 token vectors of 128 dimensions, a query of 20 (benchmarks.vectors), in parts as a search takes them:
scored in memory, read from the page cache, and read and scored. Two processes, each with half of the pages, are what the machine
has to give. A ratio is the median over rounds, in which one follows the other: a machine that others use, or that shares its
processor with other machines, changes its pace from second to second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import write_result
from benchmarks.vectors import Corpus, documents
from pagesight.storage.codecs import codec_named
from pagesight.storage.scoring import kernel
from pagesight.storage.scoring.layout import Records
from pagesight.storage.scoring.threads import spread
from pagesight.storage.vectors.records import PART_BYTES, PageRecords, Places
from pagesight.storage.vectors.scored import stored_maxima
from pagesight.storage.vectors.segments import SegmentReader, SegmentWriter, pack_record

N_PAGES, N_CHOSEN, DIM = 1500, 1000, 128
ROUNDS, BREATH_S = 20, 0.1
Way = Callable[[np.ndarray], Any]


def ways_over(folder: Path) -> dict[str, Way]:
    """Name -> function of page numbers, over pages that are written to this folder."""
    corpus, codec = Corpus(DIM), codec_named("int8", DIM)
    writer, rows, encoded, first = SegmentWriter(folder, 1, 0), [], [], None
    for pages in documents(corpus, N_PAGES):
        for page in pages:
            first = page if first is None else first
            record = pack_record(codec, page, np.zeros((len(page), 4), np.float32))
            ref = writer.append(record)
            rows.append((len(rows), ref.segment, ref.offset, len(page)))
            encoded.append(record[: codec.n_bytes(len(page))])
    writer.sync()
    writer.close()
    assert first is not None
    query = corpus.query(1, [first], 0).tokens
    reader, places = SegmentReader(folder), Places.of(rows)
    data, size, tokens = np.frombuffer(b"".join(encoded), np.uint8), len(encoded[0]), len(first)

    def scored(chosen: np.ndarray) -> np.ndarray:
        def score(part: np.ndarray) -> np.ndarray:
            return codec.maxima(query, Records(data, part * size, np.full(len(part), tokens)), precise=False)

        return np.concatenate(spread(score, np.array_split(chosen, len(chosen) * size // PART_BYTES)), axis=1)

    def read(chosen: np.ndarray) -> None:
        records = PageRecords.of(reader, codec, places, chosen)
        spread(lambda part: len(records.read(part)), records.parts())

    def read_and_scored(chosen: np.ndarray) -> np.ndarray:
        return stored_maxima(query, PageRecords.of(reader, codec, places, chosen), precise=False)

    return {"scored in memory": scored, "read": read, "read and scored": read_and_scored}


def helping(ways: dict[str, Way], half: np.ndarray, orders: Connection) -> None:
    """The second process: it does its half of what it is told, and says so."""
    os.environ["OMP_NUM_THREADS"] = "1"
    while (name := orders.recv()) is not None:
        ways[name](half)
        orders.send(name)


def measure(folder: Path) -> dict[str, Any]:
    ways = ways_over(folder)
    chosen = np.sort(np.random.default_rng(1).choice(N_PAGES, N_CHOSEN, replace=False))
    mine, other = np.array_split(chosen, 2)
    orders, theirs = multiprocessing.Pipe()
    forking = multiprocessing.get_context("fork")  # before there are threads: the pages are shared
    helper = forking.Process(target=helping, args=(ways, other, theirs), daemon=True)
    helper.start()

    def by_threads(name: str, n: int) -> Any:
        os.environ["OMP_NUM_THREADS"] = str(n)
        return ways[name](chosen)

    def by_processes(name: str) -> None:
        os.environ["OMP_NUM_THREADS"] = "1"
        orders.send(name)
        ways[name](mine)
        orders.recv()

    runs: dict[str, Callable[[str], Any]] = {
        "one_thread": lambda name: by_threads(name, 1),
        "two_threads": lambda name: by_threads(name, 2),
        "two_processes": by_processes,
    }
    times: dict[str, dict[str, list[float]]] = {name: {run: [] for run in runs} for name in ways}
    for name in ways:
        by_processes(name)
        assert np.array_equal(by_threads(name, 1), by_threads(name, 2)), "threads changed the scores"
    for _ in range(ROUNDS):
        time.sleep(BREATH_S)
        for name, of_way in times.items():
            for run, found in of_way.items():
                began = time.perf_counter()
                runs[run](name)
                found.append((time.perf_counter() - began) * 1e3)
    orders.send(None)
    helper.join()
    return {
        "kernel": kernel.KERNELS[0],
        "pages": N_CHOSEN,
        "load_average": round(os.getloadavg()[0], 1),
        "ways": {name: _summary(of_way) for name, of_way in times.items()},
    }


def _summary(times: dict[str, list[float]]) -> dict[str, float]:
    """Medians, and the medians of how many times as fast as one thread."""
    one = times["one_thread"]
    found = {f"{run}_ms": round(statistics.median(values), 2) for run, values in times.items()}
    for run in ("two_threads", "two_processes"):
        ratios = [alone / together for alone, together in zip(one, times[run], strict=True)]
        found[f"{run}_times"] = round(statistics.median(ratios), 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="", help="of the result, if it is not to replace that of another machine")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        write_result("-".join(filter(None, ["threads", arguments.name])), measure(Path(folder)))


if __name__ == "__main__":
    main()
